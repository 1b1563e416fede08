"""Separable Gaussian smoothing, over whole pictures or over their usable pixels only."""

import math

import numpy as np
import tensorflow as tf

from tf_inpaint.ops import portable


def gaussian_kernel(sigma: float, *, truncate: float = 4.0) -> np.ndarray:
    """Sampled Gaussian taps that sum to 1.

    Args:
        sigma: standard deviation in pixels, finite and >= 0. Zero gives the single tap 1.
        truncate: the taps reach `truncate * sigma` pixels to either side, rounded half up.

    Returns:
        `[2 * radius + 1]` float32 array, symmetric. Computed in float64 and rounded once.

    Raises:
        ValueError: if `sigma` or `truncate` is negative or not finite.
    """
    for name, value in (("sigma", sigma), ("truncate", truncate)):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"`{name}` must be a finite number >= 0. Received: {name}={value!r}.")
    radius = int(truncate * sigma + 0.5)
    if radius == 0:
        return np.ones([1], np.float32)
    offsets = np.arange(-radius, radius + 1, dtype=np.float64)
    taps = np.exp(-0.5 * np.square(offsets / sigma))
    return (taps / taps.sum()).astype(np.float32)


def gaussian_smooth(image: tf.Tensor, *, sigma: float, truncate: float = 4.0) -> tf.Tensor:
    """Smooths each channel; the picture counts as 0 beyond its border.

    Args:
        image: `[B, H, W, C]`, floating point; sizes may be unknown while a graph is built.
        sigma: standard deviation in pixels, finite and >= 0.
        truncate: the window reaches `truncate * sigma` pixels to either side.

    Returns:
        `[B, H, W, C]` float32.

    Raises:
        ValueError: if `image` is not a floating point tensor of rank 4, or `sigma` or `truncate` is negative or
            not finite.

    Source: taps and border of `scipy.ndimage.gaussian_filter(image, sigma, mode="constant")`.
    """
    return _smooth(_as_float32(image), gaussian_kernel(sigma, truncate=truncate))


def gaussian_smooth_usable(image: tf.Tensor, *, sigma: float, usable: tf.Tensor | None = None, truncate: float = 4.0) -> tf.Tensor:
    """Gaussian weighted mean over the usable pixels of the window.

    Pixels beyond the border and pixels where `usable` is zero have no weight: what they hold, NaN and infinity
    included, does not reach the result.

    Args:
        image: `[B, H, W, C]`, floating point; sizes may be unknown while a graph is built.
        sigma: standard deviation in pixels, finite and >= 0.
        usable: `[B, H, W, 1]`, any dtype, nonzero = usable. `None`: every pixel of the picture.
        truncate: the window reaches `truncate * sigma` pixels to either side.

    Returns:
        `[B, H, W, C]` float32; 0 where the window holds no usable pixel.

    Raises:
        ValueError: if `image` is not a floating point tensor of rank 4, or `sigma` or `truncate` is negative or
            not finite.

    Source: normalised convolution (Knutsson and Westin, 1993), which scikit-image's Canny uses at borders and masks.
    """
    image = _as_float32(image)
    kernel = gaussian_kernel(sigma, truncate=truncate)
    if usable is not None:
        usable = tf.cast(usable, tf.bool)
        # `where` and not a product, because 0 * NaN is NaN.
        known = tf.where(usable, image, tf.zeros_like(image))
        return tf.math.divide_no_nan(_smooth(known, kernel), _smooth(tf.cast(usable, tf.float32), kernel))
    # Over a whole rectangle the summed weight is the product of one profile per axis: two vectors, not a picture.
    height, width = tf.unstack(tf.shape(image))[1:3]
    row_weight = _smooth_down(tf.ones([1, height, 1, 1]), kernel)
    column_weight = _swap_axes(_smooth_down(tf.ones([1, width, 1, 1]), kernel))
    return _smooth(image, kernel) / (row_weight * column_weight)


def _as_float32(image: tf.Tensor) -> tf.Tensor:
    image = tf.convert_to_tensor(image)
    if not image.dtype.is_floating:
        raise ValueError(f"`image` must be floating point, e.g. float32 in [0, 1]. Received: dtype={image.dtype.name}.")
    if image.shape.rank not in (None, 4):
        raise ValueError(f"`image` must have the shape [B, H, W, C]. Received: shape={image.shape}.")
    return tf.cast(image, tf.float32)


def _smooth(image: tf.Tensor, kernel: np.ndarray) -> tf.Tensor:
    if len(kernel) == 1:
        return image
    return _swap_axes(_smooth_down(_swap_axes(_smooth_down(image, kernel)), kernel))


def _smooth_down(image: tf.Tensor, kernel: np.ndarray) -> tf.Tensor:
    """One pass along H, zeros beyond the border.

    The W x C values of a row are handed to the depthwise convolution as channels: it is vectorised over channels (three
    times the speed of a convolution with one channel), and on a GPU it computes in true float32, where a plain
    convolution would round its input to TF32 and move edges. Other runtimes want to know the number of channels, so there the values
    of a row stay where they are.
    """
    if portable.are_wanted():
        taps = np.tile(kernel[:, np.newaxis, np.newaxis, np.newaxis], [1, 1, image.shape[-1], 1])
        return tf.nn.depthwise_conv2d(image, tf.constant(taps), [1, 1, 1, 1], "SAME")
    shape = tf.shape(image)
    batch, height, width, channels = tf.unstack(shape)
    row_length = width * channels
    taps = tf.broadcast_to(tf.reshape(tf.constant(kernel), [-1, 1, 1, 1]), [len(kernel), 1, row_length, 1])
    rows = tf.reshape(image, [batch, height, 1, row_length])
    smoothed = tf.reshape(tf.nn.depthwise_conv2d(rows, taps, [1, 1, 1, 1], "SAME"), shape)
    smoothed.set_shape(image.shape)
    return smoothed


def _swap_axes(image: tf.Tensor) -> tf.Tensor:
    return tf.transpose(image, [0, 2, 1, 3])
