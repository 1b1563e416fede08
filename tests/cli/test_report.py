"""`tf-inpaint evaluate` and `tf-inpaint report`: pages of one report and of several, without a network the second time."""

import json

import pytest

from tests.picture_files import random_rgb, save
from tf_inpaint.cli.main import main


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with "pictures", and the reports "telea" and "ns" on them, and "other" on fewer."""
    path = tmp_path_factory.mktemp("reports")
    (path / "pictures").mkdir()
    for number in range(3):
        save(path / "pictures" / f"{number}.png", random_rgb(24, 24, number))
    for name, baseline, limit in (("telea", "telea", 3), ("ns", "ns", 3), ("other", "ns", 2)):
        assert main([*evaluate(path, path / name), "--baselines", baseline, "--limit", str(limit)]) == 0
    return path


def evaluate(work, report):
    return ["evaluate", "--data", f"folder:{work / 'pictures'}", "--masks", "center_square", "--report", str(report)]


def methods(folder):
    rows = json.loads((folder / "report.json").read_text(encoding="utf-8"))["rows"]
    return list(dict.fromkeys(row["method"] for row in rows))


def test_an_evaluation_writes_page_tables_figures_and_pictures(work):
    names = {"report.json", "resources.json", "report.html", "report.csv", "report.tex", "figures", "pictures"}
    assert {path.name for path in (work / "telea").iterdir()} == names
    assert {path.name for path in (work / "telea" / "figures").iterdir()} == {"bars.png", "sheet.png"}


def test_a_report_is_made_again_from_its_folder_alone(work, tmp_path, capsys, monkeypatch):
    moved = tmp_path / "moved"
    (work / "ns").rename(moved)  # the pictures that were evaluated are not asked for
    before = (moved / "report.html").read_bytes()
    (moved / "report.html").unlink()
    try:
        assert main(["report", str(moved)]) == 0
        assert (moved / "report.html").read_bytes() == before
        assert str(moved / "report.html") in capsys.readouterr().out
    finally:
        moved.rename(work / "ns")


@pytest.mark.parametrize("command", ["report", "evaluate"])
def test_earlier_reports_are_joined_in_one_table(work, tmp_path, capsys, command):
    first, second, joined = (str(path) for path in (work / "telea", work / "ns", tmp_path / "joined"))
    arguments = {
        "report": ["report", first, "--compare", second, "-o", joined],
        "evaluate": ["evaluate", "--compare", f"{first},{second}", "--report", joined],
    }[command]
    assert main(arguments) == 0
    assert methods(tmp_path / "joined") == ["telea", "ns"]
    assert str(tmp_path / "joined" / "report.html") in capsys.readouterr().out


def test_a_new_evaluation_stands_beside_an_earlier_one(work, tmp_path, capsys):
    arguments = [*evaluate(work, tmp_path), "--baselines", "mean", "--limit", "3", "--compare", str(work / "telea")]
    assert main(arguments) == 0
    assert methods(tmp_path) == ["mean", "telea"]
    assert "telea" in capsys.readouterr().out


def test_a_new_evaluation_under_another_protocol_is_kept_and_not_joined(work, tmp_path, capsys):
    assert main([*evaluate(work, tmp_path), "--baselines", "ns", "--limit", "3", "--compare", str(work / "other")]) == 2
    error = capsys.readouterr().err
    assert "limit 3 against 2" in error and "--allow-different-protocols" in error
    assert methods(tmp_path) == ["ns"] and (tmp_path / "report.html").exists()


def test_reports_of_other_protocols_share_a_table_when_that_is_asked_for(work, tmp_path):
    arguments = ["report", str(work / "ns"), "--compare", str(work / "other"), "-o", str(tmp_path)]
    assert main(arguments) == 2
    assert main([*arguments, "--allow-different-protocols"]) == 0
    assert methods(tmp_path) == ["ns (ns)", "ns (other)"]
    assert "under different protocols" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["report", "nowhere"], 1, "nowhere"),
        (["report", "nowhere", "--compare", "elsewhere"], 2, "--output"),
        (["evaluate", "--report", "x", "--compare", "nowhere", "--baselines", "ns"], 1, "nowhere"),
        (["evaluate", "--report", "x", "--baselines", "ns", "--data", "photos"], 2, "--masks is missing"),
        (["evaluate", "--baselines", "ns"], 2, "--report"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path, monkeypatch, capsys, arguments, status, message):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == status
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert list(tmp_path.iterdir()) == []
