"""Differences between 8-bit pictures, one number per picture.

The numbers of papers belong to the 8-bit pictures that are stored and looked at, so these functions take nothing else. Squares and
absolute differences are summed as integers: the result is exact, whatever the batch, the device or the stack.
"""

import tensorflow as tf

# Identical pictures have an infinite PSNR, which neither a mean nor JSON can hold: this many dB is the most that is given.
MAXIMAL_PSNR = 100.0
# Side and standard deviation of the Gaussian window of SSIM, in pixels (Wang et al. 2004).
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5

_MAXIMAL_LEVEL = 255


def psnr(image: tf.Tensor, composite: tf.Tensor, *, mask: tf.Tensor | None = None) -> tf.Tensor:
    """Peak signal-to-noise ratio over all pixels and channels, or over the pixels of a mask.

    Args:
        image: `[B, H, W, C]` uint8, the truth.
        composite: same shape, uint8.
        mask: `None`, or `[B, H, W, 1]`, in {0, 1} or uint8 with 255 in the hole: only pixels of the hole count.

    Returns:
        `[B]` float32 in dB, data range 255, at most `MAXIMAL_PSNR`; NaN where the mask is empty.

    Raises:
        TypeError: if a picture is not uint8.
    """
    difference = _difference(image, composite)
    mean_square = _mean(difference * difference, mask)
    # The cap meets identical pictures, and those in which less than one pixel in 50,000 is off by one level in one channel.
    smallest = tf.constant(_MAXIMAL_LEVEL**2 * 10.0 ** (-MAXIMAL_PSNR / 10.0), tf.float64)
    ratio = tf.constant(float(_MAXIMAL_LEVEL**2), tf.float64) / tf.maximum(mean_square, smallest)
    return tf.cast(10.0 * tf.math.log(ratio) / tf.math.log(tf.constant(10.0, tf.float64)), tf.float32)


def l1(image: tf.Tensor, composite: tf.Tensor, *, mask: tf.Tensor | None = None) -> tf.Tensor:
    """Mean absolute difference over all pixels and channels, or over the pixels of a mask, as a share of the data range.

    Args:
        image: `[B, H, W, C]` uint8, the truth.
        composite: same shape, uint8.
        mask: `None`, or `[B, H, W, 1]`, in {0, 1} or uint8 with 255 in the hole: only pixels of the hole count.

    Returns:
        `[B]` float32 in [0, 1]: the mean difference in levels divided by 255; NaN where the mask is empty.

    Raises:
        TypeError: if a picture is not uint8.
    """
    mean_difference = _mean(tf.abs(_difference(image, composite)), mask)
    return tf.cast(mean_difference / tf.constant(float(_MAXIMAL_LEVEL), tf.float64), tf.float32)


def ssim(image: tf.Tensor, composite: tf.Tensor) -> tf.Tensor:
    """Structural similarity with a Gaussian window of 11 x 11 pixels, sigma 1.5, mean over the channels.

    Only windows that lie wholly inside the picture count, with k1 = 0.01 and k2 = 0.03. Papers use other windows too (EdgeConnect's
    script: uniform, 51 x 51, on grey pictures), whose numbers are about 0.1 higher: never compare across them.

    Args:
        image: `[B, H, W, C]` uint8, the truth.
        composite: same shape, uint8.

    Returns:
        `[B]` float32, at most 1; NaN where the picture is lower or narrower than the window, so that SSIM is undefined.

    Raises:
        TypeError: if a picture is not uint8.

    Source: Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment: from error visibility to structural similarity".
    """
    image, composite = _checked(image), _checked(composite)
    undefined = tf.fill(tf.shape(image)[:1], tf.constant(float("nan"), tf.float32))
    if any(side is not None and side < SSIM_WINDOW for side in image.shape[1:3]):
        return undefined
    return tf.cond(
        tf.reduce_min(tf.shape(image)[1:3]) >= SSIM_WINDOW,
        lambda: tf.image.ssim(image, composite, _MAXIMAL_LEVEL, filter_size=SSIM_WINDOW, filter_sigma=SSIM_SIGMA),
        lambda: undefined,
    )


def _checked(picture: tf.Tensor) -> tf.Tensor:
    picture = tf.convert_to_tensor(picture)
    if picture.dtype != tf.uint8:
        raise TypeError(
            "Metrics are taken of 8-bit pictures, as they are stored. Convert with `ops.image.to_uint8`. "
            f"Received: dtype={picture.dtype.name}."
        )
    return picture


def _difference(image: tf.Tensor, composite: tf.Tensor) -> tf.Tensor:
    # int64: sums of squares pass 2**31 at 11,000 pixels, and the GPU has no kernel for sums of int32.
    return tf.cast(_checked(image), tf.int64) - tf.cast(_checked(composite), tf.int64)


def _mean(values: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """`[B]` float64: mean over pixels and channels, exact but for the division; NaN if no pixel counts."""
    if mask is None:
        mask = tf.ones_like(values[..., :1])
    mask = tf.convert_to_tensor(mask)
    inside = tf.cast(mask > 0.5 if mask.dtype.is_floating else mask > 0, tf.int64)
    total = tf.reduce_sum(values * inside, axis=[1, 2, 3])
    count = tf.reduce_sum(inside, axis=[1, 2, 3]) * tf.shape(values, tf.int64)[-1]
    return tf.cast(total, tf.float64) / tf.cast(count, tf.float64)
