"""PatchMatch: textures go on in the hole, patterns are continued exactly, the seed decides."""

import cv2
import numpy as np
import pytest
import skimage.data

from tests.evaluation.conftest import smooth_rgb
from tf_inpaint.evaluation import BASELINES
from tf_inpaint.evaluation.patch_match import PATCH_SIZE, patch_match
from tf_inpaint.evaluation.pyramid import build_pyramid


def square_hole(size, low, high):
    mask = np.zeros([size, size], np.uint8)
    mask[low:high, low:high] = 255
    return mask


def roughness(picture, mask):
    """Mean difference between neighbouring pixels in the hole."""
    gray = picture.astype(float).mean(axis=-1)
    steps = np.abs(np.diff(gray, axis=0))[:, :-1] + np.abs(np.diff(gray, axis=1))[:-1]
    return steps[mask[:-1, :-1] > 0].mean()


def error(picture, truth, mask):
    return np.abs(picture.astype(int) - truth)[mask > 0].mean()


def test_a_pattern_is_continued_far_better_than_by_telea():
    y, x = np.mgrid[:96, :96]
    pattern = np.where(((x // 4) + (y // 6)) % 2 == 0, 60, 200)
    image = np.dstack([pattern, 255 - pattern, np.full_like(pattern, 90)]).astype(np.uint8)
    mask = square_hole(96, 36, 60)
    ours, telea = (error(fill(image, mask), image, mask) for fill in (patch_match, BASELINES["telea"]))
    assert ours < 0.4 * telea


@pytest.mark.parametrize("name", ["brick", "grass", "gravel"])
def test_a_texture_is_as_rough_in_the_hole_as_around_it(name):
    gray = cv2.resize(getattr(skimage.data, name)(), (160, 160), interpolation=cv2.INTER_AREA)
    image, mask = np.dstack([gray] * 3), square_hole(160, 56, 104)
    true, ours, telea = (roughness(each, mask) for each in (image, patch_match(image, mask), BASELINES["telea"](image, mask)))
    assert 0.6 * true < ours < 1.2 * true
    assert telea < 0.45 * true


def test_the_hole_is_made_of_colours_that_are_known():
    rng = np.random.RandomState(0)
    image = np.array([[250, 10, 10], [10, 240, 20], [20, 20, 230]], np.uint8)[rng.randint(0, 3, (64, 64))]
    mask = square_hole(64, 24, 40)
    filled = patch_match(image, mask)[mask > 0].astype(int)
    # Votes are means, so colours lie in the box of the known ones.
    assert filled.min() >= 10 and filled.max() <= 250


def test_the_seed_decides():
    image, mask = (
        smooth_rgb(48, 48, seed=1) // 2 + np.random.RandomState(1).randint(0, 99, (48, 48, 3)).astype(np.uint8),
        square_hole(48, 16, 32),
    )
    np.testing.assert_array_equal(patch_match(image, mask, seed=3), patch_match(image, mask, seed=3))
    assert np.any(patch_match(image, mask, seed=3) != patch_match(image, mask, seed=4))


@pytest.mark.parametrize("size", [(1, 1), (4, 30), (7, 7), (8, 60)])
def test_pictures_without_a_known_patch_are_filled_with_smooth_colours(size):
    image = smooth_rgb(*size, seed=0)
    mask = np.zeros(size, np.uint8)
    mask[:, ::2] = 255
    filled = patch_match(image, mask)
    np.testing.assert_array_equal(filled[mask == 0], image[mask == 0])
    known = image[mask == 0]
    if known.size:
        assert filled.min() >= known.min() - 1 and filled.max() <= known.max() + 1


def test_coarse_levels_are_means_of_what_is_known():
    picture = np.random.RandomState(0).uniform(0, 255, (40, 53, 3)).astype(np.float32)
    hole = np.zeros([40, 53], bool)
    hole[10:30, 20:45] = True
    levels = build_pyramid(picture, hole, min_side=1)
    assert [level.shape[:2] for level, _ in levels[:3]] == [(40, 53), (20, 27), (10, 14)]
    other = np.where(hole[..., None], np.float32(1e6), picture)
    for (level, level_hole), (same, same_hole) in zip(levels, build_pyramid(other, hole, min_side=1)):
        np.testing.assert_array_equal(level, same)
        np.testing.assert_array_equal(level_hole, same_hole)
        assert np.all(level[level_hole] == 0) and level.max() <= 255
    # A coarse pixel is a hole where all of the 6 x 6 fine ones are.
    expected = np.array([[hole[max(0, 2 * i - 2) : 2 * i + 4, max(0, 2 * j - 2) : 2 * j + 4].all() for j in range(27)] for i in range(20)])
    np.testing.assert_array_equal(levels[1][1], expected)
    assert not levels[-1][1].any() and levels[-2][1].any()
    # Kernel 1, 5, 10, 10, 5, 1 in each direction.
    taps = np.outer(*[[1, 5, 10, 10, 5, 1]] * 2) / 1024
    np.testing.assert_allclose(levels[1][0][2, 3], np.einsum("ij,ijc->c", taps, picture[2:8, 4:10]), rtol=1e-4)


def test_a_plain_picture_stays_plain():
    plain = np.full([PATCH_SIZE * 8, PATCH_SIZE * 8, 3], (12, 200, 77), np.uint8)
    np.testing.assert_array_equal(patch_match(plain, square_hole(PATCH_SIZE * 8, 20, 40)), plain)
