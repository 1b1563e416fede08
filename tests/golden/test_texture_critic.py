"""The critic of stage 2 and its penalty against HiFill's released code."""

import tensorflow as tf

from tests.golden.layouts import assert_close
from tf_inpaint import losses
from tf_inpaint.systems.latent_attention.texture import build_texture_critic

PREFIX = "w/discriminator"


def test_scores_penalty_and_losses_are_hifills(golden):
    arrays = golden("hifill_critic_wgangp_c4")
    critic = build_texture_critic(image_size=arrays["real"].shape[1], base_filters=arrays[f"{PREFIX}/conv1/w"].shape[-1])
    variables = {}
    for index in range(1, 7):
        layer = critic.get_layer(f"conv_{index}")
        variables[f"discriminator/conv{index}/w"], variables[f"discriminator/conv{index}/biases"] = layer.kernel, layer.bias
    dense = critic.get_layer("scores")
    variables["discriminator/linear/kernel"], variables["discriminator/linear/bias"] = dense.kernel, dense.bias
    for name, variable in variables.items():
        variable.assign(arrays[f"w/{name}"])
    for name in ("real", "fake", "xhat"):
        assert_close(critic(arrays[name]), arrays[f"D_{name}"], relative=5e-5)
    # Its share is that of the generated picture.
    mixed = losses.mix_pictures(tf.constant(arrays["real"]), tf.constant(arrays["fake"]), share=1.0 - arrays["eps"])
    assert_close(mixed, arrays["xhat"])
    names = [name.removeprefix("dgp/") for name in arrays if name.startswith("dgp/")]
    with tf.GradientTape() as tape:
        penalty = losses.gradient_penalty(critic, tf.constant(arrays["xhat"]))
    assert_close(penalty, arrays["gp"], relative=5e-5)
    for name, gradient in zip(names, tape.gradient(penalty, [variables[name] for name in names]), strict=True):
        if gradient is not None:  # a bias that does not reach the slope
            assert_close(gradient, arrays[f"dgp/{name}"], relative=1e-3)
    assert_close(losses.wasserstein_generator_loss(arrays["D_fake"]), arrays["g_loss"])
    assert_close(losses.wasserstein_critic_loss(arrays["D_real"], arrays["D_fake"]), arrays["d_loss"])
