"""Canny: hand-made planes, properties, scikit-image as the independent reference, and every way to run it."""

import numpy as np
import pytest
import scipy.ndimage
import skimage.color
import skimage.data
import skimage.feature
import tensorflow as tf

from tf_inpaint.ops import canny


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def photograph(name, rows, columns):
    """A part of a bundled photograph, float32 `[H, W]` in [0, 1]."""
    picture = getattr(skimage.data, name)()
    picture = skimage.color.rgb2gray(picture) if picture.ndim == 3 else picture / 255.0
    return picture[rows, columns].astype(np.float32)


def disc(size=64, radius=20.0):
    row, column = np.ogrid[:size, :size]
    distance = np.hypot(row - size / 2, column - size / 2)
    return (distance < radius).astype(np.float32), distance


def edges_of(plane, *, mask=None, **settings):
    mask = None if mask is None else mask[np.newaxis, ..., np.newaxis]
    return canny.canny(plane[np.newaxis, ..., np.newaxis], mask=mask, **settings).numpy()[0, ..., 0]


def skimage_edges_of(plane, *, mask=None, sigma=2.0, low_threshold=0.1, high_threshold=0.2):
    return skimage.feature.canny(plane, sigma=sigma, low_threshold=low_threshold, high_threshold=high_threshold, mask=mask)


# Hand-made planes


def test_a_bright_line_has_an_edge_on_either_side():
    plane = np.zeros([9, 11], np.float32)
    plane[:, 5] = 1.0
    expected = np.zeros([9, 11], np.float32)
    # Unsmoothed Sobel of a line one pixel wide: +4 on its left, 0 on it, -4 on its right.
    expected[1:-1, [4, 6]] = 1.0
    np.testing.assert_array_equal(edges_of(plane, sigma=0.0), expected)


def test_a_step_keeps_both_of_its_equal_maxima():
    plane = np.zeros([6, 8], np.float32)
    plane[:, 4:] = 1.0
    expected = np.zeros([6, 8], np.float32)
    expected[1:-1, [3, 4]] = 1.0
    np.testing.assert_array_equal(edges_of(plane, sigma=0.0), expected)


def test_thresholds_are_reached_at_equality():
    plane = np.zeros([6, 8], np.float32)
    plane[:, 4:] = 0.25
    assert edges_of(plane, sigma=0.0, low_threshold=1.0, high_threshold=1.0).any()
    assert not edges_of(plane, sigma=0.0, low_threshold=1.0, high_threshold=1.0001).any()


def test_a_weak_stretch_is_an_edge_only_where_it_meets_a_strong_one():
    step = np.linspace(0.02, 0.3, 60, dtype=np.float32)
    plane = np.zeros([60, 40], np.float32)
    plane[:, 10:20] = step[:, np.newaxis]
    plane[:, 30:] = 0.06
    edges = edges_of(plane, sigma=0.0, low_threshold=0.2, high_threshold=0.9)
    # The left band grows from weak to strong: kept down to the low threshold. The right one is weak throughout.
    assert edges[20, 10] == 1.0 and edges[1, 10] == 0.0
    assert not edges[:, 25:].any()
    assert edges_of(plane, sigma=0.0, low_threshold=0.2, high_threshold=0.2)[:, 25:].any()


# Properties


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_blank_picture_has_no_edge(level):
    assert not edges_of(np.full([20, 33], level, np.float32)).any()


def test_a_blank_picture_has_no_edge_at_thresholds_of_zero():
    assert not edges_of(np.zeros([20, 33], np.float32), low_threshold=0.0, high_threshold=0.0).any()


def test_edges_of_a_disc_lie_within_two_pixels_of_its_rim():
    plane, distance = disc()
    edges = edges_of(plane) == 1.0
    assert np.all(np.abs(distance[edges] - 20.0) <= 2.0)
    # The rim is closed: its length is about the circumference.
    assert 100 <= edges.sum() <= 300
    labels, count = scipy.ndimage.label(edges, np.ones([3, 3]))
    assert count == 1
    assert scipy.ndimage.binary_fill_holes(edges).sum() > np.pi * 18.0**2


def test_the_outermost_pixels_are_never_edges():
    edges = edges_of(noise(40, 50), sigma=0.0)
    inner = np.zeros_like(edges)
    inner[1:-1, 1:-1] = edges[1:-1, 1:-1]
    assert edges.any()
    np.testing.assert_array_equal(edges, inner)


def test_turning_the_picture_turns_the_edges():
    plane = photograph("camera", slice(150, 214), slice(180, 244))
    expected = edges_of(plane)
    for turns in (1, 2, 3):
        agreement = np.mean(edges_of(np.rot90(plane, turns)) == np.rot90(expected, turns))
        assert agreement >= 0.999


