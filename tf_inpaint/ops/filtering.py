"""Up- and downsampling with a finite impulse response filter, the low-pass of StyleGAN2."""

import numpy as np
import tensorflow as tf

# Binomial taps, close to a Gaussian.
TAPS = (1.0, 3.0, 3.0, 1.0)


def separable_kernel(taps: tuple[float, ...] = TAPS, *, gain: float = 1.0) -> np.ndarray:
    """Makes the kernel of a separable filter.

    Args:
        taps: along each axis.
        gain: sum of the kernel; zeros put between pixels by a factor f ask for f^2.

    Returns:
        `[len(taps), len(taps)]` float32.
    """
    kernel = np.outer(taps, taps)
    return (gain * kernel / kernel.sum()).astype(np.float32)


def upfirdn2d(inputs: tf.Tensor, kernel: np.ndarray, *, up: int = 1, down: int = 1, padding: tuple[int, int] = (0, 0)) -> tf.Tensor:
    """Puts zeros between pixels, pads, filters, and keeps each so many pixels.

    Gradients of any order exist: the filter is one depthwise convolution. (Sums of shifted slices have a gradient too, but one that is
    many times slower than the rest on a CPU.)

    Args:
        inputs: `[B, H, W, C]`, floating point.
        kernel: `[kh, kw]`, constant; the response to a single pixel.
        up: each pixel is followed by so many less one zeros, in each direction.
        down: every so many-th pixel is kept.
        padding: zeros before and after, in each direction; negative numbers crop.

    Returns:
        `[B, (up H + sum(padding) - kh) // down + 1, (up W + sum(padding) - kw) // down + 1, C]`, same dtype.

    Source: Karras et al. 2020, arXiv:1912.04958, released code (`upfirdn_2d`).
    """
    if up > 1:
        inputs = _with_zeros_between(inputs, up)
    before, after = padding
    if max(padding) > 0:
        margins = [max(before, 0), max(after, 0)]
        inputs = tf.pad(inputs, [[0, 0], margins, margins, [0, 0]])
    if min(padding) < 0:
        shape = tf.shape(inputs)
        first, last = max(-before, 0), max(-after, 0)
        inputs = inputs[:, first : shape[1] - last, first : shape[2] - last]
    channels = inputs.shape[-1]
    # TensorFlow correlates: the kernel is turned.
    taps = np.repeat(np.asarray(kernel)[::-1, ::-1, None, None], channels, axis=2)
    return tf.nn.depthwise_conv2d(inputs, tf.constant(taps, inputs.dtype), [1, down, down, 1], "VALID")


def upsample2d(inputs: tf.Tensor) -> tf.Tensor:
    """Doubles height and width with the taps `TAPS`.

    Args:
        inputs: `[B, H, W, C]`, floating point.

    Returns:
        `[B, 2 H, 2 W, C]`, same dtype; beyond the border are zeros.
    """
    return upfirdn2d(inputs, separable_kernel(gain=4.0), up=2, padding=(2, 1))


def _with_zeros_between(inputs, factor):
    shape, (height, width, channels) = tf.shape(inputs), inputs.shape[1:]
    spread = tf.reshape(inputs, [shape[0], shape[1], 1, shape[2], 1, channels])
    spread = tf.pad(spread, [[0, 0], [0, 0], [0, factor - 1], [0, 0], [0, factor - 1], [0, 0]])
    spread = tf.reshape(spread, [shape[0], factor * shape[1], factor * shape[2], channels])
    spread.set_shape([inputs.shape[0], height and factor * height, width and factor * width, channels])
    return spread
