"""Published weights of StyleGAN2: names, layouts, the kernels that one family of files holds turned."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import ops
from tf_inpaint.errors import WeightsError
from tf_inpaint.layers import StyledConv2D
from tf_inpaint.systems.latent_attention import LatentAttention, official_names
from tf_inpaint.systems.loading import load_official


@pytest.fixture(scope="module")
def system():
    keras.utils.set_random_seed(0)
    return LatentAttention.tiny()


def published(networks, names):
    """Random arrays under the published names of some networks: the shapes are those whose layout gives our variable's."""
    generator = np.random.default_rng(0)
    return {name: generator.normal(size=shape).astype(np.float32) for name, shape in names(networks).items()}


def torch_names(networks):
    channels, style = 64, 64
    names = {"latent_avg": (style,), "g_ema/input.input": (1, channels, 4, 4)}
    for index in (1, 2):
        names |= {f"g_ema/style.{index}.weight": (style, style), f"g_ema/style.{index}.bias": (style,)}
    for place, (name, is_up) in enumerate((("conv1", False), ("convs.0", True), ("convs.1", False))):
        size = 4 if place == 0 else 8
        names |= modulated(f"g_ema/{name}.conv.", channels, channels, 3, style)
        names |= {f"g_ema/{name}.noise.weight": (1,), f"g_ema/{name}.activate.bias": (channels,)}
        names[f"g_ema/noises.noise_{place}"] = (1, 1, size, size)
        if is_up:
            names[f"g_ema/{name}.conv.blur.kernel"] = (4, 4)
    for name in ("to_rgb1", "to_rgbs.0"):
        names |= modulated(f"g_ema/{name}.conv.", channels, 3, 1, style) | {f"g_ema/{name}.bias": (1, 3, 1, 1)}
    names |= {"g_ema/to_rgbs.0.upsample.kernel": (4, 4), "g/input.input": (1, channels, 4, 4), "g_optim/state/0/exp_avg": (3,)}
    return names


def modulated(prefix, channels, filters, size, style):
    names = {f"{prefix}weight": (1, filters, channels, size, size)}
    return names | {f"{prefix}modulation.weight": (channels, style), f"{prefix}modulation.bias": (channels,)}


@pytest.fixture
def narrow():
    """Its generator has 64 channels throughout."""
    keras.utils.set_random_seed(0)
    return LatentAttention.tiny(channel_budget=4096, max_channels=512)


