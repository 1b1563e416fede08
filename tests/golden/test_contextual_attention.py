"""Attention and transfer against the released codes of DeepFill v1 and HiFill, and the strict reading's reference in float64."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.layouts import assert_close
from tf_inpaint.layers import ContextualAttention, PatchAttention, PatchTransfer
from tf_inpaint.ops import patches, resampling

HIFILL = {"normalize_query": False, "mask_mode": "published", "fuse": True}
DEEPFILL_CASES = ["r2_fuse", "r2_nofuse", "r2_fuse_sharp", "r1_fuse", "r2_nomask", "r2_24x32"]
HIFILL_CASES = ["soft_16", "soft_16_nofuse", "soft_16_sharp", "soft_16x24"]
STRICT_CASES = ["h8_r2", "h8_r8", "h8x12_r4", "h4_r4_k1"]


def deepfill_layer_and_inputs(arrays, case):
    layer = ContextualAttention(rate=int(arrays[f"{case}/rate"]), fuse=bool(arrays[f"{case}/fuse"]))
    foreground, background = (tf.constant(arrays[f"{case}/{name}"]) for name in "fb")
    mask = tf.constant(arrays.get(f"{case}/mask", np.zeros_like(foreground[:1, ..., :1])))
    return layer, (foreground, background, mask)


@pytest.mark.parametrize("case", DEEPFILL_CASES)
def test_contextual_attention_is_deepfills(golden, case):
    arrays = golden("deepfill_contextual_attention_tf1")
    layer, (foreground, background, mask) = deepfill_layer_and_inputs(arrays, case)
    assert_close(layer.attention_map(foreground, background, mask), arrays[f"{case}/scores"], relative=5e-5)
    with tf.GradientTape() as tape:
        tape.watch(foreground)
        filled = layer((foreground, background, mask))
        total = tf.reduce_sum(tf.square(filled))
    assert_close(filled, arrays[f"{case}/y"], relative=5e-5)
    if case != "r1_fuse":  # there both maps are one tensor in the reference
        expected = arrays[f"{case}/df_sumsq"]
        # Without a mask all but rounding cancels: the error is measured by what is summed, too.
        tolerance = 1e-3 * np.max(np.abs(expected)) + 1e-4 * np.max(np.abs(filled))
        np.testing.assert_allclose(tape.gradient(total, foreground), expected, rtol=0, atol=tolerance)


def test_without_a_mask_the_port_to_pytorch_is_the_same(golden):
    layer, inputs = deepfill_layer_and_inputs(golden("deepfill_contextual_attention_tf1"), "r2_nomask")
    assert_close(layer(inputs), golden("deepfill_contextual_attention_port_daa233")["r2_nomask/y_port_nhwc"], relative=5e-5)


@pytest.mark.parametrize("case", HIFILL_CASES)
def test_scores_are_hifills(golden, case):
    arrays = golden("hifill_attention")
    options = {**HIFILL, "fuse": bool(arrays[f"{case}/fuse"]), "rate": int(arrays[f"{case}/rate"])}
    features, mask = tf.constant(arrays[f"{case}/x"]), tf.repeat(arrays[f"{case}/mask"], 2, axis=0)
    attention = PatchAttention(**options)((features, mask))
    assert_close(attention, arrays[f"{case}/attention"], relative=5e-5)
    # The map rebuilt from itself: windows of 3 x 3, each 2 pixels one, added up.
    windows = patches.extract_patches(features, 3, stride=2, padding=(0, 1))
    places = windows.shape[1] * windows.shape[2]
    mixed = tf.matmul(tf.reshape(attention, [2, places, places]), tf.reshape(windows, [2, places, -1]))
    rebuilt = patches.fold_patches(tf.reshape(mixed, windows.shape), 3, stride=2, padding=(0, 1), overlap="sum")
    assert_close(rebuilt, arrays[f"{case}/y"], relative=5e-5)


def test_the_best_place_alone_has_hifills_weight(golden):
    arrays = golden("hifill_attention")
    layer = PatchAttention(normalize_query=False, fuse=bool(arrays["hard_16/fuse"]), hard=True, rate=int(arrays["hard_16/rate"]))
    features, mask = tf.constant(arrays["hard_16/x"]), tf.repeat(arrays["hard_16/mask"], 2, axis=0)
    assert_close(layer((features, mask)), arrays["hard_16/attention"], relative=5e-5)


@pytest.mark.parametrize(("windows", "name"), [("overlap", "apply_attention_noconv"), ("block", "apply_attention2_residual")])
@pytest.mark.parametrize("rate", [2, 4, 8])
def test_transfers_are_hifills(golden, rate, windows, name):
    arrays = golden("hifill_attention")
    layer = PatchTransfer(rate, windows=windows, overlap="sum", compose="everywhere")
    low = tf.constant(arrays[f"transfer_rate{rate}/low"])
    mask = tf.ones([2, *low.shape[1:3], 1])
    assert_close(layer((low, tf.constant(arrays["soft_16/attention"]), mask)), arrays[f"transfer_rate{rate}/{name}"], relative=5e-5)


@pytest.mark.parametrize("case", STRICT_CASES)
def test_the_strict_reading_is_the_reference_in_float64(golden, case):
    arrays = golden("seed002_attention_reference")

    def part(name):
        return tf.constant(arrays[f"{case}/{name}"][None], tf.float32)

    high, low, mask = part("high"), part("low"), part("mask")[..., None]
    rate = int(arrays[f"{case}/rate"])
    weights = PatchAttention(match_size=int(arrays[f"{case}/ksize"]))((high, mask))
    places = high.shape[1] * high.shape[2]
    assert_close(tf.reshape(weights, [places, places]), arrays[f"{case}/scores"], relative=5e-5)
    np.testing.assert_array_equal(tf.reduce_any(weights[0] > 0.0, axis=[0, 1]).numpy() <= arrays[f"{case}/valid"], True)
    for windows in ("overlap", "block"):
        for compose, name in (("everywhere", "all"), ("hole", "hole_only")):
            transferred = PatchTransfer(rate, windows=windows, compose=compose)((low, weights, mask))
            assert_close(transferred[0], arrays[f"{case}/{windows}_{name}"], relative=5e-5)


def test_contextual_attention_works_within_the_published_second_stage(golden):
    """DeepFill v1 as a whole: both stages, of our layers and plain convolutions."""
    arrays = golden("deepfill_v1_generator_c8")

    def convolve(x, name, *, strides=1, dilations=1, activation=tf.nn.elu):
        kernel, bias = (arrays[f"w/inpaint_net/{name}/{part}"] for part in ("kernel", "bias"))
        return activation(tf.nn.conv2d(x, kernel, strides, "SAME", dilations=dilations) + bias)

    def encode(x, prefix):
        """Five convolutions, to a quarter of the size."""
        for name, strides in (("conv1", 1), ("conv2_downsample", 2), ("conv3", 1), ("conv4_downsample", 2), ("conv5", 1)):
            x = convolve(x, prefix + name, strides=strides)
        return x

    def dilate(x, prefix):
        for name, rate in (("conv7_atrous", 2), ("conv8_atrous", 4), ("conv9_atrous", 8), ("conv10_atrous", 16)):
            x = convolve(x, prefix + name, dilations=rate)
        return x

    def decode(x, prefix):
        for name in ("conv11", "conv12", "conv13_upsample", "conv14", "conv15_upsample", "conv16"):
            if name.endswith("_upsample"):
                x, name = tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2), f"{name}/{prefix}{name}_conv"
            x = convolve(x, prefix + name)
        return tf.clip_by_value(convolve(x, f"{prefix}conv17", activation=tf.identity), -1.0, 1.0)

    image, mask = arrays["image"], tf.repeat(arrays["mask"], 2, axis=0)
    hints = tf.concat([tf.ones_like(mask), mask], axis=-1)
    assert_close(image * (1.0 - mask), arrays["input"])
    x = convolve(encode(tf.concat([arrays["input"], hints], axis=-1), ""), "conv6")
    first = decode(dilate(x, ""), "")
    assert_close(first, arrays["x_stage1"], relative=5e-5)
    x = tf.concat([mask * first + (1.0 - mask) * arrays["input"], hints], axis=-1)
    painted = dilate(convolve(encode(x, "x"), "xconv6"), "x")
    matched = convolve(encode(x, "pm"), "pmconv6", activation=tf.nn.relu)
    small = resampling.sample_align_corners(mask, matched.shape[1:3], method="nearest")
    matched = ContextualAttention()((matched, matched, small))
    matched = convolve(convolve(matched, "pmconv9"), "pmconv10")
    second = decode(tf.concat([painted, matched], axis=-1), "all")
    assert_close(second, arrays["x_stage2"], relative=2e-4)
    assert_close(mask * second + (1.0 - mask) * image, arrays["complete"], relative=2e-4)
