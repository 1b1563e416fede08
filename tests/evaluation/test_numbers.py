"""Every number of a row becomes a column; what may be compared stands together; the best is the best."""

import json

import pytest

from tf_inpaint.evaluation import numbers


def row(method="a", limits=None, **values):
    return {"method": method, "bin": limits, "num_images": 3, **values}


def column(key):
    (found,) = numbers.columns_of([row(**{key: 1.0})])
    return found


def test_no_number_is_left_out_and_nothing_else_is_a_column():
    keys = ["made_up", "ssim_51_hole", "kid_std", "psnr", "lpips_alex", "l1", "fid_squeezenet", "ssim", "parameters", "seconds_per_image"]
    rows = [row(border="free", flag=True, empty=None, **dict.fromkeys(keys[:5], 1.0)), row(**dict.fromkeys(keys[5:], 2))]
    columns = [column.key for column in numbers.columns_of(rows)]
    assert sorted(columns) == sorted(keys)
    assert columns[:4] == ["psnr", "ssim", "l1", "ssim_51_hole"] and columns[-2:] == ["seconds_per_image", "parameters"]


def test_every_number_that_the_evaluation_defines_has_a_heading_of_its_own():
    from tf_inpaint.evaluation import report

    for key in (*report.METRICS, *report.EDGE_METRICS):
        assert key in {known.key for known in numbers.KNOWN}
    windows = [column(key) for key in report.window_metrics(51)]
    assert [each.heading for each in windows] == ["SSIM, window 51", "SSIM, window 51 in the hole", "SSIM, window 51 luminance"]
    assert {each.better for each in windows} == {"higher"}


@pytest.mark.parametrize(
    ("key", "value", "text", "better"),
    [
        ("psnr", 31.256, "31.26", "higher"),
        ("l1", 0.01234, "1.23", "lower"),
        ("fid_squeezenet", 12.345, "12.35", "lower"),
        ("kid_std", 0.00123456, "0.001235", None),
        ("parameters", 4_150_000, "4.15", None),
        ("made_up", 123456.0, "1.235e+05", None),
        ("psnr", None, "-", "higher"),
        ("psnr", float("nan"), "-", "higher"),
    ],
)
def test_a_number_is_written_in_its_unit(key, value, text, better):
    assert column(key).text(value) == text and column(key).better == better


@pytest.mark.parametrize(
    ("key", "values", "best"),
    [
        ("psnr", [20.0, 30.0, 25.0], "30.00"),
        ("l1", [0.2, 0.1, None], "10.00"),
        ("psnr", [29.996, 30.0, 25.0], "30.00"),
        ("psnr", [30.0, None], None),
        ("made_up", [1.0, 2.0], None),
    ],
)
def test_the_best_is_the_highest_or_the_lowest_where_there_is_something_to_compare(key, values, best):
    assert numbers.best_text(column(key), [row(**{key: value}) for value in values]) == best


def test_numbers_that_are_zero_or_undefined_throughout_have_no_bars():
    rows = [row("a", psnr=30.0, edge_f1=0.0, ssim=None, parameters=5), row("b", psnr=None, edge_f1=None, ssim=None)]
    assert [column.key for column in numbers.drawn_columns(rows)] == ["psnr"]


def test_rows_that_may_be_compared_stand_together_in_the_order_of_the_holes():
    rows = [row(m, limits, **more) for limits in ([0.2, 0.3], None, [0.1, 0.2]) for more in ({"border": "free"}, {}) for m in "ba"]
    groups = numbers.group_rows(json.loads(json.dumps(rows)))
    titles = [(group.label, group.detail) for group in groups]
    bins = ["10-20 %", "20-30 %", "all"]
    assert titles == [(label, "") for label in bins] + [(label, "holes away from the border") for label in bins]
    assert all([each["method"] for each in group.rows] == ["b", "a"] for group in groups)
    assert numbers.groups_of_all_holes(rows) == groups[:3]


@pytest.mark.parametrize(
    ("methods", "names"),
    [
        (["three_stage.faces_128", "ns"], ["three_stage.faces_128", "ns"]),
        (["/a/b/run/", "ns"], ["run", "ns"]),
        (["/a/x/run", "/b/x/run", "run"], ["a/x/run", "b/x/run", "run"]),
        (["/", "ns"], ["/", "ns"]),
    ],
)
def test_paths_are_shortened_as_far_as_they_stay_different(methods, names):
    assert list(numbers.short_names(methods).values()) == names
