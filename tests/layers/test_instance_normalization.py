"""Instance normalisation against its definition."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.layers import InstanceNormalization


def values(*shape, mean, deviation):
    return np.random.default_rng(0).normal(mean, deviation, size=shape).astype(np.float32)


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (100.0, 1.0), (0.0, 1e-3)])
def test_each_channel_of_each_picture_has_mean_0_and_the_variance_of_the_definition(mean, deviation):
    inputs = values(3, 7, 9, 4, mean=mean, deviation=deviation) * np.arange(1, 4)[:, None, None, None]
    exact = inputs.astype(np.float64)
    mean, variance = exact.mean(axis=(1, 2), keepdims=True), exact.var(axis=(1, 2), keepdims=True)
    expected = (exact - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(InstanceNormalization()(inputs), expected, rtol=1e-4, atol=1e-4)


def test_a_constant_channel_becomes_0():
    np.testing.assert_array_equal(InstanceNormalization()(tf.fill([1, 4, 4, 2], 5.0)), np.zeros([1, 4, 4, 2]))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_statistics_of_half_precision_are_float32(dtype):
    """The squares of 300 overflow in float16, and a bfloat16 sum over 4,096 pixels stops growing."""
    inputs = tf.cast(values(1, 64, 64, 2, mean=0.0, deviation=300.0), dtype)
    exact = np.float64(tf.cast(inputs, tf.float32))
    expected = (exact - exact.mean(axis=(1, 2))) / exact.std(axis=(1, 2))
    outputs = InstanceNormalization(dtype=dtype)(inputs)
    assert outputs.dtype == dtype
    np.testing.assert_allclose(np.float64(tf.cast(outputs, tf.float32)), expected, rtol=1e-2, atol=1e-3)


def test_an_epsilon_that_is_not_positive_is_named():
    with pytest.raises(ValueError, match="`epsilon` must be positive"):
        InstanceNormalization(epsilon=0.0)
