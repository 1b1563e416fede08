"""The losses of PEN-Net, equations (6) to (9) and what the released code adds."""

import tensorflow as tf

from tf_inpaint import losses, ops


def critic_loss(kind: str, real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """The critic's half of the adversarial loss: the mean of its real and its fake term. (Equation (9) has their sum.)

    Args:
        kind: "hinge" or "nsgan".
        real_scores: any shape, scores of true pictures before any sigmoid.
        fake_scores: same, of composites.

    Returns:
        Scalar float32, at least 0.
    """
    function = losses.hinge_critic_loss if kind == "hinge" else losses.nsgan_critic_loss
    return 0.5 * function(real_scores, fake_scores)


def generator_loss(kind: str, fake_scores: tf.Tensor) -> tf.Tensor:
    """The generator's half of the adversarial loss, equation (8).

    Args:
        kind: "hinge" or "nsgan".
        fake_scores: any shape, scores of composites before any sigmoid.

    Returns:
        Scalar float32.
    """
    function = losses.hinge_generator_loss if kind == "hinge" else losses.nsgan_generator_loss
    return function(fake_scores)


def pyramid_targets(image: tf.Tensor, pictures: list[tf.Tensor]) -> list[tf.Tensor]:
    """Resizes the truth to the sizes of the side outputs, with aligned corners as published: small ones pick pixels.

    Args:
        image: `[B, H, W, 3]` float32.
        pictures: side outputs `[B, h, w, 3]`.

    Returns:
        x^l of equation (6), a tensor for each side output, of its shape.
    """
    return [ops.resampling.resize_align_corners(image, ops.patches.spatial_size(picture)) for picture in pictures]


def pyramid_loss(image: tf.Tensor, pictures: list[tf.Tensor]) -> tf.Tensor:
    """The sum over the side outputs of their mean absolute errors, equation (6).

    Args:
        image: `[B, H, W, 3]` float32, the truth.
        pictures: side outputs `[B, h, w, 3]` float32.

    Returns:
        Scalar float32.
    """
    return tf.add_n([losses.l1_loss(picture, target) for picture, target in zip(pictures, pyramid_targets(image, pictures), strict=True)])


def hole_and_valid_loss(raw: tf.Tensor, image: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean absolute errors in the hole and outside it, each over its own pixels of the whole batch.

    Args:
        raw: `[B, H, W, 3]` float32, the network's picture.
        image: same shape, the truth.
        mask: `[B, H, W, 1]` float32, 1 = hole.

    Returns:
        Two scalars float32; of an empty region 0.

    Source: the released code; the paper has neither.
    """
    difference = tf.abs(raw - image)
    return tuple(tf.math.divide_no_nan(tf.reduce_mean(region * difference), tf.reduce_mean(region)) for region in (mask, 1.0 - mask))
