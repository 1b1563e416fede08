"""Differences between 8-bit pictures, one number per picture.

The numbers of papers belong to the 8-bit pictures that are stored and looked at, so these functions take nothing else. Squares and
absolute differences are summed as integers: the result is exact, whatever the batch, the device or the stack.
"""

import tensorflow as tf

from tf_inpaint import ops

# Identical pictures have an infinite PSNR, which neither a mean nor JSON can hold: this many dB is the most that is given.
MAXIMAL_PSNR = 100.0

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


def mae(image: tf.Tensor, composite: tf.Tensor, *, gray: bool = False) -> tf.Tensor:
    """The "MAE" of the scripts of EdgeConnect and PEN-Net: sum of the absolute differences over the sum of both pictures' levels.

    Not the mean absolute error that its name says (that is `l1`): the same difference counts for more in a dark picture.

    Args:
        image: `[B, H, W, 3]` uint8, the truth.
        composite: same shape, uint8.
        gray: whether the luminance is compared, as EdgeConnect's script does, or RGB, as PEN-Net's.

    Returns:
        `[B]` float32 in [0, 1]; NaN where both pictures are black.

    Raises:
        TypeError: if a picture is not uint8.

    Source: the released code of Nazeri et al. 2019, arXiv:1901.00212, and of Zeng et al. 2019, arXiv:1904.07475.
    """
    image, composite = levels(image, gray=gray), levels(composite, gray=gray)
    difference, total = (tf.reduce_sum(each, axis=[1, 2, 3]) for each in (tf.abs(image - composite), image + composite))
    return tf.cast(difference / total, tf.float32)


def levels(picture: tf.Tensor, *, gray: bool) -> tf.Tensor:
    """Returns the levels of an 8-bit picture as they are compared, float64.

    Args:
        picture: `[B, H, W, C]` uint8.
        gray: whether to return the luminance (not rounded), `[B, H, W, 1]`; needs C = 3.

    Raises:
        TypeError: if the picture is not uint8.
    """
    values = tf.cast(checked_8_bit(picture), tf.float64)
    return tf.reduce_sum(values * tf.constant(ops.image.LUMA, tf.float64), axis=-1, keepdims=True) if gray else values


def checked_8_bit(picture: tf.Tensor) -> tf.Tensor:
    """Returns a picture as a tensor, and refuses what is not stored in 8 bits.

    Args:
        picture: any shape, uint8.

    Raises:
        TypeError: if it is not uint8.
    """
    picture = tf.convert_to_tensor(picture)
    if picture.dtype != tf.uint8:
        raise TypeError(
            "Metrics are taken of 8-bit pictures, as they are stored. Convert with `ops.image.to_uint8`. "
            f"Received: dtype={picture.dtype.name}."
        )
    return picture


def hole_pixels(mask: tf.Tensor) -> tf.Tensor:
    """Returns which pixels are in the hole, boolean, of a mask in {0, 1} or one that is stored with 255 in the hole.

    Args:
        mask: any shape; floating point in {0, 1}, or of whole numbers.
    """
    mask = tf.convert_to_tensor(mask)
    return mask > 0.5 if mask.dtype.is_floating else mask > 0


def _difference(image: tf.Tensor, composite: tf.Tensor) -> tf.Tensor:
    # int64: sums of squares pass 2**31 at 11,000 pixels, and the GPU has no kernel for sums of int32.
    return tf.cast(checked_8_bit(image), tf.int64) - tf.cast(checked_8_bit(composite), tf.int64)


def _mean(values: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """`[B]` float64: mean over pixels and channels, exact but for the division; NaN if no pixel counts."""
    if mask is None:
        mask = tf.ones_like(values[..., :1])
    inside = tf.cast(hole_pixels(mask), tf.int64)
    total = tf.reduce_sum(values * inside, axis=[1, 2, 3])
    count = tf.reduce_sum(inside, axis=[1, 2, 3]) * tf.shape(values, tf.int64)[-1]
    return tf.cast(total, tf.float64) / tf.cast(count, tf.float64)
