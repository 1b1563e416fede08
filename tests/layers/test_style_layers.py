"""StyleGAN2's layers: those whose inputs are not features alone, and what each is for."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.layer_contract import assert_all_close, check_configuration, randomise
from tf_inpaint.layers import LearnedConstant, MinibatchDeviation, StyledConv2D, StyleStatistics, StyleToRgb

SEEDS = tf.constant([[3, 4], [5, 6]])


def features(*shape):
    return tf.random.stateless_normal(shape, [1, 2])


CASES = {
    "StyledConv2D": (StyledConv2D, {"filters": 6, "style_index": 1}, [features(2, 4, 4, 5), features(2, 3, 7), SEEDS], (2, 4, 4, 6), 5),
    "StyledConv2D, up": (
        StyledConv2D,
        {"filters": 6, "upsample": True},
        [features(2, 4, 6, 5), features(2, 3, 7), SEEDS],
        (2, 8, 12, 6),
        5,
    ),
    "StyleToRgb": (StyleToRgb, {}, [features(2, 4, 4, 5), features(2, 3, 7)], (2, 4, 4, 3), 4),
    "StyleToRgb, skip": (StyleToRgb, {"style_index": 2}, [features(2, 4, 4, 5), features(2, 3, 7), features(2, 2, 2, 3)], (2, 4, 4, 3), 4),
    "LearnedConstant": (LearnedConstant, {"size": 4, "channels": 5}, features(2, 3), (2, 4, 4, 5), 1),
    "StyleStatistics": (StyleStatistics, {}, features(2, 3), (2, 3), 0),
}


@pytest.mark.parametrize("case", CASES)
def test_configuration_shapes_graph_gradients_and_half_precision(case):
    layer_class, arguments, inputs, shape, trainable = CASES[case]
    layer = layer_class(**arguments)
    layer(inputs)
    randomise(layer)
    check_configuration(layer_class, layer)
    outputs = layer(inputs)
    assert tuple(outputs.shape) == shape and len(layer.trainable_weights) == trainable
    shapes = tf.nest.map_structure(lambda each: tuple(each.shape), inputs)
    assert tuple(layer.compute_output_shape(shapes)) == shape
    assert_all_close(tf.function(layer)(inputs), outputs)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(inputs) ** 2)
    for gradient in tape.gradient(loss, layer.trainable_weights):
        assert np.isfinite(gradient).all() and np.any(np.asarray(gradient))
    half = layer_class(**arguments, dtype="mixed_bfloat16")
    half(inputs)
    for weight, value in zip(half.weights, layer.weights, strict=True):
        assert tf.as_dtype(weight.dtype) == tf.float32
        weight.assign(value)
    expected = tf.float32 if layer_class is StyleToRgb else tf.bfloat16
    received = half(inputs)
    assert received.dtype == expected
    np.testing.assert_allclose(np.float32(received), outputs, atol=6e-2 * np.max(np.abs(outputs)))


def test_noise_is_fixed_outside_of_training_and_drawn_from_the_seed_in_it():
    layer = StyledConv2D(6)
    inputs = [features(2, 4, 4, 5), features(2, 1, 7), SEEDS]
    layer(inputs)
    layer.noise_strength.assign(1.0)
    np.testing.assert_array_equal(layer(inputs), layer([*inputs[:2], SEEDS + 1]))
    first, again, other = (layer([*inputs[:2], seeds], training=True) for seeds in (SEEDS, SEEDS, SEEDS + 1))
    np.testing.assert_array_equal(first, again)
    assert np.max(np.abs(first - other)) > 0.1
    alike = layer([tf.tile(inputs[0][:1], [2, 1, 1, 1]), tf.tile(inputs[1][:1], [2, 1, 1]), SEEDS], training=True)
    assert np.max(np.abs(alike[0] - alike[1])) > 0.1  # each picture of a batch has its own
    salted = StyledConv2D(6, noise_salt=1)
    salted(inputs)
    for weight, value in zip(salted.weights, layer.weights, strict=True):
        weight.assign(value)
    assert np.max(np.abs(first - salted(inputs, training=True))) > 0.1


def test_demodulated_features_keep_their_size_whatever_the_style():
    layer = StyledConv2D(64)
    x, style = features(4, 16, 16, 64), features(4, 1, 32)
    for factor in (1.0, 1e3):
        deviations = np.std(np.asarray(layer([x, factor * style, SEEDS])), axis=(1, 2, 3))
        np.testing.assert_allclose(deviations, 0.9, atol=0.35)


def test_running_statistics_follow_the_styles_in_training_alone():
    layer = StyleStatistics(momentum=0.75)
    styles = tf.constant([[1.0, 2.0], [3.0, 6.0]])
    np.testing.assert_array_equal(layer(styles), styles)
    np.testing.assert_array_equal(layer.mean, [0.0, 0.0])
    layer(styles, training=True)
    np.testing.assert_allclose(layer.mean, [0.5, 1.0])
    layer(styles, training=True)
    np.testing.assert_allclose(layer.mean, [0.875, 1.75])


def test_the_statistics_and_the_fixed_noise_are_weights_of_the_model():
    layer = StyledConv2D(6)
    layer([features(2, 4, 4, 5), features(2, 1, 7), SEEDS])
    assert [tuple(weight.shape) for weight in layer.non_trainable_weights] == [(4, 4)]
    statistics = StyleStatistics()
    inputs = keras.Input((3,))
    assert [tuple(weight.shape) for weight in keras.Model(inputs, statistics(inputs)).weights] == [(3,), ()]


@pytest.mark.parametrize(("batch", "group"), [(1, 1), (2, 2), (3, 3), (4, 4), (6, 3), (8, 4), (5, 1)])
def test_deviation_is_taken_over_the_largest_group_that_divides_the_batch(batch, group):
    x = features(batch, 2, 2, 3).numpy()
    channel = MinibatchDeviation()(x)[..., 3].numpy()
    for index in range(batch):
        members = x[index % (batch // group) :: batch // group]
        np.testing.assert_allclose(channel[index], np.std(members, axis=0).mean(), rtol=1e-4, atol=2e-4)
