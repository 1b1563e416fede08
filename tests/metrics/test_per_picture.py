"""PSNR, SSIM and L1 of 8-bit pictures: known values, an independent reference, the ends of their ranges."""

import numpy as np
import pytest
import skimage.color
import skimage.metrics
import tensorflow as tf

from tests.picture_files import random_rgb
from tf_inpaint import metrics


def noisy(image, amount, seed=1):
    noise = np.random.RandomState(seed).randint(-amount, amount + 1, image.shape)
    return np.clip(image.astype(int) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def pair():
    """Three smooth pictures of 40 x 32 pixels, and the same with more and more noise."""
    x = np.linspace(0, 6, 40)[:, None, None] + np.linspace(0, 4, 32)[None, :, None] * np.array([0.5, 1.0, 2.0])
    image = (127.5 + 100 * np.sin(x)).astype(np.uint8)
    images = np.stack([image, image[::-1], image[:, ::-1]])
    return images, np.stack([noisy(image, amount) for image, amount in zip(images, (4, 16, 64))])


@pytest.mark.parametrize("levels", [1, 10, 255])
def test_a_constant_difference_has_the_psnr_and_the_l1_of_its_levels(levels):
    image = np.zeros([2, 5, 7, 3], np.uint8)
    composite = image + np.uint8(levels)
    np.testing.assert_allclose(metrics.psnr(image, composite), 20 * np.log10(255 / levels), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(metrics.l1(image, composite), levels / 255, rtol=1e-6)


def test_the_numbers_are_those_of_skimage(pair):
    images, composites = pair
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255, "channel_axis": -1}
    pairs = list(zip(images, composites))
    psnr = [skimage.metrics.peak_signal_noise_ratio(image, composite, data_range=255) for image, composite in pairs]
    ssim = [skimage.metrics.structural_similarity(image, composite, **options) for image, composite in pairs]
    l1 = [np.abs(image.astype(float) - composite).mean() / 255 for image, composite in pairs]
    np.testing.assert_allclose(metrics.psnr(images, composites), psnr, rtol=1e-6)
    np.testing.assert_allclose(metrics.ssim(images, composites), ssim, rtol=1e-6)
    np.testing.assert_allclose(metrics.l1(images, composites), l1, rtol=1e-6)


@pytest.mark.parametrize("window", [3, 7, 31])
@pytest.mark.parametrize("gray", [False, True])
def test_ssim_with_a_uniform_window_is_that_of_skimage(pair, window, gray):
    for image, composite in zip(*pair):
        a, b = (skimage.color.rgb2gray(each) * 255 if gray else each for each in (image, composite))
        axis = None if gray else -1
        expected = skimage.metrics.structural_similarity(a, b, win_size=window, data_range=255, channel_axis=axis)
        measured = metrics.ssim(image[None], composite[None], uniform_window=window, gray=gray)
        np.testing.assert_allclose(measured, expected, rtol=1e-6)


@pytest.mark.parametrize("window", [None, 7])
def test_ssim_in_the_hole_is_the_mean_of_the_map_over_the_hole(pair, window):
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False} if window is None else {"win_size": window}
    mask = np.zeros([40, 32], np.uint8)
    mask[20:, 10:25] = 255
    radius = (window or metrics.SSIM_WINDOW) // 2
    inner = np.zeros_like(mask)
    inner[radius:-radius, radius:-radius] = mask[radius:-radius, radius:-radius]  # the window must lie in the picture
    for image, composite in zip(*pair):
        _, values = skimage.metrics.structural_similarity(image, composite, data_range=255, channel_axis=-1, full=True, **options)
        expected = values.mean(axis=-1)[inner > 0].mean()
        for each in (mask[None, ..., None], (mask[None, ..., None] > 0).astype(np.float32)):
            measured = metrics.ssim(image[None], composite[None], mask=each, uniform_window=window)
            np.testing.assert_allclose(measured, expected, rtol=1e-6)


def test_ssim_of_a_hole_that_no_window_is_centred_on_is_undefined(pair):
    images, composites = pair
    mask = np.zeros([3, 40, 32, 1], np.float32)
    mask[:, :5] = 1  # half a window
    mask[1, 5, 5] = 1
    np.testing.assert_array_equal(np.isnan(metrics.ssim(images, composites, mask=mask)), [True, False, True])


@pytest.mark.parametrize("window", [0, 1, 8])
def test_a_window_without_a_middle_is_refused(pair, window):
    with pytest.raises(ValueError, match="uniform_window"):
        metrics.ssim(*pair, uniform_window=window)


