"""Convolutions that resample through a filter, and those whose kernel is scaled anew for each picture: the heart of StyleGAN2."""

import tensorflow as tf

from tf_inpaint.ops import filtering

DEMODULATION_EPSILON = 1e-8


def resampling_conv2d(inputs: tf.Tensor, kernel: tf.Tensor, *, resample: str | None = None) -> tf.Tensor:
    """Convolves pictures, and doubles or halves their size on the way.

    Args:
        inputs: `[B, H, W, C]`, floating point; H and W even where they are halved.
        kernel: `[k, k, C, filters]`, same dtype, k odd.
        resample: "up" doubles height and width (transposed convolution, then the filter), "down" halves them (the filter, then a
            convolution with strides of 2), `None` keeps them.

    Returns:
        `[B, H', W', filters]`, same dtype.

    Raises:
        ValueError: if `resample` is none of these.

    Source: Karras et al. 2020, arXiv:1912.04958, released code (`upsample_conv_2d`, `conv_downsample_2d`).
    """
    size, num_taps = kernel.shape[0], len(filtering.TAPS)
    if resample is None:
        return tf.nn.conv2d(inputs, kernel, 1, "SAME")
    if resample == "up":
        shape = tf.shape(inputs)
        larger = [shape[0], 2 * shape[1] + size - 2, 2 * shape[2] + size - 2, kernel.shape[3]]
        # TensorFlow wants [k, k, O, I] here; it does not turn the kernel, nor does PyTorch.
        outputs = tf.nn.conv2d_transpose(inputs, tf.transpose(kernel, [0, 1, 3, 2]), larger, 2, "VALID")
        surplus = num_taps - 1 - size
        padding = (surplus + 1) // 2 + 1, surplus // 2 + 1
        return filtering.upfirdn2d(outputs, filtering.separable_kernel(gain=4.0), padding=padding)
    if resample == "down":
        surplus = num_taps + size - 3
        padding = (surplus + 1) // 2, surplus // 2
        if size == 1:  # what the strides would leave out is not filtered
            return tf.nn.conv2d(filtering.upfirdn2d(inputs, filtering.separable_kernel(), down=2, padding=padding), kernel, 1, "VALID")
        return tf.nn.conv2d(filtering.upfirdn2d(inputs, filtering.separable_kernel(), padding=padding), kernel, 2, "VALID")
    raise ValueError(f"`resample` must be 'up', 'down' or None. Received: resample={resample!r}.")


def modulated_conv2d(
    inputs: tf.Tensor,
    kernel: tf.Tensor,
    scales: tf.Tensor,
    *,
    demodulate: bool = True,
    resample: str | None = None,
    gain: float = 1.0,
) -> tf.Tensor:
    """Convolves each picture with the kernel `kernel[..., i, o] * scales[b, i]`, divided by its norm for each output channel.

    The channels of the input are scaled, all pictures convolved with one kernel, and the channels of the output scaled: the same
    numbers without a convolution in groups.

    Args:
        inputs: `[B, H, W, C]`, floating point.
        kernel: `[k, k, C, filters]` float32, k odd.
        scales: `[B, C]` float32.
        demodulate: whether the output channels are divided by the norms of their kernels.
        resample: as for `resampling_conv2d`.
        gain: further factor of the result.

    Returns:
        `[B, H', W', filters]`, dtype of `inputs`. The norms are computed in float32.

    Raises:
        ValueError: if `resample` is unknown.

    Source: Karras et al. 2020, arXiv:1912.04958, equations 1 and 3; the form is that of the released code with `fused_modconv=False`.
    """
    dtype = inputs.dtype
    outputs = resampling_conv2d(inputs * tf.cast(scales, dtype)[:, None, None], tf.cast(kernel, dtype), resample=resample)
    if demodulate:
        energies = tf.matmul(tf.square(scales), tf.reduce_sum(tf.square(kernel), axis=[0, 1]))
        return outputs * tf.cast(gain * tf.math.rsqrt(energies + DEMODULATION_EPSILON), dtype)[:, None, None]
    return outputs if gain == 1.0 else outputs * gain