def test_a_batch_gives_the_edges_of_its_pictures_in_order():
    batch = np.stack([noise(37, 70, seed=seed) for seed in range(5)])[..., np.newaxis]
    together = canny.canny(batch, sigma=1.0)
    for index in range(5):
        np.testing.assert_array_equal(together[index], edges_of(batch[index, ..., 0], sigma=1.0)[..., np.newaxis])
    np.testing.assert_array_equal(canny.canny(batch[::-1], sigma=1.0), together[::-1])


def test_an_empty_batch_gives_an_empty_batch():
    assert canny.canny(np.zeros([0, 16, 16, 1], np.float32)).shape == (0, 16, 16, 1)


# Hysteresis on packed planes


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 2, 64), (1, 40, 63), (3, 30, 64), (2, 50, 65), (1, 64, 200)])
@pytest.mark.parametrize("density", [0.3, 0.45, 0.9])
def test_hysteresis_keeps_the_components_that_hold_a_strong_pixel(shape, density):
    generator = np.random.default_rng(3)
    weak = generator.random(shape) < density
    weak[:, [0, -1]] = weak[:, :, [0, -1]] = False
    strong = weak & (generator.random(shape) < 0.01)
    expected = []
    for weak_plane, strong_plane in zip(weak, strong, strict=True):
        labels, _ = scipy.ndimage.label(weak_plane, np.ones([3, 3]))
        expected.append(weak_plane & np.isin(labels, labels[strong_plane]))
    height, width = tf.constant(shape[1]), tf.constant(shape[2])
    packed = [canny._pack(plane[:, 1:-1, 1:-1], height, width) for plane in (strong, weak)]
    np.testing.assert_array_equal(canny._unpack(canny._connected(*packed), width), expected)


def test_a_long_winding_path_is_followed_to_its_end():
    weak = np.zeros([1, 41, 130], bool)
    weak[0, 1:-1:2, 1:-1] = True
    weak[0, 2:-2:4, -2] = weak[0, 4:-2:4, 1] = True
    strong = np.zeros_like(weak)
    strong[0, 1, 1] = True
    height, width = tf.constant(41), tf.constant(130)
    packed = [canny._pack(plane[:, 1:-1, 1:-1], height, width) for plane in (strong, weak)]
    np.testing.assert_array_equal(canny._unpack(canny._connected(*packed), width), weak)


# scikit-image as reference

PHOTOGRAPHS = {
    "camera": (slice(100, 231), slice(150, 277)),
    "coins": (slice(0, 130), slice(0, 199)),
    "astronaut": (slice(0, 129), slice(150, 280)),
    "chelsea": (slice(60, 161), slice(100, 301)),
    "page": (slice(0, 191), slice(0, 101)),
}


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0, 3.3])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_edges_of_photographs_agree_with_skimage(name, sigma):
    plane = photograph(name, *PHOTOGRAPHS[name])
    expected = skimage_edges_of(plane, sigma=sigma)
    assert expected.any()
    assert np.mean(edges_of(plane, sigma=sigma) == expected) >= 0.998


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_masked_edges_of_photographs_agree_with_skimage(name):
    plane = photograph(name, *PHOTOGRAPHS[name])
    usable = scipy.ndimage.gaussian_filter(noise(*plane.shape), 6.0) > 0.49
    expected = skimage_edges_of(plane, mask=usable)
    assert 0.2 < usable.mean() < 0.9 and expected.any()
    assert np.mean(edges_of(plane, mask=usable) == expected) >= 0.998


@pytest.mark.parametrize("thresholds", [(0.0, 0.0), (0.0, 0.4), (0.3, 0.3), (0.05, 1.2)])
def test_other_thresholds_agree_with_skimage(thresholds):
    plane = photograph("coins", *PHOTOGRAPHS["coins"])
    settings = dict(zip(("low_threshold", "high_threshold"), thresholds, strict=True))
    assert np.mean(edges_of(plane, **settings) == skimage_edges_of(plane, **settings)) >= 0.998


@pytest.mark.parametrize("height", range(1, 9))
def test_tiny_pictures_agree_with_skimage(height):
    for width in (1, 2, 3, 5, 8):
        plane = noise(height, width, seed=height * 10 + width)
        np.testing.assert_array_equal(edges_of(plane, sigma=1.0), skimage_edges_of(plane, sigma=1.0))


def test_noise_of_several_widths_agrees_with_skimage():
    for width in (63, 64, 65, 129):
        plane = noise(50, width, seed=width)
        assert np.mean(edges_of(plane, sigma=1.0) == skimage_edges_of(plane, sigma=1.0)) >= 0.998


# Masks


def test_a_mask_of_ones_is_the_same_as_no_mask():
    plane = photograph("camera", slice(100, 200), slice(150, 250))
    np.testing.assert_array_equal(edges_of(plane, mask=np.ones_like(plane)), edges_of(plane))


@pytest.mark.parametrize("filling", [0.0, 1.0, -1e30, np.nan, np.inf])
def test_what_a_hole_holds_has_no_influence(filling):
    plane = photograph("camera", slice(100, 200), slice(150, 250))
    usable = np.ones_like(plane)
    usable[30:60, 40:75] = 0.0
    filled = np.where(usable > 0.0, plane, np.float32(filling))
    edges = edges_of(filled, mask=usable)
    assert edges.any()
    np.testing.assert_array_equal(edges, edges_of(plane, mask=usable))


