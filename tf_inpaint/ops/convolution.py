"""Convolutions that TensorFlow lacks on some devices."""

import tensorflow as tf


def dilated_conv2d(inputs: tf.Tensor, kernel: tf.Tensor, *, dilation_rate: int) -> tf.Tensor:
    """Convolves without padding, the kernel's taps `dilation_rate` pixels apart.

    Each of the `dilation_rate^2` interleaved grids of pixels is convolved for itself. TensorFlow's own dilated convolution has no
    gradient on a CPU in float16, and without oneDNN (which it leaves off on CPUs without AVX-512) in no dtype.

    Args:
        inputs: `[B, H, W, C]`, H and W at least as large as the spread-out kernel.
        kernel: `[kh, kw, C, C_out]`, same dtype.
        dilation_rate: distance of two taps in pixels, at least 1.

    Returns:
        `[B, H - dilation_rate (kh - 1), W - dilation_rate (kw - 1), C_out]`, same dtype.
    """
    if dilation_rate == 1:
        return tf.nn.conv2d(inputs, kernel, strides=1, padding="VALID")
    sizes = tf.shape(inputs)[1:3]
    # All grids must be of one size. What is added is cropped from the result, no tap of a kept pixel reaches it.
    surplus = tf.stack([tf.zeros([2], tf.int32), -sizes % dilation_rate], axis=1)
    grids = tf.space_to_batch(inputs, [dilation_rate, dilation_rate], surplus)
    outputs = tf.nn.conv2d(grids, kernel, strides=1, padding="VALID")
    outputs = tf.batch_to_space(outputs, [dilation_rate, dilation_rate], surplus)
    height, width = inputs.shape[1:3]
    outputs.set_shape(
        [
            inputs.shape[0],
            None if height is None else height - dilation_rate * (kernel.shape[0] - 1),
            None if width is None else width - dilation_rate * (kernel.shape[1] - 1),
            kernel.shape[3],
        ]
    )
    return outputs
