"""Ranges, masks, composites, padding and resizing: bits that must not change, and values that must."""

import numpy as np
import pytest
import tensorflow as tf

from tests.picture_files import random_rgb
from tf_inpaint.ops import image as ops

LEVELS = np.arange(256, dtype=np.uint8)
UNKNOWN = [None, None, None, None]


def random_floats(*shape, seed=0):
    return np.random.RandomState(seed).uniform(-1, 1, shape).astype(np.float32)


def in_graph(function, *arguments):
    """Runs a function in a graph that knows the dtypes of its arguments, and of the shapes the rank alone."""
    arguments = [tf.convert_to_tensor(argument) for argument in arguments]
    signature = [tf.TensorSpec([None] * argument.shape.rank, argument.dtype) for argument in arguments]
    return tf.function(function, input_signature=signature)(*arguments)


def in_pipeline(function, *arguments):
    """Runs a function inside `tf.data`."""
    data = tf.data.Dataset.from_tensors(tuple(tf.convert_to_tensor(argument) for argument in arguments)).map(function)
    return next(iter(data))


class TestRanges:
    def test_each_level_of_256_comes_back(self):
        np.testing.assert_array_equal(ops.to_uint8(ops.from_uint8(LEVELS)), LEVELS)

    def test_black_and_white_are_minus_one_and_one(self):
        values = ops.from_uint8(LEVELS)
        assert values.dtype == tf.float32
        assert values[0] == -1 and values[255] == 1
        np.testing.assert_allclose(np.diff(values), 2 / 255, rtol=1e-4)

    def test_a_value_goes_to_the_nearest_level(self):
        values = ops.from_uint8(LEVELS).numpy()
        for shift in (-0.49, 0.49):
            np.testing.assert_array_equal(ops.to_uint8(values + shift * 2 / 255), LEVELS)

    def test_what_lies_outside_the_range_is_clipped_and_nan_is_black(self):
        np.testing.assert_array_equal(ops.to_uint8([-1.5, 1.5, -np.inf, np.inf, np.nan, 1e30]), [0, 255, 0, 255, 0, 255])

    @pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16, tf.float64])
    def test_other_floats_become_levels_too(self, dtype):
        levels = ops.to_uint8(tf.cast([-1.0, -0.5, 0.0, 0.5, 1.0], dtype))
        np.testing.assert_array_equal(levels, [0, 64, 128, 191, 255])

    def test_the_unit_range_has_the_same_ends_and_middle(self):
        np.testing.assert_array_equal(ops.to_unit(tf.constant([-1.0, 0.0, 1.0])), [0.0, 0.5, 1.0])
        np.testing.assert_array_equal(ops.from_unit(tf.constant([0.0, 0.5, 1.0])), [-1.0, 0.0, 1.0])
        values = random_floats(100)
        np.testing.assert_allclose(ops.from_unit(ops.to_unit(values)), values, atol=2e-7)

    @pytest.mark.parametrize("function", [ops.to_unit, ops.from_unit])
    def test_the_unit_converters_keep_the_dtype(self, function):
        assert function(tf.zeros([2], tf.bfloat16)).dtype == tf.bfloat16


class TestGray:
    def test_primaries_have_the_weights_that_skimage_gives_them(self):
        import skimage.color

        image = random_rgb(6, 7)
        expected = skimage.color.rgb2gray(image)[..., None]
        np.testing.assert_allclose(ops.to_gray(ops.from_uint8(image[None]))[0], expected, atol=1e-6)

    def test_grey_stays_and_the_range_is_the_unit_one(self):
        grey = np.repeat(random_floats(2, 4, 5, 1), 3, axis=-1)
        gray = ops.to_gray(grey)
        assert gray.shape == (2, 4, 5, 1)
        np.testing.assert_allclose(gray, (grey[..., :1] + 1) / 2, atol=1e-6)

    @pytest.mark.parametrize("channels", [1, 2, 4])
    def test_a_picture_that_is_not_rgb_is_refused(self, channels):
        with pytest.raises(ValueError, match="3 channels"):
            ops.to_gray(np.zeros([1, 4, 4, channels], np.float32))

    def test_half_precision_is_computed_in_float32(self):
        gray = ops.to_gray(tf.zeros([1, 2, 2, 3], tf.bfloat16))
        assert gray.dtype == tf.float32
        np.testing.assert_allclose(gray, 0.5, atol=1e-6)


