"""Where a function has a second form for other runtimes, both compute the same. (The runtimes: tests/serving/test_convert.py.)"""

import threading

import numpy as np
import pytest
import skimage.data
import tensorflow as tf

from tf_inpaint.ops import canny, convolution, gaussian, image, portable


def in_portable_form(function, *arguments, **options):
    with portable.portable_operations():
        return function(*arguments, **options).numpy()


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def photograph(*size):
    rows, columns = (slice(100, 100 + length) for length in size)
    return (skimage.data.astronaut()[rows, columns] / 127.5 - 1.0)[np.newaxis].astype(np.float32)


# The switch


def test_the_portable_form_is_wanted_inside_the_context_alone():
    assert not portable.are_wanted()
    with pytest.raises(KeyError), portable.portable_operations():
        with portable.portable_operations():
            assert portable.are_wanted()
        assert portable.are_wanted()
        raise KeyError
    assert not portable.are_wanted()


def test_other_threads_keep_the_usual_form():
    seen = []
    with portable.portable_operations():
        thread = threading.Thread(target=lambda: seen.append(portable.are_wanted()))
        thread.start()
        thread.join()
    assert seen == [False]


def test_the_portable_edges_use_neither_bits_nor_convolutions_of_unknown_depth():
    signature = [tf.TensorSpec([None, None, None, 1], tf.float32)]

    def operations(function):
        graph = tf.function(function, input_signature=signature, autograph=False).get_concrete_function().graph.as_graph_def()
        called = [node.op for function in graph.library.function for node in function.node_def]
        return {node.op for node in graph.node} | set(called)

    lacking = {"Bitcast", "BitwiseAnd", "BitwiseOr", "RightShift", "LeftShift"}
    assert operations(lambda gray: canny.canny(gray)) >= lacking

    def portable_edges(gray):
        with portable.portable_operations():
            return canny.canny(gray)

    assert not operations(portable_edges) & lacking


# Both forms


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (33, 70)])
@pytest.mark.parametrize("masked", [False, True])
def test_canny_finds_the_same_edges_bit_for_bit(size, masked):
    gray = image.to_gray(photograph(*size))
    mask = noise(1, *size, 1) < 0.995 if masked else None
    for settings in ({}, {"sigma": 0.7, "low_threshold": 0.02, "high_threshold": 0.5}):
        np.testing.assert_array_equal(in_portable_form(canny.canny, gray, mask=mask, **settings), canny.canny(gray, mask=mask, **settings))


@pytest.mark.parametrize("density", [0.3, 0.45, 0.9])
def test_hysteresis_joins_the_same_pixels_in_batches_and_long_paths(density):
    generator = np.random.default_rng(3)
    weak = generator.random((3, 9, 70)) < density
    strong = weak & (generator.random(weak.shape) < 0.03)
    winding = np.zeros([1, 9, 70], bool)
    winding[0, ::2] = True
    winding[0, 1:-1:4, -1] = winding[0, 3:-1:4, 0] = True
    start = np.zeros_like(winding)
    start[0, 0, 0] = True
    height, width = tf.constant(11), tf.constant(72)
    for arguments in ((strong, weak), (start, winding)):
        planes, words = (way(*arguments, height, width) for way in (canny._hysteresis_of_planes, canny._hysteresis_of_words))
        np.testing.assert_array_equal(planes, words)
    assert np.sum(words) == winding.sum()  # the path is followed to its end


@pytest.mark.parametrize("masked", [False, True])
def test_gaussian_smoothing_gives_the_same_means(masked):
    picture, usable = photograph(40, 51), noise(1, 40, 51, 1) < 0.9
    options = {"sigma": 1.3, "usable": usable if masked else None}
    smoothed = in_portable_form(gaussian.gaussian_smooth_usable, picture, **options)
    np.testing.assert_allclose(smoothed, gaussian.gaussian_smooth_usable(picture, **options), atol=1e-6)


@pytest.mark.parametrize("size", [(64, 64), (32, 32), (17, 90), (150, 121), (1, 1)])
def test_resizing_gives_the_same_pictures(size):
    picture = photograph(70, 45)
    resized = in_portable_form(image.resize, picture, size)
    np.testing.assert_allclose(resized, image.resize(picture, size), atol=2e-6)
    np.testing.assert_array_equal(in_portable_form(image.resize, picture[0], tf.constant(size)), resized[0])


@pytest.mark.parametrize("old", [32, 33, 80, 97, 255, 500])
def test_an_averaged_mask_is_zero_at_the_same_pixels(old):
    mask = tf.cast(noise(1, old, old, 1, seed=old) < 0.1, tf.float32)
    for new in (32, 128, 63):
        averaged, expected = in_portable_form(image.resize, mask, (new, new), method="area"), image.resize(mask, (new, new), method="area")
        np.testing.assert_allclose(averaged, expected, atol=1e-4)  # where two pixels meet, a place of up to 500 is rounded
        np.testing.assert_array_equal(averaged > 0.0, expected > 0.0)


@pytest.mark.parametrize("padding", ["SAME", "VALID", 2])
def test_dilated_convolution_gives_the_same_maps(padding):
    inputs, kernel = noise(2, 13, 18, 3), noise(3, 3, 3, 4, seed=1) - 0.5
    options = {"padding": padding, "dilation_rate": (2, 3)}
    outputs = in_portable_form(convolution.conv2d, inputs, kernel, **options)
    np.testing.assert_allclose(outputs, convolution.conv2d(inputs, kernel, **options), atol=1e-5)
