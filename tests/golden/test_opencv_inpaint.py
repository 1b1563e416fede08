"""The baselines beside the pictures that OpenCV 5.0 gave (arrays of part B, `opencv_inpaint.npz`)."""

import numpy as np
import pytest

from tf_inpaint.evaluation import BASELINES


@pytest.mark.parametrize("name", ["telea", "ns"])
def test_the_baseline_fills_as_the_published_function_does(golden, name):
    arrays = golden("opencv_inpaint")
    image, mask = arrays["image"], arrays["mask"]
    filled = BASELINES[name](image, mask)
    np.testing.assert_array_equal(filled[mask == 0], image[mask == 0])
    # OpenCV promises no equal bits between its versions: some grey levels here and there.
    difference = np.abs(filled.astype(int) - arrays[f"{name}_r3"])[mask > 0]
    assert difference.mean() < 0.5 and np.mean(difference > 3) < 0.01
    # It is that radius and that method: every other array of the file is further away.
    others = [key for key in arrays if key.endswith(("_r3", "_r5")) and key != f"{name}_r3"]
    assert others
    for other in others:
        assert np.abs(filled.astype(int) - arrays[other])[mask > 0].mean() > difference.mean() + 0.5