class TestMasks:
    def test_levels_above_127_are_the_hole(self):
        mask = ops.binary_mask(LEVELS)
        assert mask.dtype == tf.float32
        np.testing.assert_array_equal(mask, (LEVELS >= 128).astype(np.float32))

    def test_a_boolean_mask_is_taken_as_it_is(self):
        mask = ops.binary_mask(np.array([True, False]))
        assert mask.dtype == tf.float32
        np.testing.assert_array_equal(mask, [1.0, 0.0])

    def test_the_hole_is_blanked_and_the_rest_keeps_its_bits(self):
        image, mask = random_floats(2, 5, 6, 3), (random_floats(2, 5, 6, 1) > 0).astype(np.float32)
        masked = ops.mask_image(image, mask).numpy()
        hole = np.repeat(mask, 3, axis=-1) > 0
        np.testing.assert_array_equal(masked[hole], 0)
        np.testing.assert_array_equal(masked[~hole].view(np.int32), image[~hole].view(np.int32))

    @pytest.mark.parametrize("poison", [np.nan, np.inf, 1e30])
    def test_nothing_inside_the_hole_reaches_the_blanked_picture(self, poison):
        image, mask = random_floats(1, 4, 4, 3), np.zeros([1, 4, 4, 1], np.float32)
        mask[0, 1:3, 1:3] = 1
        poisoned = np.where(mask > 0, np.float32(poison), image)
        np.testing.assert_array_equal(ops.mask_image(poisoned, mask), ops.mask_image(image, mask))

    @pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16])
    def test_half_precision_stays(self, dtype):
        assert ops.mask_image(tf.ones([1, 2, 2, 3], dtype), tf.zeros([1, 2, 2, 1])).dtype == dtype


class TestComposite:
    @pytest.fixture
    def mask(self):
        return (random_floats(2, 6, 5, 1, seed=3) > 0.2).astype(np.float32)

    # Ends of the range, a denormal number, minus zero, numbers that a weighted sum would round.
    @pytest.mark.parametrize("raw_value", [np.nan, np.inf, -np.inf, 3.0])
    def test_known_pixels_keep_their_bits_whatever_the_network_says(self, mask, raw_value):
        image = random_floats(2, 6, 5, 3)
        image.flat[:6] = [-0.0, 1e-42, 1.0, -1.0, 0.1, np.nextafter(np.float32(1), np.float32(0))]
        pasted = ops.composite(np.full_like(image, raw_value), image, mask).numpy()
        known = np.repeat(mask, 3, axis=-1) == 0
        np.testing.assert_array_equal(pasted[known].view(np.int32), image[known].view(np.int32))
        np.testing.assert_array_equal(pasted[~known], raw_value)

    @pytest.mark.parametrize("poison", [np.nan, np.inf])
    def test_what_the_picture_holds_in_the_hole_does_not_come_out(self, mask, poison):
        raw, image = random_floats(2, 6, 5, 3), random_floats(2, 6, 5, 3, seed=1)
        poisoned = np.where(mask > 0, np.float32(poison), image)
        np.testing.assert_array_equal(ops.composite(raw, poisoned, mask), np.where(mask > 0, raw, image))

    def test_without_a_hole_it_is_the_picture_and_without_known_pixels_the_output(self):
        raw, image = random_floats(1, 3, 3, 3), random_floats(1, 3, 3, 3, seed=1)
        np.testing.assert_array_equal(ops.composite(raw, image, np.zeros([1, 3, 3, 1], np.float32)), image)
        np.testing.assert_array_equal(ops.composite(raw, image, np.ones([1, 3, 3, 1], np.float32)), raw)

    def test_the_gradient_flows_through_the_hole_alone(self, mask):
        raw, image = tf.constant(random_floats(2, 6, 5, 3)), tf.constant(random_floats(2, 6, 5, 3, seed=1))
        with tf.GradientTape() as tape:
            tape.watch([raw, image])
            total = tf.reduce_sum(ops.composite(raw, image, mask))
        to_raw, to_image = tape.gradient(total, [raw, image])
        np.testing.assert_array_equal(to_raw, np.repeat(mask, 3, axis=-1))
        np.testing.assert_array_equal(to_image, np.repeat(1 - mask, 3, axis=-1))


class TestPadding:
    @pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 17), (8, 16), (9, 5), (16, 31)])
    @pytest.mark.parametrize("multiple", [1, 4, 16])
    def test_the_picture_is_continued_by_its_mirror_image_to_the_next_multiples(self, size, multiple):
        image = random_rgb(*size)[None]
        padded = ops.pad_to_multiple(image, multiple).numpy()
        bottom, right = (-side % multiple for side in size)
        # NumPy's "symmetric" reflects as often as needed too.
        np.testing.assert_array_equal(padded, np.pad(image, [(0, 0), (0, bottom), (0, right), (0, 0)], mode="symmetric"))
        assert padded.dtype == np.uint8

    def test_a_size_that_fits_is_left_alone(self):
        image = random_floats(2, 8, 12, 3)
        np.testing.assert_array_equal(ops.pad_to_multiple(image, 4), image)

    @pytest.mark.parametrize("multiple", [0, -4])
    def test_a_multiple_that_is_not_positive_is_refused(self, multiple):
        with pytest.raises(ValueError, match=f"multiple={multiple}"):
            ops.pad_to_multiple(np.zeros([1, 4, 4, 3], np.float32), multiple)


