"""Feature networks: what goes in, what comes out, where weights come from, and what happens where there are none."""

import os
import re
import subprocess
import sys
import warnings

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.networks.test_vgg_weights import color_layer, distilled_arrays, named_arrays, numbered_arrays
from tests.source import ROOT
from tf_inpaint import ops, pictures
from tf_inpaint.errors import ConfigError, MissingWeightsError, WeightsError
from tf_inpaint.networks import build_feature_network, open_feature_network, vgg_weights

KEYS = ("keras", "torchvision", "normalised", "distilled")
KERAS_NAMES = "block{}_conv{}"


@pytest.fixture(scope="module")
def kinds():
    return {
        "keras": named_arrays(until="3_1"),
        "torchvision": numbered_arrays("vgg19", until="3_1"),
        "normalised": named_arrays(until="3_1") | color_layer("conv0_preprocess"),
        "distilled": distilled_arrays(),
    }


@pytest.fixture
def image():
    return tf.random.stateless_uniform([2, 22, 17, 3], [0, 1], -1.0, 1.0)


def test_maps_come_in_the_order_asked_for_and_halve_at_each_pooling(image):
    network = build_feature_network("random", ["pool2", "relu1_1", "relu3_4", "pool1"])
    features = network(image)
    assert [tuple(each.shape) for each in features] == [(2, 5, 4, 12), (2, 22, 17, 8), (2, 5, 4, 16), (2, 11, 8, 8)]
    assert all(each.dtype == tf.float32 for each in features)
    np.testing.assert_array_equal(features[3], tf.nn.max_pool2d(build_feature_network("random", ["relu1_2"])(image)[0], 2, 2, "VALID"))


def test_a_single_map_is_a_list_too(image):
    network = build_feature_network("random", ["relu1_1"])
    for features in (network(image), tf.function(network)(image), network(keras.Input((8, 8, 3)))):
        assert isinstance(features, list) and len(features) == 1


@pytest.mark.parametrize("kind", KEYS)
def test_nothing_is_trainable_and_gradients_reach_the_picture(kinds, image, kind):
    network = build_feature_network(kinds[kind], ["relu2_1", "relu3_1"])
    assert network.trainable_weights == [] and len(network.weights) >= 10
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = tf.add_n([tf.reduce_mean(each) for each in network(image)])
    gradient = tape.gradient(loss, image)
    assert np.all(np.isfinite(gradient)) and np.mean(gradient.numpy() != 0) > 0.9


def see_colors(normalise):
    """A network whose relu1_1 shows what goes into its first convolution, where that is positive."""
    kernel = np.zeros([3, 3, 3, 3], np.float32)
    kernel[range(3), range(3), 1, 1] = 1
    return build_feature_network({"0.weight": kernel, "0.bias": np.zeros(3)}, ["relu1_1"], normalise=normalise)


def test_pictures_are_normalised_as_imagenets_or_go_in_as_they_are_in_0_to_1(image):
    unit = ops.image.to_unit(image).numpy()
    np.testing.assert_allclose(see_colors(False)(image)[0], unit, atol=1e-6)
    normalised = (unit - vgg_weights.IMAGENET_MEAN) / vgg_weights.IMAGENET_DEVIATION
    np.testing.assert_allclose(see_colors(True)(image)[0], np.maximum(normalised, 0), atol=1e-5)


