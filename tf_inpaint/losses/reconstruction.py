"""Reconstruction losses: distances between the network's output and the truth."""

import tensorflow as tf


def l1_loss(raw: tf.Tensor, image: tf.Tensor, mask: tf.Tensor | None = None, *, hole_weight: float = 1.0) -> tf.Tensor:
    """Mean absolute error over the whole picture, hole pixels counted `hole_weight` times.

    Args:
        raw: `[B, H, W, C]`, any floating dtype, network output.
        image: same shape, the truth.
        mask: `[B, H, W, 1]`, 1 in the hole; needed only if `hole_weight` is not 1.
        hole_weight: weight of a hole pixel beside the 1 of a known pixel, positive.

    Returns:
        Scalar float32: the weighted sum over batch, pixels and channels, divided by the sum of the weights.

    Raises:
        ValueError: if `hole_weight` is not positive, or is not 1 and there is no mask.
    """
    if hole_weight <= 0:
        raise ValueError(f"`hole_weight` must be positive. Received: hole_weight={hole_weight}.")
    difference = tf.abs(tf.cast(raw, tf.float32) - tf.cast(image, tf.float32))
    if hole_weight == 1.0:
        return tf.reduce_mean(difference)
    if mask is None:
        raise ValueError(f"`mask` is needed where `hole_weight` is not 1. Received: hole_weight={hole_weight}, mask=None.")
    weights = 1.0 + (hole_weight - 1.0) * tf.cast(mask, tf.float32)
    channels = tf.cast(tf.shape(difference)[-1], tf.float32)
    return tf.reduce_sum(weights * difference) / (tf.reduce_sum(weights) * channels)
