"""Reading and writing picture files: modes, orientation, formats. (Limits and damage: test_picture_limits.py.)"""

import io
import os

import numpy as np
import pytest
from PIL import Image

from tests.picture_files import UPRIGHT, png_bytes, random_rgb, save, save_turned
from tf_inpaint import pictures
from tf_inpaint.errors import PictureError

HOLE = np.zeros((6, 9), bool)
HOLE[1:4, 2:7] = True


# --- reading


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp", ".tif", ".tiff", ".PNG"])
def test_a_picture_is_read_as_it_was_written(tmp_path, suffix):
    rgb = random_rgb(6, 9)
    pictures.write_picture(tmp_path / f"a{suffix}", rgb)
    assert np.array_equal(pictures.read_rgb(tmp_path / f"a{suffix}"), rgb)


def test_paths_open_files_images_and_arrays_give_the_same_pixels(tmp_path):
    rgb = random_rgb(6, 9)
    path = save(tmp_path / "a.png", rgb)
    for source in (path, str(path), io.BytesIO(path.read_bytes()), Image.fromarray(rgb), rgb):
        assert np.array_equal(pictures.read_rgb(source), rgb)


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_a_picture_is_turned_upright(tmp_path, orientation, suffix):
    upright = random_rgb(4, 7)
    options = {"lossless": True} if suffix == ".webp" else {}
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    stored = UPRIGHT[{6: 8, 8: 6}.get(orientation, orientation)](upright)
    save(path, stored, exif=exif.tobytes(), **options)
    assert np.array_equal(pictures.read_rgb(path), upright)


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_mask_is_turned_upright(tmp_path, orientation):
    path = save_turned(tmp_path / "a.png", HOLE.astype(np.uint8) * 255, orientation)
    assert np.array_equal(pictures.read_mask(path) > 0, HOLE)


def test_an_image_opened_by_the_caller_is_turned_too(tmp_path):
    upright = random_rgb(4, 7)
    with Image.open(save_turned(tmp_path / "a.png", upright, 6)) as image:
        assert np.array_equal(pictures.read_rgb(image), upright)


