"""`ops.convolution` against a sum over the kernel's pixels."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.ops.convolution import add_bias, conv2d


def reference(inputs, kernel, *, strides, margin, dilation_rate):
    inputs = np.pad(inputs, [(0, 0), (margin, margin), (margin, margin), (0, 0)])
    reach = (kernel.shape[0] - 1) * dilation_rate
    height, width = ((size - reach - 1) // strides + 1 for size in inputs.shape[1:3])
    result = 0.0
    for row in range(kernel.shape[0]):
        for column in range(kernel.shape[1]):
            top, left = row * dilation_rate, column * dilation_rate
            window = inputs[:, top : top + strides * height : strides, left : left + strides * width : strides]
            result = result + window[:, :height, :width] @ kernel[row, column]
    return result


@pytest.fixture(scope="module")
def values():
    generator = np.random.default_rng(0)
    return generator.normal(size=(2, 13, 12, 3)), generator.normal(size=(3, 3, 3, 4))


@pytest.mark.parametrize(
    ("strides", "dilation_rate", "margin"), [(1, 1, 1), (1, 1, 2), (2, 1, 1), (2, 1, 0), (1, 2, 2), (1, 3, 0), (1, 4, 4)]
)
def test_values_are_those_of_a_sum_over_the_pixels_of_the_kernel(values, strides, dilation_rate, margin):
    inputs, kernel = values
    expected = reference(inputs, kernel, strides=strides, margin=margin, dilation_rate=dilation_rate)
    received = conv2d(tf.constant(inputs), tf.constant(kernel), strides=strides, padding=margin, dilation_rate=dilation_rate)
    np.testing.assert_allclose(received, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("strides", "dilation_rate"), [(2, 2), ((1, 2), 3), (2, (1, 2))])
def test_strides_and_dilation_together_are_refused(values, strides, dilation_rate):
    with pytest.raises(ValueError, match=r"cannot both be above 1\. Received: strides=.*, dilation_rate="):
        conv2d(*map(tf.constant, values), strides=strides, dilation_rate=dilation_rate)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("in_graph", [True, False])
def test_a_dilated_convolution_has_both_gradients_in_every_type(values, dtype, in_graph):
    """Of a sum of squares: in the direction of the values themselves each gives twice the loss."""
    inputs, kernel = (tf.cast(0.1 * each, dtype) for each in values)

    def loss_and_gradients(inputs, kernel):
        with tf.GradientTape() as tape:
            tape.watch([inputs, kernel])
            loss = tf.reduce_sum(tf.cast(conv2d(inputs, kernel, dilation_rate=2), tf.float64) ** 2)
        return loss, tape.gradient(loss, [inputs, kernel])

    loss, gradients = (tf.function(loss_and_gradients) if in_graph else loss_and_gradients)(inputs, kernel)
    tolerance = {"float64": 1e-12, "float32": 1e-5, "float16": 1e-2, "bfloat16": 5e-2}[dtype]
    for value, gradient in zip((inputs, kernel), gradients, strict=True):
        along = np.sum(np.float64(tf.cast(value, tf.float64)) * np.float64(tf.cast(gradient, tf.float64)))
        assert along == pytest.approx(2 * float(loss), rel=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("bfloat16", 4e-3), ("float16", 5e-4)])
def test_a_bias_is_added_and_its_gradient_summed_over_many_pixels(dtype, tolerance):
    """A bfloat16 sum of these 32768 numbers would be off by more than half."""
    generator = np.random.default_rng(0)
    inputs, upstream = (tf.cast(generator.normal(0.1, 1.0, size=(8, 64, 64, 3)), dtype) for _ in range(2))
    bias = tf.constant([1.0, -2.0, 0.5])
    with tf.GradientTape() as tape:
        tape.watch([inputs, bias])
        outputs = add_bias(inputs, bias)
    np.testing.assert_array_equal(tf.cast(outputs, tf.float32), tf.cast(inputs + tf.cast(bias, dtype), tf.float32))
    by_input, by_bias = tape.gradient(outputs, [inputs, bias], output_gradients=upstream)
    np.testing.assert_array_equal(tf.cast(by_input, tf.float32), tf.cast(upstream, tf.float32))
    assert by_bias.dtype == tf.float32
    np.testing.assert_allclose(by_bias, tf.reduce_sum(tf.cast(upstream, tf.float64), axis=[0, 1, 2]), rtol=tolerance)