@pytest.mark.parametrize("kind", KEYS)
def test_a_picture_as_it_is_counts_as_if_it_were_normalised_already(kinds, image, kind):
    """The meaning of `normalise=False` for weights that want something else: (x - mean) / deviation is replaced by x."""
    restored = ops.image.to_unit(image) * vgg_weights.IMAGENET_DEVIATION + vgg_weights.IMAGENET_MEAN
    as_it_is, normalised = (build_feature_network(kinds[kind], ["relu1_1", "relu2_1"], normalise=flag) for flag in (False, True))
    for found, expected in zip(as_it_is(image), normalised(ops.image.from_unit(restored)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.max(np.abs(expected)))


@pytest.mark.parametrize(("kind", "mirrored"), [("keras", False), ("torchvision", False), ("normalised", True), ("distilled", True)])
def test_the_border_of_a_plain_picture_shows_how_is_padded(kinds, kind, mirrored):
    features = build_feature_network(kinds[kind], ["relu1_2"])(tf.fill([1, 9, 9, 3], 0.8))[0].numpy()
    np.testing.assert_allclose(features[:, 2:-2, 2:-2], features[:, 4:5, 4:5] * np.ones([1, 5, 5, 1]), rtol=1e-4)
    assert np.allclose(features, features[:, 4:5, 4:5], rtol=1e-4) is mirrored


def test_heads_stand_for_their_layers(kinds, image):
    """The first of the two: relu1_1 has the head's 7 channels, relu1_2 behind it its own 2."""
    network = build_feature_network(kinds["distilled"], ["relu1_1", "relu1_2", "relu5_1"])
    assert [each.shape[-1] for each in network(tf.image.resize(image, [32, 32]))] == [7, 2, 7]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("kind", KEYS)
def test_half_precision_gives_the_same_features_in_float32(kinds, image, kind, policy):
    layers = ["relu1_1", "pool1", "relu3_1"]
    expected = build_feature_network(kinds[kind], layers)(image)
    keras.mixed_precision.set_global_policy(policy)
    for arguments in ({}, {"dtype": "float32"}):
        network = build_feature_network(kinds[kind], layers, **arguments)
        assert network.get_layer("conv2_1").compute_dtype == arguments.get("dtype", policy.removeprefix("mixed_"))
        for found, wanted in zip(network(image), expected, strict=True):
            assert found.dtype == tf.float32
            np.testing.assert_allclose(found, wanted, atol=(1e-6 if arguments else 0.03) * np.max(wanted))


def test_a_graph_of_unknown_size_gives_the_eager_features(image):
    network = build_feature_network("random", ["relu2_1", "pool3"])
    graph = tf.function(network, input_signature=[tf.TensorSpec([None, None, None, 3])])
    for found, expected in zip(graph(image), network(image), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_random_network_is_the_same_each_time(image):
    first, second = (build_feature_network("random", ["relu4_1"])(image)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


# Sources


def assert_same_features(source, arrays, image, layers=("relu1_1", "relu2_1")):
    expected = build_feature_network(arrays, layers)(image)
    for found, wanted in zip(build_feature_network(source, layers)(image), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6 * np.max(wanted))


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("prefix", ["", "vgg19:"])
def test_a_file_of_arrays_gives_what_its_arrays_give(kinds, image, tmp_path, kind, prefix):
    np.savez(tmp_path / "vgg.npz", **kinds[kind])
    assert_same_features(f"{prefix}{tmp_path / 'vgg.npz'}", kinds[kind], image)


def keras_network(arrays):
    """A Keras model whose layers have the names of `keras.applications`."""
    x = inputs = keras.Input((None, None, 3))
    for key in [key for key in arrays if key.endswith("kernel")]:
        width = arrays[key].shape[-1]
        layer = keras.layers.Conv2D(width, 3, padding="same", name=KERAS_NAMES.format(*key[4:7].split("_")))
        x = layer(x)
        layer.set_weights([arrays[key], arrays[key.replace("kernel", "bias")]])
    return keras.Model(inputs, x)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("name", ["vgg.weights.h5", "vgg.h5"])
def test_what_keras_saved_can_be_read(kinds, image, tmp_path, name):
    network = keras_network(kinds["keras"])
    if name == "vgg.h5":
        network.save(tmp_path / name)  # whole models have the layout of the weights that Keras offers for download
    else:
        network.save_weights(tmp_path / name)
    assert_same_features(str(tmp_path / name), kinds["keras"], image)


@pytest.mark.parametrize("variable", ["KERAS_HOME", "HOME"])
@pytest.mark.parametrize("variant", ["vgg16", "vgg19"])
def test_keras_cache_is_used(image, tmp_path, monkeypatch, variant, variable):
    arrays = named_arrays(variant)
    folder = tmp_path / ("models" if variable == "KERAS_HOME" else ".keras/models")
    folder.mkdir(parents=True)
    with h5py.File(folder / f"{variant}_weights_tf_dim_ordering_tf_kernels_notop.h5", "w") as file:
        for key, array in arrays.items():  # the names in the file that Keras offers
            layer = KERAS_NAMES.format(*key[4:7].split("_"))
            file[f"{layer}/{layer}_{'W' if key.endswith('kernel') else 'b'}_1:0"] = array
    monkeypatch.setenv(variable, str(tmp_path))
    assert_same_features(variant, arrays, image, layers=("relu1_1", "pool2", "pool3"))


WITHOUT_CONNECTION = """
import time, warnings
from tf_inpaint.networks import open_feature_network
start = time.monotonic()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    network = open_feature_network("vgg16", ["pool1"], purpose="the perceptual loss")
print("seconds:", time.monotonic() - start)
print("network:", network)
print("\\n".join(str(each.message) for each in caught if "perceptual" in str(each.message)))
"""


@pytest.mark.slow
def test_without_a_connection_it_says_so_soon(tmp_path):
    closed = "http://127.0.0.1:9"  # nothing listens there
    environment = {**os.environ, "HOME": str(tmp_path), "KERAS_HOME": str(tmp_path), "https_proxy": closed, "http_proxy": closed}
    for name in ("no_proxy", "NO_PROXY", "HTTPS_PROXY", "HTTP_PROXY"):
        environment.pop(name, None)
    ended = subprocess.run([sys.executable, "-c", WITHOUT_CONNECTION], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "network: None" in ended.stdout
    assert "Training goes on without the perceptual loss: Keras' ImageNet weights of vgg16 are not in its cache" in ended.stdout
    assert "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5" in ended.stdout
    assert float(re.search(r"seconds: (\S+)", ended.stdout).group(1)) < 60


def test_each_layer_comes_from_the_first_source_that_has_it(kinds, image, tmp_path):
    image = tf.image.resize(image, [32, 32])
    for name in ("normalised", "distilled"):
        np.savez(tmp_path / f"{name}.npz", **kinds[name])
    layers = ["relu5_1", "relu1_1", "relu3_1", "relu4_1"]
    joined = build_feature_network(f"{tmp_path / 'normalised.npz'}+{tmp_path / 'distilled.npz'}", layers)(image)
    deep = build_feature_network(kinds["distilled"], ["relu5_1", "relu4_1"])(image)
    shallow = build_feature_network(kinds["normalised"], ["relu1_1", "relu3_1"])(image)
    for found, expected in zip(joined, [deep[0], *shallow, deep[1]], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_source_that_is_not_needed_is_not_opened(image, tmp_path):
    build_feature_network(f"random+{tmp_path / 'missing.npz'}", ["relu1_1", "pool5"])
    with pytest.raises(MissingWeightsError, match="there is no file .*missing.npz"):
        build_feature_network(f"{tmp_path / 'missing.npz'}+random", ["relu1_1"])


def test_a_layer_that_no_source_has_is_named(kinds):
    with pytest.raises(WeightsError, match=r"has no relu4_1, pool3. It has: relu1_1, relu1_2, pool1, .*, relu3_1\."):
        build_feature_network(kinds["normalised"], ["relu1_1", "relu4_1", "pool3"])


@pytest.mark.parametrize("layers", [[], ["conv1_1"], ["relu1_3"], ["pool6"], ["relu1_1", "relu1_1"]])
def test_wrong_layers_are_named(layers):
    with pytest.raises(ConfigError, match="`layers` must name feature maps of a VGG, each once"):
        build_feature_network("random", layers)


@pytest.mark.parametrize("source", ["", "vgg16:", "+random"])
def test_a_source_without_a_name_is_refused(source):
    with pytest.raises(ConfigError, match="A feature network is one of"):
        build_feature_network(source, ["relu1_1"])


@pytest.mark.parametrize("name", ["vgg.npz", "vgg.weights.h5"])
def test_a_damaged_file_is_an_error_and_switches_nothing_off(kinds, tmp_path, name):
    path = tmp_path / name
    if name.endswith("npz"):
        np.savez(path, **kinds["keras"])
    else:
        keras_network(kinds["keras"]).save_weights(path)
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"no arrays at all"):
        path.write_bytes(damaged)
        with pytest.raises(WeightsError, match="cannot be read as plain arrays"):
            open_feature_network(str(path), ["relu1_1"], purpose="the style loss")


def test_pickles_are_not_opened(tmp_path):
    np.savez(tmp_path / "vgg.npz", **{"conv1_1/kernel": np.array([{"a": 1}], object)})
    with pytest.raises(WeightsError, match="cannot be read as plain arrays"):
        build_feature_network(str(tmp_path / "vgg.npz"), ["relu1_1"])


def test_a_missing_file_switches_off_with_one_warning(tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        network = open_feature_network(str(tmp_path / "vgg.npz"), ["relu1_1"], purpose="the perceptual and style losses")
    assert network is None and len(caught) == 1
    message = str(caught[0].message)
    assert "Training goes on without the perceptual and style losses" in message and "vgg.npz" in message and "'none'" in message


@pytest.mark.parametrize(("source", "layers"), [("none", ["relu1_1"]), ("random", []), ("none", [])])
def test_what_is_switched_off_on_purpose_is_silent(source, layers):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_feature_network(source, layers, purpose="the style loss") is None


def test_opening_gives_what_building_gives(image):
    opened = open_feature_network("random", ["relu2_1"], purpose="the style loss", normalise=False)
    np.testing.assert_array_equal(opened(image)[0], build_feature_network("random", ["relu2_1"], normalise=False)(image)[0])


# The two networks that training uses where Keras' cannot be had.

SHARED = ROOT.parent / "shared" / "data"
WITH_SHARED = pytest.mark.skipif(
    not (SHARED / "weights").is_dir() or not (SHARED / "kodak").is_dir(), reason="../shared/data is not beside the checkout"
)
NORMALISED, DISTILLED = (SHARED / "weights" / name for name in ("vgg19_normalised_to_relu3_1.npz", "vgg19_small16x_encoder.npz"))


@pytest.fixture(scope="module")
def photographs():
    paths = sorted((SHARED / "kodak").iterdir())[:4]
    images = [pictures.read_rgb(path)[:512, :512] for path in paths]
    return ops.image.resize(ops.image.from_uint8(np.stack(images)), (128, 128))


@WITH_SHARED
@pytest.mark.parametrize("path", [NORMALISED, DISTILLED])
def test_features_of_photographs_have_the_scale_that_is_said(photographs, path):
    layers = [layer for layer in ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1") if path == DISTILLED or layer < "relu3_2"]
    for layer, features in zip(layers, build_feature_network(str(path), layers)(photographs), strict=True):
        np.testing.assert_allclose(tf.reduce_mean(features), vgg_weights.NORMALISED_SCALES[int(layer[4]) - 1], rtol=0.35)
        assert features.shape[-1] == {"1": 64, "2": 128, "3": 256, "4": 512, "5": 512}[layer[4]]


@WITH_SHARED
def test_the_distilled_network_sees_what_its_teacher_sees(photographs):
    """Both files are wired, padded and fed as they were trained: features of the same name agree."""
    layers = ["relu1_1", "relu2_1", "relu3_1"]
    teacher, pupil = (build_feature_network(str(path), layers)(photographs) for path in (NORMALISED, DISTILLED))
    correlations = [np.corrcoef(np.ravel(a), np.ravel(b))[0, 1] for a, b in zip(teacher, pupil, strict=True)]
    assert correlations[0] > 0.95 and correlations[1] > 0.85 and correlations[2] > 0.7, correlations


@WITH_SHARED
def test_the_distilled_networks_own_features_have_mean_one_times_the_scale(photographs):
    layers = [layer for layer in vgg_weights.layer_names() if layer.startswith("relu") and layer < "relu5" and not layer.endswith("_1")]
    for layer, features in zip(layers, build_feature_network(str(DISTILLED), layers)(photographs), strict=True):
        np.testing.assert_allclose(tf.reduce_mean(features), vgg_weights.NORMALISED_SCALES[int(layer[4]) - 1], rtol=0.35)
