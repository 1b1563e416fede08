"""EdgeConnect's `train_step` against three optimisation steps of the released code (arrays of part A)."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import edge_connect_weights
from tests.golden.layouts import assert_close, hwio, nhwc
from tf_inpaint import ops
from tf_inpaint.networks import build_feature_network
from tf_inpaint.systems.edge_connect.official_names import published_variables
from tf_inpaint.training import make_step

STEPS = 3
# Our log -> the file's.
EDGE_LOGS = {
    "loss": "gen_loss",
    "edge_critic_loss": "dis_loss",
    "edge_adversarial_loss": "log_l_g1",
    "feature_matching_loss": "log_l_fm",
}
COMPLETION_LOGS = {
    "loss": "gen_loss",
    "completion_critic_loss": "dis_loss",
    "adversarial_loss": "log_l_g2",
    "l1_loss": "log_l_l1",
    "perceptual_loss": "log_l_per",
    "style_loss": "log_l_sty",
}


@pytest.fixture(scope="module")
def weights(golden):
    """The weights before the steps, of both files: together they are the four networks."""
    edge, completion = golden("edgeconnect_step_edge"), golden("edgeconnect_step_inpaint")
    return {
        "edge_generator": edge_connect_weights.stored(edge, "G0/"),
        "edge_critic": edge_connect_weights.stored(edge, "D0/"),
        "completion_generator": edge_connect_weights.stored(completion, "G0/"),
        "completion_critic": edge_connect_weights.stored(completion, "D0/"),
    }


def settings(meta):
    """The released code's settings as ours."""
    config = meta["cfg"]
    return {
        "learning_rate": config["LR"],
        "critic_learning_rate_factor": config["D2G_LR"],
        "beta_1": config["BETA1"],
        "beta_2": config["BETA2"],
        "adversarial_loss": config["GAN_LOSS"],
        "feature_matching_weight": float(config["FM_LOSS_WEIGHT"]),
        "l1_weight": float(config["L1_LOSS_WEIGHT"]),
        "style_weight": float(config["STYLE_LOSS_WEIGHT"]),
        "perceptual_weight": config["CONTENT_LOSS_WEIGHT"],
        "adversarial_weight": config["INPAINT_ADV_LOSS_WEIGHT"],
    }


def check_steps(system, batch, arrays, logs, *, generator, critic):
    step = make_step(system)
    for index in range(STEPS):
        system.reset_metrics()
        received = step(batch)
        # Where a gradient is only rounding, Adam's first step goes either way: later steps start from slightly other weights, and
        # their terms are compared beside the whole loss.
        whole = np.abs(arrays[f"step{index}/gen_loss"])
        for ours, theirs in logs.items():
            expected = arrays[f"step{index}/{theirs}"]
            allowed = 2e-5 * np.abs(expected) if index == 0 else 1e-3 * whole
            assert np.abs(received[ours] - expected) <= allowed, f"{ours} of step {index}: {received[ours]} for {expected}"
        if index == 0:
            check_generator_step(system, arrays, generator)
            check_critic_step(system, arrays, critic)


def check_generator_step(system, arrays, name):
    """The first step of Adam without momentum is the learning rate with the sign of the gradient: compared where that is sure."""
    gradients = edge_connect_weights.stored(arrays, "gradG_step0/")
    largest = max(np.abs(gradient).max() for gradient in gradients.values())
    rate = system.config.learning_rate
    for key, (variable, _) in published_variables(system.networks[name]).items():
        expected = arrays[f"G1/{key}"]
        if key not in gradients:  # u and v
            continue
        is_sure = np.abs(gradients[key]) > max(0.05 * np.abs(gradients[key]).max(), 1e-4 * largest)
        if expected.ndim == 4:
            expected, is_sure = hwio(expected), hwio(is_sure)
        assert is_sure.any() or key.endswith("bias"), key  # biases in front of a norm have no gradient
        error = np.abs(variable.numpy() - expected)[is_sure]
        assert error.max(initial=0.0) <= 0.02 * rate + 1e-6 * np.abs(expected).max(), key


def check_critic_step(system, arrays, name):
    """The file has no gradients of the critic: nearly all its weights must have moved right, and u and v three times."""
    rate = system.config.learning_rate * system.config.critic_learning_rate_factor
    for key, (variable, layout) in published_variables(system.networks[name]).items():
        expected = arrays[f"D1/{key}"]
        if expected.ndim == 4:
            is_right = np.abs(variable.numpy() - hwio(expected)) <= 0.02 * rate + 1e-6 * np.abs(expected).max()
            assert is_right.mean() >= 0.98, key
        else:
            assert_close(variable, layout(expected) if layout else expected)


def test_three_steps_of_the_edge_stage_are_the_published_ones(golden, golden_meta, weights):
    arrays = golden("edgeconnect_step_edge")
    system = edge_connect_weights.load(weights, **settings(golden_meta("edgeconnect_step_edge")))
    system.compile(stage="edges")
    gray = np.repeat(nhwc(arrays["gray"]), 3, axis=-1)  # the luminance of a grey picture is its value
    batch = {
        "image": ops.image.from_unit(tf.constant(gray)),
        "mask": tf.constant(nhwc(arrays["masks"])),
        "edge_map": tf.constant(nhwc(arrays["edges"])),
    }
    check_steps(system, batch, arrays, EDGE_LOGS, generator="edge_generator", critic="edge_critic")


def test_three_steps_of_the_completion_stage_are_the_published_ones(golden, golden_meta, weights):
    arrays = golden("edgeconnect_step_inpaint")
    system = edge_connect_weights.load(weights, **settings(golden_meta("edgeconnect_step_inpaint")))
    vgg = {key: array for key, array in golden("edgeconnect_losses").items() if key.startswith("vgg19/")}
    features = build_feature_network(vgg, system.config.feature_layers, normalise=False)
    system.compile(stage="completion_true_edges", feature_network=features)
    batch = {
        "image": ops.image.from_unit(tf.constant(nhwc(arrays["images"]))),
        "mask": tf.constant(nhwc(arrays["masks"])),
        "edge_map": tf.constant(nhwc(arrays["edges"])),
    }
    raw = system.complete(batch["image"], batch["mask"], batch["edge_map"])
    assert_close(ops.image.to_unit(raw), nhwc(arrays["step0/outputs"]), relative=5e-5)
    check_steps(system, batch, arrays, COMPLETION_LOGS, generator="completion_generator", critic="completion_critic")
