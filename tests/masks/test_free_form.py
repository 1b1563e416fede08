"""Free-form masks: the recipe of the strokes, and hole shares that lie in their bin for every seed."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import masks
from tf_inpaint.errors import ConfigError
from tf_inpaint.masks import packed_rows, random
from tf_inpaint.masks.free_form import (
    BRUSH_MARGIN,
    MAX_STROKES,
    MAX_VERTICES,
    MIN_VERTICES,
    NUMBERS_PER_STROKE,
    _stop_at_share,
    _strokes,
)

BINS = ((0.01, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5), (0.5, 0.6))


def shares(mask: tf.Tensor) -> np.ndarray:
    return mask.numpy().mean((1, 2, 3), dtype=np.float64)


def some_strokes(*, height: int, width: int, number: int = 500) -> tuple[np.ndarray, np.ndarray]:
    numbers = random.uniform(random.split([1, 2], number), MAX_STROKES * NUMBERS_PER_STROKE)
    vertices, radius = _strokes(tf.reshape(numbers, [number, MAX_STROKES, -1]), height=height, width=width)
    return vertices.numpy().reshape(-1, MAX_VERTICES + 1, 2), radius.numpy().ravel()


@pytest.mark.parametrize("ratio", BINS)
@pytest.mark.parametrize(("height", "width", "number"), [(64, 64, 600), (256, 256, 64), (48, 112, 128), (16, 16, 600)])
def test_every_hole_share_lies_in_its_bin(ratio, height, width, number):
    found = shares(masks.free_form([3, 4], batch_size=number, height=height, width=width, ratio=ratio))
    assert found.min() >= ratio[0] and found.max() < ratio[1]


@pytest.mark.parametrize("ratio", BINS)
def test_hole_shares_are_spread_over_the_whole_bin(ratio):
    low, high = ratio
    found = shares(masks.free_form([5, 6], batch_size=400, height=64, width=64, ratio=ratio))
    place = (found - low) / (high - low)
    assert place.min() < 0.05 and place.max() > 0.95 and abs(place.mean() - 0.5) < 0.06  # 4 standard deviations


@pytest.mark.parametrize("ratio", [(0.3, 0.304), (0.0, 0.01), (0.0, 1.0), (0.95, 0.99)])
def test_narrow_wide_and_extreme_ratios_are_kept(ratio):
    found = shares(masks.free_form([7, 8], batch_size=200, height=64, width=64, ratio=ratio))
    assert found.min() >= ratio[0] and found.max() < ratio[1] and found.min() > 0


def test_where_the_strokes_do_not_suffice_the_last_one_fills_up_to_the_share():
    numbers = random.uniform(random.split([1, 2], 100), 2 * NUMBERS_PER_STROKE)
    vertices, radius = _strokes(tf.reshape(numbers, [100, 2, -1]), height=64, width=64)
    words = _stop_at_share(vertices, radius, numbers[:, 0], (0.7, 0.8), height=64, width=64)
    found = shares(packed_rows.unpack(words, height=64, width=64))
    assert found.min() >= 0.7 and found.max() < 0.8


@pytest.mark.parametrize("ratio", [(0.2, 0.1), (0.2, 0.2), (-0.1, 0.2), (0.5, 1.1), (0.1,), (0.1, 0.2, 0.3)])
def test_a_ratio_that_is_none_is_refused(ratio):
    with pytest.raises(ConfigError, match="ratio"):
        masks.free_form([1, 2], batch_size=1, height=32, width=32, ratio=ratio)


@pytest.mark.parametrize(("height", "width"), [(256, 256), (128, 320)])
def test_strokes_have_the_vertices_and_brushes_of_the_recipe(height, width):
    vertices, radius = some_strokes(height=height, width=width)
    assert np.array_equal(vertices, np.floor(vertices)) and vertices.min() == 0
    assert vertices[..., 0].max() == width and vertices[..., 1].max() == height  # clipped one past the last pixel, as published
    brush_width = (radius - BRUSH_MARGIN) * 2 / (min(height, width) / 256)
    assert set(np.round(brush_width, 3)) == set(range(12, 40))

    steps = np.diff(vertices, axis=1)
    moved = np.any(steps, axis=2)
    num_steps = np.where(moved.any(1), MAX_VERTICES - np.argmax(moved[:, ::-1], axis=1), 0)
    assert num_steps.max() == MAX_VERTICES
    assert np.isin(np.arange(MIN_VERTICES, MAX_VERTICES + 1), num_steps).all()  # fewer only where a step has length 0


def test_steps_have_the_lengths_and_angles_of_the_recipe():
    vertices, _ = some_strokes(height=256, width=256, number=2000)
    first, third = vertices[:, 0], vertices[:, 1]
    inside = np.all((third > 0) & (third < 256), axis=1)
    step = (third - first)[inside] + 0.5  # the new vertex is rounded down
    assert np.all(step[:, 1] < 1)  # the first step goes up
    assert np.all((vertices[:, 2] - third)[:, 1] > -1)  # the second one down
    # Starting at the bottom with room on all sides nothing is clipped away: the length is that of the normal distribution.
    roomy = (first[:, 1] > 185) & (first[:, 0] < 150) & (first[:, 0] > 15) & inside
    step = (third - first)[roomy] + 0.5
    length = np.hypot(*step.T)
    radius = np.hypot(256, 256) / 8
    assert abs(length.mean() - radius) < 4 * 22 / np.sqrt(len(length)) and abs(length.std() - radius // 2) < 2
    angle = np.degrees(np.arctan2(-step[:, 1], step[:, 0]))[length > 20]
    assert 48 - 2 < angle.min() and angle.max() < 96 + 2 and abs(angle.mean() - 72) < 1.5


def test_brushes_in_small_pictures_are_at_least_a_pixel_wide():
    _, radius = some_strokes(height=16, width=16)
    assert radius.min() == np.float32(0.5 + BRUSH_MARGIN)


def test_half_of_the_masks_run_the_other_way():
    mask = masks.free_form([1, 2], batch_size=1000, height=32, width=32).numpy()[..., 0].mean(0)
    for mirrored in (mask[::-1], mask[:, ::-1]):
        assert abs((mask - mirrored).mean(1)).max() < 0.05 and abs((mask - mirrored).mean(0)).max() < 0.05


def test_hole_shares_do_not_depend_on_the_size_of_the_picture():
    large, small = (shares(masks.free_form([1, 2], batch_size=500, height=size, width=size)) for size in (256, 64))
    assert np.abs(large - small).mean() < 0.015 and abs(large.mean() - small.mean()) < 0.01
