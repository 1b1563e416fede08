"""Reading masks: every kind of file, image and array that people call a mask."""

import numpy as np
import pytest
from PIL import Image

from tests.picture_files import save
from tf_inpaint import pictures
from tf_inpaint.errors import MaskError

HOLE = np.zeros((6, 9), bool)
HOLE[1:4, 2:7] = True


def test_masks_of_every_kind_mean_the_same(tmp_path):
    levels = HOLE.astype(np.uint8) * 255
    image = Image.fromarray(levels)
    palette = Image.frombytes("P", (9, 6), HOLE.astype(np.uint8).tobytes())
    palette.putpalette([0, 0, 0, 255, 255, 255])
    stroke = np.zeros((6, 9, 4), np.uint8)
    stroke[HOLE] = (255, 0, 0, 255)  # a red brush on an empty layer
    drawn = np.dstack([levels, levels, levels, np.full((6, 9), 255, np.uint8)])
    kinds = {
        "uint8": levels,
        "uint8 [H, W, 1]": levels[..., None],
        "rgb": np.stack([levels] * 3, axis=-1),
        "0 and 1": HOLE.astype(np.uint8),
        "bool": HOLE,
        "float": HOLE.astype(np.float32),
        "float to 255": HOLE * 255.0,
        "float64 [H, W, 1]": HOLE.astype(np.float64)[..., None],
        "uint16": HOLE.astype(np.uint16) * 65535,
        "uint16 0 and 1": HOLE.astype(np.uint16),
        "L": image,
        "1": image.convert("1"),
        "RGB": image.convert("RGB"),
        "LA": image.convert("LA"),
        "P": palette,
        "CMYK": image.convert("RGB").convert("CMYK"),
        "brush layer": Image.fromarray(stroke),
        "opaque RGBA": Image.fromarray(drawn),
        "path": save(tmp_path / "a.png", levels),
    }
    for kind, mask in kinds.items():
        read = pictures.read_mask(mask)
        assert read.dtype == np.uint8 and np.array_equal(read, levels), kind


def test_a_jpeg_mask_keeps_its_hole(tmp_path):
    hole = np.zeros((64, 64), np.uint8)
    hole[16:48, 16:48] = 255
    path = save(tmp_path / "a.jpg", hole, quality=70)
    assert not np.array_equal(np.unique(np.asarray(Image.open(path))), [0, 255])  # there is noise to be ignored
    assert np.array_equal(pictures.read_mask(path), hole)


@pytest.mark.parametrize("value", [0, 255])
def test_opaque_masks_of_one_colour_are_empty_or_full(value):
    rgba = np.full((4, 4, 4), value, np.uint8)
    rgba[..., 3] = 255
    assert np.all(pictures.read_mask(rgba) == value)


def test_a_wholly_transparent_layer_is_an_empty_mask():
    assert not pictures.read_mask(np.zeros((4, 4, 4), np.uint8)).any()


def test_transparent_pixels_of_a_coloured_mask_count_as_black():
    rgba = np.full((1, 3, 4), 255, np.uint8)
    rgba[0, 1] = (0, 0, 0, 255)
    rgba[0, 2, 3] = 0
    assert pictures.read_mask(rgba).tolist() == [[255, 0, 0]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 256.0])
def test_a_float_mask_with_values_that_are_no_mask_is_refused(value):
    mask = HOLE.astype(np.float32)
    mask[0, 0] = value
    with pytest.raises(MaskError, match="must lie in"):
        pictures.read_mask(mask)


def test_a_float_mask_of_another_shape_is_refused():
    with pytest.raises(MaskError, match=r"\[H, W\]"):
        pictures.read_mask(np.zeros((4, 4, 3), np.float32))


def test_a_grey_mask_is_cut_at_127_and_that_is_said():
    with pytest.warns(pictures.MaskWarning, match="most of this mask that is not black is grey"):
        read = pictures.read_mask(np.where(HOLE, 128, 127).astype(np.uint8))
    assert np.array_equal(read > 0, HOLE)


def test_a_photograph_is_no_mask_and_a_soft_brush_is_one():
    with pytest.warns(pictures.MaskWarning, match="Is it a mask"):
        pictures.read_mask(np.linspace(0, 255, 400).astype(np.uint8).reshape(20, 20))
    soft = np.zeros((40, 40), np.uint8)
    soft[10:30, 10:30] = 128
    soft[11:29, 11:29] = 255
    assert np.array_equal(pictures.read_mask(soft) > 0, soft > 127)  # and nothing is warned of
