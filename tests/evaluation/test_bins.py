"""Bins of papers by name, and rows by contact with the border."""

import numpy as np
import pytest

from tests.picture_files import save
from tf_inpaint.errors import ConfigError
from tf_inpaint.evaluation import BIN_SETS, BINS, evaluate, make_protocol, parse_bins


def test_the_papers_bins_have_names():
    assert parse_bins("paper:three_stage") == BINS == ((0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5))
    assert parse_bins("paper:partial_conv") == tuple((low / 10, (low + 1) / 10) for low in range(6))
    assert parse_bins("0.05-0.1,0.25-1") == ((0.05, 0.1), (0.25, 1.0))


@pytest.mark.parametrize("text", ["", "0.1", "0.1-0.2-0.3", "a-b", "paper:nobodys"])
def test_other_texts_are_refused(text):
    with pytest.raises(ConfigError, match="0.1-0.2,0.2-0.3"):
        parse_bins(text)


def test_strokes_are_drawn_for_the_bins_of_partial_convolution(folder):
    protocol = make_protocol(f"folder:{folder}", "free_form", limit=2, bins=BIN_SETS["paper:partial_conv"])
    assert [len(protocol.indices_in(limits)) for limits in protocol.bins] == [2] * 6
    assert all(item.hole_share > 0 for item in protocol.items)


@pytest.fixture
def inner_and_outer(tmp_path):
    """Masks with the same share, of which half touch the border, in one pixel."""
    for number in range(4):
        mask = np.zeros([32, 32], np.uint8)
        mask[8:24, 8 + number : 14 + number] = 255
        if number % 2:
            mask[15, 0 if number == 1 else 31] = 255
        save(tmp_path / f"{number}.png", mask)
    return tmp_path


def test_rows_by_border_divide_each_bin(folder, inner_and_outer):
    options = {"data": f"folder:{folder}", "masks": f"irregular:{inner_and_outer}", "limit": 4, "bins": [(0.05, 0.15)]}
    report = evaluate({}, baselines=["mean"], by_border=True, **options)
    touching = [item["touches_border"] for item in report["protocol"]["items"]]
    assert [int(item["mask"].removesuffix(".png")[-1]) % 2 == 1 for item in report["protocol"]["items"]] == touching
    rows = {(row["bin"] and tuple(row["bin"]), row.get("border")): row for row in report["rows"]}
    assert list(rows) == [(limits, border) for limits in ((0.05, 0.15), None) for border in (None, "touching", "free")]
    psnr = np.array(report["per_image"]["mean"]["psnr"])
    for (_, border), row in rows.items():
        inside = np.array([border is None or (border == "touching") == touches for touches in touching])
        assert row["num_images"] == inside.sum() and row["psnr"] == pytest.approx(psnr[inside].mean(), rel=1e-9)
    assert not any("border" in row for row in evaluate({}, baselines=["mean"], **options)["rows"])
