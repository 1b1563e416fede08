"""Convolution with symmetrical padding, and with dilation on devices whose TensorFlow lacks its gradient; biases in half precision."""

import tensorflow as tf

from tf_inpaint.ops import portable


def conv2d(
    inputs: tf.Tensor,
    kernel: tf.Tensor,
    *,
    strides: int | tuple[int, int] = 1,
    padding: str | int = "VALID",
    dilation_rate: int | tuple[int, int] = 1,
) -> tf.Tensor:
    """Convolves pictures; every combination has both gradients, in every floating dtype, on every device.

    A dilated convolution is made of ordinary ones, one for each of the interleaved grids of pixels that its taps see. TensorFlow's own has
    no gradient on a CPU in float16, and without oneDNN (which TensorFlow leaves off on CPUs without AVX-512) in no dtype.

    Args:
        inputs: `[B, H, W, C]`, floating point.
        kernel: `[kh, kw, C, C_out]`, same dtype.
        strides: one number, or (height, width).
        padding: "VALID", "SAME", or the number of zero pixels on each side.
        dilation_rate: distance of two taps in pixels: one number, or (height, width). Above 1 it needs strides of 1.

    Returns:
        `[B, H', W', C_out]`, same dtype.

    Raises:
        ValueError: if strides and dilation are both above 1.
    """
    check_strides(strides, dilation_rate)
    strides, rates = _pair(strides), _pair(dilation_rate)
    if isinstance(padding, int):
        margins = [[0, 0], [padding, padding], [padding, padding], [0, 0]]
    else:
        margins = padding
    if max(rates) == 1:
        if not isinstance(margins, str):
            # As TensorFlow's explicit padding it would run without oneDNN: 1.5 times slower in float32, 30 times in bfloat16.
            keeps_size = max(strides) == 1 and all(size == 2 * padding + 1 for size in kernel.shape[:2])
            inputs, margins = (inputs, "SAME") if keeps_size else (tf.pad(inputs, margins), "VALID")
        return tf.nn.conv2d(inputs, kernel, strides=strides, padding=margins)
    reach = [rate * (size - 1) for rate, size in zip(rates, kernel.shape[:2], strict=True)]
    if padding == "SAME":
        margins = [[0, 0], *([pixels // 2, pixels - pixels // 2] for pixels in reach), [0, 0]]
    if margins != "VALID":
        inputs = tf.pad(inputs, margins)
    if portable.are_wanted():  # exported graphs need no gradient
        return tf.nn.conv2d(inputs, kernel, strides=1, padding="VALID", dilations=rates)
    # All grids must be of one size. What is added here is cropped below: no tap of a kept pixel reaches it.
    surplus = tf.stack([tf.zeros([2], tf.int32), -tf.shape(inputs)[1:3] % tf.constant(rates)], axis=1)
    grids = tf.space_to_batch(inputs, rates, surplus)
    outputs = tf.batch_to_space(tf.nn.conv2d(grids, kernel, strides=1, padding="VALID"), rates, surplus)
    sizes = [None if size is None else size - less for size, less in zip(inputs.shape[1:3], reach, strict=True)]
    outputs.set_shape([inputs.shape[0], *sizes, kernel.shape[3]])
    return outputs


def check_strides(strides: int | tuple[int, int], dilation_rate: int | tuple[int, int]) -> None:
    """Refuses what `conv2d` cannot compute; layers ask when they are made, long before there are pictures.

    Args:
        strides: one number, or (height, width).
        dilation_rate: one number, or (height, width).

    Raises:
        ValueError: if both are above 1.
    """
    if max(_pair(strides)) > 1 and max(_pair(dilation_rate)) > 1:
        raise ValueError(
            f"`strides` and `dilation_rate` cannot both be above 1. Received: strides={strides}, dilation_rate={dilation_rate}."
        )


@tf.custom_gradient
def add_bias(inputs: tf.Tensor, bias: tf.Tensor):
    """Adds a bias to each channel; its gradient is summed in float32 whatever the dtype of the pictures.

    On a CPU TensorFlow's `bias_add` sums the gradient in the dtype of the pictures, and a bfloat16 sum over the pixels of a few pictures
    stops growing: at 8 pictures of 128 x 128 pixels it is off by more than half.

    Args:
        inputs: `[B, H, W, C]`, floating point.
        bias: `[C]`, floating point; its gradient comes in this dtype.

    Returns:
        Same shape and dtype as `inputs`.
    """

    def gradient(upstream):
        return upstream, tf.cast(tf.reduce_sum(tf.cast(upstream, tf.float32), axis=[0, 1, 2]), bias.dtype)

    return tf.nn.bias_add(inputs, tf.cast(bias, inputs.dtype)), gradient


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)
