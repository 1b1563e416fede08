"""What stays with a picture beside its pixels: EXIF, colour profile, resolution, texts, quality; and 16-bit colours, kept whole."""

import io
import struct
import warnings

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from tests.picture_files import UPRIGHT, png_bytes, random_rgb, save, stored_for
from tf_inpaint import pictures
from tf_inpaint.errors import ConfigError, PictureError

PROFILE = b"profile" * 30
HOLE = np.zeros((12, 20), bool)
HOLE[3:8, 4:9] = True


def exif_block(orientation, order="<"):
    """EXIF with a maker's note: an entry whose meaning only the camera's maker knows, with an offset into the block itself."""
    note = b"maker" + struct.pack(order + "I", 26)
    entries = [(0x0112, 3, 1, struct.pack(order + "HH", orientation, 0)), (0x927C, 7, len(note), struct.pack(order + "I", 38))]
    header = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, 8)
    directory = b"".join(struct.pack(order + "HHI", *entry[:3]) + entry[3] for entry in entries)
    return b"Exif\0\0" + header + struct.pack(order + "H", len(entries)) + directory + struct.pack(order + "I", 0) + note


def rewrite(source, target, **options):
    picture = pictures.read_picture(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pictures.LossyPictureWarning)
        pictures.write_picture(target, picture.image, metadata=picture.metadata, **options)
    return target


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_exif_stays_byte_for_byte_but_for_the_orientation(tmp_path, suffix, orientation, order):
    image = random_rgb(12, 20)
    save(tmp_path / f"a.{suffix}", stored_for(orientation, image), exif=exif_block(orientation, order))
    with Image.open(rewrite(tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}")) as result:
        assert result.size == (20, 12)
        assert result.info["exif"].removeprefix(b"Exif\0\0") == exif_block(1, order).removeprefix(b"Exif\0\0")


def test_descriptions_and_camera_settings_of_a_tiff_stay_and_its_storage_does_not(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist], exif[ExifTags.Base.Orientation] = "A. Nobody", 6
    exif[ExifTags.Base.ExifOffset] = {ExifTags.Base.FNumber: 2.8}
    save(tmp_path / "a.tif", stored_for(6, random_rgb(12, 20)), exif=exif.tobytes())
    rewrite(tmp_path / "a.tif", tmp_path / "b.tif")
    with Image.open(tmp_path / "b.tif") as result:
        after = result.getexif()
        assert result.size == (20, 12) and after[ExifTags.Base.Artist] == "A. Nobody"
        assert after.get(ExifTags.Base.Orientation, 1) == 1
        assert float(after.get_ifd(ExifTags.Base.ExifOffset)[ExifTags.Base.FNumber]) == pytest.approx(2.8)
    assert np.array_equal(pictures.read_rgb(tmp_path / "b.tif"), random_rgb(12, 20))


def test_a_photographs_settings_go_into_a_tiff_too(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.ExifOffset] = {ExifTags.Base.FNumber: 2.8}
    save(tmp_path / "a.jpg", random_rgb(12, 20), exif=exif.tobytes())
    with Image.open(rewrite(tmp_path / "a.jpg", tmp_path / "b.tif")) as result:
        assert float(result.getexif().get_ifd(ExifTags.Base.ExifOffset)[ExifTags.Base.FNumber]) == pytest.approx(2.8)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_the_colour_profile_stays(tmp_path, suffix):
    save(tmp_path / f"a.{suffix}", random_rgb(12, 20), icc_profile=PROFILE)
    with Image.open(rewrite(tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}")) as result:
        assert result.info["icc_profile"] == PROFILE


def test_the_profile_of_another_colour_space_goes_with_it(tmp_path):
    Image.fromarray(random_rgb(12, 20)).convert("CMYK").save(tmp_path / "a.jpg", icc_profile=PROFILE)
    assert pictures.read_picture(tmp_path / "a.jpg").metadata.icc_profile is None


def test_texts_and_resolution_of_a_png_stay(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "A. Nobody")
    info.add_itxt("Title", "Brücke", "de", "Titel")
    save(tmp_path / "a.png", random_rgb(12, 20), pnginfo=info, dpi=(300, 300))
    with Image.open(rewrite(tmp_path / "a.png", tmp_path / "b.png")) as result:
        result.load()
        assert result.text == {"Author": "A. Nobody", "Title": "Brücke"}
        assert (result.text["Title"].lang, result.text["Title"].tkey) == ("de", "Titel")
        assert result.info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp"])
def test_the_resolution_stays(tmp_path, suffix):
    save(tmp_path / f"a.{suffix}", random_rgb(12, 20), dpi=(200, 200))
    with Image.open(rewrite(tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}")) as result:
        assert tuple(map(float, result.info["dpi"])) == pytest.approx((200, 200), abs=0.1)


@pytest.mark.parametrize("options", [{"quality": 30}, {"quality": 92, "subsampling": 0}, {"quality": 75, "progressive": True}])
def test_a_jpeg_keeps_its_quality_and_so_about_its_size(tmp_path, options):
    smooth = np.asarray(Image.fromarray(random_rgb(8, 8)).resize((160, 120), Image.Resampling.BICUBIC))
    save(tmp_path / "a.jpg", smooth, **options)
    rewrite(tmp_path / "a.jpg", tmp_path / "b.jpg")
    with Image.open(tmp_path / "a.jpg") as before, Image.open(tmp_path / "b.jpg") as after:
        assert after.quantization == before.quantization
        assert after.info.get("progressive") == before.info.get("progressive")
    assert (tmp_path / "b.jpg").stat().st_size == pytest.approx((tmp_path / "a.jpg").stat().st_size, rel=0.1)
    rewrite(tmp_path / "a.jpg", tmp_path / "c.jpg", quality=5)
    assert (tmp_path / "c.jpg").stat().st_size < (tmp_path / "a.jpg").stat().st_size


def test_a_jpeg_may_number_its_tables_as_it_likes(tmp_path):
    data = bytearray(save(tmp_path / "a.jpg", random_rgb(9, 9)[..., 0], quality=60).read_bytes())
    data[data.index(b"\xff\xdb") + 4] = 3
    frame = data.index(b"\xff\xc0")
    assert data[frame + 9] == 1 and data[frame + 12] == 0  # one component, of the table 0
    data[frame + 12] = 3
    (tmp_path / "a.jpg").write_bytes(data)
    picture = pictures.read_picture(tmp_path / "a.jpg")
    with pytest.warns(pictures.LossyPictureWarning):
        pictures.write_picture(tmp_path / "b.jpg", picture.image, metadata=picture.metadata)
    with Image.open(tmp_path / "a.jpg") as before, Image.open(tmp_path / "b.jpg") as after:
        assert list(after.quantization.values()) == list(before.quantization.values()) and list(before.quantization) == [3]


def test_a_resolution_of_nothing_by_nothing_is_left_out(tmp_path):
    data = save(tmp_path / "a.tif", random_rgb(6, 9), dpi=(72, 72)).read_bytes()
    assert data.count(struct.pack("<II", 72, 1)) == 2
    (tmp_path / "a.tif").write_bytes(data.replace(struct.pack("<II", 72, 1), bytes(8)))
    picture = pictures.read_picture(tmp_path / "a.tif")
    assert picture.metadata.dpi is None
    for name in ("b.tif", "b.png"):
        pictures.write_picture(tmp_path / name, picture.image, metadata=picture.metadata)
        assert np.array_equal(pictures.read_rgb(tmp_path / name), random_rgb(6, 9))


def test_webp_is_lossless_unless_a_quality_is_asked_for(tmp_path):
    image = random_rgb(12, 20)
    pictures.write_picture(tmp_path / "a.webp", image)
    assert np.array_equal(pictures.read_rgb(tmp_path / "a.webp"), image)
    with pytest.warns(pictures.LossyPictureWarning, match=r"WebP with a quality.*\.png"):
        pictures.write_picture(tmp_path / "b.webp", image, quality=80)


@pytest.mark.parametrize("quality", [0, 101, -3])
def test_a_quality_out_of_its_range_is_refused(tmp_path, quality):
    with pytest.raises(ConfigError, match="between 1 and 100"):
        pictures.write_picture(tmp_path / "a.jpg", random_rgb(4, 4), quality=quality)


def test_without_metadata_nothing_is_written_beside_the_pixels(tmp_path):
    pictures.write_picture(tmp_path / "a.png", random_rgb(12, 20))
    with Image.open(tmp_path / "a.png") as result:
        result.load()
        assert not result.info


def test_exif_too_long_for_a_jpeg_is_left_out(tmp_path):
    metadata = pictures.Metadata(exif=exif_block(1) + bytes(70_000))
    with pytest.warns(pictures.LossyPictureWarning):
        pictures.write_picture(tmp_path / "a.jpg", random_rgb(12, 20), metadata=metadata)
    with Image.open(tmp_path / "a.jpg") as result:
        assert "exif" not in result.info


# --- 16-bit colours


def levels(channels=3, height=12, width=20):
    return np.random.RandomState(0).randint(0, 65536, (height, width, channels)).astype(np.uint16)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_colours_keep_every_bit_outside_the_hole(tmp_path, suffix, channels):
    pictures.write_picture(tmp_path / f"a.{suffix}", levels(channels))
    picture = pictures.read_picture(tmp_path / f"a.{suffix}")
    assert np.array_equal(picture.pixels, levels(channels))
    result = picture.fill(np.full((12, 20, 3), 100, np.uint8), HOLE)
    pictures.write_picture(tmp_path / f"b.{suffix}", result, metadata=picture.metadata)
    after = pictures.read_picture(tmp_path / f"b.{suffix}").pixels
    assert np.array_equal(after[~HOLE], levels(channels)[~HOLE])
    assert np.all(after[HOLE][:, :3] == 25700) and np.array_equal(after[..., 3:], levels(channels)[..., 3:])


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_16_bit_colours_are_turned_upright(tmp_path, orientation):
    metadata = pictures.Metadata(exif=exif_block(orientation))
    pictures.write_picture(tmp_path / "a.png", stored_for(orientation, levels()), metadata=metadata)
    assert np.array_equal(pictures.read_picture(tmp_path / "a.png").pixels, levels())


def test_a_16_bit_colour_png_keeps_what_is_beside_its_pixels(tmp_path):
    metadata = pictures.Metadata(exif=exif_block(1), icc_profile=PROFILE, dpi=(300.0, 300.0), texts={"Author": "A. Nobody"})
    pictures.write_picture(tmp_path / "a.png", levels(), metadata=metadata)
    again = pictures.read_picture(tmp_path / "a.png").metadata
    assert (again.exif, again.icc_profile, again.texts) == (exif_block(1), PROFILE, {"Author": "A. Nobody"})
    assert again.dpi == pytest.approx((300, 300), abs=0.1)


def test_a_16_bit_colour_tiff_says_what_it_cannot_keep(tmp_path):
    with pytest.warns(pictures.MetadataWarning, match="without EXIF"):
        pictures.write_picture(tmp_path / "a.tif", levels(), metadata=pictures.Metadata(icc_profile=PROFILE))
    again = pictures.read_picture(tmp_path / "a.tif")
    assert np.array_equal(again.pixels, levels()) and again.metadata.icc_profile is None


@pytest.mark.parametrize("suffix", ["jpg", "webp", "bmp"])
def test_formats_without_16_bit_colours_refuse_them(tmp_path, suffix):
    with pytest.raises(PictureError, match="cannot hold 16-bit colours"):
        pictures.write_picture(tmp_path / f"a.{suffix}", levels())


def test_grey_with_alpha_of_16_bit_becomes_rgba(tmp_path):
    pixels = levels(2, 3, 4)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    (tmp_path / "a.png").write_bytes(png_bytes(4, 3, bit_depth=16, colour_type=4, data=rows))
    result = pictures.read_picture(tmp_path / "a.png").pixels
    assert np.array_equal(result, np.dstack([pixels[..., :1]] * 3 + [pixels[..., 1:]]))


def test_a_truncated_16_bit_colour_file_is_refused(tmp_path):
    pictures.write_picture(tmp_path / "a.png", levels(3, 60, 60))
    data = (tmp_path / "a.png").read_bytes()
    for share in (0.3, 0.6, 0.95):
        with pytest.raises(PictureError):
            pictures.read_picture(io.BytesIO(data[: int(len(data) * share)]))
