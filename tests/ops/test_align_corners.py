"""Resizing with aligned corners: linear functions stay linear between the corner pixels, and only the corners are sure to be kept."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.ops.image import resize_align_corners


@pytest.mark.parametrize(("size", "new_size"), [((4, 6), (8, 12)), ((8, 12), (4, 6)), ((5, 3), (9, 9))])
def test_bilinear_interpolates_between_corners_that_lie_on_each_other(size, new_size):
    rows, columns = (np.linspace(0.0, 1.0, number) for number in size)
    new_rows, new_columns = (np.linspace(0.0, 1.0, number) for number in new_size)
    plane = (2.0 * rows[:, None] - 3.0 * columns + 0.5)[None, :, :, None].astype(np.float32)
    expected = 2.0 * new_rows[:, None] - 3.0 * new_columns + 0.5
    np.testing.assert_allclose(resize_align_corners(plane, new_size)[0, :, :, 0], expected, atol=1e-6)


def test_nearest_picks_the_nearest_and_the_later_of_two():
    values = tf.reshape(tf.range(5.0), [1, 1, 5, 1])
    # 0, 4/3, 8/3 and 4; then 0, 2 and 4; then 0, 0.5, ..., 4.
    for width, expected in ((4, [0, 1, 3, 4]), (3, [0, 2, 4]), (9, [0, 1, 1, 2, 2, 3, 3, 4, 4])):
        np.testing.assert_array_equal(tf.reshape(resize_align_corners(values, (1, width), method="nearest"), [-1]), expected)


def test_half_precision_stays_and_other_methods_are_refused():
    assert resize_align_corners(tf.ones([1, 2, 2, 1], tf.bfloat16), (4, 4)).dtype == tf.bfloat16
    with pytest.raises(ValueError, match="`method` must be"):
        resize_align_corners(tf.ones([1, 2, 2, 1]), (4, 4), method="bicubic")
