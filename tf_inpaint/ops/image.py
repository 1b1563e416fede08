"""Image ranges, masking, compositing, padding and resizing.

Conventions, kept everywhere in the library: tensors are NHWC; inside, images are float32 in [-1, 1] and masks are float32
`[B, H, W, 1]` in {0, 1} with 1 = hole; uint8 appears only at the file and serving edges. The converters of this module are
the only places that know the factors between the ranges.
"""

import tensorflow as tf

from tf_inpaint.ops import portable, resampling

# Luma of linear-light RGB with ITU-R BT.709 primaries, the weights of scikit-image's `rgb2gray`.
LUMA = (0.2125, 0.7154, 0.0721)
# At the file edge a mask pixel above this grey level is a hole.
MASK_THRESHOLD = 127


def from_uint8(image: tf.Tensor) -> tf.Tensor:
    """Converts stored pictures to the library's range.

    Args:
        image: any shape, uint8.

    Returns:
        Same shape, float32 in [-1, 1]; 0 becomes -1 and 255 becomes 1.
    """
    return tf.cast(image, tf.float32) / 127.5 - 1.0


def to_uint8(image: tf.Tensor) -> tf.Tensor:
    """Converts pictures in [-1, 1] to stored pictures, the inverse of `from_uint8`.

    Args:
        image: any shape, floating point; values outside [-1, 1] are clipped, NaN becomes 0.

    Returns:
        Same shape, uint8, rounded to the nearest level.
    """
    levels = (tf.cast(image, tf.float32) + 1.0) * 127.5
    levels = tf.where(tf.math.is_nan(levels), tf.zeros_like(levels), levels)
    return tf.cast(tf.round(tf.clip_by_value(levels, 0.0, 255.0)), tf.uint8)


def to_unit(image: tf.Tensor) -> tf.Tensor:
    """Maps [-1, 1] to [0, 1], keeping shape and dtype.

    Args:
        image: any shape, floating point in [-1, 1].

    Returns:
        Same shape and dtype, in [0, 1].
    """
    return (image + 1.0) * 0.5


def from_unit(image: tf.Tensor) -> tf.Tensor:
    """Maps [0, 1] to [-1, 1], keeping shape and dtype.

    Args:
        image: any shape, floating point in [0, 1].

    Returns:
        Same shape and dtype, in [-1, 1].
    """
    return image * 2.0 - 1.0


def to_gray(image: tf.Tensor) -> tf.Tensor:
    """Computes the luminance of RGB pictures.

    Args:
        image: `[..., H, W, 3]` floating point in [-1, 1].

    Returns:
        `[..., H, W, 1]` float32 in [0, 1].

    Raises:
        ValueError: if the last dimension is known and is not 3.
    """
    image = tf.convert_to_tensor(image)
    if image.shape.rank is not None and image.shape[-1] not in (None, 3):
        raise ValueError(f"`image` must have 3 channels in its last dimension. Received: shape={image.shape}.")
    return tf.reduce_sum(to_unit(tf.cast(image, tf.float32)) * tf.constant(LUMA, tf.float32), axis=-1, keepdims=True)


def binary_mask(mask: tf.Tensor) -> tf.Tensor:
    """Converts a stored mask to the library's form.

    Args:
        mask: any shape, uint8; levels above 127 are the hole. A boolean tensor is taken as it is.

    Returns:
        Same shape, float32 in {0, 1}, 1 = hole.
    """
    mask = tf.convert_to_tensor(mask)
    if mask.dtype == tf.bool:
        return tf.cast(mask, tf.float32)
    return tf.cast(mask > MASK_THRESHOLD, tf.float32)


