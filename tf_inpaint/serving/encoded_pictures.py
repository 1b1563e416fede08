"""Picture files inside a graph: from the bytes of a PNG or JPEG file to pixels, with core TensorFlow operations only.

A model server hands bytes from strangers to the graph, and TensorFlow's decoders know no limit: a PNG file of some kilobytes may
unfold to gigabytes. So the size is read from the file's header and checked before anything is decoded.

Pixels and masks are those that `pictures` reads, bit by bit for PNG, except that an EXIF orientation is not applied.
"""

import tensorflow as tf

from tf_inpaint import ops

# A PNG file begins with its signature and the length and name of the header chunk; then come width and height, 4 bytes each.
_PNG_START = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\x0dIHDR"
_JPEG_START = b"\xff\xd8\xff"
_BIT_DEPTH_PLACE = len(_PNG_START) + 8
# Luma of ITU-R BT.601 in 16-bit fixed point, Pillow's conversion from RGB to grey.
_LUMA_FIXED_POINT = (19595, 38470, 7471)


def checked(tensor: tf.Tensor, condition: tf.Tensor, message: str, *details: tf.Tensor) -> tf.Tensor:
    """Passes a tensor on if a condition holds; whatever uses the result comes after the check.

    Args:
        tensor: any.
        condition: scalar bool.
        message: of the `InvalidArgumentError` that ends the call otherwise. A client of a model server sees it: short.
        *details: tensors whose values are shown behind the message.

    Returns:
        `tensor`.
    """
    with tf.control_dependencies([tf.debugging.Assert(condition, [message, *details], name="check")]):
        return tf.identity(tensor)


def stored_size(data: tf.Tensor, *, name: str = "picture") -> tf.Tensor:
    """Reads the size of a picture from the header of its file.

    Args:
        data: scalar string, the bytes of a PNG or JPEG file.
        name: what error messages call it.

    Returns:
        int32 `[2]`, height and width, as the file tells them: they may be 0, or below 0 for numbers above 2^31 - 1.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs: if the file is of another kind, or a JPEG file ends before it tells.
    """
    is_png = _starts_with(data, _PNG_START)
    data = checked(data, is_png | _starts_with(data, _JPEG_START), f"The {name} is not a PNG or JPEG file.")
    return tf.cond(is_png, lambda: _png_size(data), lambda: tf.io.extract_jpeg_shape(data)[:2])


def decode_image(data: tf.Tensor, *, max_pixels: int) -> tf.Tensor:
    """Decodes a picture file.

    Args:
        data: scalar string, the bytes of a PNG or JPEG file.
        max_pixels: files with more pixels are refused before they are decoded.

    Returns:
        uint8 `[H, W, 3]`: grey levels are repeated, palettes resolved, an alpha channel is left out; 16-bit levels are divided by 257
        and rounded.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs: if the file is of another kind, damaged or over `max_pixels`.
    """
    data, is_png = _check_file(data, "image", max_pixels)
    image = tf.cond(is_png, lambda: _decode_png(data), lambda: _decode_jpeg(data))
    return tf.ensure_shape(image, [None, None, 3])


def decode_mask(data: tf.Tensor, *, max_pixels: int) -> tf.Tensor:
    """Decodes a mask file: white is the hole.

    Args:
        data: scalar string, the bytes of a PNG or JPEG file. Colours and alpha count as in `pictures.read_mask`.
        max_pixels: files with more pixels are refused before they are decoded.

    Returns:
        uint8 `[H, W, 1]`: grey levels, for `hole_of`.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs: if the file is of another kind, damaged or over `max_pixels`.
    """
    data, is_png = _check_file(data, "mask", max_pixels)
    levels = tf.cond(is_png, lambda: _png_mask_levels(data), lambda: _mask_levels(_add_alpha(_decode_jpeg(data))))
    return tf.ensure_shape(levels, [None, None, 1])


def hole_of(mask: tf.Tensor) -> tf.Tensor:
    """Finds the hole in masks as users give them, by the rule of `pictures.read_mask`.

    Args:
        mask: uint8 `[N, H, W, 1]`. Levels above 127 are the hole; a mask without a level above 1 is taken as 0/1-valued.

    Returns:
        bool `[N, H, W, 1]`, true in the hole.
    """
    highest = tf.reduce_max(mask, axis=[1, 2, 3], keepdims=True)
    return mask > tf.where(highest <= 1, tf.constant(0, tf.uint8), tf.constant(ops.image.MASK_THRESHOLD, tf.uint8))