def test_mae_is_relative_to_the_levels():
    image = np.full([1, 8, 8, 3], 100, np.uint8)
    composite = image.copy()
    composite[:, :4] = 140  # half of the pixels differ by 40
    np.testing.assert_allclose(metrics.mae(image, composite), 20 / 220, rtol=1e-6)
    np.testing.assert_allclose(metrics.mae(image, composite, gray=True), 20 / 220, rtol=1e-6)
    composite[:, :4, :, 0] = 100
    luma_of_green_and_blue = 0.7154 + 0.0721
    expected = 20 * luma_of_green_and_blue / (200 + 20 * luma_of_green_and_blue)
    np.testing.assert_allclose(metrics.mae(image, composite, gray=True), expected, rtol=1e-4)
    assert np.isnan(metrics.mae(image * 0, image * 0))


def test_with_a_mask_only_its_pixels_count(pair):
    images, composites = pair
    mask = np.zeros([3, 40, 32, 1], np.float32)
    mask[:, 5:20, 3:30] = 1
    elsewhere = np.where(mask > 0, composites, 255 - composites)  # what is outside must not matter
    inside = (slice(None), slice(5, 20), slice(3, 30))
    for metric in (metrics.psnr, metrics.l1):
        expected = metric(images[inside], composites[inside])
        np.testing.assert_array_equal(metric(images, elsewhere, mask=mask), expected)
        np.testing.assert_array_equal(metric(images, elsewhere, mask=(mask * 255).astype(np.uint8)), expected)


def test_identical_pictures_have_the_greatest_psnr_and_no_difference(pair):
    images, _ = pair
    np.testing.assert_allclose(metrics.psnr(images, images), metrics.MAXIMAL_PSNR, rtol=1e-6)
    np.testing.assert_array_equal(metrics.l1(images, images), 0)
    np.testing.assert_allclose(metrics.ssim(images, images), 1, rtol=1e-6)


def test_one_level_of_one_channel_is_not_called_identical():
    image = np.full([1, 64, 64, 3], 100, np.uint8)
    composite = image.copy()
    composite[0, 3, 4, 1] += 1
    expected = 10 * np.log10(255**2 * image.size)
    assert expected < metrics.MAXIMAL_PSNR
    np.testing.assert_allclose(metrics.psnr(image, composite), expected, rtol=1e-6)


def test_an_empty_mask_is_undefined(pair):
    images, composites = pair
    mask = np.zeros([3, 40, 32, 1], np.float32)
    mask[1, 0, 0] = 1
    for metric in (metrics.psnr, metrics.l1):
        np.testing.assert_array_equal(np.isnan(metric(images, composites, mask=mask)), [True, False, True])


def test_a_large_difference_of_a_large_picture_does_not_overflow():
    black = np.zeros([1, 200, 200, 3], np.uint8)  # the sum of squares is four times the largest int32
    np.testing.assert_allclose(metrics.psnr(black, black + np.uint8(255)), 0, atol=1e-5)
    np.testing.assert_allclose(metrics.l1(black, black + np.uint8(255)), 1)


def test_more_noise_is_worse_by_every_metric(pair):
    assert np.all(np.diff(metrics.psnr(*pair)) < 0)
    assert np.all(np.diff(metrics.ssim(*pair)) < 0)
    assert np.all(np.diff(metrics.l1(*pair)) > 0)


@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim, metrics.l1, metrics.mae])
def test_image_and_composite_are_interchangeable(pair, metric):
    np.testing.assert_allclose(metric(*pair), metric(*pair[::-1]), rtol=1e-6)


@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim, metrics.l1, metrics.mae])
def test_a_picture_has_the_same_number_in_every_batch(pair, metric):
    images, composites = pair
    alone = [metric(images[index : index + 1], composites[index : index + 1])[0] for index in range(3)]
    np.testing.assert_allclose(metric(images, composites), alone, rtol=1e-6)


@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim, metrics.l1, metrics.mae])
def test_a_graph_of_unknown_size_gives_the_eager_numbers(pair, metric):
    unknown = tf.TensorSpec([None, None, None, None], tf.uint8)
    graph = tf.function(metric, input_signature=[unknown, unknown])
    np.testing.assert_allclose(graph(*pair), metric(*pair), rtol=1e-5)
    assert graph(*pair).dtype == tf.float32


@pytest.mark.parametrize("size", [(10, 40), (40, 10), (1, 1)])
def test_ssim_of_a_picture_smaller_than_its_window_is_undefined(size):
    image = random_rgb(*size)[None]
    graph = tf.function(metrics.ssim, input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)] * 2)
    assert np.isnan(metrics.ssim(image, image)).all()
    assert np.isnan(graph(image, image)).all()
    assert np.isnan(tf.function(metrics.ssim)(tf.constant(image), tf.constant(image))).all()


def test_ssim_of_a_picture_as_large_as_its_window_is_defined():
    image = random_rgb(metrics.SSIM_WINDOW, metrics.SSIM_WINDOW)[None]
    np.testing.assert_allclose(metrics.ssim(image, image), 1, rtol=1e-6)


@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim, metrics.l1, metrics.mae])
def test_a_picture_that_is_not_8_bit_is_refused(pair, metric):
    images, composites = pair
    with pytest.raises(TypeError, match="float32"):
        metric(images, composites.astype(np.float32))