def test_damaged_exif_does_not_make_whole_pixels_unreadable(tmp_path):
    rgb = random_rgb(6, 9)
    path = save(tmp_path / "a.png", rgb, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\xff")
    assert np.array_equal(pictures.read_rgb(path), rgb)


# --- modes


def test_grey_is_repeated():
    gray = random_rgb(6, 9)[..., 0]
    assert np.array_equal(pictures.read_rgb(gray), np.stack([gray] * 3, axis=-1))


def test_16_bit_grey_is_scaled_and_not_cut_off(tmp_path):
    levels = np.linspace(0, 65535, 54).round().astype(np.uint16).reshape(6, 9)
    for name in ("a.png", "a.tif"):
        rgb = pictures.read_rgb(save(tmp_path / name, levels))
        assert np.array_equal(rgb[..., 0], np.round(levels / 257.0))
        assert abs(rgb.mean() / 255 - levels.mean() / 65535) < 1 / 255


def test_16_bit_levels_of_the_other_byte_order_and_of_32_bit_images_are_the_same(tmp_path):
    levels = np.array([[0, 257, 25700, 65535]], np.uint16)
    big_endian = Image.frombytes("I;16B", (4, 1), levels.astype(">u2").tobytes())
    wide = Image.fromarray(levels.astype(np.int32))
    for image in (big_endian, wide):
        assert pictures.read_rgb(image)[0, :, 0].tolist() == [0, 1, 100, 255]


def test_16_bit_colour_is_scaled_and_kept(tmp_path):
    levels = np.random.RandomState(0).randint(0, 65536, (6, 9, 3)).astype(np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    (tmp_path / "a.png").write_bytes(png_bytes(9, 6, bit_depth=16, colour_type=2, data=rows))
    picture = pictures.read_picture(tmp_path / "a.png")
    assert np.array_equal(picture.pixels, levels)
    assert np.array_equal(picture.rgb, np.round(levels / 257.0))


def test_cmyk_follows_the_plain_formula(tmp_path):
    ink = np.zeros((1, 3, 4), np.uint8)
    ink[0, 1] = (255, 0, 0, 0)
    ink[0, 2] = (0, 0, 0, 255)
    path = tmp_path / "a.tif"
    Image.frombytes("CMYK", (3, 1), ink.tobytes()).save(path)
    picture = pictures.read_picture(path)
    assert picture.rgb.tolist() == [[[255, 255, 255], [0, 255, 255], [0, 0, 0]]]
    assert picture.image.mode == "RGB"


def test_alpha_is_split_off_and_put_back():
    rgba = np.random.RandomState(0).randint(0, 256, (6, 9, 4), np.uint8)
    picture = pictures.read_picture(rgba)
    assert np.array_equal(picture.rgb, rgba[..., :3])
    result = np.asarray(picture.fill(np.full((6, 9, 3), 7, np.uint8), HOLE))
    assert np.array_equal(result[..., 3], rgba[..., 3])
    assert np.array_equal(result[~HOLE], rgba[~HOLE])
    assert np.all(result[HOLE][:, :3] == 7)


def test_a_transparent_palette_colour_becomes_alpha(tmp_path):
    indices = np.arange(54, dtype=np.uint8).reshape(6, 9) % 3
    image = Image.frombytes("P", (9, 6), indices.tobytes())
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.save(tmp_path / "opaque.png")
    image.save(tmp_path / "clear.png", transparency=1)
    assert pictures.read_picture(tmp_path / "opaque.png").image.mode == "RGB"
    picture = pictures.read_picture(tmp_path / "clear.png")
    assert picture.image.mode == "RGBA"
    assert picture.rgb[0, :3].tolist() == [[10, 20, 30], [40, 50, 60], [70, 80, 90]]
    assert np.array_equal(np.asarray(picture.image)[..., 3] == 0, indices == 1)


def test_a_transparent_grey_level_of_16_bit_becomes_alpha(tmp_path):
    levels = np.arange(54, dtype=np.uint16).reshape(6, 9) % 3 * 30000
    Image.fromarray(levels).save(tmp_path / "clear.png", transparency=30000)
    picture = pictures.read_picture(tmp_path / "clear.png")
    result = picture.fill(np.full((6, 9, 3), 7, np.uint8), HOLE)
    assert result.dtype == np.uint16
    assert np.array_equal(result[..., 3] == 0, levels == 30000)
    assert np.array_equal(result[~HOLE][:, 0], levels[~HOLE])


MODES = {"1": "L", "L": "L", "LA": "LA", "P": "RGB", "PA": "RGBA", "RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB",
         "HSV": "RGB", "LAB": "RGB", "I;16": "I;16", "I": "I;16"}  # fmt: skip


def image_of_mode(mode):
    rgb = Image.fromarray(random_rgb(6, 9))
    if mode in ("I;16", "I"):
        levels = np.random.RandomState(0).randint(0, 65536, (6, 9))
        return Image.fromarray(levels.astype(np.uint16 if mode == "I;16" else np.int32))
    if mode == "LAB":
        return Image.frombytes("LAB", (9, 6), random_rgb(6, 9).tobytes())
    if mode == "PA":
        return rgb.convert("P").convert("PA")
    return rgb.convert(mode)


@pytest.mark.parametrize(("mode", "result_mode"), MODES.items())
def test_known_pixels_of_every_mode_keep_their_bits(mode, result_mode):
    picture = pictures.read_picture(image_of_mode(mode))
    result = picture.fill(np.full((6, 9, 3), 100, np.uint8), HOLE)
    assert picture.image.mode == result.mode == result_mode
    before, after = np.asarray(picture.image), np.asarray(result)
    assert np.array_equal(after[~HOLE], before[~HOLE])
    colours = after[HOLE] if after.ndim == 2 else after[HOLE][:, : {"LA": 1}.get(mode, 3)]
    assert np.all(colours == (25700 if result_mode == "I;16" else 100))


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "LA"])
def test_modes_without_loss_are_given_back_unchanged(mode):
    image = image_of_mode(mode)
    kept = pictures.read_picture(image).image
    assert np.array_equal(np.asarray(kept), np.asarray(image.convert("L") if mode == "1" else image))


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(np.array([[0.5]], np.float32)),
        Image.fromarray(np.array([[70000]], np.int32)),
        Image.fromarray(np.array([[-1]], np.int32)),
    ],
    ids=["float", "above 16 bit", "negative"],
)
def test_a_mode_without_a_rule_is_refused(image):
    with pytest.raises(PictureError, match="levels"):
        pictures.read_rgb(image)


