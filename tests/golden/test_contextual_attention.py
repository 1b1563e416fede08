"""Attention and transfer against the released codes of DeepFill v1 and HiFill, and the strict reading's reference in float64."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.layouts import assert_close
from tf_inpaint.layers import ContextualAttention, PatchAttention, PatchTransfer
from tf_inpaint.ops import patches

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
