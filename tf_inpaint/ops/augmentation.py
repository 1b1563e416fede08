"""Random changes of pictures with a gradient: what a critic sees of a small data set, and of what imitates it."""

import tensorflow as tf

POLICIES = ("color", "translation", "cutout")
# Largest shift and side of the square, as shares of the picture's sides.
TRANSLATION_SHARE, CUTOUT_SHARE = 1 / 8, 1 / 2


def differentiable_augment(image: tf.Tensor, seed: tf.Tensor, *, policies: tuple[str, ...] = POLICIES) -> tf.Tensor:
    """Changes colours, shifts, and blanks a square, each picture by its own random numbers.

    "color" adds up to 0.5 to the brightness, multiplies the distances from the mean of the channels by up to 2 (saturation) and those
    from the mean of the picture by 0.5 to 1.5 (contrast). "translation" shifts by up to an eighth of the side, zeros come in. "cutout"
    blanks a square of half the side by zeros. All of it is products and sums: gradients of any order reach the picture.

    Args:
        image: `[B, H, W, C]` float32 in [-1, 1], H and W known.
        seed: `[2]` integers; equal seeds give equal changes.
        policies: of `POLICIES`, made in this order; none leaves the pictures.

    Returns:
        Same shape, float32; colours may leave the range.

    Raises:
        ValueError: if a policy is unknown.

    Source: Zhao et al. 2020, arXiv:2006.10738 (DiffAugment), released code.
    """
    unknown = [policy for policy in policies if policy not in POLICIES]
    if unknown:
        raise ValueError(f"`policies` must be of {POLICIES}. Received: policies={policies}.")
    batch, (height, width) = tf.shape(image)[0], image.shape[1:3]
    numbers = tf.random.stateless_uniform([7, batch, 1], seed)  # the same numbers for a policy, whichever others there are
    if "color" in policies:
        image = _change_colors(image, *(row[:, :, None, None] for row in tf.unstack(numbers[:3])))
    if "translation" in policies:
        rows = _shift(height, numbers[3], image.dtype)
        columns = _shift(width, numbers[4], image.dtype)
        image = tf.einsum("bij,bjwc->biwc", rows, image)
        image = tf.einsum("bij,bhjc->bhic", columns, image)
    if "cutout" in policies:
        inside = _inside_square(height, numbers[5])[:, :, None] & _inside_square(width, numbers[6])[:, None, :]
        image = image * tf.cast(~inside, image.dtype)[..., None]
    return image


def _change_colors(image, brightness, saturation, contrast):
    image = image + (brightness - 0.5)
    gray = tf.reduce_mean(image, axis=3, keepdims=True)
    image = (image - gray) * (2.0 * saturation) + gray
    mean = tf.reduce_mean(image, axis=[1, 2, 3], keepdims=True)
    return (image - mean) * (contrast + 0.5) + mean


def _shift(size, numbers, dtype):
    """`[B, size, size]` matrices that shift by whole pixels; a product of matrices has a quicker gradient than a gather."""
    largest = int(size * TRANSLATION_SHARE + 0.5)
    distance = tf.cast(tf.floor(numbers * (2 * largest + 1)), tf.int32) - largest
    return tf.one_hot(tf.range(size)[None] + distance, size, dtype=dtype)


def _inside_square(size, numbers):
    """`[B, size]`, whether a row or column meets the square, whose centre lies anywhere in the picture."""
    side = int(size * CUTOUT_SHARE + 0.5)
    first = tf.cast(tf.floor(numbers * (size + 1 - side % 2)), tf.int32) - side // 2
    position = tf.range(size)[None]
    return (position >= first) & (position < first + side)
