"""`tf-inpaint evaluate`: the report of stored weights beside baselines, and how it says what is wrong."""

import json

import numpy as np
import pytest

from tests.picture_files import random_rgb, save
from tf_inpaint import weights
from tf_inpaint.cli.main import main
from tf_inpaint.systems import SYSTEMS


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with "pictures", a damaged one among them, "masks" and the "weights" of a tiny system."""
    path = tmp_path_factory.mktemp("evaluate")
    (path / "pictures").mkdir()
    (path / "masks").mkdir()
    for number in range(3):
        save(path / "pictures" / f"{number}.png", random_rgb(24, 24, number))
    (path / "pictures" / "damaged.png").write_bytes(b"no picture")
    for number, height in enumerate((4, 6, 8, 11)):
        mask = np.zeros((24, 24), np.uint8)
        mask[:height] = 255
        save(path / "masks" / f"{number}.png", mask)
    weights.save(SYSTEMS["three_stage"].tiny(), path / "weights")
    return path


def arguments(work, report, **changes):
    options = {
        "data": f"folder:{work / 'pictures'}",
        "masks": f"irregular:{work / 'masks'}",
        "report": report,
        **changes,
    }
    return ["evaluate", *(word for name, value in options.items() for word in (f"--{name}", str(value)))]


def test_weights_and_baselines_stand_in_one_table_and_one_report(work, tmp_path, capsys):
    name = str(work / "weights")
    report = tmp_path / "reports" / "first"
    assert main(arguments(work, report, weights=name, baselines="telea,ns", limit=2)) == 0
    printed = capsys.readouterr()
    written = json.loads((report / "report.json").read_text(encoding="utf-8"))
    bins = [[0.1, 0.2], [0.2, 0.3], [0.3, 0.4], [0.4, 0.5], None]
    assert [(row["method"], row["bin"]) for row in written["rows"]] == [(m, b) for m in (name, "telea", "ns") for b in bins]
    assert {row["num_images"] for row in written["rows"]} == {2, 8}
    for row in written["rows"]:
        assert row["method"] in printed.out and f"{row['psnr']:.2f}" in printed.out
    assert str(report / "report.json") in printed.out


def test_a_broken_picture_is_named(work, tmp_path, capsys):
    assert main(arguments(work, tmp_path, baselines="ns", bins="0.2-0.3")) == 0
    assert "damaged.png" in capsys.readouterr().err
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [name for name, _ in written["protocol"]["broken"]] == ["damaged.png"]
    assert [row["num_images"] for row in written["rows"]] == [3, 3]


def test_a_bin_without_masks_is_named(work, tmp_path, capsys):
    assert main(arguments(work, tmp_path, baselines="ns", bins="0.2-0.3,0.7-0.8", limit=1)) == 0
    assert "0.7-0.8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({}, 2, "nothing to evaluate"),
        ({"baselines": "patchmatch"}, 2, "patch_match"),
        ({"baselines": "ns,"}, 2, "names with commas"),
        ({"baselines": "ns", "bins": "0.1"}, 2, "such as 0.1-0.2"),
        ({"baselines": "ns", "bins": "paper:nobodys"}, 2, "paper:partial_conv"),
        ({"baselines": "ns", "lpips": "nowhere.npz"}, 1, "nowhere.npz"),
        ({"baselines": "ns", "features": "squeezenet:nowhere.npz"}, 1, "nowhere.npz"),
        ({"baselines": "ns", "limit": "0"}, 2, "limit"),
        ({"baselines": "ns", "masks": "irregula:x"}, 2, "irregular"),
        ({"baselines": "ns", "data": "folder:nowhere"}, 1, "nowhere"),
        ({"weights": "three_stage.no_such_data"}, 1, "three_stage.no_such_data"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_and_no_report_is_made(work, tmp_path, capsys, changes, status, message):
    assert main(arguments(work, tmp_path / "report", **changes)) == status
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not (tmp_path / "report").exists()


def test_data_masks_and_report_must_be_named(capsys):
    assert main(["evaluate", "--baselines", "ns"]) == 2
    assert "--data" in capsys.readouterr().err