def _check_file(data, name, max_pixels):
    """Returns the bytes, once kind and size are checked, and whether they are a PNG file's."""
    size = stored_size(data, name=name)
    data = checked(data, tf.reduce_all(size > 0), f"The {name} holds no pixels, or too many.")
    num_pixels = tf.reduce_prod(tf.cast(size, tf.int64))
    data = checked(data, num_pixels <= max_pixels, f"The {name} has more than {max_pixels} pixels:", size)
    return data, _starts_with(data, _PNG_START)


def _starts_with(data, start):
    return tf.strings.substr(data, 0, len(start)) == start


def _png_size(data):
    """(height, width); negative if above 2^31 - 1, 0 if the file ends before it tells."""
    begin = len(_PNG_START)
    # A substring must begin inside the string, so the file is lengthened; only its first bytes are copied.
    header = tf.strings.join([tf.strings.substr(data, 0, begin + 8), tf.constant(bytes(8))])
    width_and_height = tf.io.decode_raw(tf.strings.substr(header, begin, 8), tf.int32, little_endian=False)
    return tf.reverse(width_and_height, axis=[0])


def _bit_depth(data):
    """Of a sample of a PNG file that was checked."""
    return tf.io.decode_raw(tf.strings.substr(data, _BIT_DEPTH_PLACE, 1), tf.uint8)[0]


def _decode_png(data):
    def decode_16_bit():
        return _to_8_bit(tf.cast(tf.io.decode_png(data, channels=3, dtype=tf.uint16), tf.int32))

    # TensorFlow's way from 16 bit to 8 is to leave out the lower byte.
    return tf.cond(_bit_depth(data) > 8, decode_16_bit, lambda: tf.io.decode_png(data, channels=3))


def _to_8_bit(levels):
    return tf.cast((levels + 128) // 257, tf.uint8)


def _png_mask_levels(data):
    def decode_16_bit():
        rgba = tf.cast(tf.io.decode_png(data, channels=4, dtype=tf.uint16), tf.int32)
        colours, alpha = rgba[..., :3], rgba[..., 3:]
        colours = tf.where(tf.reduce_max(colours) <= 1, colours * 65535, colours)
        levels = _mask_levels(tf.concat([_to_8_bit(colours), _to_8_bit(alpha)], axis=-1))
        # Black and white, as `hole_of` would take levels of 0 and 1 for a 0/1-valued mask: here they are next to black.
        return tf.where(levels > ops.image.MASK_THRESHOLD, tf.constant(255, tf.uint8), tf.constant(0, tf.uint8))

    return tf.cond(_bit_depth(data) > 8, decode_16_bit, lambda: _mask_levels(_decode_png_with_alpha(data)))


def _decode_png_with_alpha(data):
    rgba = tf.io.decode_png(data, channels=4)
    colours, alpha = rgba[..., :3], rgba[..., 3:]
    # Where a file has no alpha and samples of less than 8 bits, TensorFlow fills in the highest sample, 15 of 4 bits, for 255.
    is_filler = tf.reduce_all(tf.cast(alpha, tf.int32) == 2 ** tf.cast(_bit_depth(data), tf.int32) - 1)
    return tf.concat([colours, tf.where(is_filler, tf.constant(255, tf.uint8), alpha)], axis=-1)


def _decode_jpeg(data):
    # The accurate transform is the one that Pillow uses; the default is quicker by little and off by some levels.
    return tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")


def _add_alpha(rgb):
    return tf.concat([rgb, tf.fill(tf.concat([tf.shape(rgb)[:2], [1]], axis=0), tf.constant(255, tf.uint8))], axis=-1)


def _mask_levels(rgba):
    colours, alpha = rgba[..., :3], rgba[..., 3:]
    weights = tf.constant(_LUMA_FIXED_POINT, tf.int32)
    gray = (tf.reduce_sum(tf.cast(colours, tf.int32) * weights, axis=-1, keepdims=True) + 2**15) // 2**16
    is_opaque = tf.reduce_all(alpha == 255)
    is_painted = alpha > 0
    lowest = tf.reduce_min(tf.where(is_painted, colours, tf.constant(255, tf.uint8)), axis=[0, 1])
    highest = tf.reduce_max(tf.where(is_painted, colours, tf.constant(0, tf.uint8)), axis=[0, 1])
    # Strokes of one colour on an empty layer: alpha itself is the mask, even if the colour is black.
    is_one_colour = tf.reduce_all(lowest >= highest)
    alpha = tf.cast(alpha, tf.int32)
    levels = tf.where(is_opaque, gray, tf.where(is_one_colour, alpha, gray * alpha // 255))
    return tf.cast(levels, tf.uint8)
