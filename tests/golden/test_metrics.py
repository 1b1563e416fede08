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


SCRIPTS = {
    # a metric of ours -> the array of EdgeConnect's script, of PEN-Net's
    "mae_gray": (lambda a, b: metrics.mae(a, b, gray=True), "mae_edgeconnect_script", None),
    "mae": (metrics.mae, None, "mae_pennet"),
    "ssim_gray_window_51": (lambda a, b: metrics.ssim(a, b, uniform_window=51, gray=True), "ssim_gray_win51_edgeconnect", None),
    "ssim_window_51": (lambda a, b: metrics.ssim(a, b, uniform_window=51), None, "ssim_win51_uniform"),
    "ssim_window_7": (lambda a, b: metrics.ssim(a, b, uniform_window=7), "ssim_rgb_win7_uniform", "ssim_win7_default"),
    "ssim": (metrics.ssim, "ssim_rgb_gauss11", "ssim_win11_gauss"),
    "psnr": (metrics.psnr, "psnr_rgb_255", "psnr"),
    "l1": (metrics.l1, None, "l1_mean"),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_metric_is_that_of_the_papers_scripts(golden, name):
    measure, of_edge_connect, of_pen_net = SCRIPTS[name]
    arrays = golden("metrics")
    pairs = sorted(key.split("/")[0] for key in arrays if key.endswith("/a")) if of_edge_connect else []
    for pair in pairs:
        value = measure(arrays[f"{pair}/a"][None], arrays[f"{pair}/b"][None])[0]
        assert_close(value, arrays[f"{pair}/{of_edge_connect}"], relative=5e-6)
    if of_pen_net:
        arrays = golden("pen_net_metrics")
        assert_close(measure(arrays["a"][None], arrays["b"][None])[0], arrays[of_pen_net], relative=5e-6)


def test_windows_and_channels_differ_as_much_as_is_said(golden):
    """The warning in `metrics.ssim`: EdgeConnect's window gives higher numbers for the same pair."""
    arrays = golden("metrics")
    gap = [arrays[f"{pair}/ssim_gray_win51_edgeconnect"] - arrays[f"{pair}/ssim_rgb_gauss11"] for pair in range(3)]
    assert 0.03 < np.mean(gap) < 0.3
