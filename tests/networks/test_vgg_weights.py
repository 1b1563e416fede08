"""A VGG's weights from files of four kinds: recognised, scaled, checked."""

import numpy as np
import pytest

from tf_inpaint.errors import ConfigError, WeightsError
from tf_inpaint.networks import vgg_weights

WIDTHS = {"1": 2, "2": 3, "3": 4, "4": 5, "5": 6}


def named_arrays(variant="vgg19", *, until=None, name="conv{}/{}"):
    """Narrow random weights by Keras-like names, up to and including the convolution `until`."""
    random = np.random.RandomState(0)
    arrays, channels = {}, 3
    for layer in vgg_weights.layer_names(variant):
        if layer.startswith("relu"):
            number = layer.removeprefix("relu")
            kernel = random.normal(0, (2 / (9 * channels)) ** 0.5, (3, 3, channels, WIDTHS[number[0]]))
            arrays[name.format(number, "kernel")] = kernel.astype(np.float32)
            arrays[name.format(number, "bias")] = random.normal(size=WIDTHS[number[0]]).astype(np.float32)
            channels = WIDTHS[number[0]]
            if number == until:
                break
    return arrays


def color_layer(name):
    return {f"{name}/kernel": 255 * np.eye(3, dtype=np.float32)[None, None, ::-1], f"{name}/bias": np.float32([-104, -117, -124])}


def distilled_arrays():
    """What the shared distilled network looks like: names without "_", narrow, 1x1 heads to 7 channels."""
    arrays = color_layer("conv0")
    for key, array in named_arrays(until="5_1").items():
        arrays[key.replace("_", "")] = array
    for level, width in WIDTHS.items():
        arrays[f"conv{level}1_aux/kernel"] = np.ones([1, 1, width, 7], np.float32)
        arrays[f"conv{level}1_aux/bias"] = np.zeros(7, np.float32)
    return arrays


def numbered_arrays(variant, *, until=None):
    """The same weights by torchvision's names and in its layout."""
    numbers, number = {}, 0
    for layer in vgg_weights.layer_names(variant):
        numbers[layer.replace("relu", "conv")] = number
        number += 2 if layer.startswith("relu") else 1
    arrays = {}
    for key, array in named_arrays(variant, until=until).items():
        layer, kind = key.split("/")
        name = f"features.{numbers[layer]}.{'weight' if kind == 'kernel' else 'bias'}"
        arrays[name] = np.transpose(array, (3, 2, 0, 1)) if kind == "kernel" else array
    return arrays


@pytest.mark.parametrize("variant", ["vgg16", "vgg19"])
@pytest.mark.parametrize("name", ["conv{}/{}", "{}/{}", "layers/{}/vars/{}"])
def test_keras_weights_are_recognised_and_all_layers_are_there(variant, name):
    arrays = named_arrays(variant)
    if name != "conv{}/{}":  # as Keras' own files: block1_conv1
        arrays = {name.format("block{}_conv{}".format(*key[4:7].split("_")), key[8:]): array for key, array in arrays.items()}
    weights = vgg_weights.parse(arrays, origin="test")
    assert weights.variant == variant and weights.layers == vgg_weights.layer_names(variant)
    assert not weights.mirrored and not weights.heads


def test_the_numbers_of_layers_are_those_of_the_paper():
    kinds = {variant: [name[:4] for name in vgg_weights.layer_names(variant)] for variant in ("vgg16", "vgg19")}
    assert [kinds["vgg16"].count(kind) for kind in ("relu", "pool")] == [13, 5]
    assert [kinds["vgg19"].count(kind) for kind in ("relu", "pool")] == [16, 5]


def counted_arrays(variant, *, until=None):
    """The same weights by the names of Keras' `.weights.h5`."""
    arrays = {}
    for number, (key, array) in enumerate(named_arrays(variant, until=until).items()):
        layer = "conv2d" if number < 2 else f"conv2d_{number // 2}"
        arrays[f"layers/{layer}/vars/{0 if key.endswith('kernel') else 1}"] = array
    return arrays


