"""Our metrics beside scikit-image's numbers of three pairs of pictures (arrays of part A, `metrics.npz`)."""

import numpy as np
import pytest

from tests.golden.layouts import assert_close
from tf_inpaint import metrics

# ours -> the arrays' name and the factor to ours
NAMES = {"psnr": ("psnr_rgb_255", 1), "ssim": ("ssim_rgb_gauss11", 1), "l1": ("mean_l1_percent", 0.01)}


@pytest.mark.parametrize("name", NAMES)
def test_the_metric_is_that_of_the_reference(golden, name):
    arrays = golden("metrics")
    theirs, factor = NAMES[name]
    pairs = sorted(key.split("/")[0] for key in arrays if key.endswith(f"/{theirs}"))
    assert pairs
    for pair in pairs:
        value = getattr(metrics, name)(arrays[f"{pair}/a"][None], arrays[f"{pair}/b"][None])[0]
        assert_close(value, factor * arrays[f"{pair}/{theirs}"], relative=5e-5)


def test_windows_and_channels_differ_as_much_as_is_said(golden):
    """The warning in `metrics.ssim`: EdgeConnect's window gives higher numbers for the same pair."""
    arrays = golden("metrics")
    gap = [arrays[f"{pair}/ssim_gray_win51_edgeconnect"] - arrays[f"{pair}/ssim_rgb_gauss11"] for pair in range(3)]
    assert 0.03 < np.mean(gap) < 0.3