@pytest.mark.parametrize(
    "array",
    [np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 5), np.uint8), np.zeros(4, np.uint8), np.zeros((4, 4, 2), np.uint16)],
)
def test_an_array_of_another_type_or_shape_is_refused(array):
    with pytest.raises(PictureError, match="must be uint8"):
        pictures.read_rgb(array)


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0), (0, 0)])
def test_an_array_without_pixels_is_refused(shape):
    with pytest.raises(PictureError, match="no pixels"):
        pictures.read_rgb(np.zeros(shape, np.uint8))


# --- writing


def test_jpeg_is_written_with_a_warning_that_offers_png(tmp_path):
    with pytest.warns(pictures.LossyPictureWarning, match=r"a\.jpg: .*no longer bit-identical.*\.png"):
        pictures.write_picture(tmp_path / "a.jpg", random_rgb(8, 8))
    assert Image.open(tmp_path / "a.jpg").format == "JPEG"


@pytest.mark.parametrize(
    ("name", "mode"),
    [("a.png", "RGBA"), ("a.png", "LA"), ("a.png", "L"), ("a.png", "I;16"), ("a.webp", "RGBA"), ("a.tif", "RGBA"),
     ("a.tif", "I;16"), ("a.tif", "LA"), ("a.bmp", "L")],
)  # fmt: skip
def test_formats_without_loss_keep_every_bit(tmp_path, name, mode):
    image = image_of_mode(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.fromarray(random_rgb(6, 9, seed=1)[..., 0] // 2 * 2))  # some of it wholly transparent
    pictures.write_picture(tmp_path / name, image)
    assert np.array_equal(np.asarray(pictures.read_picture(tmp_path / name).image), np.asarray(image))


@pytest.mark.parametrize(("name", "mode"), [("a.jpg", "RGBA"), ("a.jpg", "I;16"), ("a.webp", "I;16"), ("a.bmp", "RGBA")])
def test_a_format_that_cannot_hold_the_picture_is_refused(tmp_path, name, mode):
    with pytest.raises(PictureError, match="cannot hold pictures of mode"):
        pictures.write_picture(tmp_path / name, image_of_mode(mode))
    assert list(tmp_path.iterdir()) == []


def test_a_picture_too_large_for_a_format_is_refused_by_name_and_leaves_nothing(tmp_path):
    with pytest.raises(PictureError, match=r"a\.webp: cannot be written as WEBP: .*16383"):
        pictures.write_picture(tmp_path / "a.webp", np.zeros((1, 16384, 3), np.uint8))
    assert os.listdir(tmp_path) == []


def test_a_colour_profile_is_written(tmp_path):
    profile = b"made-up profile of some length" * 10
    for name in ("a.png", "a.tif", "a.webp"):
        pictures.write_picture(tmp_path / name, random_rgb(6, 9), metadata=pictures.Metadata(icc_profile=profile))
        assert pictures.read_picture(tmp_path / name).metadata.icc_profile == profile


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    save(tmp_path / "a.png", random_rgb(6, 9))
    before = (tmp_path / "a.png").read_bytes()

    def fail(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="no space left"):
        pictures.write_picture(tmp_path / "a.png", random_rgb(6, 9, seed=1))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == before


@pytest.mark.parametrize("name", ["a.gif", "a", "a.txt", ".png"])
def test_an_unknown_suffix_is_refused(tmp_path, name):
    with pytest.raises(PictureError, match="names no supported picture format"):
        pictures.write_picture(tmp_path / name, random_rgb(4, 4))


@pytest.mark.parametrize(
    ("name", "is_picture"), [("a.JPG", True), ("a.webp", True), (".a.png", False), ("._a.jpg", False), ("a.gif", False)]
)
def test_pictures_are_told_by_their_suffix(name, is_picture):
    assert pictures.is_picture_name(name) == is_picture
