"""Picture files inside a graph: the pixels and holes that `pictures` reads, and no byte decoded before the size is known."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.picture_files import png_bytes, random_rgb
from tf_inpaint import pictures
from tf_inpaint.serving import encoded_pictures

MAX_PIXELS = 1000


@pytest.fixture(scope="module")
def decode_image():
    return tf.function(
        lambda data: encoded_pictures.decode_image(data, max_pixels=MAX_PIXELS), input_signature=[tf.TensorSpec([], tf.string)]
    )


@pytest.fixture(scope="module")
def decode_hole():
    def decode(data):
        mask = encoded_pictures.decode_mask(data, max_pixels=MAX_PIXELS)
        return encoded_pictures.hole_of(mask[tf.newaxis])[0, :, :, 0]

    return tf.function(decode, input_signature=[tf.TensorSpec([], tf.string)])


def encoded(image, file_format="PNG", **options):
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def rgba(colours, alpha):
    return np.dstack([np.broadcast_to(np.asarray(colours, np.uint8), (*alpha.shape, 3)), alpha])


RGB = random_rgb(13, 17)
GRAY = RGB[..., 0]
BRUSH = np.where(GRAY > 200, GRAY, 0).astype(np.uint8)  # alpha of strokes on an empty layer
PALETTE = Image.fromarray(RGB).quantize(16)
IMAGES = {
    "RGB": encoded(RGB),
    "grey": encoded(GRAY),
    "grey and alpha": encoded(np.dstack([GRAY, BRUSH])),
    "RGBA": encoded(rgba(RGB, BRUSH)),
    "palette": encoded(PALETTE),
    "palette with transparency": encoded(PALETTE, transparency=3),
    "RGB with a transparent colour": encoded(RGB, transparency=tuple(map(int, RGB[0, 0]))),
    "1 bit": encoded(Image.fromarray(GRAY).convert("1")),
    "palette of 2 bits": encoded(Image.fromarray(RGB).quantize(4), bits=2),
    "grey with a transparent level": encoded(GRAY // 64 * 64, transparency=64),
    "one pixel": encoded(RGB[:1, :1]),
}
MASKS = {
    **{name: data for name, data in IMAGES.items() if name != "one pixel"},
    "levels around the threshold": encoded(np.arange(120, 136, dtype=np.uint8)[np.newaxis]),
    "0 and 1": encoded((GRAY > 128).astype(np.uint8)),
    "0 and 2": encoded((GRAY > 128).astype(np.uint8) * 2),
    "empty": encoded(GRAY * 0),
    "full": encoded(GRAY * 0 + 255),
    "black strokes on an empty layer": encoded(rgba([0, 0, 0], BRUSH)),
    "white strokes on an empty layer": encoded(rgba([255, 255, 255], BRUSH)),
    "an empty layer": encoded(rgba([9, 9, 9], GRAY * 0)),
    "opaque colours": encoded(rgba(RGB, GRAY * 0 + 255)),
    "16-bit grey": encoded(GRAY.astype(np.uint16) * 257 + np.uint16(100) * (GRAY < 255)),
    "JPEG": encoded(GRAY, "JPEG"),
    "colour JPEG": encoded(RGB, "JPEG"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_pictures_have_the_pixels_that_the_library_reads(decode_image, name):
    np.testing.assert_array_equal(decode_image(IMAGES[name]), pictures.read_rgb(io.BytesIO(IMAGES[name])))


@pytest.mark.filterwarnings("ignore:.*most of this mask that is not black is grey")  # so many are, on purpose
@pytest.mark.parametrize("name", MASKS)
def test_masks_have_the_hole_that_the_library_reads(decode_hole, name):
    np.testing.assert_array_equal(decode_hole(MASKS[name]), pictures.read_mask(io.BytesIO(MASKS[name])) == 255)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_jpeg_pictures_are_decoded_accurately(decode_image, mode):
    smooth = np.linspace(0, 255, 32 * 24 * 3).reshape(32, 24, 3).astype(np.uint8)
    data = encoded(Image.fromarray(smooth).convert(mode), "JPEG", quality=95)
    difference = decode_image(data).numpy().astype(int) - pictures.read_rgb(io.BytesIO(data))
    assert np.abs(difference).max() <= 1


ALL_16_BIT_LEVELS = np.arange(65536, dtype=np.uint16).reshape(256, 256)
MANY_PIXELS = 2**16


def png_of_16_bit_colours(*channels):
    """Blue, green, red and, if given, alpha."""
    return cv2.imencode(".png", np.dstack(channels))[1].tobytes()


def with_transparent_colour(data, colour):
    """The PNG file with a tRNS chunk before its pixels; `colour` is grey, or red, green and blue, of 16 bit."""
    chunk = b"tRNS" + struct.pack(f">{len(colour)}H", *colour)
    place = data.index(b"IDAT") - 4
    return data[:place] + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[place:]


DEEP = {
    "grey": encoded(ALL_16_BIT_LEVELS),
    "colours": png_of_16_bit_colours(ALL_16_BIT_LEVELS, ALL_16_BIT_LEVELS[::-1], ALL_16_BIT_LEVELS.T),
    "colours and alpha": png_of_16_bit_colours(ALL_16_BIT_LEVELS, ALL_16_BIT_LEVELS[:, ::-1], ALL_16_BIT_LEVELS.T, ALL_16_BIT_LEVELS),
    "grey with a transparent level": with_transparent_colour(encoded(ALL_16_BIT_LEVELS), [40000]),
    "colours with a transparent one": with_transparent_colour(png_of_16_bit_colours(*[ALL_16_BIT_LEVELS] * 3), [40000] * 3),
}


@pytest.mark.parametrize("name", DEEP)
def test_every_16_bit_level_is_rounded_as_the_library_does(name):
    decoded = encoded_pictures.decode_image(tf.constant(DEEP[name]), max_pixels=MANY_PIXELS)
    np.testing.assert_array_equal(decoded, pictures.read_rgb(io.BytesIO(DEEP[name])))
    if name == "grey":
        np.testing.assert_array_equal(decoded[..., 0], np.rint(ALL_16_BIT_LEVELS / 257))


def deep(levels):
    """Black and the given level of 16 bit, by turns."""
    return np.where(np.indices((4, 5)).sum(0) % 2, levels, 0).astype(np.uint16)


DEEP_MASKS = DEEP | {
    f"{kind}, up to {level}": (encoded(deep(level)) if kind == "grey" else png_of_16_bit_colours(*[deep(level)] * 3, *alpha))
    for kind, alpha in (("grey", []), ("colours", []), ("opaque", [deep(0) + np.uint16(65535)]), ("strokes", [deep(65535)]))
    for level in (1, 2, 128, 129, 385, 32767, 32768, 65535)
}


@pytest.mark.filterwarnings("ignore:.*most of this mask that is not black is grey")
@pytest.mark.parametrize("name", DEEP_MASKS)
def test_16_bit_masks_have_the_hole_that_the_library_reads(name):
    levels = encoded_pictures.decode_mask(tf.constant(DEEP_MASKS[name]), max_pixels=MANY_PIXELS)
    hole = encoded_pictures.hole_of(levels[tf.newaxis])[0, :, :, 0].numpy()
    np.testing.assert_array_equal(hole, pictures.read_mask(io.BytesIO(DEEP_MASKS[name])) == 255)
    kind, _, level = name.partition(", up to ")
    if level and kind != "strokes":
        assert hole.any() == (int(level) == 1 or int(level) > 32767)


def jpeg_of_any_size(width, height):
    """A JPEG whose header tells of another size than its pixels have."""
    data = encoded(RGB, "JPEG")
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + struct.pack(">HH", height, width) + data[place + 4 :]


def png_with_a_chunk_before_the_header():
    """Where the header should tell the size stands a small one; the real header comes behind it."""
    huge = png_bytes(60_000, 60_000)
    return huge[:8] + struct.pack(">I", 13) + b"abCd" + struct.pack(">II", 5, 5) + bytes(9) + huge[8:]


BAD_FILES = {
    "": "not a PNG or JPEG file",
    "junk": "not a PNG or JPEG file",
    "GIF": "not a PNG or JPEG file",
    "PNG start": "not a PNG or JPEG file",
    "PNG without a size": "no pixels, or too many",
    "no columns": "no pixels, or too many",
    "2^31 rows": "no pixels, or too many",
    "PNG cut": "Invalid PNG",
    "JPEG start": "Invalid JPEG",
    "JPEG cut": "Invalid JPEG",
    "PNG bomb": "more than 1000 pixels",
    "just above": "more than 1000 pixels",
    "JPEG bomb": "more than 1000 pixels",
    "chunk before the header": "not a PNG or JPEG file",
}
BYTES = {
    "": b"",
    "junk": b"junk" * 20,
    "GIF": encoded(GRAY, "GIF"),
    "PNG start": IMAGES["RGB"][:8],
    "PNG without a size": IMAGES["RGB"][:18],
    "no columns": png_bytes(0, 5),
    "2^31 rows": png_bytes(5, 2**31),
    "PNG cut": IMAGES["RGB"][:-60],
    "JPEG start": b"\xff\xd8\xff\xe0",
    "JPEG cut": MASKS["colour JPEG"][:-300],
    "PNG bomb": png_bytes(60_000, 60_000),
    "just above": encoded(random_rgb(7, 143)),
    "JPEG bomb": jpeg_of_any_size(60_000, 60_000),
    "chunk before the header": png_with_a_chunk_before_the_header(),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_refused_in_one_sentence(decode_image, decode_hole, name):
    for decode in (decode_image, decode_hole):
        with pytest.raises(tf.errors.InvalidArgumentError, match=BAD_FILES[name]):
            decode(BYTES[name])


def test_the_refusal_tells_which_file_and_its_height_and_width(decode_image, decode_hole):
    data = png_bytes(60_000, 50_000)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"The image has more than 1000 pixels:\] \[50000 60000\]"):
        decode_image(data)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"The mask has more than 1000 pixels:\] \[50000 60000\]"):
        decode_hole(data)


def test_exactly_the_allowed_number_of_pixels_is_accepted(decode_image):
    assert decode_image(encoded(random_rgb(8, 125))).shape == (8, 125, 3)


def test_each_mask_of_a_batch_is_read_by_its_own_levels():
    masks = np.zeros((3, 2, 2, 1), np.uint8)
    masks[0, 0], masks[1, 0], masks[2, 0] = 1, 128, 127
    expected = np.zeros(masks.shape, bool)
    expected[:2, 0] = True
    np.testing.assert_array_equal(encoded_pictures.hole_of(tf.constant(masks)), expected)
