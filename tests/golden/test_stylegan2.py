"""StyleGAN2 against rosinality/stylegan2-pytorch (arrays `stylegan2_*`)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.golden.layouts import assert_close, hwio, nhwc
from tf_inpaint import losses, ops
from tf_inpaint.layers import EqualizedConv2D, EqualizedDense, MinibatchDeviation, PixelNormalization, StyledConv2D, StyleToRgb
from tf_inpaint.layers.style_modulation import modulation_scales
from tf_inpaint.systems.latent_attention import official_names
from tf_inpaint.systems.latent_attention.style_networks import build_critic, build_mapping, build_synthesis, residual_block

SIZES = (4, 8, 16, 32)
SEEDS = tf.zeros([1, 2], tf.int32)


def upfirdn_cases(arrays):
    return [key.rpartition("/")[0] for key in arrays if key.endswith("/up_down_pad")]


def test_filters_give_the_published_values(golden):
    arrays = golden("stylegan2_ops")
    cases = upfirdn_cases(arrays)
    assert len(cases) == 9
    for case in cases:
        up, down, *padding = (int(each) for each in arrays[f"{case}/up_down_pad"])
        outputs = ops.filtering.upfirdn2d(nhwc(arrays["x"]), arrays[f"{case}/k"], up=up, down=down, padding=tuple(padding))
        assert_close(outputs, nhwc(arrays[f"{case}/y"]))
    assert_close(ops.filtering.upsample2d(tf.constant(nhwc(arrays["x"]))), nhwc(arrays["Upsample"]))


def test_small_layers_give_the_published_values(golden):
    arrays = golden("stylegan2_ops")
    x = nhwc(arrays["x"])
    assert_close(ops.activation.scaled_leaky_relu(x + arrays["bias"]), nhwc(arrays["fused_leaky_relu"]))
    assert_close(ops.activation.scaled_leaky_relu(x), nhwc(arrays["fused_leaky_relu_nobias"]))
    assert_close(PixelNormalization()(arrays["z"]), arrays["pixelnorm"])


@pytest.mark.parametrize(
    ("case", "arguments"),
    [
        ("lin", {}),
        ("lin_lrmul", {"learning_rate_multiplier": 0.01}),
        ("lin_act", {"learning_rate_multiplier": 0.01, "activation": "scaled_leaky_relu"}),
        ("lin_bias1", {"bias_initializer": 1.0}),
    ],
)
def test_dense_layers_give_the_published_values(golden, case, arguments):
    arrays = golden("stylegan2_ops")
    layer = EqualizedDense(5, **arguments)
    layer.build([None, 16])
    layer.kernel.assign(arrays[f"{case}/weight"].T)
    layer.bias.assign(arrays[f"{case}/bias"])
    assert_close(layer(tf.constant(arrays["z"])), arrays[f"{case}/y"])


MODULATED = {
    "k3_demod": {},
    "k3_nodemod": {"demodulate": False},
    "k1_nodemod": {"demodulate": False},
    "k3_up": {"resample": "up"},
    "k3_up_nodemod": {"resample": "up", "demodulate": False},
    "k3_down": {"resample": "down"},
}


@pytest.mark.parametrize("case", MODULATED)
def test_modulated_convolution_gives_the_published_values_and_gradients(golden, case):
    arrays = golden("stylegan2_modconv")
    x, style = tf.constant(nhwc(arrays["x"])), tf.constant(arrays["style"])
    published = arrays[f"{case}/w/weight"]
    kernel = tf.constant(hwio(published[0]))
    with tf.GradientTape() as tape:
        tape.watch([x, style, kernel])
        scales = style @ (arrays[f"{case}/w/modulation.weight"].T / style.shape[1] ** 0.5) + arrays[f"{case}/w/modulation.bias"]
        scaled = kernel / np.prod(kernel.shape[:3]) ** 0.5
        outputs = ops.modulation.modulated_conv2d(x, scaled, scales, **MODULATED[case])
        loss = tf.reduce_sum(outputs**2)
    assert_close(outputs, nhwc(arrays[f"{case}/y"]))
    dx, dstyle, dkernel = tape.gradient(loss, [x, style, kernel])
    assert_close(dx, nhwc(arrays[f"{case}/dx"]), relative=1e-4)
    assert_close(dstyle, arrays[f"{case}/dstyle"], relative=1e-4)
    assert_close(dkernel, hwio(arrays[f"{case}/dweight"][0]), relative=1e-4)


def modulate(layer, arrays, prefix):
    layer.kernel.assign(hwio(arrays[f"{prefix}weight"][0]))
    layer.modulation_kernel.assign(arrays[f"{prefix}modulation.weight"].T)
    layer.modulation_bias.assign(arrays[f"{prefix}modulation.bias"])


def test_upsampling_pictures_of_odd_sides_gives_the_published_values(golden):
    arrays = golden("stylegan2_modconv")
    layer = StyledConv2D(4, upsample=True)
    x, style = tf.constant(nhwc(arrays["odd_up/x"])), tf.constant(arrays["odd_up/style"])
    layer.build([x.shape, [None, 1, style.shape[1]], [None, 2]])
    modulate(layer, arrays, "odd_up/w/")
    outputs = ops.modulation.modulated_conv2d(x, *modulation_scales(layer, style), resample="up")
    assert_close(outputs, nhwc(arrays["odd_up/y"]))


def test_styled_convolution_and_colours_give_the_published_values(golden):
    arrays = golden("stylegan2_modconv")
    x, styles = tf.constant(nhwc(arrays["x"])), tf.constant(arrays["style"][:, None])
    layer = StyledConv2D(5, upsample=True)
    layer.build([x.shape, styles.shape, SEEDS.shape])
    modulate(layer, arrays, "styledconv/w/conv.")
    layer.noise_strength.assign(arrays["styledconv/w/noise.weight"][0])
    layer.bias.assign(arrays["styledconv/w/activate.bias"])
    layer.noise.assign(arrays["styledconv/noise"][0, 0])
    assert_close(layer([x, styles, SEEDS]), nhwc(arrays["styledconv/y"]))
    # The arrays have a picture of 4 x 4 pixels and features of 8 x 8.
    colors = StyleToRgb()
    colors.build([x.shape, styles.shape])
    modulate(colors, arrays, "torgb/w/conv.")
    colors.bias.assign(arrays["torgb/w/bias"].ravel())
    assert_close(colors([x, styles]), nhwc(arrays["torgb/y_noskip"]))
    assert_close(colors([x, styles, tf.constant(nhwc(arrays["torgb/skip"]))]), nhwc(arrays["torgb/y"]))


@pytest.fixture(scope="module")
def generator(golden):
    arrays = golden("stylegan2_generator32")
    networks = {
        "mapping": build_mapping(style_size=64, num_layers=4),
        "synthesis": build_synthesis(size=32, channels=dict.fromkeys(SIZES, 32), style_size=64),
    }
    named = {f"g_ema/{key[2:]}": value for key, value in arrays.items() if key.startswith("w/")}
    official_names.assign(networks, named)
    return networks["mapping"], networks["synthesis"]


def paint(synthesis, styles):
    styles = tf.convert_to_tensor(styles)
    return synthesis([styles, tf.zeros([styles.shape[0], 2], tf.int32)])


def test_the_generator_gives_the_published_styles_and_pictures(golden, generator):
    arrays, (mapping, synthesis) = golden("stylegan2_generator32"), generator
    w = mapping(arrays["z"])
    assert_close(w, arrays["w"])
    assert_close(paint(synthesis, tf.repeat(w[:, None], 8, axis=1)), nhwc(arrays["img_z_fixednoise"]))
    assert_close(paint(synthesis, arrays["wplus"]), nhwc(arrays["img_wplus_fixednoise"]))
    other = mapping(arrays["z2"])
    mixed = tf.concat([tf.repeat(w[:, None], 3, axis=1), tf.repeat(other[:, None], 5, axis=1)], axis=1)
    assert_close(paint(synthesis, mixed), nhwc(arrays["img_mix_inject3"]))
    mean = arrays["trunc_latent"]
    assert_close(paint(synthesis, tf.repeat((mean + 0.7 * (w - mean))[:, None], 8, axis=1)), nhwc(arrays["img_trunc07"]))


def test_without_noise_the_generator_gives_the_published_picture(golden, generator):
    arrays, (mapping, synthesis) = golden("stylegan2_generator32"), generator
    layers = [layer for layer in synthesis.layers if isinstance(layer, StyledConv2D)]
    assert len(layers) == 7
    strengths = [float(layer.noise_strength.numpy()) for layer in layers]
    for layer in layers:
        layer.noise_strength.assign(0.0)
    try:
        pictures = paint(synthesis, tf.repeat(mapping(arrays["z"])[:, None], 8, axis=1))
    finally:
        for layer, strength in zip(layers, strengths, strict=True):
            layer.noise_strength.assign(strength)
    assert_close(pictures, nhwc(arrays["img_z_zeronoise"]))


def test_path_lengths_and_their_penalty_are_the_published_ones(golden, generator):
    arrays, (_, synthesis) = golden("stylegan2_generator32"), generator
    styles = tf.constant(arrays["latents"])
    lengths = losses.path_lengths(lambda styles: paint(synthesis, styles), styles, nhwc(arrays["pl_noise"]))
    assert_close(lengths, arrays["pl_lengths"], relative=1e-4)
    penalty, mean = losses.path_length_penalty(lengths, tf.constant(arrays["pl_mean_in"], tf.float32))
    assert_close(penalty, arrays["pl_penalty"], relative=1e-4)
    assert_close(mean, arrays["pl_mean_out"], relative=1e-4)


@pytest.fixture(scope="module")
def critic(golden):
    arrays = golden("stylegan2_discriminator32")
    network = build_critic(size=32, channels=dict.fromkeys(SIZES, 32))
    named = {f"d/{key[2:]}": value for key, value in arrays.items() if key.startswith("w/")}
    official_names.assign({"critic": network}, named)
    return network


@pytest.mark.parametrize("batch", [1, 2, 4, 8])
def test_the_critic_gives_the_published_scores(golden, critic, batch):
    arrays = golden("stylegan2_discriminator32")
    assert_close(critic(nhwc(arrays[f"x{batch}"]))[-1], arrays[f"out{batch}"])


def test_r1_and_the_logistic_losses_are_the_published_ones(golden, critic):
    arrays = golden("stylegan2_discriminator32")
    images = tf.constant(nhwc(arrays["x4"]))
    assert_close(losses.r1_penalty(lambda images: critic(images)[-1], images), arrays["r1_x4"], relative=1e-4)
    real, fake = arrays["out4"], arrays["fake_pred_x8first4"]
    assert_close(losses.nsgan_critic_loss(real, fake), arrays["d_logistic"])
    assert_close(losses.nsgan_generator_loss(fake), arrays["g_nonsat"])


def test_parts_of_the_critic_give_the_published_values(golden):
    arrays = golden("stylegan2_discriminator32")
    assert_close(MinibatchDeviation()(nhwc(arrays["mbstd/x"])), nhwc(arrays["mbstd/y"]))
    x = nhwc(arrays["resblock/x"])
    inputs = keras.Input(x.shape[1:])
    block = keras.Model(inputs, residual_block(inputs, filters=arrays["resblock/y"].shape[1], name="block"))
    for ours, theirs in {"conv_1": "conv1.0", "conv_2": "conv2.1", "skip": "skip.1"}.items():
        block.get_layer(f"block_{ours}").kernel.assign(hwio(arrays[f"resblock/w/{theirs}.weight"]))
    for ours, theirs in {"conv_1": "conv1.1", "conv_2": "conv2.2"}.items():
        block.get_layer(f"block_{ours}").bias.assign(arrays[f"resblock/w/{theirs}.bias"])
    assert_close(block(x), nhwc(arrays["resblock/y"]))


def test_equalised_convolution_gives_the_published_values(golden):
    arrays = golden("stylegan2_ops")
    kernel, expected = hwio(arrays["eqconv/weight"]), nhwc(arrays["eqconv/y"])
    # The arrays have strides of 2 and padding of 1, which no network here uses: every second pixel of ours.
    layer = EqualizedConv2D(kernel.shape[3], kernel.shape[0])
    x = nhwc(arrays["x"])
    layer.build(x.shape)
    layer.kernel.assign(kernel)
    layer.bias.assign(arrays["eqconv/bias"])
    assert_close(layer(tf.constant(x))[:, ::2, ::2], expected)