@pytest.mark.parametrize("variant", ["vgg16", "vgg19"])
def test_layers_without_names_are_counted(variant):
    weights = vgg_weights.parse(counted_arrays(variant), origin="test")
    assert weights.variant == variant and weights.layers == vgg_weights.layer_names(variant)
    expected = vgg_weights.parse(named_arrays(variant), origin="test")
    for layer, (kernel, _) in weights.convolutions.items():
        np.testing.assert_array_equal(kernel, expected.convolutions[layer][0])


def test_layers_without_names_that_may_be_either_network_are_refused():
    assert vgg_weights.parse(counted_arrays("vgg19", until="3_1"), origin="test").layers[-1] == "relu3_1"
    arrays = counted_arrays("vgg16", until="4_1")
    assert vgg_weights.parse(arrays, origin="test", variant="vgg16").layers[-1] == "relu4_1"
    with pytest.raises(WeightsError, match="say which by 'vgg16:PATH' or 'vgg19:PATH'"):
        vgg_weights.parse(arrays, origin="test")
    with pytest.raises(WeightsError, match="it has 16 convolutions, expected at most 13"):
        vgg_weights.parse(counted_arrays("vgg19"), origin="test", variant="vgg16")


@pytest.mark.parametrize("variant", ["vgg16", "vgg19"])
@pytest.mark.parametrize("prefix", ["features.", "", "vgg/"])
def test_torchvisions_names_and_layout_give_the_same_network(variant, prefix):
    arrays = {key.replace("features.", prefix): array for key, array in numbered_arrays(variant).items()}
    arrays |= {"classifier.0.weight": np.ones([4, 4]), "classifier.0.bias": np.ones(4)}
    weights = vgg_weights.parse(arrays, origin="test")
    expected = named_arrays(variant)
    assert weights.variant == variant and weights.layers == vgg_weights.layer_names(variant)
    for layer, (kernel, bias) in weights.convolutions.items():
        np.testing.assert_array_equal(kernel, expected[f"{layer}/kernel"])
        np.testing.assert_array_equal(bias, expected[f"{layer}/bias"])
    # ImageNet's mean becomes 0, one deviation more becomes 1.
    for shift in (0, 1):
        colors = (vgg_weights.IMAGENET_MEAN + shift * vgg_weights.IMAGENET_DEVIATION) @ weights.color_kernel + weights.color_bias
        np.testing.assert_allclose(colors, [shift] * 3, atol=1e-5)


def test_keras_images_are_bgr_minus_the_mean():
    weights = vgg_weights.parse(named_arrays(), origin="test")
    red = np.float32([1, 0, 0]) @ weights.color_kernel + weights.color_bias
    np.testing.assert_allclose(red, [-103.939, -116.779, 255 - 123.68], rtol=1e-5)


def test_a_network_that_ends_early_has_no_pooling_behind_its_last_layer():
    weights = vgg_weights.parse(named_arrays(until="3_1"), origin="test")
    assert weights.variant == "vgg19"
    assert weights.layers == ("relu1_1", "relu1_2", "pool1", "relu2_1", "relu2_2", "pool2", "relu3_1")


def test_where_the_third_convolution_ends_a_level_depends_on_the_variant():
    arrays = named_arrays("vgg16", until="3_3")
    assert "pool3" in vgg_weights.parse(arrays, origin="test").layers
    assert "pool3" not in vgg_weights.parse(arrays, origin="test", variant="vgg19").layers


def test_the_colour_layer_means_mirrored_borders():
    weights = vgg_weights.parse(named_arrays(until="2_1") | color_layer("conv0_preprocess"), origin="test")
    assert weights.mirrored
    np.testing.assert_allclose(np.ones(3) @ weights.color_kernel + weights.color_bias, [151, 138, 131], rtol=1e-5)


def response(weights, layer, x):
    """The layer at one place of a constant picture, computed from the weights alone."""
    for name, (kernel, bias) in weights.convolutions.items():
        x = np.maximum(x @ kernel.sum(axis=(0, 1), dtype=np.float64) + bias, 0)
        if name == layer:
            if layer in weights.heads:
                kernel, bias = weights.heads[layer]
                x = np.maximum(x @ kernel[0, 0].astype(np.float64) + bias, 0)
            return x
    raise KeyError(layer)


