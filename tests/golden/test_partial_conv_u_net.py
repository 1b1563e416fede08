"""The U-Net of partial convolutions against its PyTorch peer, with NVIDIA's layer and with the peer's own."""

import numpy as np
import pytest
import tensorflow as tf

import tf_inpaint as tfi
from tests.golden.layouts import assert_close, hwio, nhwc

FILES = {"pconv_unet_w8_L5_64": "window", "pconv_unet_w8_L5_64_naoto": "inverse_sum"}


@pytest.fixture(params=FILES)
def peer(request, golden, golden_meta):
    """(system with the peer's weights, its arrays)"""
    arrays, meta = golden(request.param), golden_meta(request.param)
    settings = {
        "image_size": arrays["x_gt"].shape[-1],
        "levels": meta["levels"],
        "filters": tuple(meta["widths"]),
        "scale": FILES[request.param],
        "convolution_bias": meta["conv_bias"],
    }
    system = tfi.SYSTEMS["partial_conv"](tfi.SYSTEMS["partial_conv"].Config(**settings))
    weights = {name.removeprefix("w/"): value for name, value in arrays.items() if name.startswith("w/")}
    tfi.load_official(system, weights)
    return system, arrays


def run(system, arrays, *, training):
    """Runs the networks on the file's pictures, whose values are not those of photographs."""
    x, validity = tf.constant(nhwc(arrays["x_gt"])), tf.constant(nhwc(arrays["mask"])[..., :1])
    masked = x * validity
    levels = system.config.levels
    encoded = system.encoder_network([masked, validity], training=training)
    output, last_validity = system.decoder_network([masked, *encoded[:levels], validity, *encoded[levels:]], training=training)
    return output, last_validity, encoded


def test_outputs_features_and_validities_in_evaluation(peer):
    system, arrays = peer
    output, validity, encoded = run(system, arrays, training=False)
    assert_close(output, nhwc(arrays["y_eval"]), relative=1e-4)
    np.testing.assert_array_equal(validity, nhwc(arrays["mask_out"])[..., :1])
    levels = system.config.levels
    for level in range(1, levels + 1):
        assert np.mean(encoded[levels + level - 1]) == pytest.approx(float(arrays[f"maskmean/enc_{level}"]), rel=1e-6)
        if f"feat_eval/enc_{level}" in arrays:
            assert_close(encoded[level - 1], nhwc(arrays[f"feat_eval/enc_{level}"]), relative=1e-4)


def test_outputs_gradients_and_running_statistics_in_training(peer):
    system, arrays = peer
    with tf.GradientTape() as tape:
        output, _, _ = run(system, arrays, training=True)
        loss = tf.reduce_mean(tf.abs(output - nhwc(arrays["x_gt"])))
    assert_close(output, nhwc(arrays["y_train"]), relative=1e-4)
    assert float(loss) == pytest.approx(float(arrays["loss_train_l1"]), rel=1e-4)
    gradient_names = [name for name in arrays if name.startswith("g/")]
    assert gradient_names
    variables = [variable_of(system, name.removeprefix("g/")) for name in gradient_names]
    for name, gradient in zip(gradient_names, tape.gradient(loss, variables), strict=True):
        expected = arrays[name]
        if name.endswith("conv.bias") and "dec_1" not in name and "enc_1" not in name:
            continue  # in front of a batch norm: the gradient is rounding noise
        assert_close(gradient, hwio(expected) if expected.ndim == 4 else expected, relative=1e-3)
    statistics = [name for name in arrays if name.startswith("w_after_train/")]
    assert statistics
    for name in statistics:
        assert_close(variable_of(system, name.removeprefix("w_after_train/")), arrays[name], relative=1e-5)


def variable_of(system, name):
    """The variable that the peer calls `enc_3.bn.running_mean` and the like."""
    side, level = name.split(".")[0].split("_")
    number = int(level) if side == "enc" else 2 * system.config.levels + 1 - int(level)
    network = system.encoder_network if side == "enc" else system.decoder_network
    convolution = network.get_layer(f"partial_conv_{number}")
    if ".bn." not in name:
        return convolution.kernel if name.endswith("weight") else convolution.bias
    normalisation = network.get_layer(f"batch_norm_{number}")
    return {
        "weight": normalisation.gamma,
        "bias": normalisation.beta,
        "running_mean": normalisation.moving_mean,
        "running_var": normalisation.moving_variance,
    }[name.split(".")[-1]]
