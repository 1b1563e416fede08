"""Adversarial losses, each in two halves: the critic's and the generator's.

A critic's half is the sum of its real and its fake term; where a released code has half of that, its system multiplies by 0.5.
"""

import tensorflow as tf

# What a logarithm of 0 counts as, as in PyTorch's binary cross-entropy; the smallest positive float32 has -87.3.
_LOG_OF_ZERO = -100.0


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


def nsgan_generator_loss(fake_scores: tf.Tensor, *, from_logits: bool = True) -> tf.Tensor:
    """The generator's half of the non-saturating loss: `-mean(log(p_fake))`, p the probability of a true picture.

    Args:
        fake_scores: any shape and floating dtype, the critic's scores of generated pictures.
        from_logits: whether the scores are logits, before the sigmoid: the form without rounding, whose gradient never vanishes
            where the critic is sure. False: they are probabilities in [0, 1]; the logarithm of 0 counts as -100, without gradient.

    Returns:
        Scalar float32, at least 0.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, section 3; EdgeConnect's "nsgan". A critic that ends in a sigmoid, as
    EdgeConnect's, hands over its values before the sigmoid.
    """
    return tf.reduce_mean(_binary_cross_entropy(fake_scores, True, from_logits))


def nsgan_critic_loss(real_scores: tf.Tensor, fake_scores: tf.Tensor, *, from_logits: bool = True) -> tf.Tensor:
    """The critic's half of the non-saturating loss: `-mean(log(p_real)) - mean(log(1 - p_fake))`.

    Args:
        real_scores: any shape and floating dtype, the critic's scores of true pictures.
        fake_scores: same, of generated pictures.
        from_logits: whether the scores are logits or probabilities, see `nsgan_generator_loss`.

    Returns:
        Scalar float32, at least 0.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, equation (1). The released code of EdgeConnect has half of it.
    """
    real = tf.reduce_mean(_binary_cross_entropy(real_scores, True, from_logits))
    return real + tf.reduce_mean(_binary_cross_entropy(fake_scores, False, from_logits))


def lsgan_generator_loss(fake_scores: tf.Tensor) -> tf.Tensor:
    """The generator's half of the least-squares loss: `mean((fake_scores - 1)^2)`.

    Args:
        fake_scores: any shape and floating dtype, the critic's scores of generated pictures. EdgeConnect takes them after a sigmoid.

    Returns:
        Scalar float32, at least 0.

    Source: Mao et al. 2017, arXiv:1611.04076, equation (9) without its factor 1/2.
    """
    return tf.reduce_mean(tf.square(tf.cast(fake_scores, tf.float32) - 1.0))


def lsgan_critic_loss(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """The critic's half of the least-squares loss: `mean((real_scores - 1)^2) + mean(fake_scores^2)`.

    Args:
        real_scores: any shape and floating dtype, the critic's scores of true pictures. EdgeConnect takes them after a sigmoid.
        fake_scores: same, of generated pictures.

    Returns:
        Scalar float32, at least 0.

    Source: Mao et al. 2017, arXiv:1611.04076, equation (9); the paper and the released code of EdgeConnect have half of it.
    """
    real = tf.reduce_mean(tf.square(tf.cast(real_scores, tf.float32) - 1.0))
    return real + tf.reduce_mean(tf.square(tf.cast(fake_scores, tf.float32)))


def _binary_cross_entropy(scores, is_real, from_logits):
    scores = tf.cast(scores, tf.float32)
    if from_logits:
        return tf.nn.softplus(-scores if is_real else scores)
    probability = scores if is_real else 1.0 - scores
    is_positive = probability > 0.0
    # Both branches of `where` have a gradient: the one not taken must not be infinite.
    logarithm = tf.math.log(tf.where(is_positive, probability, 1.0))
    return -tf.where(is_positive, logarithm, _LOG_OF_ZERO)
