"""Resampling by matrices: values by hand, dtypes, gradients. (PyTorch's values: tests/golden.)"""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.ops import resampling


def row(values):
    return tf.reshape(tf.constant(values, tf.float32), [1, 1, -1, 1])


def test_corners_stay_corners():
    resized = resampling.resize_align_corners(row([0.0, 3.0]), (1, 4))
    np.testing.assert_allclose(np.ravel(resized), [0.0, 1.0, 2.0, 3.0], atol=1e-6)
    np.testing.assert_allclose(np.ravel(resampling.resize_align_corners(row([5.0]), (2, 2))), [5.0] * 4)
    np.testing.assert_allclose(np.ravel(resampling.resize_align_corners(row([5.0, 7.0]), (1, 1))), [5.0])


def test_bins_overlap_where_sizes_do_not_divide():
    pooled = resampling.adaptive_average_pool(row([1.0, 2.0, 6.0]), (1, 2))
    np.testing.assert_allclose(np.ravel(pooled), [1.5, 4.0])


@pytest.mark.parametrize("function", [resampling.resize_align_corners, resampling.adaptive_average_pool])
def test_half_precision_is_summed_in_float32_and_constants_stay(function):
    features = tf.fill([2, 12, 10, 3], tf.constant(0.7, tf.bfloat16))
    resized = tf.function(lambda x: function(x, (5, 7)))(features)
    assert resized.dtype == tf.bfloat16 and resized.shape == (2, 5, 7, 3)
    np.testing.assert_array_equal(tf.cast(resized, tf.float32), tf.cast(features[:, :5, :7], tf.float32))


@pytest.mark.parametrize("function", [resampling.resize_align_corners, resampling.adaptive_average_pool])
def test_each_result_is_spread_over_its_sources_and_nothing_is_lost(function):
    features = tf.random.stateless_normal([1, 6, 5, 2], [0, 1])
    with tf.GradientTape() as tape:
        tape.watch(features)
        total = tf.reduce_sum(function(features, (4, 4)))
    gradient = tape.gradient(total, features)
    np.testing.assert_allclose(tf.reduce_sum(gradient), 4 * 4 * 2, rtol=1e-5)
    np.testing.assert_allclose(tf.reduce_sum(gradient * features), total, rtol=1e-4)


@pytest.mark.parametrize(("size", "new_size"), [((4, 6), (8, 12)), ((8, 12), (4, 6)), ((5, 3), (9, 9))])
def test_masks_are_interpolated_between_corners_that_lie_on_each_other(size, new_size):
    rows, columns = (np.linspace(0.0, 1.0, number) for number in size)
    new_rows, new_columns = (np.linspace(0.0, 1.0, number) for number in new_size)
    plane = (2.0 * rows[:, None] - 3.0 * columns + 0.5)[None, :, :, None].astype(np.float32)
    expected = 2.0 * new_rows[:, None] - 3.0 * new_columns + 0.5
    np.testing.assert_allclose(resampling.sample_align_corners(plane, new_size)[0, :, :, 0], expected, atol=1e-6)


def test_nearest_picks_the_nearest_and_the_later_of_two():
    values = tf.reshape(tf.range(5.0), [1, 1, 5, 1])
    # 0, 4/3, 8/3 and 4; then 0, 2 and 4; then 0, 0.5, ..., 4.
    for width, expected in ((4, [0, 1, 3, 4]), (3, [0, 2, 4]), (9, [0, 1, 1, 2, 2, 3, 3, 4, 4])):
        resized = resampling.sample_align_corners(values, (1, width), method="nearest")
        np.testing.assert_array_equal(tf.reshape(resized, [-1]), expected)


def test_other_methods_are_refused():
    with pytest.raises(ValueError, match="`method` must be"):
        resampling.sample_align_corners(tf.ones([1, 2, 2, 1]), (4, 4), method="bicubic")