@pytest.mark.parametrize(
    ("arrays", "scale"),
    [
        (named_arrays(), lambda layer: vgg_weights.KERAS_SCALE),
        (
            named_arrays() | color_layer("conv0_preprocess"),
            lambda layer: vgg_weights.NORMALISED_SCALES[int(layer[4]) - 1],
        ),
        (
            distilled_arrays(),
            lambda layer: (
                vgg_weights.NORMALISED_SCALES[int(layer[4]) - 1] / (1 if layer.endswith("_1") else vgg_weights.DISTILLED_MEANS[layer])
            ),
        ),
    ],
    ids=["keras", "normalised", "distilled"],
)
def test_each_layers_features_are_scaled_by_its_factor_alone(arrays, scale):
    weights = vgg_weights.parse(arrays, origin="test")
    plain = {}
    for layer in weights.convolutions:
        key = layer if f"{layer}/kernel" in arrays else layer.replace("_", "")
        plain[layer] = (arrays[f"{key}/kernel"], arrays[f"{key}/bias"])
    heads = {
        layer: (arrays[f"{layer.replace('_', '')}_aux/kernel"], arrays[f"{layer.replace('_', '')}_aux/bias"]) for layer in weights.heads
    }
    unscaled = vgg_weights.VggWeights(weights.variant, plain, heads, weights.color_kernel, weights.color_bias, weights.mirrored)
    color = np.array([20.0, 100.0, -50.0])
    for layer in weights.convolutions:
        np.testing.assert_allclose(response(weights, layer, color), scale(layer) * response(unscaled, layer, color), rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("conv1_1/kernel"), "conv1_1 needs one kernel and one bias"),
        (lambda a: a.pop("conv2_1/bias"), "conv2_1 needs one kernel and one bias"),
        (lambda a: [a.pop(f"conv2_1/{kind}") for kind in ("kernel", "bias")], "behind a gap conv2_2"),
        (lambda a: a.update({"conv2_1/kernel": np.ones([3, 3, 9, 3])}), r"kernel of conv2_1 must be \[3, 3, 2, C\]"),
        (lambda a: a.update({"conv2_1/kernel": np.ones([5, 5, 2, 3])}), r"kernel of conv2_1 must be \[3, 3, 2, C\]"),
        (lambda a: a.update({"conv2_1/bias": np.ones(9)}), "kernel of conv2_1 must be"),
        (lambda a: a.update({"conv2_1/bias": np.full(3, np.nan)}), "conv2_1 has values that are not finite"),
        (lambda a: a.update({"dense/kernel": np.ones([3, 3])}), "it has an array 'dense/kernel'"),
        (lambda a: a.update({"conv2_1/more": np.ones(3)}), "conv2_1 needs one kernel and one bias"),
        (lambda a: a.update({"conv1_2_aux/kernel": np.ones([1, 1, 2, 3])}), "no colour layer conv0"),
        (lambda a: a.clear(), "is not a vgg19 from its first layer on. Found: nothing"),
    ],
)
def test_what_is_wrong_with_the_arrays_is_named(change, message):
    arrays = named_arrays(until="2_2")
    change(arrays)
    with pytest.raises(WeightsError, match=f"test.*{message}"):
        vgg_weights.parse(arrays, origin="test")


def test_a_torchvision_network_of_the_other_variant_is_refused():
    with pytest.raises(WeightsError, match="is not a vgg19: it has an array 'features"):
        vgg_weights.parse(numbered_arrays("vgg16"), origin="test", variant="vgg19")


def test_the_dense_layers_of_a_complete_network_are_left_out():
    arrays = named_arrays("vgg16") | {"fc1/kernel": np.ones([2, 2]), "predictions/bias": np.ones(2)}
    assert vgg_weights.parse(arrays, origin="test").layers == vgg_weights.layer_names("vgg16")


def test_an_unknown_variant_is_named():
    with pytest.raises(ConfigError, match="variant='vgg11'"):
        vgg_weights.parse(named_arrays(), origin="test", variant="vgg11")
