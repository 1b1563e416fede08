"""Random changes of colour, for training: brightness, contrast, saturation and hue."""

import tensorflow as tf

from tf_inpaint.ops import image as image_ops

# Luma of gamma-encoded RGB, ITU-R BT.601: what Pillow's and torchvision's enhancements call the grey of a colour.
LUMA_601 = (0.299, 0.587, 0.114)
MAX_HUE = 0.5


def colour_jitter(
    image: tf.Tensor,
    seed: tf.Tensor,
    *,
    brightness: float = 0.05,
    contrast: float = 0.05,
    saturation: float = 0.05,
    hue: float = 0.05,
) -> tf.Tensor:
    """Changes the colours of a picture by amounts drawn from a seed, as torchvision's `ColorJitter` does.

    With levels in [0, 1], and clipped to them after each step: all are multiplied by a factor from [1 - brightness, 1 + brightness]; their
    distances to the picture's mean grey by one from [1 - contrast, 1 + contrast]; their distances to the pixel's own grey by one from
    [1 - saturation, 1 + saturation]; then the hue is turned by a share from [-hue, hue] of the circle. All four are uniform.

    Differs from torchvision: the order of the four is fixed, there it is drawn too.

    Args:
        image: `[..., H, W, 3]` float32 in [-1, 1]; several pictures change alike.
        seed: `[2]` integer.
        brightness: largest change, at least 0.
        contrast: same.
        saturation: same.
        hue: same, at most 0.5.

    Returns:
        Same shape, float32 in [-1, 1].

    Raises:
        ValueError: if an amount is out of its range.
    """
    amounts = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": hue}
    for name, amount in amounts.items():
        if amount < 0 or (name == "hue" and amount > MAX_HUE):
            raise ValueError(f"`{name}` must be at least 0, and hue at most {MAX_HUE}. Received: {name}={amount}.")
    drawn = tf.random.stateless_uniform([4], seed, minval=-1.0, maxval=1.0) * tf.constant(list(amounts.values()), tf.float32)
    return adjust_colours(image, brightness=1.0 + drawn[0], contrast=1.0 + drawn[1], saturation=1.0 + drawn[2], hue=drawn[3])


def adjust_colours(
    image: tf.Tensor, *, brightness: tf.Tensor = 1.0, contrast: tf.Tensor = 1.0, saturation: tf.Tensor = 1.0, hue: tf.Tensor = 0.0
) -> tf.Tensor:
    """Changes the colours of pictures by given amounts, see `colour_jitter`.

    Args:
        image: `[..., H, W, 3]` float32 in [-1, 1].
        brightness: factor of the levels.
        contrast: factor of their distances to the picture's mean grey.
        saturation: factor of their distances to the pixel's grey.
        hue: share of the circle by which hues are turned.

    Returns:
        Same shape, float32 in [-1, 1].
    """
    levels = _clip(image_ops.to_unit(tf.cast(image, tf.float32)) * brightness)
    mean = tf.reduce_mean(_gray(levels), axis=[-3, -2], keepdims=True)
    levels = _clip(mean + contrast * (levels - mean))
    gray = _gray(levels)
    levels = _clip(gray + saturation * (levels - gray))
    hsv = tf.image.rgb_to_hsv(levels)
    turned = tf.concat([tf.math.floormod(hsv[..., :1] + hue, 1.0), hsv[..., 1:]], axis=-1)
    return image_ops.from_unit(_clip(tf.image.hsv_to_rgb(turned)))


def _gray(levels):
    return tf.reduce_sum(levels * LUMA_601, axis=-1, keepdims=True)


def _clip(levels):
    return tf.clip_by_value(levels, 0.0, 1.0)
