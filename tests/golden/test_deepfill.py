"""SN-PatchGAN and the coarse topology against the released DeepFill code (arrays of part A, `deepfill.npz`)."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.layouts import assert_close
from tf_inpaint import losses
from tf_inpaint.networks import build_sn_patch_critic
from tf_inpaint.systems.three_stage.networks import build_coarse_network

CRITICS = ["sn_patch_d_3ch", "sn_patch_d_4ch"]
# Our layer -> the released code's name of it.
COARSE_NAMES = {
    "conv_1": "conv1",
    "down_conv_2": "conv2_downsample",
    "conv_3": "conv3",
    "down_conv_4": "conv4_downsample",
    "conv_5": "conv5",
    "conv_6": "conv6",
    "dilated_conv_1": "conv7_atrous",
    "dilated_conv_2": "conv8_atrous",
    "dilated_conv_3": "conv9_atrous",
    "dilated_conv_4": "conv10_atrous",
    "conv_7": "conv11",
    "conv_8": "conv12",
    "deconv_9": "conv13_upsample/conv13_upsample_conv",
    "conv_10": "conv14",
    "deconv_11": "conv15_upsample/conv15_upsample_conv",
    "conv_12": "conv16",
    "conv_13": "conv17",
}


def build_critic(arrays, case):
    inputs = arrays[f"{case}/x"]
    kernel = arrays[f"{case}/w/sn_patch_gan/conv1/kernel:0"]
    critic = build_sn_patch_critic(channels=inputs.shape[-1], base_filters=kernel.shape[-1])
    for index in range(1, 7):
        layer = critic.get_layer(f"conv_{index}")
        prefix = f"{case}/w/sn_patch_gan/conv{index}"
        layer.kernel.assign(arrays[f"{prefix}/kernel:0"])
        layer.bias.assign(arrays[f"{prefix}/bias:0"])
        layer.u.assign(arrays[f"{prefix}/kernel_sn/u:0"])
    return critic, tf.constant(inputs)


@pytest.mark.parametrize("case", CRITICS)
def test_the_critic_gives_the_published_scores_call_after_call(golden, case):
    arrays = golden("deepfill")
    critic, inputs = build_critic(arrays, case)
    assert_close(critic(inputs, training=True), arrays[f"{case}/y_first_call"])
    # The arrays hold u as the first call left it.
    for index in range(1, 7):
        expected = arrays[f"{case}/u_after_calls/sn_patch_gan/conv{index}/kernel_sn/u:0"]
        assert_close(critic.get_layer(f"conv_{index}").u, expected)
    assert_close(critic(inputs, training=True), arrays[f"{case}/y_second_call"])


@pytest.mark.parametrize("case", CRITICS)
def test_the_hinge_losses_of_the_scores_are_the_published_ones(golden, case):
    arrays = golden("deepfill")
    critic, inputs = build_critic(arrays, case)
    real, fake = tf.split(critic(inputs, training=True), 2, axis=0)
    assert_close(losses.hinge_generator_loss(fake), arrays[f"{case}/g_loss"])
    # The released code halves the sum; equation (11) does not.
    assert_close(0.5 * losses.hinge_critic_loss(real, fake), arrays[f"{case}/d_loss"])


def test_the_coarse_network_has_the_topology_of_the_published_first_stage(golden):
    arrays = golden("deepfill")
    base_filters = arrays["coarse_v1/w/inpaint_net/conv1/kernel:0"].shape[-1]
    network = build_coarse_network(base_filters=base_filters, input_channels=5, upsample="resize", output_activation="linear")
    for ours, theirs in COARSE_NAMES.items():
        layer = network.get_layer(ours)
        layer.kernel.assign(arrays[f"coarse_v1/w/inpaint_net/{theirs}/kernel:0"])
        layer.bias.assign(arrays[f"coarse_v1/w/inpaint_net/{theirs}/bias:0"])
    masked, mask = arrays["coarse_v1/x_masked"], arrays["coarse_v1/mask"]
    inputs = tf.constant(np.concatenate([masked, np.ones_like(mask), mask], axis=-1))
    # DeepFill v1 clips where the three-stage system has tanh.
    assert_close(tf.clip_by_value(network(inputs), -1.0, 1.0), arrays["coarse_v1/y"], relative=5e-5)