def mask_image(image: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Blanks the hole of a picture with 0, mid-grey.

    Args:
        image: `[B, H, W, C]` floating point; values in the hole have no influence, be they NaN.
        mask: `[B, H, W, 1]` in {0, 1}, 1 = hole.

    Returns:
        `[B, H, W, C]`, dtype of `image`: `image` where the mask is 0, zero in the hole.
    """
    return tf.where(mask > 0.5, tf.zeros([], image.dtype), image)


def composite(raw: tf.Tensor, image: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Pastes the network's output into the hole of a picture.

    A selection, not a weighted sum: known pixels keep their bits.

    Args:
        raw: `[B, H, W, C]` network output.
        image: `[B, H, W, C]`, same dtype; only its known pixels are used.
        mask: `[B, H, W, 1]` in {0, 1}, 1 = hole.

    Returns:
        `[B, H, W, C]`, dtype of `image`.
    """
    return tf.where(mask > 0.5, raw, image)


def pad_to_multiple(image: tf.Tensor, multiple: int) -> tf.Tensor:
    """Pads pictures at the bottom and the right until both sizes are multiples of a number.

    The picture is continued by its mirror image with the edge row repeated (`d c b a | a b c d | d c b a`), as often as needed, so
    that pictures smaller than the padding work too.

    Args:
        image: `[B, H, W, C]`, any dtype, H and W at least 1.
        multiple: positive number of pixels.

    Returns:
        `[B, H', W', C]`, same dtype, H' and W' the next multiples. `padded[:, :H, :W]` is `image`, bit for bit.

    Raises:
        ValueError: if `multiple` is not positive.
    """
    if multiple < 1:
        raise ValueError(f"`multiple` must be at least 1. Received: multiple={multiple}.")
    shape = tf.shape(image)
    padded = tf.gather(image, _mirrored_indices(shape[1], multiple), axis=1)
    return tf.gather(padded, _mirrored_indices(shape[2], multiple), axis=2)


def _mirrored_indices(size: tf.Tensor, multiple: int) -> tf.Tensor:
    # Dividends stay positive, here and below: ONNX rounds negative quotients towards zero.
    padded_size = (size + multiple - 1) // multiple * multiple
    position = tf.range(padded_size) % (2 * size)
    return tf.minimum(position, 2 * size - 1 - position)


def reflect_pad(image: tf.Tensor, padding: int) -> tf.Tensor:
    """Pads pictures on all sides by their mirror image, without repeating the edge row (`d c b | a b c d | c b a`).

    As `tf.pad` with "REFLECT", but a picture smaller than the padding is reflected to and fro until there is enough.

    Args:
        image: `[B, H, W, C]`, any dtype, H and W at least 1; they may be unknown while a graph is built.
        padding: number of pixels on each side, at least 0.

    Returns:
        `[B, H + 2 padding, W + 2 padding, C]`, same dtype.
    """
    if all(size is not None and size > padding for size in image.shape[1:3]):  # with a quicker gradient
        return tf.pad(image, [[0, 0], [padding, padding], [padding, padding], [0, 0]], mode="REFLECT")
    shape = tf.shape(image)
    padded = tf.gather(image, _reflected_indices(shape[1], padding), axis=1)
    return tf.gather(padded, _reflected_indices(shape[2], padding), axis=2)


def _reflected_indices(size: tf.Tensor, padding: int) -> tf.Tensor:
    period = tf.maximum(2 * (size - 1), 1)
    position = (tf.range(-padding, size + padding) + padding * period) % period
    return tf.minimum(position, period - position)


def resize(image: tf.Tensor, size: tuple[int, int], *, method: str = "bilinear") -> tf.Tensor:
    """Resizes pictures; the only resize of the library for pictures and masks.

    Pixel centres are aligned as in Pillow and OpenCV (half-pixel centres, not "align corners"), and shrinking averages over the
    pixels that an output pixel covers.

    Args:
        image: `[B, H, W, C]` or `[H, W, C]`.
        size: (height, width) of the result in pixels.
        method: "bilinear", "bicubic", "area", "lanczos3" ..., or "nearest" for masks (no averaging then).

    Returns:
        Resized tensor; float32, or the input's dtype with "nearest".
    """
    if portable.are_wanted() and method in ("bilinear", "area"):
        image = tf.convert_to_tensor(image)
        if image.shape.rank == 3:
            return resampling.resize_by_matrices(image[tf.newaxis], size, method=method)[0]
        return resampling.resize_by_matrices(image, size, method=method)
    return tf.image.resize(image, size, method=method, antialias=method != "nearest")


def resize_part(
    image: tf.Tensor, size: tuple[int, int], *, top: int, left: int, part_size: tuple[int, int], method: str = "bilinear"
) -> tf.Tensor:
    """Computes a part of a resized picture, without the rest of it.

    Args:
        image: `[H, W, C]`.
        size: (height, width) of the whole result.
        top: first row of the part.
        left: first column of the part.
        part_size: (height, width) of the part.
        method: "bilinear" or "bicubic".

    Returns:
        `[*part_size, C]` float32: `resize(image, size, method=method)[top:, left:]`, as far as the part goes.
    """
    image = tf.cast(image, tf.float32)
    scale = tf.constant(size, tf.float32) / tf.cast(tf.shape(image)[:2], tf.float32)
    part = tf.raw_ops.ScaleAndTranslate(
        images=image[tf.newaxis],
        size=part_size,
        scale=scale,
        translation=tf.constant([-top, -left], tf.float32),
        kernel_type={"bilinear": "triangle", "bicubic": "keyscubic"}[method],
        antialias=True,
    )
    return part[0]
