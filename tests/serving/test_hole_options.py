"""What users ask of the hole: fitted, inverted, eroded and dilated masks, matched colours, feathered rims; and what is refused."""

import numpy as np
import pytest

from tests.constant_system import ConstantSystem
from tests.picture_files import random_rgb
from tf_inpaint.errors import MaskError
from tf_inpaint.pictures import MaskWarning
from tf_inpaint.serving import Inpainter
from tf_inpaint.serving.hole_options import HoleOptions, feather, match_colour

MASK = np.zeros((40, 50), np.uint8)
MASK[10:20, 15:30] = 255
HOLE = MASK > 0


def distance_to(hole):
    """Of each pixel to the nearest one of the hole, by trying them all."""
    points = np.argwhere(hole)
    rows, columns = np.indices(hole.shape)
    return np.sqrt(np.min([(rows - y) ** 2 + (columns - x) ** 2 for y, x in points], axis=0))


def test_without_options_the_mask_is_the_hole():
    assert np.array_equal(HoleOptions().hole(MASK, height=40, width=50), HOLE)


def test_dilating_and_eroding_go_by_the_distance_to_the_border():
    for radius in (1, 2, 5):
        grown = HoleOptions(dilate=radius).hole(MASK, height=40, width=50)
        assert np.array_equal(grown, distance_to(HOLE) <= radius)
        if radius < 5:
            shrunken = HoleOptions(erode=radius).hole(MASK, height=40, width=50)
            assert np.array_equal(shrunken, distance_to(~HOLE) > radius)


def test_eroding_comes_first_so_that_specks_go_and_the_rest_keeps_its_size():
    speckled = MASK.copy()
    speckled[30, 40] = 255
    cleaned = HoleOptions(erode=1, dilate=1).hole(speckled, height=40, width=50)
    assert not cleaned[30, 40]
    assert np.array_equal(cleaned[12:18, 17:28], HOLE[12:18, 17:28]) and cleaned.sum() >= HOLE.sum() - 4


def test_a_border_of_the_picture_is_no_border_of_the_hole():
    mask = np.zeros((20, 20), np.uint8)
    mask[:, :8] = 255
    assert np.array_equal(HoleOptions(erode=2).hole(mask, height=20, width=20), np.indices((20, 20))[1] < 6)


def test_an_inverted_mask_gives_the_other_hole():
    assert np.array_equal(HoleOptions(invert_mask=True).hole(255 - MASK, height=40, width=50), HOLE)


@pytest.mark.parametrize(
    ("options", "mask", "message"),
    [
        ({}, MASK & 0, "empty"),
        ({}, MASK | 255, "full"),
        ({"invert_mask": True}, MASK | 255, "empty: .* inverted: black marks the hole"),
        ({"invert_mask": True}, MASK & 0, "full: .* inverted: what shall stay must be white"),
        ({"erode": 5}, MASK, "Nothing is left of the hole"),
        ({"dilate": 60}, MASK, "Nothing is left of the known pixels once the hole is 60 pixels wider"),
        ({"erode": 2}, MASK | 255, "full"),
        ({"dilate": 2}, MASK & 0, "empty"),
        ({}, MASK.T, "picture of 50 x 40 and a mask of 40 x 50"),
        ({}, MASK[:20], "picture of 50 x 40 and a mask of 50 x 20"),
    ],
)
def test_masks_that_are_none_are_refused(options, mask, message):
    with pytest.raises(MaskError, match=message):
        HoleOptions(**options).hole(mask, height=40, width=50)


@pytest.mark.parametrize("size", [(80, 100), (20, 25), (60, 75), (27, 33), (132, 164)])
def test_a_mask_of_the_same_shape_is_resized_and_that_is_said(size):
    with pytest.warns(MaskWarning, match=f"mask of 50 x 40 pixels was resized to the picture's {size[1]} x {size[0]}"):
        hole = HoleOptions().hole(MASK, height=size[0], width=size[1])
    assert hole.shape == size
    rows, columns = ((np.arange(new) + 0.5) * old / new for new, old in zip(size, (40, 50)))
    assert np.array_equal(hole, HOLE[np.ix_(rows.astype(int), columns.astype(int))])


def test_a_hole_above_half_of_the_picture_is_warned_of():
    mask = np.zeros((10, 10), np.uint8)
    mask[:, :5] = 255
    assert HoleOptions().hole(mask, height=10, width=10).mean() == 0.5  # and nothing is warned of
    mask[0, 5] = 255
    with pytest.warns(MaskWarning, match="51% of the picture.*invert"):
        HoleOptions().hole(mask, height=10, width=10)


# --- the filling


def test_a_feathered_rim_grows_from_the_old_picture_into_the_filling():
    image, filled = np.full((40, 50, 3), 10, np.uint8), np.full((40, 50, 3), 10, np.uint8)
    filled[HOLE] = 210
    feather(filled, image, HOLE, width=3)
    weight = np.clip(distance_to(~HOLE) / 4, 0, 1)
    assert np.abs(filled[..., 0] - (10 + 200 * weight)).max() <= 0.51
    assert np.all(filled[~HOLE] == 10) and np.all(filled[14, 19:25] == 210)


def test_a_filling_of_another_tone_gets_the_tone_of_its_surroundings():
    image = np.clip(np.random.RandomState(0).normal(120, 12, (40, 50, 3)), 0, 255).astype(np.uint8)
    filled = image.copy()
    filled[HOLE] = np.clip(image[HOLE] * 0.9 + [60, -20, 30], 0, 255).astype(np.uint8)
    before = filled.copy()
    match_colour(filled, HOLE)
    assert np.array_equal(filled[~HOLE], before[~HOLE])
    ring = (distance_to(HOLE) <= 8) & ~HOLE
    assert np.abs(filled[HOLE].mean(axis=0) - image[ring].mean(axis=0)).max() < 1.5
    assert np.abs(filled[HOLE].std(axis=0) - image[ring].std(axis=0)).max() < 1.5


def test_each_hole_gets_the_tone_of_its_own_surroundings():
    filled = np.full((40, 120, 3), 40, np.uint8)
    filled[:, 60:] = 200
    hole = np.zeros((40, 120), bool)
    hole[10:20, 10:25] = hole[10:20, 90:105] = True
    filled[hole] = 100
    match_colour(filled, hole)
    assert np.all(filled[:, :60] == 40) and np.all(filled[:, 60:] == 200)


@pytest.mark.parametrize("strategy", ["crop", "tile", "resize", "original"])
def test_no_option_touches_a_pixel_outside_the_hole(strategy):
    options = {"dilate": 2, "feather": 2, "match_colour": True}
    photo, inpainter = random_rgb(40, 50), Inpainter(ConstantSystem.tiny(), strategy=strategy, **options)
    result = inpainter(photo, HOLE)
    outside = distance_to(HOLE) > options.get("dilate", 0)
    assert np.array_equal(result[outside], photo[outside])
    assert np.any(result[HOLE] != photo[HOLE])