def test_rosinalitys_generator_comes_to_its_layers(narrow):
    arrays = published(narrow.networks, torch_names)
    load_official(narrow, arrays)
    synthesis = narrow.networks["synthesis"]
    np.testing.assert_array_equal(synthesis.get_layer("constant").constant[2, 1, 7], arrays["g_ema/input.input"][0, 7, 2, 1])
    up = synthesis.get_layer("conv_8_up")
    np.testing.assert_array_equal(up.kernel[0, 2, 5, 6], arrays["g_ema/convs.0.conv.weight"][0, 6, 5, 0, 2])
    np.testing.assert_array_equal(up.modulation_kernel[3, 4], arrays["g_ema/convs.0.conv.modulation.weight"][4, 3])
    np.testing.assert_array_equal(up.noise, arrays["g_ema/noises.noise_1"][0, 0])
    np.testing.assert_array_equal(narrow.mean_style, arrays["latent_avg"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("g_ema/conv1.noise.weight"), "missing: g_ema/conv1.noise.weight"),
        (lambda arrays: arrays.update({"g_ema/convs.2.noise.weight": np.ones(1)}), "left over: g_ema/convs.2.noise.weight"),
        (lambda arrays: arrays.update({"g_ema/style.1.weight": np.ones((3, 3))}), "g_ema/style.1.weight"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_changes(narrow, change, message):
    arrays, before = published(narrow.networks, torch_names), narrow.mean_style.numpy()
    change(arrays)
    with pytest.raises(WeightsError, match=message):
        load_official(narrow, arrays)
    np.testing.assert_array_equal(narrow.mean_style, before)


def test_other_files_are_refused(system):
    with pytest.raises(WeightsError, match="neither a StyleGAN2 nor an encoder"):
        load_official(system, {"conv.weight": np.ones((1, 1, 1, 1), np.float32)})


def tensorflow_arrays(networks):
    """NVIDIA's form of what the networks hold, made by the rules of its code: see the module `official_names`."""
    arrays, mapping, synthesis = {}, networks["mapping"], networks["synthesis"]
    arrays["dlatent_avg"] = np.asarray(mapping.get_layer("statistics").mean) + 1.0
    for index in (1, 2):
        layer = mapping.get_layer(f"dense_{index}")
        arrays |= {
            f"G_mapping/Dense{index - 1}/weight": np.asarray(layer.kernel),
            f"G_mapping/Dense{index - 1}/bias": np.asarray(layer.bias),
        }
    constant = np.asarray(synthesis.get_layer("constant").constant)
    arrays["G_synthesis/4x4/Const/const"] = constant.transpose(2, 0, 1)[None]
    for index, (ours, theirs) in enumerate({"conv_4": "4x4/Conv", "conv_8_up": "8x8/Conv0_up", "conv_8": "8x8/Conv1"}.items()):
        layer = synthesis.get_layer(ours)
        arrays |= modulated_arrays(layer, f"G_synthesis/{theirs}/")
        arrays[f"G_synthesis/{theirs}/noise_strength"] = np.asarray(layer.noise_strength)
        arrays[f"G_synthesis/noise{index}"] = np.asarray(layer.noise)[None, None]
    for ours, theirs in {"to_rgb_4": "4x4/ToRGB", "to_rgb_8": "8x8/ToRGB"}.items():
        arrays |= modulated_arrays(synthesis.get_layer(ours), f"G_synthesis/{theirs}/")
    kernel = arrays["G_synthesis/8x8/Conv0_up/weight"]
    arrays["G_synthesis/8x8/Conv0_up/weight"] = kernel[::-1, ::-1]
    return arrays


def modulated_arrays(layer, prefix):
    named = {"weight": layer.kernel, "mod_weight": layer.modulation_kernel, "bias": layer.bias}
    return {prefix + name: np.asarray(value) for name, value in named.items()} | {
        prefix + "mod_bias": np.asarray(layer.modulation_bias) - 1.0
    }


def test_nvidias_arrays_paint_the_same_pictures(system):
    keras.utils.set_random_seed(3)
    source, target = LatentAttention.tiny(), LatentAttention.tiny()
    for layer in source.networks["synthesis"].layers:
        if isinstance(layer, StyledConv2D):
            layer.noise_strength.assign(0.5)
    arrays = tensorflow_arrays(source.networks)
    load_official(target, arrays)
    styles = tf.random.stateless_normal([2, source.num_styles, 64], [1, 2])
    np.testing.assert_allclose(target.synthesise(styles), source.synthesise(styles), atol=1e-4)
    np.testing.assert_array_equal(target.mean_style, arrays["dlatent_avg"])


def test_an_up_sampling_kernel_of_nvidias_correlates_with_the_spread_pixels(system):
    """The trap: their `upsample_conv_2d` is zeros between the pixels, an ordinary convolution with the stored kernel, and the filter."""
    kernel = np.random.default_rng(0).normal(size=(3, 3, 5, 4)).astype(np.float32)
    pixels = tf.random.stateless_normal([1, 6, 6, 5], [1, 2])
    spread = tf.reshape(tf.pad(tf.reshape(pixels, [1, 6, 1, 6, 1, 5]), [[0, 0], [0, 0], [0, 1], [0, 0], [0, 1], [0, 0]]), [1, 12, 12, 5])
    correlated = tf.nn.conv2d(tf.pad(spread, [[0, 0], [2, 1], [2, 1], [0, 0]]), kernel, 1, "VALID")
    expected = ops.filtering.upfirdn2d(correlated, ops.filtering.separable_kernel(gain=4.0), padding=(1, 1))
    layer = StyledConv2D(4, upsample=True)
    layer.build([(None, 6, 6, 5), (None, 1, 3), (None, 2)])
    turned = {name: layout for name, _, layout in official_names._tensorflow_modulation("Conv0_up", layer, official_names._turned)}
    received = ops.modulation.resampling_conv2d(pixels, tf.constant(turned["Conv0_up/weight"](kernel).copy()), resample="up")
    np.testing.assert_allclose(received[:, :11, :11], expected[:, :11, :11], atol=1e-5)
    unturned = ops.modulation.resampling_conv2d(pixels, tf.constant(kernel), resample="up")
    assert np.max(np.abs(unturned[:, :11, :11] - expected[:, :11, :11])) > 1.0