class TestResize:
    @pytest.mark.parametrize("method", ["bilinear", "bicubic", "area", "nearest"])
    def test_a_plain_picture_stays_plain(self, method):
        image = np.full([1, 9, 12, 3], 77, np.float32)
        np.testing.assert_allclose(ops.resize(image, (4, 20), method=method), np.full([1, 4, 20, 3], 77.0), rtol=1e-5)

    def test_shrinking_averages_over_what_a_pixel_covers(self):
        checkerboard = np.indices([32, 32]).sum(axis=0)[None, :, :, None] % 2 * 2.0 - 1.0
        shrunk = ops.resize(checkerboard.astype(np.float32), (4, 4)).numpy()
        assert np.abs(shrunk[:, 1:-1, 1:-1]).max() < 0.05  # without averaging it would be full of -1 and 1

    @pytest.mark.parametrize("size", [(16, 11), (50, 37)])
    def test_bilinear_is_pillows(self, size):
        from PIL import Image

        plane = random_rgb(33, 24)[..., 0]
        expected = np.asarray(Image.fromarray(plane.astype(np.float32)).resize(size[::-1], Image.Resampling.BILINEAR))
        np.testing.assert_allclose(ops.resize(plane[None, ..., None], size)[0, ..., 0], expected, atol=0.01)

    @pytest.mark.parametrize("size", [(16, 11), (50, 37)])
    def test_nearest_is_pillows_and_keeps_dtype_and_levels(self, size):
        from PIL import Image

        plane = random_rgb(33, 25)[..., 0]  # odd: no centre falls between two pixels, where rounding errors decide
        resized = ops.resize(plane[None, ..., None], size, method="nearest")
        assert resized.dtype == tf.uint8
        expected = np.asarray(Image.fromarray(plane).resize(size[::-1], Image.Resampling.NEAREST))
        np.testing.assert_array_equal(resized[0, ..., 0], expected)

    def test_one_picture_without_a_batch_is_resized_alike(self):
        image = random_floats(10, 8, 3)
        np.testing.assert_array_equal(ops.resize(image, (5, 9)), ops.resize(image[None], (5, 9))[0])


@pytest.mark.parametrize("padding", [0, 1, 3, 8])
@pytest.mark.parametrize("size", [(9, 10), (2, 3), (1, 4)])
def test_reflection_continues_a_picture_by_its_mirror_image_as_often_as_needed(size, padding):
    image = random_floats(2, *size, 3)
    margins = [(0, 0), (padding, padding), (padding, padding), (0, 0)]
    np.testing.assert_array_equal(ops.reflect_pad(tf.constant(image), padding), np.pad(image, margins, mode="reflect"))


FLOATS = random_floats(2, 7, 10, 3)
MASK = (random_floats(2, 7, 10, 1, seed=5) > 0).astype(np.float32)
CASES = {
    "from_uint8": (ops.from_uint8, random_rgb(7, 10)[None]),
    "to_uint8": (ops.to_uint8, FLOATS),
    "to_unit": (ops.to_unit, FLOATS),
    "from_unit": (ops.from_unit, FLOATS),
    "to_gray": (ops.to_gray, FLOATS),
    "binary_mask": (ops.binary_mask, random_rgb(7, 10)[None]),
    "mask_image": (ops.mask_image, FLOATS, MASK),
    "composite": (ops.composite, FLOATS, -FLOATS, MASK),
    "pad_to_multiple": (lambda image: ops.pad_to_multiple(image, 4), FLOATS),
    "reflect_pad": (lambda image: ops.reflect_pad(image, 9), FLOATS),
    "resize": (lambda image: ops.resize(image, (5, 6)), FLOATS),
    "resize_part": (lambda image: ops.resize_part(image, (5, 6), top=1, left=2, part_size=(3, 4)), FLOATS[0]),
}


def test_every_function_of_the_module_is_among_the_cases():
    import inspect

    public = {name for name, value in vars(ops).items() if inspect.isfunction(value) and not name.startswith("_")}
    assert public == set(CASES)


@pytest.mark.parametrize("run", [in_graph, in_pipeline])
@pytest.mark.parametrize("name", CASES)
def test_a_graph_of_unknown_size_and_a_pipeline_give_the_eager_values(name, run):
    function, *arguments = CASES[name]
    expected, actual = function(*arguments), run(function, *arguments)
    assert actual.dtype == expected.dtype
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6)
