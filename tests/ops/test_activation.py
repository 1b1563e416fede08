"""ELU: Keras' values, and a gradient in float32 for half precision."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.ops.activation import elu

POINTS = np.linspace(-8.0, 8.0, 65, dtype=np.float32)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_values_are_those_of_the_formula(dtype):
    points = tf.cast(POINTS, dtype)
    exact = np.asarray(tf.cast(points, tf.float64))
    expected = np.where(exact > 0, exact, np.expm1(exact))
    tolerance = {"float32": 1e-6, "float16": 1e-3, "bfloat16": 8e-3}[dtype]
    np.testing.assert_allclose(tf.cast(elu(points), tf.float64), expected, rtol=tolerance, atol=tolerance)
    assert elu(points).dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_gradient_is_that_of_the_formula(dtype):
    points = tf.cast(POINTS, dtype)
    with tf.GradientTape() as tape:
        tape.watch(points)
        values = elu(points)
    gradient = tf.cast(tape.gradient(values, points), tf.float64)
    exact = np.asarray(tf.cast(points, tf.float64))
    tolerance = {"float32": 1e-5, "float16": 2e-3, "bfloat16": 1e-2}[dtype]
    np.testing.assert_allclose(gradient, np.where(exact > 0, 1.0, np.exp(exact)), rtol=tolerance, atol=tolerance)


def test_what_keras_finds_under_its_serialised_name_gives_the_same_values():
    """Keras 2.15 writes the bare name and finds its own ELU, Keras 3 finds ours: the same function of the features."""
    found = keras.activations.get(keras.activations.serialize(elu))
    np.testing.assert_allclose(found(tf.constant(POINTS)), elu(POINTS), rtol=1e-6, atol=1e-7)
