"""Adversarial losses."""

import tensorflow as tf


def hinge_generator_loss(fake_scores: tf.Tensor) -> tf.Tensor:
    """The generator's half of the hinge loss: `-mean(fake_scores)`.

    Args:
        fake_scores: any shape and floating dtype, the critic's scores of generated pictures.

    Returns:
        Scalar float32, unbounded.

    Source: Rui & Guo 2024, equation (9); Miyato et al. 2018, arXiv:1802.05957, equation (17).
    """
    return -tf.reduce_mean(tf.cast(fake_scores, tf.float32))


def hinge_critic_loss(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """The critic's half of the hinge loss: `mean(max(0, 1 - real_scores)) + mean(max(0, 1 + fake_scores))`.

    Args:
        real_scores: any shape and floating dtype, the critic's scores of true pictures.
        fake_scores: same, of generated pictures.

    Returns:
        Scalar float32, at least 0.

    Source: Rui & Guo 2024, equation (11); Miyato et al. 2018, arXiv:1802.05957, equation (16). The paper says "maximise"; like
    everybody who uses this loss, we minimise it. The released code of DeepFill v2 has half of it.
    """
    real = tf.reduce_mean(tf.nn.relu(1.0 - tf.cast(real_scores, tf.float32)))
    return real + tf.reduce_mean(tf.nn.relu(1.0 + tf.cast(fake_scores, tf.float32)))
