"""Growing masks."""

import tensorflow as tf


def dilate_mask(mask: tf.Tensor, *, radius: int = 1, shape: str = "square") -> tf.Tensor:
    """Grows the hole of a mask by a number of pixels; outside the picture there is no hole.

    Args:
        mask: `[B, H, W, 1]`, floating point in {0, 1}.
        radius: number of pixels, at least 0.
        shape: "square": the hole takes all pixels within `radius` of it along rows and columns, the diagonal ones too (one step is
            a 3x3 structuring element). "cross": one pixel up, down, left and right in each step, so that corners grow as a diamond.

    Returns:
        Same shape and dtype.

    Raises:
        ValueError: if `radius` is negative or `shape` is neither of the two.
    """
    if radius < 0 or shape not in ("square", "cross"):
        raise ValueError(f"`radius` must be at least 0 and `shape` 'square' or 'cross'. Received: radius={radius}, shape={shape!r}.")
    if shape == "square":
        return tf.nn.max_pool2d(mask, 2 * radius + 1, strides=1, padding="SAME")
    for _ in range(radius):
        rows = tf.nn.max_pool2d(mask, (3, 1), strides=1, padding="SAME")
        mask = tf.maximum(rows, tf.nn.max_pool2d(mask, (1, 3), strides=1, padding="SAME"))
    return mask
