"""Attention transfer against PEN-Net's two released codes, and the masks as they come to a map's size there (arrays of part B)."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.layouts import assert_close, hwio, nhwc
from tf_inpaint import layers, ops
from tf_inpaint.systems.pen_net.networks import DILATION_RATES

CASES = ["k1_4", "k3_8", "k3_8_sharp", "k3_16", "k3_8x12", "k3_nomask", "k3_zero", "k3_allhole"]
# Scores reach some hundreds, and so their rounding errors 1e-4 of a weight.
TOLERANCE, GRADIENT_TOLERANCE = 1e-4, 1e-3
TF1_CASES = ["k3_8", "k3_8x12", "k1_4", "k3_16_rescale"]


def inputs_of(arrays, case):
    low, high = (tf.constant(nhwc(arrays[f"{case}/{name}"])) for name in ("x1", "x2"))
    if f"{case}/mask" in arrays:
        return low, high, tf.constant(nhwc(arrays[f"{case}/mask"]))
    return low, high, tf.zeros([low.shape[0], *low.shape[1:3], 1])


def refine(filled, kernels):
    """The four dilated branches."""
    if not kernels:
        return filled
    branches = []
    for rate, (kernel, bias) in zip(DILATION_RATES, kernels, strict=True):
        branches.append(tf.nn.relu(ops.convolution.conv2d(filled, kernel, padding=rate, dilation_rate=rate) + bias))
    return tf.concat(branches, axis=-1)


def torch_kernels(arrays, case):
    if f"{case}/w/conv00.0.weight" not in arrays:
        return []
    return [(hwio(arrays[f"{case}/w/conv0{i}.0.weight"]), arrays[f"{case}/w/conv0{i}.0.bias"]) for i in range(4)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("block_size", [None, 13])
def test_filled_maps_and_gradients_are_the_published_ones(golden, case, block_size):
    arrays = golden("pennet_atnconv")
    low, high, mask = inputs_of(arrays, case)
    layer = layers.AttentionTransfer(match_size=int(arrays[f"{case}/ksize"]), block_size=block_size)
    with tf.GradientTape() as tape:
        tape.watch([low, high])
        filled = layer((low, high, mask))
        outputs = refine(filled, torch_kernels(arrays, case))
        loss = tf.reduce_sum(outputs**2)
    if f"{case}/y_nofuse" in arrays:
        assert_close(filled, nhwc(arrays[f"{case}/y_nofuse"]), relative=TOLERANCE)
    assert_close(outputs, nhwc(arrays[f"{case}/y"]), relative=TOLERANCE)
    for name, gradient in zip(("dx1", "dx2"), tape.gradient(loss, [low, high]), strict=True):
        assert_close(gradient, nhwc(arrays[f"{case}/{name}"]), relative=GRADIENT_TOLERANCE)


@pytest.mark.parametrize("case", CASES)
def test_attention_maps_and_small_masks_are_the_published_ones(golden, case):
    arrays = golden("pennet_atnconv")
    _, high, mask = inputs_of(arrays, case)
    layer = layers.AttentionTransfer(match_size=int(arrays[f"{case}/ksize"]))
    assert_close(layer.attention_map(high, mask), nhwc(arrays[f"{case}/scores"]), relative=TOLERANCE)
    if f"{case}/mask_small" in arrays:
        small = ops.resampling.sample_align_corners(mask, high.shape[1:3])
        np.testing.assert_allclose(small, nhwc(arrays[f"{case}/mask_small"]), atol=1e-6)


@pytest.mark.parametrize("case", TF1_CASES)
def test_the_tensorflow_1_form_is_reproduced(golden, case):
    arrays = golden("pennet_tf1_atnconv")
    low, high, mask = (tf.constant(arrays[f"{case}/{name}"]) for name in ("x1", "x2", "mask"))
    mask = tf.repeat(mask, low.shape[0], axis=0)
    is_rescaled = case.endswith("_rescale")
    if is_rescaled:
        low, high = (layers.AlignedSubsampling2D()(x) for x in (low, high))
    layer = layers.AttentionTransfer(match_size=int(case[1]), mask_resize="nearest", weight_floor=0.0)
    assert_close(layer.attention_map(high, mask), arrays[f"{case}/scores"], relative=TOLERANCE)
    names = ["conv2d", "conv2d_1", "conv2d_2", "conv2d_3"]
    kernels = [(arrays[f"{case}/w/{name}/kernel"], arrays[f"{case}/w/{name}/bias"]) for name in names]
    outputs = refine(layer((low, high, mask)), kernels)
    if is_rescaled:
        outputs = tf.repeat(tf.repeat(outputs, 2, axis=1), 2, axis=2)
    assert_close(outputs, arrays[f"{case}/y"], relative=TOLERANCE)


@pytest.mark.parametrize("size", [128, 64, 32, 16, 8, 4])
def test_masks_shrink_as_published_and_the_same_pixels_stay_free_of_holes(golden, size):
    arrays, sizes = golden("resize_ops"), (size, size)
    for name in ("mask", "mask_b"):
        mask = tf.constant(nhwc(arrays[f"{name}256" if name == "mask" else "mask256_b"]))
        small, expected = ops.resampling.sample_align_corners(mask, sizes).numpy(), nhwc(arrays[f"{name}_ac_{size}"])
        np.testing.assert_allclose(small, expected, atol=1e-6)
        np.testing.assert_array_equal(small > 0, expected > 0)
    np.testing.assert_array_equal(ops.patches.block_max(mask, sizes), nhwc(arrays[f"mask_b_maxpool_{size}"]))
    arrays = golden("tf1_resize_ops")
    nearest = ops.resampling.sample_align_corners(tf.constant(arrays["mask256"]), sizes, method="nearest")
    np.testing.assert_array_equal(nearest, arrays[f"mask_nearest_ac_{size}"])


def test_maps_are_resized_with_aligned_corners_as_published(golden):
    arrays = golden("resize_ops")
    x = tf.constant(nhwc(arrays["x"]))
    assert_close(layers.AlignedUpsampling2D()(x), nhwc(arrays["up2_bilinear_ac"]))
    assert_close(ops.resampling.resize_align_corners(x, (3, 5)), nhwc(arrays["down2_bilinear_ac"]))
    arrays = golden("tf1_resize_ops")
    x = tf.constant(arrays["x"])
    assert_close(layers.AlignedUpsampling2D()(x), arrays["bilinear_ac1_up2"])
    assert_close(ops.resampling.resize_align_corners(x, (3, 4)), arrays["bilinear_ac1_down2"])
