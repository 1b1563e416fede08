"""The two regularisers of StyleGAN2: both are gradients, and are differentiated once more."""

from collections.abc import Callable

import tensorflow as tf

PATH_LENGTH_DECAY = 0.01


def r1_penalty(critic: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor) -> tf.Tensor:
    """Mean over true pictures of the squared length of the gradient of their scores.

    Its weight, gamma / 2, is the caller's business. Call it inside the tape of the critic's step.

    Args:
        critic: maps pictures to scores whose first axis is the batch.
        images: `[B, H, W, C]` floating point, true pictures as the critic sees them.

    Returns:
        Scalar float32, at least 0.

    Source: Mescheder et al. 2018, arXiv:1801.04406, equation 9; Karras et al. 2020, arXiv:1912.04958, appendix B.
    """
    with tf.GradientTape() as tape:
        tape.watch(images)
        scores = tf.reduce_sum(tf.cast(critic(images), tf.float32))
    slopes = tf.cast(tape.gradient(scores, images), tf.float32)
    return tf.reduce_mean(tf.reduce_sum(tf.square(slopes), axis=[1, 2, 3]))


def path_lengths(synthesis: Callable[[tf.Tensor], tf.Tensor], styles: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """How far pictures move, in random directions, when their styles move by one.

    Args:
        synthesis: maps styles to pictures `[B, H, W, C]`.
        styles: `[B, N, S]` float32.
        noise: `[B, H, W, C]` float32, normally distributed: the directions.

    Returns:
        `[B]` float32, at least 0.

    Source: Karras et al. 2020, arXiv:1912.04958, section 3.2; for N styles the root of the mean of their squares, as in released codes.
    """
    with tf.GradientTape() as tape:
        tape.watch(styles)
        pictures = tf.cast(synthesis(styles), tf.float32)
        height, width = pictures.shape[1:3]
        moved = tf.reduce_sum(pictures * noise) / (height * width) ** 0.5
    slopes = tape.gradient(moved, styles)
    return tf.sqrt(tf.reduce_mean(tf.reduce_sum(tf.square(slopes), axis=2), axis=1) + 1e-12)  # the root of 0 has no gradient


def path_length_penalty(lengths: tf.Tensor, mean_length: tf.Tensor, *, decay: float = PATH_LENGTH_DECAY) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean squared distance of path lengths from their running mean.

    Args:
        lengths: `[B]` float32, of `path_lengths`.
        mean_length: scalar float32, the running mean so far.
        decay: share of these lengths in the new mean.

    Returns:
        The penalty, scalar float32, at least 0; and the new running mean, which it is measured from.

    Source: Karras et al. 2020, arXiv:1912.04958, equation 4.
    """
    mean_length = mean_length + decay * (tf.reduce_mean(lengths) - mean_length)
    return tf.reduce_mean(tf.square(lengths - mean_length)), tf.stop_gradient(mean_length)
