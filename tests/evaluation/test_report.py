"""Rows, strict JSON and the table."""

import json
import math
import types

import numpy as np
import pytest

from tf_inpaint.evaluation import format_table, write_report
from tf_inpaint.evaluation.report import make_rows, to_json

NAN = math.nan


@pytest.fixture
def protocol():
    """Three items of which two lie in the first of two bins and one in none."""
    shares = [0.15, 0.6, 0.12]
    return types.SimpleNamespace(
        bins=((0.1, 0.2), (0.2, 0.3)),
        items=shares,
        indices_in=lambda limits, touches_border=None: [
            index
            for index, share in enumerate(shares)
            if (limits is None or limits[0] <= share < limits[1]) and touches_border in (None, index == 2)
        ],
    )


def test_rows_are_means_over_the_bins_that_hold_something_and_over_all(protocol):
    values = {"a": {"psnr": [20.0, 30.0, 40.0]}, "b": {"psnr": [1.0, 2.0, 6.0]}}
    assert make_rows(protocol, values) == [
        {"method": "a", "bin": [0.1, 0.2], "num_images": 2, "psnr": 30.0},
        {"method": "a", "bin": None, "num_images": 3, "psnr": 30.0},
        {"method": "b", "bin": [0.1, 0.2], "num_images": 2, "psnr": 3.5},
        {"method": "b", "bin": None, "num_images": 3, "psnr": 3.0},
    ]


def test_undefined_numbers_do_not_count_and_a_mean_of_none_is_none(protocol):
    values = {"a": {"ssim": [NAN, 0.5, NAN], "psnr": [NAN, 10.0, 20.0]}}
    in_bin, over_all = make_rows(protocol, values)
    assert in_bin["ssim"] is None and in_bin["psnr"] == 20.0
    assert over_all["ssim"] == 0.5 and over_all["psnr"] == 15.0


@pytest.mark.parametrize("number", [NAN, math.inf])
def test_a_number_that_json_does_not_know_is_never_written(tmp_path, number):
    with pytest.raises(ValueError, match="JSON"):
        write_report({"rows": [number]}, tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_a_report_is_written_whole_into_a_new_folder_and_replaces_an_earlier_one(tmp_path):
    for number in (1, 2):
        path = write_report({"rows": [], "number": number}, tmp_path / "a" / "b")
        assert path == tmp_path / "a" / "b" / "report.json"
        assert json.loads(path.read_text(encoding="utf-8")) == {"rows": [], "number": number}
    assert [file.name for file in path.parent.iterdir()] == ["report.json"]


def test_a_report_that_cannot_be_written_leaves_the_earlier_one(tmp_path):
    path = write_report({"rows": []}, tmp_path)
    with pytest.raises(ValueError, match="JSON"):
        write_report({"rows": [NAN]}, tmp_path)
    assert path.read_text(encoding="utf-8") == to_json({"rows": []})


def test_the_table_has_a_line_for_each_row_bin_after_bin():
    numbers = {"psnr": 20.123, "ssim": 0.91239, "l1": 0.0123, "psnr_hole": 11.0, "l1_hole": 0.2, "seconds_per_image": 0.0456}
    rows = [
        {"method": "system.data_128", "bin": [0.1, 0.2], "num_images": 100, **numbers},
        {"method": "system.data_128", "bin": None, "num_images": 100, **numbers},
        {"method": "ns", "bin": [0.1, 0.2], "num_images": 100, **numbers, "ssim": None},
        {"method": "ns", "bin": None, "num_images": 100, **numbers},
    ]
    lines = [line.split() for line in format_table({"rows": rows}).splitlines() if line]
    assert lines[0][:3] == ["hole", "method", "pictures"]
    assert lines[1] == ["10-20", "%", "system.data_128", "100", "20.12", "0.9124", "1.23", "11.00", "20.00", "0.046"]
    assert lines[2] == ["10-20", "%", "ns", "100", "20.12", "-", "1.23", "11.00", "20.00", "0.046"]
    assert [line[:2] for line in lines[3:]] == [["all", "system.data_128"], ["all", "ns"]]


def test_the_columns_of_the_table_stand_below_each_other():
    numbers = {"psnr": 9.5, "ssim": 0.9, "l1": 0.0123, "psnr_hole": 11.0, "l1_hole": 0.2, "seconds_per_image": 0.0456}
    rows = [{"method": name, "bin": None, "num_images": 5, **numbers} for name in ("a", "a_long_name")]
    rows[1]["psnr"] = 29.5
    widths = {len(line) for line in format_table({"rows": rows}).splitlines() if line}
    assert len(widths) == 1 and np.all(np.array(list(widths)) < 120)
