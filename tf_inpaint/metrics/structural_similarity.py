"""Structural similarity of 8-bit pictures, of the whole or of the hole, with the windows that papers use.

Computed in float64 from the 8-bit levels: scikit-image's numbers to ten digits, and in a fraction of the time of `tf.image.ssim`, whose
filters run one channel at a time.
"""

import tensorflow as tf

from tf_inpaint.metrics.per_picture import hole_pixels, levels

# Side and standard deviation of the Gaussian window, in pixels (Wang et al. 2004).
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
# (k1 * data range)^2 and (k2 * data range)^2 of Wang et al. 2004.
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2


def ssim(
    image: tf.Tensor,
    composite: tf.Tensor,
    *,
    mask: tf.Tensor | None = None,
    uniform_window: int | None = None,
    gray: bool = False,
) -> tf.Tensor:
    """Structural similarity, the mean of its map over the pixels whose window lies inside the picture, and over the channels.

    The window is Gaussian, 11 x 11 pixels with sigma 1.5 and population covariance, as Wang et al. and most papers have it. Others take
    a uniform one with sample covariance, scikit-image's default (the scripts of EdgeConnect and PEN-Net: 51 x 51, EdgeConnect's on grey
    pictures), whose numbers are about 0.1 higher: never compare across windows.

    Args:
        image: `[B, H, W, C]` uint8, the truth.
        composite: same shape, uint8.
        mask: `None`, or `[B, H, W, 1]`, in {0, 1} or uint8 with 255 in the hole: the mean of the map over the pixels of the hole. Their
            windows see known pixels around the hole as well.
        uniform_window: `None` for the Gaussian window, or the side of a uniform one, odd.
        gray: whether the luminance is compared (C = 3) instead of each channel.

    Returns:
        `[B]` float32, at most 1; NaN where the picture is lower or narrower than the window, or no pixel of the mask has its window inside.

    Raises:
        TypeError: if a picture is not uint8.
        ValueError: if `uniform_window` is even or below 3.

    Source: Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment: from error visibility to structural similarity".
    """
    if uniform_window is not None and (uniform_window < 3 or uniform_window % 2 == 0):
        raise ValueError(f"`uniform_window` must be odd and at least 3. Received: uniform_window={uniform_window}.")
    image, composite = levels(image, gray=gray), levels(composite, gray=gray)
    window = uniform_window or SSIM_WINDOW
    undefined = tf.fill(tf.shape(image)[:1], tf.constant(float("nan"), tf.float32))
    if any(side is not None and side < window for side in image.shape[1:3]):
        return undefined

    def mean_of_map():
        values = tf.reduce_mean(_ssim_map(image, composite, uniform_window), axis=-1, keepdims=True)
        inside = tf.ones_like(values)
        if mask is not None:
            radius = window // 2
            inside = tf.cast(hole_pixels(mask), tf.float64)[:, radius : -radius or None, radius : -radius or None]
        total, count = (tf.reduce_sum(each, axis=[1, 2, 3]) for each in (values * inside, inside))
        return tf.cast(total / count, tf.float32)

    return tf.cond(tf.reduce_min(tf.shape(image)[1:3]) >= window, mean_of_map, lambda: undefined)


def _ssim_map(image, composite, uniform_window):
    """`[B, H', W', C]` float64: one value for each window that lies inside the picture."""
    channels = image.shape[-1] or tf.shape(image)[-1]
    # All five are filtered at once.
    planes = tf.concat([image, composite, image**2, composite**2, image * composite], axis=-1)
    if uniform_window is None:
        means, correction = _gaussian_means(planes, 5 * channels), 1.0
    else:
        means, correction = _uniform_means(planes, uniform_window), uniform_window**2 / (uniform_window**2 - 1)
    mean_x, mean_y, mean_xx, mean_yy, mean_xy = tf.split(means, 5, axis=-1)
    variances = correction * (mean_xx - mean_x**2 + mean_yy - mean_y**2)
    covariance = correction * (mean_xy - mean_x * mean_y)
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    return luminance * (2 * covariance + _C2) / (variances + _C2)


def _gaussian_means(planes, channels):
    offsets = tf.range(SSIM_WINDOW, dtype=tf.float64) - SSIM_WINDOW // 2
    weights = tf.exp(-0.5 * (offsets / SSIM_SIGMA) ** 2)
    kernel = tf.tile((weights / tf.reduce_sum(weights))[:, tf.newaxis, tf.newaxis, tf.newaxis], [1, 1, channels, 1])
    rows = tf.nn.depthwise_conv2d(planes, kernel, [1, 1, 1, 1], "VALID")
    return tf.nn.depthwise_conv2d(rows, tf.transpose(kernel, [1, 0, 2, 3]), [1, 1, 1, 1], "VALID")


def _uniform_means(planes, window):
    # Differences of running sums: as fast for large windows as for small ones. Sums of whole numbers are exact in float64.
    for axis in (1, 2):
        sums = tf.cumsum(tf.pad(planes, [[1, 0] if index == axis else [0, 0] for index in range(4)]), axis=axis)
        length = tf.shape(sums)[axis]
        planes = tf.gather(sums, tf.range(window, length), axis=axis) - tf.gather(sums, tf.range(length - window), axis=axis)
    return planes / float(window**2)
