"""The inpainter: any size and kind of picture, known pixels untouched, one graph for all, no value that is not finite."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.constant_system import ConstantSystem
from tests.picture_files import UPRIGHT, png_bytes, random_rgb, save, save_turned
from tf_inpaint import ops, pictures
from tf_inpaint.errors import ConfigError, MaskError, NonFiniteError, PictureError
from tf_inpaint.serving import Inpainter
from tf_inpaint.serving.export import DEFAULT_MAX_PIXELS
from tf_inpaint.serving.inpainter import MAX_WHOLE_PIXELS
from tf_inpaint.systems import SYSTEMS

SIDES = [*range(1, 18), 31, 32, 33, 63, 64, 65, 127, 128, 129]
SIZES = [(side, side) for side in SIDES[1:]] + [(1, 129), (129, 1), (5, 64), (33, 16), (100, 37), (17, 2)]


@pytest.fixture(scope="module")
def inpainter():
    return Inpainter(SYSTEMS["three_stage"].tiny(), strategy="original")


def random_hole(height, width, seed=0):
    """About 30 % of the picture, at least a pixel of it and never more than half."""
    hole = np.random.RandomState(seed).random_sample((height, width)) < 0.3
    hole[height // 2, width // 2] = True
    hole[: height // 4 + 1, 0] = hole[0, : width // 4 + 1] = False
    return hole


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_size_stays_and_known_pixels_keep_their_bits(inpainter, size):
    photo, hole = random_rgb(*size), random_hole(*size)
    result = inpainter(photo, hole)
    assert result.shape == photo.shape and result.dtype == np.uint8
    assert np.array_equal(result[~hole], photo[~hole])


def test_the_hole_holds_what_the_system_gives(inpainter):
    photo, hole = random_rgb(30, 41), random_hole(30, 41)
    image, mask = ops.image.from_uint8(photo[None]), tf.constant(hole[None, ..., None], tf.float32)
    expected = ops.image.to_uint8(inpainter.system.inpaint(image, mask))[0].numpy()
    result = inpainter(photo, hole)
    # Eagerly and in a graph the sums may be rounded in another order: one grey level at most.
    assert np.abs(result.astype(int) - expected)[hole].max() <= 1
    assert np.ptp(result[hole]) > 0 and np.any(result[hole] != photo[hole])


def test_what_lies_in_the_hole_has_no_influence(inpainter):
    photo, hole = random_rgb(20, 23), random_hole(20, 23)
    other = np.where(hole[..., None], random_rgb(20, 23, seed=1), photo)
    assert np.array_equal(inpainter(photo, hole), inpainter(other, hole))


def test_one_trace_serves_all_sizes(inpainter):
    for size in ((8, 8), (9, 30), (64, 2)):
        inpainter(random_rgb(*size), random_hole(*size))
    assert inpainter.num_traces == 1


@pytest.mark.parametrize("strategy", ["crop", "tile", "resize"])
def test_one_trace_serves_all_sizes_and_holes_of_the_other_strategies_too(strategy):
    """Pictures of many sizes, with one hole and with many: known pixels stay, nothing is traced anew."""
    painter = Inpainter(ConstantSystem.tiny(), strategy=strategy)
    sides = [1, 2, 3, 16, 17, 31, 32, 33, 63, 65, 255, 257]
    for size in [*zip(sides[1:], sides[1:]), *zip(sides, reversed(sides)), (511, 511), (1000, 37)]:
        photo, hole = random_rgb(*size), np.zeros(size, bool)
        middle = size[1] // 2
        hole[size[0] // 2, middle : middle + max(1, size[1] // 3)] = hole[: size[0] // 3, size[1] // 3] = True
        result = painter(photo, hole)
        assert result.shape == photo.shape and np.array_equal(result[~hole], photo[~hole])
        assert np.any(result[hole] != photo[hole])
    assert painter.num_traces == 1


@pytest.mark.parametrize("hole", ["one pixel", "border"])
@pytest.mark.parametrize("level", [0, 255])
def test_extreme_pictures_and_masks_give_pictures(inpainter, hole, level):
    mask = np.zeros((18, 21), bool)
    if hole == "border":
        mask[[0, -1]] = mask[:, [0, -1]] = True
    else:
        mask[4, 5] = True
    photo = np.full((18, 21, 3), level, np.uint8)
    result = inpainter(photo, mask)
    assert np.array_equal(result[~mask], photo[~mask])


# --- kinds of input


@pytest.mark.parametrize("shape", [(12, 15), (12, 15, 1), (12, 15, 2), (12, 15, 3), (12, 15, 4)], ids=str)
def test_an_array_gives_an_array_of_the_same_shape(inpainter, shape):
    photo, hole = np.random.RandomState(0).randint(0, 256, shape, np.uint8), random_hole(12, 15)
    result = inpainter(photo, hole)
    assert isinstance(result, np.ndarray) and result.shape == shape and result.dtype == np.uint8
    assert np.array_equal(result[~hole], photo[~hole])
    if shape[-1] in (2, 4):
        assert np.array_equal(result[..., -1], photo[..., -1])
    result[hole] = 0  # the caller's own array


def test_16_bit_grey_stays_16_bit(inpainter):
    photo, hole = np.random.RandomState(0).randint(0, 65536, (12, 15)).astype(np.uint16), random_hole(12, 15)
    result = inpainter(photo, hole)
    assert result.dtype == np.uint16 and np.array_equal(result[~hole], photo[~hole])
    assert np.all(result[hole] % 257 == 0)


@pytest.mark.parametrize(
    ("mode", "result_mode"),
    [("1", "L"), ("L", "L"), ("LA", "LA"), ("P", "RGB"), ("RGB", "RGB"), ("RGBA", "RGBA"), ("CMYK", "RGB"), ("YCbCr", "RGB")],
)
def test_an_image_gives_an_image_of_the_documented_mode(inpainter, mode, result_mode):
    image, hole = Image.fromarray(random_rgb(12, 15)).convert(mode), random_hole(12, 15)
    before = np.asarray(image).copy()
    result = inpainter(image, hole)
    assert isinstance(result, Image.Image) and result.size == image.size and result.mode == result_mode
    expected = np.asarray(image if mode == result_mode else image.convert(result_mode))
    assert np.array_equal(np.asarray(result)[~hole], expected[~hole])
    assert np.array_equal(np.asarray(image), before)


def test_paths_give_what_arrays_give(inpainter, tmp_path):
    photo, hole = random_rgb(12, 15), random_hole(12, 15)
    expected = inpainter(photo, hole)
    photo_path, mask_path = save(tmp_path / "a.png", photo), save(tmp_path / "m.png", hole)
    for source in (photo_path, str(photo_path)):
        result = inpainter(source, mask_path)
        assert isinstance(result, Image.Image) and np.array_equal(np.asarray(result), expected)


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_the_hole_lands_on_the_right_pixels_whatever_the_orientation(inpainter, tmp_path, orientation):
    photo, hole = random_rgb(10, 14), np.zeros((10, 14), bool)
    hole[1:3, 2:9] = True
    expected = inpainter(photo, hole)
    turned = save_turned(tmp_path / "a.png", photo, orientation)
    turned_mask = save_turned(tmp_path / "m.png", hole.astype(np.uint8) * 255, orientation)
    for mask in (hole, turned_mask):
        result = inpainter(turned, mask)
        assert np.array_equal(np.asarray(result), expected)
        assert result.getexif().get(0x0112, 1) == 1


# --- errors


@pytest.mark.parametrize("mask", [np.zeros((12, 15), bool), np.full((12, 15), 127, np.uint8), np.zeros((12, 15, 4), np.uint8)])
def test_an_empty_mask_is_an_error(inpainter, mask):
    with pytest.raises(MaskError, match="empty"):
        inpainter(random_rgb(12, 15), mask)


def test_a_full_mask_is_an_error(inpainter):
    with pytest.raises(MaskError, match="full: the whole picture"):
        inpainter(random_rgb(12, 15), np.ones((12, 15), bool))


def test_different_shapes_are_an_error_that_names_both(inpainter):
    with pytest.raises(MaskError, match="picture of 15 x 12 and a mask of 12 x 15"):
        inpainter(random_rgb(12, 15), random_hole(15, 12))


def test_unreadable_files_are_errors_by_name(inpainter, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"broken")
    with pytest.raises(PictureError, match=r"broken\.png: is not a readable"):
        inpainter(tmp_path / "broken.png", random_hole(4, 4))
    with pytest.raises(PictureError, match=r"missing\.png: cannot be read"):
        inpainter(random_rgb(4, 4), tmp_path / "missing.png")


def test_a_picture_over_the_cap_is_an_error(inpainter):
    capped = Inpainter(inpainter.system, max_pixels=109)
    with pytest.raises(PictureError, match="photo: 11 x 10 pixels are more than the 109"):
        capped(random_rgb(10, 11), random_hole(10, 11))


def test_the_whole_picture_goes_through_the_networks_within_a_limit_of_its_own(inpainter, tmp_path):
    assert Inpainter(inpainter.system, strategy="crop").max_pixels == pictures.MAX_PIXELS
    whole = Inpainter(inpainter.system, strategy="original")
    assert whole.max_pixels == MAX_WHOLE_PIXELS == DEFAULT_MAX_PIXELS
    assert Inpainter(inpainter.system, strategy="original", max_pixels=7).max_pixels == 7
    (tmp_path / "large.png").write_bytes(png_bytes(4097, 4096))
    with pytest.raises(PictureError, match="large.png: 4097 x 4096 pixels are more than .* Raise `max_pixels` .* 'crop' takes"):
        whole(tmp_path / "large.png", random_hole(4, 4))
    capped = Inpainter(inpainter.system, strategy="original", max_pixels=109)
    with pytest.raises(PictureError, match="mask: 11 x 10 pixels .* The strategy 'original' takes memory for each pixel"):
        capped(random_rgb(5, 5), random_hole(10, 11))


@pytest.mark.parametrize("photo", [np.full((8, 8, 3), np.nan, np.float32), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), np.uint8)])
def test_floats_and_empty_arrays_are_errors(inpainter, photo):
    with pytest.raises(PictureError):
        inpainter(photo, random_hole(8, 8))


def test_weights_that_are_not_finite_never_give_a_picture(inpainter):
    weight = inpainter.system.generator_weights[-1]
    finite = weight.numpy()
    weight.assign(np.full_like(finite, np.nan))
    try:
        with pytest.raises(NonFiniteError, match="not finite"):
            inpainter(random_rgb(8, 8), random_hole(8, 8))
    finally:
        weight.assign(finite)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "shrink"}, "crop, resize, tile, original"),
        ({"margin": -1}, "`margin` must not be negative"),
        ({"max_pixels": 0}, "`max_pixels` must be at least 1"),
        ({"erode": -1}, "`erode` must not be negative"),
        ({"dilate": -2}, "dilate=-2"),
        ({"feather": -1}, "feather=-1"),
    ],
)
def test_options_out_of_range_are_errors_that_say_what_is_allowed(inpainter, options, message):
    with pytest.raises(ConfigError, match=message):
        Inpainter(inpainter.system, **options)
