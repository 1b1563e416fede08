"""`PartialConv2D` against NVIDIA's published layer, and against its two peers."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.layouts import assert_close, hwio, nhwc
from tf_inpaint.layers import PartialConv2D

# The shapes of the cases are fixed; their values and settings come from the file.
CASES = (
    "k3s1_multi_bias",
    "k3s1_multi_nobias",
    "k3s1_single_bias",
    "k3s1_single_nobias",
    "k5s2_multi_bias",
    "k5s2_multi_nobias",
    "k7s2_multi_bias",
    "k7s2_multi_nobias",
    "k3s2_multi_bias",
    "k3s1d2_multi_bias",
    "k3s1d4_single_bias",
    "k3s1p0_multi_bias",
    "k1s1_multi_bias",
    "k3s1_multi_bias_chanmask",
)
PEER_CASES = ("k3s1_multi_bias", "k5s2_multi_bias", "k7s2_multi_bias")
SPECIAL_CASES = ("padding_mode", "all_hole", "all_valid")


def layer_of(arrays, case, settings, **arguments):
    layer = PartialConv2D(
        settings["cout"],
        settings["k"],
        strides=settings["stride"],
        dilation_rate=settings["dilation"],
        padding="same" if settings["padding"] or settings["k"] == 1 else "valid",
        use_bias=settings["bias"],
        **arguments,
    )
    x, validity = nhwc(arrays[f"{case}/x"]), nhwc(arrays[f"{case}/mask"])
    layer.build([x.shape, validity.shape])
    layer.kernel.assign(hwio(arrays[f"{case}/w"]))
    if settings["bias"]:
        layer.bias.assign(arrays[f"{case}/b"])
    return layer, tf.constant(x), tf.constant(validity)


@pytest.fixture(scope="module")
def settings_of(golden_meta):
    return {settings["name"]: settings for settings in golden_meta("pconv2d")["cases"]}


def test_every_case_of_the_file_is_tested(settings_of):
    assert set(settings_of) == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_outputs_validity_and_gradients_are_those_of_the_published_layer(case, golden, settings_of):
    arrays, settings = golden("pconv2d"), settings_of[case]
    layer, x, validity = layer_of(arrays, case, settings)
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs, new_validity = layer((x, validity))
        loss = tf.reduce_sum(outputs * nhwc(arrays[f"{case}/gy"]))
    assert_close(outputs, nhwc(arrays[f"{case}/y"]), relative=1e-5)
    # All output channels of the published layer have the same mask; ours is stored once.
    np.testing.assert_array_equal(np.broadcast_to(new_validity, outputs.shape[:3] + (1,)), nhwc(arrays[f"{case}/mask_out"])[..., :1])
    np.testing.assert_array_equal(np.ptp(arrays[f"{case}/mask_out"], axis=1), 0)
    np.testing.assert_array_equal(outputs.numpy()[new_validity.numpy()[..., 0] == 0], 0)
    gradients = tape.gradient(loss, [x, *layer.trainable_weights])
    assert_close(gradients[0], nhwc(arrays[f"{case}/dx"]), relative=1e-5)
    assert_close(gradients[1], hwio(arrays[f"{case}/dw"]), relative=1e-5)
    if settings["bias"]:
        assert_close(gradients[2], arrays[f"{case}/db"], relative=1e-5)


@pytest.mark.parametrize("case", PEER_CASES)
def test_the_scale_of_the_first_version_is_that_of_its_peer(case, golden, settings_of):
    variants = golden("pconv2d_variants")
    layer, x, validity = layer_of(golden("pconv2d"), case, settings_of[case], scale="inverse_sum")
    outputs, new_validity = layer((x, validity))
    assert_close(outputs, nhwc(variants[f"{case}/y_naoto_1_over_summask"]), relative=1e-5)
    np.testing.assert_array_equal(new_validity, nhwc(variants[f"{case}/mask_out"])[..., :1])


@pytest.mark.parametrize("case", PEER_CASES)
def test_the_keras_peer_differs_by_its_scale_and_by_a_bias_in_empty_windows(case, golden, settings_of):
    """The peer divides by a sum over all channels and multiplies by the size of one: C times too small. We do not offer that."""
    arrays, settings = golden("pconv2d"), settings_of[case]
    layer, x, validity = layer_of(arrays, case, settings)
    outputs, new_validity = layer((x, validity))
    bias = arrays[f"{case}/b"]
    peer = np.where(new_validity > 0, (outputs - bias) / settings["cin"], 0) + bias
    assert_close(peer, nhwc(golden("pconv2d_variants")[f"{case}/y_keras_peer"]), relative=1e-5)


@pytest.mark.parametrize("case", SPECIAL_CASES)
def test_no_mask_all_hole_and_all_valid(case, golden):
    arrays = golden("pconv2d")
    kernel = hwio(arrays[f"{case}/w"])
    x = nhwc(arrays[f"{case}/x"])
    validity = nhwc(arrays[f"{case}/mask"]) if f"{case}/mask" in arrays else np.ones((*x.shape[:3], 1), np.float32)
    layer = PartialConv2D(kernel.shape[-1], kernel.shape[0])
    layer.build([x.shape, validity.shape])
    layer.kernel.assign(kernel)
    layer.bias.assign(arrays[f"{case}/b"])
    outputs, new_validity = layer((x, validity))
    assert_close(outputs, nhwc(arrays[f"{case}/y"]), relative=1e-5)
    np.testing.assert_array_equal(new_validity, nhwc(arrays[f"{case}/mask_out"])[..., :1])


@pytest.mark.parametrize(("case", "strides"), [("k7s2", 2), ("k5s2", 2), ("k3s1", 1), ("k3s1_bias", 1)])
def test_the_layer_of_ctsdg_is_the_same(case, strides, golden):
    """Another project's copy of NVIDIA's layer, with a mask of its own for each channel."""
    arrays = golden("baseline_blocks")
    x, validity, kernel = nhwc(arrays["x"]), nhwc(arrays["mask_valid"]), hwio(arrays[f"{case}/w/weight"])
    layer = PartialConv2D(kernel.shape[-1], kernel.shape[0], strides=strides, use_bias=f"{case}/w/bias" in arrays)
    layer.build([x.shape, validity.shape])
    layer.kernel.assign(kernel)
    if layer.use_bias:
        layer.bias.assign(arrays[f"{case}/w/bias"])
    outputs, new_validity = layer((tf.constant(x), tf.constant(validity)))
    assert_close(outputs, nhwc(arrays[f"{case}/y"]), relative=1e-5)
    np.testing.assert_array_equal(new_validity, nhwc(arrays[f"{case}/new_mask"])[..., :1])
