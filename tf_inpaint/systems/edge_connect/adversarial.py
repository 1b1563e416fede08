"""The two halves of the adversarial loss, by the name of its kind, from scores before the sigmoid."""

import tensorflow as tf

from tf_inpaint import losses


def critic_loss(kind: str, real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """The critic's half, times 1/2 as in the released code.

    Args:
        kind: "nsgan", "lsgan" or "hinge".
        real_scores: any shape, float32, scores of true pictures or edges before the sigmoid.
        fake_scores: same, of generated ones.

    Returns:
        Scalar float32, at least 0.
    """
    if kind == "nsgan":
        return 0.5 * losses.nsgan_critic_loss(real_scores, fake_scores)
    if kind == "lsgan":
        return 0.5 * losses.lsgan_critic_loss(tf.sigmoid(real_scores), tf.sigmoid(fake_scores))
    # Hinge losses have no sigmoid.
    return 0.5 * losses.hinge_critic_loss(real_scores, fake_scores)


def generator_loss(kind: str, fake_scores: tf.Tensor) -> tf.Tensor:
    """The generator's half.

    Args:
        kind: "nsgan", "lsgan" or "hinge".
        fake_scores: any shape, float32, scores of generated pictures or edges before the sigmoid.

    Returns:
        Scalar float32.
    """
    if kind == "nsgan":
        return losses.nsgan_generator_loss(fake_scores)
    if kind == "lsgan":
        return losses.lsgan_generator_loss(tf.sigmoid(fake_scores))
    return losses.hinge_generator_loss(fake_scores)
