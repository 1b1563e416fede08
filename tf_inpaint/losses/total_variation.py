"""Total variation: how much neighbouring pixels differ."""

import tensorflow as tf


def total_variation_loss(image: tf.Tensor, region: tf.Tensor | None = None) -> tf.Tensor:
    """Anisotropic total variation of a picture, or of its pixels inside a region.

    Args:
        image: `[B, H, W, C]`, any floating dtype, H and W at least 2.
        region: `None`, or `[B, H, W, 1]` in {0, 1}: only pairs of neighbours that both lie in it count. The partial convolution
            paper's region is the hole grown by one pixel, `ops.morphology.dilate_mask(mask)`.

    Returns:
        Scalar float32, at least 0. Without a region: the mean of all horizontal absolute differences plus the mean of all vertical
        ones. With a region: the sum of both kinds inside it divided by the number of elements of `image`, so that a small hole
        weighs little; an empty region gives 0.

    Source: Liu et al. 2018, arXiv:1804.07723, section 3.3, the last term.
    """
    image = tf.cast(image, tf.float32)
    horizontal = image[:, :, 1:] - image[:, :, :-1]
    vertical = image[:, 1:] - image[:, :-1]
    if region is None:
        return tf.reduce_mean(tf.abs(horizontal)) + tf.reduce_mean(tf.abs(vertical))
    region = tf.cast(region, tf.float32)
    # A selection, not a product: what lies outside has no influence on the value, be it NaN, nor on the gradient.
    horizontal = tf.where(region[:, :, 1:] * region[:, :, :-1] > 0.5, horizontal, 0.0)
    vertical = tf.where(region[:, 1:] * region[:, :-1] > 0.5, vertical, 0.0)
    total = tf.reduce_sum(tf.abs(horizontal)) + tf.reduce_sum(tf.abs(vertical))
    return total / tf.cast(tf.size(image), tf.float32)
