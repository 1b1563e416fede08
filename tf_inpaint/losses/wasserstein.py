"""Wasserstein losses of a critic and a generator, and the gradient penalty that keeps the critic's slope near 1."""

from collections.abc import Callable

import tensorflow as tf


def wasserstein_critic_loss(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """What the critic minimises, without its penalty: `mean(fake_scores) - mean(real_scores)`.

    Args:
        real_scores: any shape and floating dtype, the critic's scores of true pictures.
        fake_scores: same, of generated pictures.

    Returns:
        Scalar float32, of either sign; the estimated distance with its sign turned.

    Source: Arjovsky et al. 2017, arXiv:1701.07875, equation (2); Gulrajani et al. 2017, arXiv:1704.00028, equation (3).
    """
    return tf.reduce_mean(tf.cast(fake_scores, tf.float32)) - tf.reduce_mean(tf.cast(real_scores, tf.float32))


def wasserstein_generator_loss(fake_scores: tf.Tensor) -> tf.Tensor:
    """What the generator minimises: `-mean(fake_scores)`.

    Args:
        fake_scores: any shape and floating dtype, the critic's scores of generated pictures.

    Returns:
        Scalar float32, of either sign.

    Source: as `wasserstein_critic_loss`.
    """
    return -tf.reduce_mean(tf.cast(fake_scores, tf.float32))


def mix_pictures(images: tf.Tensor, generated: tf.Tensor, *, share: tf.Tensor) -> tf.Tensor:
    """Picks the points at which `gradient_penalty` looks: `share * images + (1 - share) * generated`.

    Args:
        images: `[B, H, W, C]`, true pictures.
        generated: same shape and dtype.
        share: `[B, 1, 1, 1]` in [0, 1], one number a picture, drawn evenly. (Some codes draw the share of the generated picture.)

    Returns:
        Same shape and dtype as `images`.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, algorithm 1, line 6.
    """
    share = tf.cast(share, images.dtype)
    return share * images + (1.0 - share) * generated


def gradient_penalty(
    critic: Callable[[tf.Tensor], tf.Tensor], pictures: tf.Tensor, *, mask: tf.Tensor | None = None, target: float = 1.0
) -> tf.Tensor:
    """Mean over the pictures of `(norm of the gradient of the scores with respect to the picture - target)^2`.

    It is itself differentiated with respect to the critic's weights: call it inside the tape of the critic's step. Its weight is the
    caller's business (10 in the papers).

    Args:
        critic: maps pictures to scores of any shape, whose first axis is the batch; a picture's score depends on it alone.
        pictures: `[B, H, W, C]` floating point, see `mix_pictures`.
        mask: `[B or 1, H, W, 1]`: only the gradient of pixels where it is 1 counts, as in DeepFill v1; `None`: of all.
        target: the slope that costs nothing.

    Returns:
        Scalar float32, at least 0.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, equation (3); with a mask, Yu et al. 2018, arXiv:1801.07892, equation (4).
    """
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        # Scores of different pictures do not mix, so that the gradient of their sum is that of each.
        scores = tf.reduce_sum(tf.cast(critic(pictures), tf.float32))
    slopes = tf.cast(tape.gradient(scores, pictures), tf.float32)
    if mask is not None:
        slopes *= tf.cast(mask, tf.float32)
    squares = tf.reduce_sum(tf.square(slopes), axis=[1, 2, 3])
    # Where the gradient vanishes, that of its norm would be infinite.
    is_positive = squares > 0.0
    norms = tf.where(is_positive, tf.sqrt(tf.where(is_positive, squares, 1.0)), 0.0)
    return tf.reduce_mean(tf.square(norms - target))
