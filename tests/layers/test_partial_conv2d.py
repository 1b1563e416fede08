"""Partial convolution against its definition: equations (1) and (2) summed in NumPy, and what follows from them."""

import numpy as np
import pytest
import tensorflow as tf

from tests.layers.layer_contract import randomise
from tf_inpaint.layers import PartialConv2D


def random_validity(shape, *, seed=0, block=4):
    """Blocks of valid and invalid pixels, so that some windows are empty."""
    batch, height, width, channels = shape
    blocks = np.random.default_rng(seed).random((batch, -(-height // block), -(-width // block), channels)) < 0.5
    return np.repeat(np.repeat(blocks, block, axis=1), block, axis=2)[:, :height, :width].astype(np.float32)


def random_features(shape, *, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def made(layer, features, validity):
    """The layer with random weights, and what it makes of the inputs."""
    layer((features, validity))
    randomise(layer)
    outputs, new_validity = layer((features, validity))
    return outputs.numpy(), new_validity.numpy()


def windows(array, size, strides, dilation_rate):
    """`[B, H', W', size, size, C]`: the windows around every `strides`-th pixel, zeros outside."""
    margin = (size - 1) // 2 * dilation_rate
    padded = np.pad(array, [(0, 0), (margin, margin), (margin, margin), (0, 0)])
    reach = (size - 1) * dilation_rate + 1
    all_windows = np.lib.stride_tricks.sliding_window_view(padded, (reach, reach), axis=(1, 2))
    return np.moveaxis(all_windows[:, ::strides, ::strides, :, ::dilation_rate, ::dilation_rate], 3, -1)


def reference(layer, features, validity):
    """Equations (1) and (2) in float64 with a mask value for each feature value, as the paper writes them."""
    arguments = layer.kernel_size, layer.strides, layer.dilation_rate
    x, m = (windows(each.astype(np.float64), *arguments) for each in (features, validity))
    kernel, bias = (np.asarray(weight, np.float64) for weight in layer.trainable_weights)
    num_valid = m.sum(axis=(3, 4, 5))[..., np.newaxis]
    scale = (m[0, 0, 0].size if layer.scale == "window" else 1) / np.maximum(num_valid, 1)
    outputs = np.einsum("bhwijc,ijco->bhwo", x * m, kernel) * scale + bias
    return np.where(num_valid > 0, outputs, 0), (num_valid > 0).astype(np.float32)


@pytest.mark.parametrize("scale", ["window", "inverse_sum"])
@pytest.mark.parametrize(("kernel_size", "strides", "dilation_rate"), [(3, 1, 1), (5, 2, 1), (7, 2, 1), (3, 1, 2), (1, 1, 1)])
def test_two_sources_give_the_numbers_of_a_mask_for_every_channel(kernel_size, strides, dilation_rate, scale):
    features, validity = random_features((2, 14, 11, 8)), random_validity((2, 14, 11, 2))
    layer = PartialConv2D(4, kernel_size, strides=strides, dilation_rate=dilation_rate, source_channels=(5, 3), scale=scale)
    outputs, new_validity = made(layer, features, validity)
    expected, expected_validity = reference(layer, features, np.repeat(validity, [5, 3], axis=-1))
    np.testing.assert_array_equal(new_validity, expected_validity)
    np.testing.assert_allclose(outputs, expected, atol=1e-5 * np.abs(expected).max())
    assert 0 < new_validity.mean() < 1  # there were empty windows to be found


def test_a_mask_for_every_channel_can_be_given_as_it_is():
    features, validity = random_features((2, 12, 12, 5)), random_validity((2, 12, 12, 5))
    layer = PartialConv2D(4, 3)
    outputs, new_validity = made(layer, features, validity)
    expected, expected_validity = reference(layer, features, validity)
    np.testing.assert_array_equal(new_validity, expected_validity)
    np.testing.assert_allclose(outputs, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("strides", [1, 2])
def test_where_all_is_valid_it_is_an_ordinary_convolution_away_from_the_border(strides):
    features = random_features((1, 16, 16, 6))
    layer = PartialConv2D(4, 5, strides=strides)
    outputs, new_validity = made(layer, features, np.ones((1, 16, 16, 1), np.float32))
    kernel, bias = layer.trainable_weights
    ordinary = tf.nn.conv2d(features, tf.convert_to_tensor(kernel), strides, [[0, 0], [2, 2], [2, 2], [0, 0]]).numpy() + np.asarray(bias)
    inside = slice(2, -2) if strides == 1 else slice(1, -1)
    np.testing.assert_allclose(outputs[:, inside, inside], ordinary[:, inside, inside], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(new_validity, 1)
    # At the corner 9 of 25 positions are inside the picture (the zeros outside count as missing).
    np.testing.assert_allclose(outputs[:, 0, 0], (ordinary[:, 0, 0] - np.asarray(bias)) * 25 / 9 + np.asarray(bias), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_where_all_is_hole_the_result_is_exactly_zero_and_invalid(policy, use_bias):
    features = random_features((2, 8, 8, 6))
    outputs, validity = made(PartialConv2D(4, 3, use_bias=use_bias, dtype=policy), features, np.zeros((2, 8, 8, 1), np.float32))
    np.testing.assert_array_equal(outputs.astype(np.float32), 0)
    np.testing.assert_array_equal(validity, 0)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("behind", [np.nan, np.inf, 6e4])
def test_what_is_behind_the_mask_has_no_influence_on_outputs_and_gradients(policy, behind):
    features, validity = random_features((2, 12, 12, 6)), random_validity((2, 12, 12, 2))
    covered = np.repeat(validity, [4, 2], axis=-1)
    layer = PartialConv2D(4, 5, strides=2, source_channels=(4, 2), dtype=policy)
    results = []
    for value in (0.0, behind):
        x = tf.constant(np.where(covered > 0, features, np.float32(value)))
        layer((x, validity))
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs, new_validity = layer((x, validity))
            loss = tf.reduce_sum(tf.cast(outputs, tf.float32) ** 2)
        results.append([outputs, new_validity, *tape.gradient(loss, [x, *layer.trainable_weights])])
    for blank, other in zip(*results, strict=True):
        np.testing.assert_array_equal(tf.cast(other, tf.float32), tf.cast(blank, tf.float32))
    np.testing.assert_array_equal(results[0][2].numpy()[covered == 0], 0)


def test_the_mask_has_no_gradient():
    validity = tf.constant(random_validity((1, 8, 8, 1)))
    with tf.GradientTape() as tape:
        tape.watch(validity)
        outputs, new_validity = PartialConv2D(4, 3)((random_features((1, 8, 8, 2)), validity))
        loss = tf.reduce_sum(outputs) + tf.reduce_sum(new_validity)
    assert tape.gradient(loss, validity) is None


def test_a_hole_shrinks_by_the_reach_of_the_kernel_in_each_layer():
    """Equation (2): a hole of 11 x 11 pixels, 3 x 3 kernels: 9, 7, 5, 3, 1, none."""
    validity = np.ones((1, 21, 21, 1), np.float32)
    validity[:, 5:16, 5:16] = 0
    for width in (9, 7, 5, 3, 1, 0):
        _, new_validity = PartialConv2D(1, 3)((np.zeros((1, 21, 21, 1), np.float32), validity))
        validity = new_validity.numpy()
        expected = np.ones((21, 21))
        expected[10 - width // 2 : 10 - width // 2 + width, 10 - width // 2 : 10 - width // 2 + width] = 0
        np.testing.assert_array_equal(validity[0, :, :, 0], expected)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_counts_large_windows_exactly(policy):
    """7 x 7 x 1024 = 50176 values: float16 counts to 2048, bfloat16 to 256."""
    channels = 1024
    generator = np.random.default_rng(0)
    validity = (generator.random((1, 9, 9, 2)) < 0.6).astype(np.float32)
    features = np.ones((1, 9, 9, channels), np.float32)
    arguments = {"kernel_size": 7, "padding": "valid", "source_channels": (768, 256), "use_bias": False}
    layer = PartialConv2D(1, kernel_initializer="zeros", **arguments, dtype=policy)
    layer((features, validity))
    # One tap of one channel, always valid here: the result is the ratio itself.
    kernel = np.zeros(layer.kernel.shape, np.float32)
    kernel[3, 3, 0, 0] = 1
    layer.kernel.assign(kernel)
    validity[:, 3:6, 3:6, 0] = 1
    outputs, _ = layer((features, validity))
    counts = np.lib.stride_tricks.sliding_window_view(validity[0] * [768, 256], (7, 7), axis=(0, 1)).sum(axis=(2, 3, 4))
    assert counts.max() > 30_000
    ratios = tf.constant(7 * 7 * channels / counts[np.newaxis, ..., np.newaxis], tf.float32)
    np.testing.assert_array_equal(tf.cast(outputs, tf.float32), tf.cast(tf.cast(ratios, outputs.dtype), tf.float32))


@pytest.mark.parametrize(("policy", "tolerance"), [("mixed_bfloat16", 2e-2), ("mixed_float16", 2e-3)])
def test_half_precision_sums_the_gradient_of_the_bias_over_many_pixels(policy, tolerance):
    features, upstream = random_features((4, 64, 64, 3)), random_features((4, 64, 64, 2), seed=2) + 0.1
    layer = PartialConv2D(2, 3, dtype=policy)
    layer((features, np.ones((4, 64, 64, 1), np.float32)))
    with tf.GradientTape() as tape:
        outputs, _ = layer((features, np.ones((4, 64, 64, 1), np.float32)))
        loss = tf.reduce_mean(tf.cast(outputs, tf.float32) * upstream)
    np.testing.assert_allclose(tape.gradient(loss, layer.trainable_weights[1]), upstream.mean(axis=(0, 1, 2)) / 2, rtol=tolerance)


def test_the_weights_are_kernel_and_bias_alone():
    layer = PartialConv2D(4, 3)
    layer((random_features((1, 8, 8, 2)), np.ones((1, 8, 8, 1), np.float32)))
    assert [tuple(weight.shape) for weight in layer.weights] == [(3, 3, 2, 4), (4,)]


@pytest.mark.parametrize("size", [8, 9])
def test_padding_is_the_same_on_all_sides_at_stride_2(size):
    """A mirrored picture of odd size has a mirrored result; at even sizes the window of the first pixel reaches over the left border."""
    layer = PartialConv2D(1, 3, strides=2, use_bias=False, kernel_initializer="ones")
    impulse = np.zeros((1, size, size, 1), np.float32)
    impulse[:, 0, 0] = 1
    outputs, _ = layer((impulse, np.ones((1, size, size, 1), np.float32)))
    # The only window that sees the corner is centred on it: 4 of its 9 positions are inside.
    np.testing.assert_allclose(outputs.numpy()[0, :2, :2, 0], [[9 / 4, 0], [0, 0]], rtol=1e-6)
    if size % 2:
        features = random_features((1, size, size, 1))
        both = [layer((each, np.ones((1, size, size, 1), np.float32)))[0].numpy() for each in (features, features[:, ::-1, ::-1])]
        np.testing.assert_allclose(both[1][:, ::-1, ::-1], both[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": 0}, "`filters` must be a whole number, at least 1"),
        ({"kernel_size": 4}, "`kernel_size` must be odd"),
        ({"kernel_size": -1}, "`kernel_size` must be a whole number, at least 1"),
        ({"kernel_size": (3, 3)}, r"`kernel_size` must be .* not a pair. Received: kernel_size=\(3, 3\)"),
        ({"strides": 0}, "`strides` must be a whole number, at least 1"),
        ({"dilation_rate": 0}, "`dilation_rate` must be a whole number, at least 1"),
        ({"strides": 2, "dilation_rate": 2}, "cannot both be above 1"),
        ({"padding": "full"}, "`padding` must be"),
        ({"scale": "other"}, "`scale` must be"),
        ({"source_channels": (4, 4)}, "must have an entry for each"),
        ({"source_channels": (5,)}, "must have an entry for each"),
    ],
)
def test_a_wrong_argument_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        layer = PartialConv2D(**{"filters": 4, "kernel_size": 3, **arguments})
        layer((random_features((1, 8, 8, 6)), np.ones((1, 8, 8, 1), np.float32)))


def test_a_mask_with_neither_one_channel_nor_all_needs_source_channels():
    with pytest.raises(ValueError, match="The validity has 2 channels and the features 6"):
        PartialConv2D(4, 3)((random_features((1, 8, 8, 6)), np.ones((1, 8, 8, 2), np.float32)))
