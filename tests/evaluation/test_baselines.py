"""Methods without weights: known pixels stay, colours and textures are continued, the truth cannot leak."""

import numpy as np
import pytest

from tests.evaluation.conftest import smooth_rgb
from tf_inpaint.errors import ConfigError
from tf_inpaint.evaluation import BASELINES, check_baselines


@pytest.fixture(params=BASELINES)
def fill(request):
    return BASELINES[request.param]


@pytest.fixture
def image():
    return smooth_rgb(40, 48, seed=3)


@pytest.fixture
def mask():
    mask = np.zeros((40, 48), np.uint8)
    mask[10:22, 15:30] = 255
    mask[30:, 40:] = 255  # touches two borders
    return mask


def test_known_pixels_keep_their_bits(fill, image, mask):
    filled = fill(image, mask)
    assert filled.dtype == np.uint8 and filled.shape == image.shape
    np.testing.assert_array_equal(filled[mask == 0], image[mask == 0])


def test_without_a_hole_nothing_changes(fill, image, mask):
    np.testing.assert_array_equal(fill(image, np.zeros_like(mask)), image)


def test_a_smooth_picture_is_continued_into_the_hole(fill, image, mask):
    hole = mask > 0
    error = np.abs(fill(image, mask)[hole].astype(int) - image[hole]).mean()
    mean_fill = np.abs(BASELINES["mean"](image, mask)[hole].astype(int) - image[hole]).mean()
    assert error < 0.6 * mean_fill or fill is BASELINES["mean"]


def test_a_mean_fill_is_the_mean_of_what_is_known(image, mask):
    filled = BASELINES["mean"](image, mask)
    assert np.all(filled[mask > 0] == np.rint(image[mask == 0].mean(axis=0)))


def test_a_plain_picture_is_filled_with_its_colour(fill, mask):
    plain = np.tile(np.array([40, 120, 200], np.uint8), (40, 48, 1))
    assert np.abs(fill(plain, mask).astype(int) - plain).max() <= 4  # OpenCV's Telea rounds away from it, step by step


def test_what_was_in_the_hole_has_no_influence(fill, image, mask):
    other = np.where(mask[..., None] > 0, 255 - image, image)
    np.testing.assert_array_equal(fill(other, mask), fill(image, mask))


def test_the_truth_does_not_come_out_where_nothing_is_known(fill, image):
    everything = np.full((40, 48), 255, np.uint8)
    np.testing.assert_array_equal(fill(image, everything), fill(255 - image, everything))


def test_the_same_picture_is_filled_the_same(fill, image, mask):
    np.testing.assert_array_equal(fill(image, mask), fill(image.copy(), mask.copy()))


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "patch_match"])  # which looks at all colours together
def test_colours_are_filled_alike(name, image, mask):
    fill = BASELINES[name]
    np.testing.assert_array_equal(fill(np.ascontiguousarray(image[..., ::-1]), mask), fill(image, mask)[..., ::-1])


def test_the_baselines_are_different_methods(image, mask):
    filled = [fill(image, mask) for fill in BASELINES.values()]
    assert all(np.any(one != other) for number, one in enumerate(filled) for other in filled[:number])


def test_a_biharmonic_surface_continues_a_cubic_one(mask):
    y, x = np.mgrid[-1:1:40j, -1:1:48j]
    surface = np.dstack([100 + 60 * x + 40 * x * y, 128 + 50 * x**3 - 30 * y, 90 + 40 * (x**2 - y**2)])
    image = np.rint(surface).astype(np.uint8)
    inner = mask.copy()
    inner[30:] = 0  # at the border of the picture there is nothing to continue
    assert np.abs(BASELINES["biharmonic"](image, inner).astype(int) - image).max() <= 2


def test_a_baseline_that_does_not_exist_is_named():
    assert check_baselines(["ns", "patch_match"]) == ("ns", "patch_match")
    with pytest.raises(ConfigError, match="'tela'.*telea, ns"):
        check_baselines(["tela"])
