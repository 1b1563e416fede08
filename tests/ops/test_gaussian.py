"""Gaussian smoothing: taps, borders, unusable pixels; scipy is the independent reference."""

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from tf_inpaint.ops import gaussian


def random_picture(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def test_taps_are_symmetric_and_sum_to_one():
    taps = gaussian.gaussian_kernel(2.0)
    assert len(taps) == 2 * 8 + 1
    np.testing.assert_array_equal(taps, taps[::-1])
    assert abs(taps.astype(np.float64).sum() - 1.0) < 1e-6


def test_neighbouring_taps_have_the_ratio_of_the_bell():
    taps = gaussian.gaussian_kernel(1.5)
    centre = len(taps) // 2
    assert taps[centre + 1] / taps[centre] == pytest.approx(np.exp(-0.5 / 1.5**2), rel=1e-6)


@pytest.mark.parametrize("sigma", [0.0, 0.1])
def test_a_window_of_one_pixel_changes_nothing(sigma):
    picture = random_picture(1, 3, 4, 1)
    np.testing.assert_array_equal(gaussian.gaussian_smooth(picture, sigma=sigma), picture)
    np.testing.assert_array_equal(gaussian.gaussian_smooth_usable(picture, sigma=sigma), picture)


def test_a_single_bright_pixel_becomes_the_product_of_the_taps():
    picture = np.zeros([1, 9, 9, 1], np.float32)
    picture[0, 4, 4, 0] = 1.0
    taps = gaussian.gaussian_kernel(1.0)
    np.testing.assert_allclose(gaussian.gaussian_smooth(picture, sigma=1.0)[0, :, :, 0], np.outer(taps, taps), atol=1e-7)


@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (13, 1), (31, 18)])
@pytest.mark.parametrize("sigma", [0.7, 2.0, 5.0])
def test_smoothing_agrees_with_scipy(shape, sigma):
    picture = random_picture(2, *shape, 3)
    expected = scipy.ndimage.gaussian_filter(picture.astype(np.float64), (0, sigma, sigma, 0), mode="constant")
    np.testing.assert_allclose(gaussian.gaussian_smooth(picture, sigma=sigma), expected, atol=1e-6)


def test_a_constant_picture_stays_constant_up_to_its_border():
    picture = np.full([2, 11, 6, 1], 0.75, np.float32)
    np.testing.assert_allclose(gaussian.gaussian_smooth_usable(picture, sigma=2.0), picture, rtol=1e-6)
    assert gaussian.gaussian_smooth(picture, sigma=2.0)[0, 0, 0, 0] < 0.5


def test_all_pixels_usable_is_the_same_as_no_mask():
    picture = random_picture(2, 15, 12, 2)
    np.testing.assert_allclose(
        gaussian.gaussian_smooth_usable(picture, sigma=1.5, usable=np.ones([2, 15, 12, 1])),
        gaussian.gaussian_smooth_usable(picture, sigma=1.5),
        rtol=1e-5,
    )


def test_the_mean_over_usable_pixels_agrees_with_scipy():
    picture = random_picture(1, 20, 17, 1).astype(np.float64)
    usable = np.random.default_rng(1).random([1, 20, 17, 1]) < 0.6
    sigmas = (0, 2.0, 2.0, 0)
    expected = scipy.ndimage.gaussian_filter(picture * usable, sigmas, mode="constant")
    expected /= scipy.ndimage.gaussian_filter(usable.astype(np.float64), sigmas, mode="constant")
    np.testing.assert_allclose(gaussian.gaussian_smooth_usable(picture, sigma=2.0, usable=usable), expected, atol=1e-6)


@pytest.mark.parametrize("filling", [0.0, 1e30, np.nan, np.inf])
def test_unusable_pixels_have_no_influence(filling):
    picture = random_picture(1, 20, 17, 1)
    usable = np.random.default_rng(1).random([1, 20, 17, 1]) < 0.6
    np.testing.assert_array_equal(
        gaussian.gaussian_smooth_usable(np.where(usable, picture, np.float32(filling)), sigma=2.0, usable=usable),
        gaussian.gaussian_smooth_usable(picture, sigma=2.0, usable=usable),
    )


def test_a_window_without_usable_pixels_gives_zero():
    picture = random_picture(1, 40, 4, 1)
    usable = np.zeros([1, 40, 4, 1])
    usable[:, :3] = 1.0
    smoothed = gaussian.gaussian_smooth_usable(picture, sigma=1.0, usable=usable)
    assert np.all(smoothed[:, :3] > 0.0)
    np.testing.assert_array_equal(smoothed[:, 8:], np.zeros([1, 32, 4, 1]))


def test_unknown_sizes_give_the_eager_values_and_keep_the_known_shape():
    picture = random_picture(2, 15, 12, 1)
    compiled = tf.function(
        lambda image: gaussian.gaussian_smooth_usable(image, sigma=1.5),
        input_signature=[tf.TensorSpec([None, None, None, 1], tf.float32)],
    )
    assert compiled.get_concrete_function().output_shapes.as_list() == [None, None, None, 1]
    np.testing.assert_allclose(compiled(picture), gaussian.gaussian_smooth_usable(picture, sigma=1.5), rtol=1e-6)


def test_the_gradient_of_smoothing_is_smoothing():
    picture, cotangent = (tf.constant(random_picture(1, 9, 7, 2, seed=seed)) for seed in (0, 1))
    with tf.GradientTape() as tape:
        tape.watch(picture)
        total = tf.reduce_sum(gaussian.gaussian_smooth(picture, sigma=1.0) * cotangent)
    np.testing.assert_allclose(tape.gradient(total, picture), gaussian.gaussian_smooth(cotangent, sigma=1.0), atol=1e-6)


@pytest.mark.parametrize("sigma", [-1.0, np.nan, np.inf])
def test_a_sigma_out_of_range_is_refused(sigma):
    with pytest.raises(ValueError, match="`sigma` must be a finite number >= 0"):
        gaussian.gaussian_smooth(random_picture(1, 4, 4, 1), sigma=sigma)


def test_a_tensor_of_another_rank_is_refused():
    with pytest.raises(ValueError, match=r"shape \[B, H, W, C\]. Received: shape=\(4, 4\)"):
        gaussian.gaussian_smooth(random_picture(4, 4), sigma=1.0)


def test_whole_numbers_are_refused():
    with pytest.raises(ValueError, match="floating point.*uint8"):
        gaussian.gaussian_smooth(np.zeros([1, 4, 4, 1], np.uint8), sigma=1.0)
