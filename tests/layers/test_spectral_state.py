"""Layers with explicit padding and with spectral normalisation in PyTorch's form: paddings, state, gradient."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.layers import PaddedConv2D, SpectralConv2DTranspose
from tf_inpaint.layers.spectral_state import spectrally_normalised

# Layer -> axis of its kernel's output channels.
LAYERS = {
    "convolution": (lambda: PaddedConv2D(6, 3, padding=1, spectral_norm=True), 3),
    "transposed convolution": (lambda: SpectralConv2DTranspose(6, 4, strides=2), 2),
}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.fixture(params=LAYERS)
def layer_and_axis(request):
    make, axis = LAYERS[request.param]
    layer = make()
    layer(tf.zeros([1, 4, 4, 5]))
    layer.kernel.assign(normal(*layer.kernel.shape))
    return layer, axis


def as_matrix(kernel, axis):
    return np.moveaxis(kernel, axis, -1).reshape(-1, kernel.shape[axis])


@pytest.mark.parametrize("pad_mode", ["zero", "reflect"])
@pytest.mark.parametrize(
    ("size", "strides", "kernel_size", "dilation_rate", "padding"), [(9, 2, 4, 1, 1), (8, 1, 4, 1, 1), (8, 1, 3, 2, 2)]
)
def test_padding_is_the_same_on_all_sides(pad_mode, size, strides, kernel_size, dilation_rate, padding):
    layer = PaddedConv2D(3, kernel_size, strides=strides, dilation_rate=dilation_rate, padding=padding, pad_mode=pad_mode, use_bias=False)
    inputs = normal(2, size, size + 1, 4)
    outputs = layer(inputs)
    margins = [(0, 0), (padding, padding), (padding, padding), (0, 0)]
    padded = np.pad(inputs, margins, mode="reflect" if pad_mode == "reflect" else "constant")
    reach = dilation_rate * (kernel_size - 1)
    expected = 0.0
    for row in range(kernel_size):
        for column in range(kernel_size):
            top, left = dilation_rate * row, dilation_rate * column
            window = padded[:, top : top + padded.shape[1] - reach : strides, left : left + padded.shape[2] - reach : strides]
            expected = expected + window @ np.asarray(layer.kernel)[row, column]
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_a_transposed_convolution_is_tensorflows_with_the_divided_kernel():
    layer = SpectralConv2DTranspose(6, 4, strides=2)
    inputs = normal(2, 5, 3, 4)
    outputs = layer(inputs)
    layer.bias.assign(normal(6, seed=1))
    sigma = np.asarray(layer.v) @ as_matrix(np.asarray(layer.kernel), 2) @ np.asarray(layer.u)
    expected = tf.nn.conv2d_transpose(inputs, np.asarray(layer.kernel) / sigma, [2, 10, 6, 6], 2, "SAME")
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer(inputs), expected + normal(6, seed=1), rtol=1e-4, atol=1e-6)


def test_only_training_calls_iterate_once_and_no_call_changes_the_kernel(layer_and_axis):
    layer, axis = layer_and_axis
    kernel, u, v = (np.array(weight) for weight in (layer.kernel, layer.u, layer.v))
    layer(tf.zeros([1, 4, 4, 5]), training=False)
    np.testing.assert_array_equal(layer.u, u)
    np.testing.assert_array_equal(layer.v, v)
    layer(tf.zeros([1, 4, 4, 5]), training=True)
    matrix = as_matrix(kernel, axis)
    expected_v = matrix @ u / np.linalg.norm(matrix @ u)
    expected_u = expected_v @ matrix / np.linalg.norm(expected_v @ matrix)
    np.testing.assert_allclose(layer.v, expected_v, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer.u, expected_u, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(layer.kernel, kernel)


def test_evaluation_divides_by_what_the_stored_vectors_say(layer_and_axis):
    layer, axis = layer_and_axis
    layer.u.assign(normal(*layer.u.shape, seed=3))
    kernel = np.asarray(layer.kernel)
    sigma = np.asarray(layer.v) @ as_matrix(kernel, axis) @ np.asarray(layer.u)
    np.testing.assert_allclose(spectrally_normalised(layer, output_axis=axis, update=False), kernel / sigma, rtol=1e-4)


def test_after_many_training_calls_the_largest_singular_value_is_1(layer_and_axis):
    layer, axis = layer_and_axis
    for _ in range(300):
        kernel = spectrally_normalised(layer, output_axis=axis, update=True)
    assert np.linalg.svd(as_matrix(kernel.numpy(), axis), compute_uv=False)[0] == pytest.approx(1.0, rel=1e-4)


def test_the_gradient_flows_through_the_singular_value_too(layer_and_axis):
    """Of <R, W / sigma>, with constant u and v: (R - <R, W> / sigma * v u^T) / sigma."""
    layer, axis = layer_and_axis
    direction = normal(*layer.kernel.shape, seed=4)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(direction * spectrally_normalised(layer, output_axis=axis, update=True))
    gradient = as_matrix(np.asarray(tape.gradient(value, layer.trainable_weights[0])), axis)
    matrix, u, v = as_matrix(np.asarray(layer.kernel), axis), np.asarray(layer.u), np.asarray(layer.v)
    sigma = v @ matrix @ u
    expected = (as_matrix(direction, axis) - float(value) * np.outer(v, u)) / sigma
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


def test_an_untrained_layer_divides_by_something_of_the_right_size():
    layer = PaddedConv2D(64, 4, padding=1, spectral_norm=True)
    layer(tf.zeros([1, 4, 4, 32]))
    sigma = np.linalg.svd(as_matrix(np.asarray(layer.kernel), 3), compute_uv=False)[0]
    ratio = np.asarray(spectrally_normalised(layer, output_axis=3, update=False)) * sigma / np.asarray(layer.kernel)
    assert 1.0 < ratio.mean() < 4.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"padding": -1}, "`padding` must be at least 0"),
        ({"pad_mode": "edge"}, "`pad_mode` one of"),
        ({"strides": 2, "dilation_rate": 2}, "cannot both be above 1"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        PaddedConv2D(4, 3, **arguments)
