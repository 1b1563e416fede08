"""Wasserstein losses and gradient penalties, with their second-order gradients, against three codes."""

import keras
import pytest
import tensorflow as tf

from tests.golden.layouts import assert_close, hwio, nhwc
from tf_inpaint import losses
from tf_inpaint.layers import FusableConv2D, PaddedConv2D


def gradients_of_penalty(critic, variables, pictures):
    with tf.GradientTape() as tape:
        penalty = losses.gradient_penalty(critic, pictures)
    return penalty, tape.gradient(penalty, variables)


def test_a_small_critic_in_pytorch(golden):
    arrays = golden("wgan_gp_tiny_torch")
    real, fake = nhwc(arrays["real"]), nhwc(arrays["fake"])
    convolutions = [
        PaddedConv2D(arrays[f"w/{index}.weight"].shape[0], 5, strides=2, padding=2, activation=lambda x: tf.nn.leaky_relu(x, 0.2))
        for index in (0, 2)
    ]
    # Flattened as PyTorch does, channel by channel.
    layers = [*convolutions, keras.layers.Permute((3, 1, 2)), keras.layers.Flatten(), keras.layers.Dense(1)]
    critic = keras.Sequential([keras.Input(real.shape[1:]), *layers])
    published = [f"{index}.{kind}" for index in (0, 2, 5) for kind in ("weight", "bias")]
    layout = {4: hwio, 2: lambda array: array.T, 1: lambda array: array}
    for variable, name in zip(critic.trainable_variables, published, strict=True):
        variable.assign(layout[arrays[f"w/{name}"].ndim](arrays[f"w/{name}"]))
    mixed = losses.mix_pictures(tf.constant(real), tf.constant(fake), share=arrays["eps"])
    assert_close(mixed, nhwc(arrays["xhat"]))
    penalty, gradients = gradients_of_penalty(critic, critic.trainable_variables[:-1], mixed)
    assert_close(penalty, arrays["gp"])
    for gradient, name in zip(gradients, published, strict=False):
        expected = arrays[f"dgp/{name}"]
        assert_close(gradient, layout[expected.ndim](expected), relative=2e-4)
    scores = critic(real), critic(fake)
    assert_close(losses.wasserstein_critic_loss(*scores) + 10 * penalty, arrays["L_D"])
    assert_close(losses.wasserstein_generator_loss(scores[1]), arrays["L_adv_G"])


def deepfill_critic(arrays, scope, dense):
    """`inputs -> scores` with four 5x5 convolutions, and the variables by their published names."""
    names = [name for name in arrays if name.startswith((f"w/discriminator/{scope}", f"w/discriminator/{dense}"))]
    variables = {name.removeprefix("w/"): tf.Variable(arrays[name]) for name in names}

    def critic(x):
        for index in range(1, 5):
            prefix = f"discriminator/{scope}/conv{index}"
            x = tf.nn.conv2d(x, variables[f"{prefix}/kernel"], 2, "SAME") + variables[f"{prefix}/bias"]
            x = tf.nn.leaky_relu(x, 0.2)
        x = tf.reshape(x, [x.shape[0], -1])
        return x @ variables[f"discriminator/{dense}/kernel"] + variables[f"discriminator/{dense}/bias"]

    return critic, variables


@pytest.mark.parametrize("scope", ["global", "local"])
def test_deepfills_critics_with_and_without_mask(golden, scope):
    arrays = golden("deepfill_v1_critics_wgangp_c4")
    critic, variables = deepfill_critic(arrays, f"discriminator_{scope}", f"dout_{scope}_fc")
    interpolated = tf.constant(arrays[f"interp_{scope}"])
    mask = arrays["mask"]
    if scope == "local":
        top, left, height, width = arrays["bbox_tlhw"]
        mask = mask[:, top : top + height, left : left + width]
    assert_close(losses.gradient_penalty(critic, interpolated, mask=mask), arrays[f"gp_{scope}_masked"])
    real, fake = tf.split(tf.constant(arrays[f"d_{scope}"]), 2)
    # Its code names the two losses of a critic and a generator as ours.
    assert_close(losses.wasserstein_generator_loss(fake), arrays[f"wgan_g_{scope}"])
    assert_close(losses.wasserstein_critic_loss(real, fake), arrays[f"wgan_d_{scope}"])
    if scope == "global":
        # alpha is the share of the generated picture here.
        share = 1.0 - arrays["alpha"][:, :, None, None]
        assert_close(losses.mix_pictures(arrays["real"], arrays["fake"], share=share), interpolated)
        expected = {name.removeprefix("dgp_unmasked/"): array for name, array in arrays.items() if name.startswith("dgp_unmasked/")}
        penalty, gradients = gradients_of_penalty(critic, [variables[name] for name in expected], interpolated)
        assert_close(penalty, arrays["gp_global_unmasked"])
        for gradient, array in zip(gradients, expected.values(), strict=True):
            assert_close(gradient, array, relative=2e-4)


def test_fused_convolutions_have_second_order_gradients(golden):
    """The layers of our critics give the penalty's gradients of the plain ones above."""
    arrays = golden("hifill_critic_wgangp_c4")
    kernel = arrays["w/discriminator/conv1/w"]
    layer = FusableConv2D(kernel.shape[-1], 5, strides=2, padding="same", activation=lambda x: tf.nn.leaky_relu(x, 0.2))
    pictures = tf.constant(arrays["xhat"])
    layer(pictures)
    layer.kernel.assign(kernel)

    def plain(x):
        return tf.nn.leaky_relu(tf.nn.conv2d(x, layer.kernel, 2, "SAME") + layer.bias, 0.2)

    results = [gradients_of_penalty(lambda x, critic=each: tf.square(critic(x)), [layer.kernel], pictures) for each in (layer, plain)]
    assert_close(results[0][0], results[1][0])
    assert_close(results[0][1][0], results[1][1][0])
