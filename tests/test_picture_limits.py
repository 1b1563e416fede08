"""Pictures that are refused: too large, damaged, of other formats, with hostile names."""

import io
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.picture_files import png_bytes, random_rgb, save
from tf_inpaint import pictures
from tf_inpaint.errors import ConfigError, PictureError


def test_the_pixel_cap_is_checked_before_decoding(tmp_path):
    (tmp_path / "a.png").write_bytes(png_bytes(60, 50, data=b"no pixels at all"))
    with pytest.raises(PictureError, match="60 x 50 pixels are more than the 2,999 that"):
        pictures.read_rgb(tmp_path / "a.png", max_pixels=2999)
    with pytest.raises(PictureError, match="cannot be decoded"):
        pictures.read_rgb(tmp_path / "a.png", max_pixels=3000)


def test_the_pixel_cap_holds_for_arrays_and_open_images():
    for source in (random_rgb(5, 5), Image.fromarray(random_rgb(5, 5))):
        with pytest.raises(PictureError, match="5 x 5 pixels"):
            pictures.read_rgb(source, max_pixels=24)


def test_a_cap_below_one_is_refused():
    with pytest.raises(ConfigError, match="max_pixels"):
        pictures.read_rgb(random_rgb(5, 5), max_pixels=0)


@pytest.mark.parametrize("width", [10_000, 20_000, 60_000])
def test_a_huge_header_is_refused_in_our_words_and_without_a_warning(tmp_path, width):
    (tmp_path / "a.png").write_bytes(png_bytes(width, width))
    with pytest.raises(PictureError, match="more than"):
        pictures.read_rgb(tmp_path / "a.png")


def huge_tiff(side):
    """A TIFF file of one deflated strip that claims to be a square of so many 8-bit grey pixels."""
    strip = zlib.compress(bytes(1_000_000))
    tags = {256: side, 257: side, 258: 8, 259: 8, 262: 1, 273: 8 + 2 + 9 * 12 + 4, 277: 1, 278: side, 279: len(strip)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + strip


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak memory as Linux counts it")
def test_bombs_are_refused_without_their_memory(tmp_path):
    rows = bytes(2501) * 20_000  # 20,000 x 20,000 pixels of 1 bit; Pillow would need 400 MB for them
    bombs = {"bits.png": png_bytes(20_000, 20_000, data=rows), "header.png": png_bytes(60_000, 60_000), "strip.tif": huge_tiff(12_000)}
    for name, data in bombs.items():
        (tmp_path / name).write_bytes(data)
    program = """
import sys
import zlib
from tf_inpaint import peak_memory, pictures
from tf_inpaint.errors import PictureError
before = peak_memory.peak_bytes()
for path in sys.argv[1:]:
    try:
        pictures.read_rgb(path)
    except PictureError as error:
        assert "pixels" in str(error), error
    else:
        raise AssertionError(path)
print(peak_memory.peak_bytes() - before)
"""
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", program, *(tmp_path / name for name in bombs)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) < 20e6


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp", ".tif", ".jpg"])
def test_a_truncated_file_is_refused_by_name(tmp_path, suffix):
    whole = save(tmp_path / f"whole{suffix}", random_rgb(64, 64)).read_bytes()
    broken = tmp_path / f"broken{suffix}"
    for length in range(0, len(whole) - 200, max(1, len(whole) // 12)):
        broken.write_bytes(whole[:length])
        with pytest.raises(PictureError, match=f"broken{suffix}: (is not a readable|cannot be decoded)"):
            pictures.read_rgb(broken)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp", ".tif", ".jpg"])
@pytest.mark.filterwarnings("ignore")  # Pillow warns about some of the damage
def test_flipped_bytes_give_a_picture_or_a_picture_error(tmp_path, suffix):
    whole = save(tmp_path / f"whole{suffix}", random_rgb(16, 16)).read_bytes()
    random = np.random.RandomState(0)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for place in random.randint(0, len(whole), 3):
            damaged[place] ^= random.randint(1, 256)
        try:
            rgb = pictures.read_rgb(io.BytesIO(bytes(damaged)), max_pixels=1 << 20)
            assert rgb.dtype == np.uint8 and rgb.shape[-1] == 3
        except PictureError:
            refused += 1
    assert refused > 0


@pytest.mark.parametrize("content", [b"", b"not a picture", b"GIF89a" + bytes(50), b"%PDF-1.4", b"8BPS" + bytes(50)])
def test_other_formats_are_refused_whatever_the_suffix(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(PictureError, match="a.png: is not a readable PNG, JPEG, WEBP, BMP or TIFF picture"):
        pictures.read_rgb(tmp_path / "a.png")


def test_a_real_gif_is_refused(tmp_path):
    Image.new("P", (5, 5)).save(tmp_path / "a.png", format="GIF")
    with pytest.raises(PictureError, match="is not a readable"):
        pictures.read_rgb(tmp_path / "a.png")


def test_a_missing_file_a_folder_and_a_pipe_are_refused_by_name(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(PictureError, match=r"missing\.png: cannot be read: No such file"):
        pictures.read_rgb(tmp_path / "missing.png")
    with pytest.raises(PictureError, match="is not a file"):
        pictures.read_rgb(tmp_path)
    with pytest.raises(PictureError, match=r"pipe\.png: is not a file"):
        pictures.read_rgb(tmp_path / "pipe.png")
    with pytest.raises(PictureError, match="cannot be read"):
        pictures.read_rgb("zero\0byte.png")


NAMES = ["[x].png", "*?.png", "new\nline.png", "-leading.png", "ümläut $(x) #'\".png", "x" * 251 + ".png", b"\xff\xfe.png"]


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_are_read_written_and_printed(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    rgb = random_rgb(5, 5)
    if len(os.fsencode(name)) < 240:  # the temporary name beside it must fit too
        pictures.write_picture(path, rgb)
    else:
        save(path, rgb)
    assert np.array_equal(pictures.read_rgb(path), rgb)
    path.write_bytes(b"broken")
    with pytest.raises(PictureError) as caught:
        pictures.read_rgb(path)
    message = str(caught.value)
    assert message.isprintable() and message.encode("utf-8")