def test_a_hole_and_its_neighbours_are_never_edges():
    plane = noise(40, 40)
    usable = np.ones_like(plane)
    usable[10:20, 15:30] = 0.0
    edges = edges_of(plane, mask=usable, sigma=0.0)
    assert edges.any() and not edges[9:21, 14:31].any()


def test_the_border_of_a_hole_in_a_blank_picture_is_no_edge():
    usable = np.ones([30, 30], np.float32)
    usable[10:20, 10:20] = 0.0
    assert not edges_of(np.where(usable > 0.0, np.float32(0.9), np.float32(0.0)), mask=usable).any()


def test_a_picture_without_usable_pixels_has_no_edge():
    assert not edges_of(noise(30, 30), mask=np.zeros([30, 30])).any()


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int32, np.float16, np.float64])
def test_a_mask_may_have_any_dtype(dtype):
    plane, usable = noise(40, 40), noise(40, 40, seed=1) < 0.995
    expected = edges_of(plane, mask=usable.astype(np.float32), sigma=1.0)
    assert expected.any()
    np.testing.assert_array_equal(edges_of(plane, mask=usable.astype(dtype), sigma=1.0), expected)


# Ways to run it


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_float_inputs_are_computed_in_float32(dtype):
    gray = noise(1, 40, 40, 1).astype(dtype)
    edges = canny.canny(gray, sigma=1.0)
    assert edges.dtype == tf.float32
    np.testing.assert_array_equal(edges, canny.canny(gray.astype(np.float32), sigma=1.0))


@pytest.fixture(scope="module")
def compiled():
    """One trace for every batch, height and width."""
    unknown = tf.TensorSpec([None, None, None, 1], tf.float32)
    return tf.function(lambda gray, mask: canny.canny(gray, mask=mask), input_signature=[unknown, unknown])


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 32, 64), (2, 41, 67)])
def test_a_compiled_function_of_unknown_sizes_gives_the_eager_edges(compiled, shape):
    gray, mask = noise(*shape, 1), noise(*shape, 1, seed=1) < 0.999
    np.testing.assert_array_equal(compiled(gray, mask.astype(np.float32)), canny.canny(gray, mask=mask))
    assert compiled.experimental_get_tracing_count() == 1


def test_known_sizes_stay_known():
    traced = tf.function(canny.canny).get_concrete_function(tf.TensorSpec([None, 24, 32, 1], tf.float32))
    assert traced.output_shapes.as_list() == [None, 24, 32, 1]


def test_a_dataset_map_gives_the_eager_edges():
    gray = noise(4, 24, 32, 1)
    dataset = tf.data.Dataset.from_tensor_slices(gray).batch(2).map(canny.canny, num_parallel_calls=2)
    np.testing.assert_array_equal(np.concatenate(list(dataset.as_numpy_iterator())), canny.canny(gray))


def test_a_saved_model_gives_the_eager_edges(tmp_path):
    module = tf.Module()
    module.edges = tf.function(canny.canny, input_signature=[tf.TensorSpec([None, None, None, 1], tf.float32)])
    tf.saved_model.save(module, str(tmp_path))
    gray = noise(2, 24, 32, 1)
    np.testing.assert_array_equal(tf.saved_model.load(str(tmp_path)).edges(gray), canny.canny(gray))


# Errors


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (1, 8, 8, 3)])
def test_a_grey_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"`gray` must have the shape \[B, H, W, 1\]"):
        canny.canny(np.zeros(shape, np.float32))


def test_whole_numbers_are_refused_with_the_remedy():
    with pytest.raises(ValueError, match="dtype=uint8.*convert_image_dtype"):
        canny.canny(np.zeros([1, 8, 8, 1], np.uint8))


@pytest.mark.parametrize("shape", [(1, 8, 9, 1), (2, 8, 8, 1), (8, 8), (1, 8, 8, 3)])
def test_a_mask_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match="`mask` must have the shape"):
        canny.canny(np.zeros([1, 8, 8, 1], np.float32), mask=np.ones(shape))


@pytest.mark.parametrize("thresholds", [(-0.1, 0.2), (0.3, 0.2), (0.1, np.inf), (np.nan, 0.2), (0.1, np.nan)])
def test_thresholds_out_of_range_are_refused(thresholds):
    with pytest.raises(ValueError, match="Thresholds must be finite"):
        canny.canny(np.zeros([1, 8, 8, 1], np.float32), low_threshold=thresholds[0], high_threshold=thresholds[1])


@pytest.mark.parametrize("sigma", [-0.5, np.nan, np.inf])
def test_a_sigma_out_of_range_is_refused(sigma):
    with pytest.raises(ValueError, match="`sigma` must be a finite number >= 0"):
        canny.canny(np.zeros([1, 8, 8, 1], np.float32), sigma=sigma)
