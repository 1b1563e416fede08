"""Masks as rows of bits, against the same in NumPy's booleans."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.masks import packed_rows

WIDTHS = (1, 16, 63, 64, 65, 128, 200)


def some_intervals(width: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and end pixel of random intervals, the empty and the full one among them, and the pixels in them."""
    ends = np.sort(np.random.default_rng(width).integers(0, width + 1, [*shape, 2]), axis=-1)
    ends.reshape(-1, 2)[:3] = [[0, width], [width, width], [0, 0]]
    columns = np.arange(width)
    return ends[..., 0], ends[..., 1], (columns >= ends[..., :1]) & (columns < ends[..., 1:])


@pytest.mark.parametrize("width", WIDTHS)
def test_intervals_unpack_to_their_pixels(width):
    first, end, pixels = some_intervals(width, (3, 5))
    words = packed_rows.intervals(tf.constant(first), tf.constant(end), width=width)
    mask = packed_rows.unpack(words, height=5, width=width)
    assert mask.dtype == tf.float32 and mask.shape == (3, 5, width, 1)
    np.testing.assert_array_equal(mask[..., 0], pixels)


def test_an_end_before_the_first_pixel_leaves_the_row_empty():
    words = packed_rows.intervals(tf.constant([[70, 40, 69]]), tf.constant([[0, 40, 3]]), width=70)
    assert packed_rows.count(words).numpy() == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_counts_are_those_of_the_pixels(width):
    first, end, pixels = some_intervals(width, (3, 5))
    words = packed_rows.intervals(tf.constant(first), tf.constant(end), width=width)
    np.testing.assert_array_equal(packed_rows.count(words), pixels.sum((1, 2)))


@pytest.mark.parametrize("number", [1, 2, 3, 8, 11])
def test_unions_are_those_of_the_pixels(number):
    first, end, pixels = some_intervals(70, (2, number, 4))
    words = packed_rows.intervals(tf.constant(first), tf.constant(end), width=70)
    united = packed_rows.unpack(packed_rows.union(words, axis=1), height=4, width=70)
    np.testing.assert_array_equal(united[..., 0], pixels.any(1))
    running = tf.unstack(packed_rows.running_union(words), axis=1)
    running = tf.stack([packed_rows.unpack(each, height=4, width=70)[..., 0] for each in running], 1)
    np.testing.assert_array_equal(running, np.logical_or.accumulate(pixels, axis=1))
