"""Augmentation with a gradient: what each policy does, and that it is the same for the same seed."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.ops.augmentation import POLICIES, differentiable_augment

IMAGE = tf.random.stateless_uniform([16, 16, 24, 3], [1, 2], -1.0, 1.0)
SEED = tf.constant([5, 6])


def augment(*policies, image=IMAGE, seed=SEED):
    return differentiable_augment(image, seed, policies=policies).numpy()


def test_equal_seeds_give_equal_changes_and_no_policy_none():
    np.testing.assert_array_equal(augment(*POLICIES), augment(*POLICIES))
    assert np.max(np.abs(augment(*POLICIES) - augment(*POLICIES, seed=SEED + 1))) > 0.5
    np.testing.assert_array_equal(augment(), IMAGE)


def test_translation_moves_whole_pixels_by_an_eighth_at_most_and_brings_in_zeros():
    moved, shifts = augment("translation"), set()
    for before, after in zip(IMAGE.numpy(), moved, strict=True):
        padded = np.pad(before, [(2, 2), (3, 3), (0, 0)])
        found = [(y, x) for y in range(5) for x in range(7) if np.array_equal(padded[y : y + 16, x : x + 24], after)]
        assert len(found) == 1
        shifts.update(found)
    assert len(shifts) > 5


def test_cutout_blanks_a_square_of_half_the_sides_around_a_point_of_the_picture():
    blanked = np.all(augment("cutout") == 0.0, axis=-1)
    assert len({picture.tobytes() for picture in blanked}) > 8
    for picture in blanked:
        rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
        assert picture.sum() == len(rows) * len(columns) and 4 <= len(rows) <= 8 and 6 <= len(columns) <= 12


def test_colours_change_by_brightness_saturation_and_contrast():
    gray = tf.fill([8, 4, 4, 3], 0.25)
    brightened = augment("color", image=gray)
    assert np.ptp(brightened, axis=(1, 2, 3)).max() < 1e-6  # one colour stays one
    shifts = brightened[:, 0, 0, 0] - 0.25
    assert np.all(np.abs(shifts) <= 0.5) and np.ptp(shifts) > 0.2
    changed = augment("color")
    ratio = np.std(changed.mean(axis=3), axis=(1, 2)) / np.std(IMAGE.numpy().mean(axis=3), axis=(1, 2))
    assert np.all((ratio >= 0.5 - 1e-5) & (ratio <= 1.5 + 1e-5)) and np.ptp(ratio) > 0.3
    saturation = np.std(changed, axis=3).mean(axis=(1, 2)) / np.std(IMAGE.numpy(), axis=3).mean(axis=(1, 2)) / ratio
    assert np.all((saturation >= 0.0) & (saturation <= 2.0 + 1e-5)) and np.ptp(saturation) > 0.5


def test_gradients_reach_the_picture_twice():
    image = tf.identity(IMAGE[:2])
    with tf.GradientTape() as outer:
        outer.watch(image)
        with tf.GradientTape() as inner:
            inner.watch(image)
            value = tf.reduce_sum(differentiable_augment(image, SEED) ** 3)
        first = inner.gradient(value, image)
        length = tf.reduce_sum(first**2)
    assert np.any(outer.gradient(length, image)) and np.any(first)


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="rotation"):
        augment("rotation")
