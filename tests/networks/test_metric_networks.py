"""Networks for LPIPS, FID and KID: their features beside SciPy's correlations, and files that do not fit."""

import keras
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from tests.networks.feature_arrays import lpips_arrays, squeezenet_arrays
from tf_inpaint.errors import WeightsError
from tf_inpaint.networks import alexnet, inception, squeezenet


def convolve(x, kernel, bias, *, stride=1, padding=0):
    """`[H, W, C]` float64, kernel HWIO, with ReLU."""
    x = np.pad(x, [(padding, padding), (padding, padding), (0, 0)])
    outputs = [
        sum(scipy.signal.correlate2d(x[..., i], kernel[:, :, i, o], mode="valid") for i in range(x.shape[-1])) + bias[o]
        for o in range(kernel.shape[-1])
    ]
    return np.maximum(np.stack(outputs, axis=-1)[::stride, ::stride], 0)


def pool(x):
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))
    return windows.max(axis=(-2, -1))[::2, ::2]


@pytest.fixture(scope="module")
def image():
    return np.random.RandomState(1).uniform(-1, 1, (1, 67, 75, 3)).astype(np.float32)


def test_squeezenets_features_are_those_of_its_definition(image):
    arrays = squeezenet_arrays()
    model = squeezenet.build_squeezenet(arrays, origin="test")

    def fire(x, number):
        part = {name: (arrays[f"fire{number}/{name}/kernel"].astype(float), arrays[f"fire{number}/{name}/bias"]) for name in PARTS}
        squeezed = convolve(x, *part["squeeze1x1"])
        return np.concatenate([convolve(squeezed, *part["expand1x1"]), convolve(squeezed, *part["expand3x3"], padding=1)], axis=-1)

    PARTS = ("squeeze1x1", "expand1x1", "expand3x3")
    bgr = (image[0].astype(float)[..., ::-1] + 1) * 127.5 - (103.939, 116.779, 123.68)
    x = convolve(bgr, arrays["conv1/kernel"].astype(float), arrays["conv1/bias"], stride=2)
    x = fire(fire(pool(x), 2), 3)
    x = fire(fire(pool(x), 4), 5)
    x = pool(x)
    for number in (6, 7, 8, 9):
        x = fire(x, number)
    expected = x.mean(axis=(0, 1))
    np.testing.assert_allclose(model(image)[0], expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    assert not model.trainable_weights


def test_alexnets_maps_are_those_of_its_definition(image):
    arrays = lpips_arrays()
    model, weights = alexnet.build_lpips_alexnet(arrays, origin="test")
    x = (image[0].astype(float) - alexnet.SHIFT) / alexnet.SCALE
    expected = []
    for number, stride, padding, pooled in ((0, 4, 2, False), (3, 1, 2, True), (6, 1, 1, True), (8, 1, 1, False), (10, 1, 1, False)):
        kernel = arrays[f"features.{number}.weight"].transpose(2, 3, 1, 0).astype(float)
        x = convolve(pool(x) if pooled else x, kernel, arrays[f"features.{number}.bias"], stride=stride, padding=padding)
        expected.append(x)
    for ours, theirs in zip(model(image), expected, strict=True):
        np.testing.assert_allclose(ours[0], theirs, rtol=1e-3, atol=1e-4 * np.abs(theirs).max())
    for index, weight in enumerate(weights):
        np.testing.assert_array_equal(weight, arrays[f"lin{index}.model.1.weight"].ravel())


def test_alexnet_is_found_under_the_names_of_the_authors_module_and_of_two_files(image):
    arrays = lpips_arrays()
    slices = {0: 1, 3: 2, 6: 3, 8: 4, 10: 5}
    module = {"scaling_layer.shift": np.zeros([1, 3, 1, 1], np.float32)}
    for name, array in arrays.items():
        if name.startswith("features"):
            number = int(name.split(".")[1])
            module[f"net.slice{slices[number]}.{name.removeprefix('features.')}"] = array
        else:
            module[name] = array
            module[f"lins.{name[3]}.model.1.weight"] = array
    files = {f"{'trunk' if name.startswith('features') else 'alex'}/{name}": array for name, array in arrays.items()}
    files["trunk/classifier.1.weight"] = np.zeros([4, 4], np.float32)
    expected = alexnet.build_lpips_alexnet(arrays, origin="test")[0](image)
    for other in (module, files):
        for ours, theirs in zip(alexnet.build_lpips_alexnet(other, origin="test")[0](image), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("change", ["missing", "left over", "negative"])
def test_arrays_that_do_not_fit_are_named(change):
    arrays, ours = lpips_arrays(), squeezenet_arrays()
    if change == "missing":
        del arrays["lin3.model.1.weight"], ours["fire5/expand1x1/bias"]
    elif change == "left over":
        arrays["more"] = ours["more"] = np.zeros(3, np.float32)
    else:
        arrays["lin3.model.1.weight"] *= -1
        ours["conv1/kernel"] = -np.ones([3, 3, 4, 6], np.float32)
    name = {"missing": "lin3.model.1.weight", "left over": "more", "negative": "negative"}[change]
    with pytest.raises(WeightsError, match=name):
        alexnet.build_lpips_alexnet(arrays, origin="test")
    with pytest.raises(WeightsError, match={"missing": "fire5/expand1x1/bias", "left over": "more", "negative": "conv1/kernel"}[change]):
        squeezenet.build_squeezenet(ours, origin="test")


@pytest.mark.slow
def test_the_fids_inception_is_keras_with_other_weights_and_a_maximum_in_its_last_block():
    """From Keras' network with random statistics, its arrays under the published names and with scales."""
    theirs = keras.applications.InceptionV3(include_top=False, weights=None, input_shape=(None, None, 3), pooling="avg")
    rng = np.random.RandomState(0)
    kinds = (keras.layers.Conv2D, keras.layers.BatchNormalization)
    arrays = {"fc.weight": np.zeros([3, 3], np.float32)}
    names = inception.published_names()
    assert len(names) == 94 and len(set(names)) == 94

    def place(layer):
        end = layer.name.rsplit("_", 1)[-1]
        return int(end) if end.isdigit() else 0

    for kind in kinds:
        for name, layer in zip(names, sorted((each for each in theirs.layers if isinstance(each, kind)), key=place), strict=True):
            if kind is keras.layers.Conv2D:
                arrays[f"{name}.conv.weight"] = layer.kernel.numpy().transpose(3, 2, 0, 1)
            else:
                beta, mean = rng.normal(0, 0.1, (2, layer.beta.shape[0])).astype(np.float32)
                variance, scale = rng.uniform(0.5, 2, (2, layer.beta.shape[0])).astype(np.float32)
                layer.set_weights([beta, mean, (variance + 1e-3) / scale**2 - 1e-3])
                keys = ("bias", "running_mean", "running_var", "weight")
                arrays |= {f"{name}.bn.{key}": array for key, array in zip(keys, (beta, mean, variance, scale))}
    ours = inception.build_fid_inception(arrays, origin="test")
    image = rng.uniform(-1, 1, (1, 107, 139, 3)).astype(np.float32)
    last = [layer for layer in ours.layers if isinstance(layer, keras.layers.MaxPooling2D)][-1]
    features, pooled, result = keras.Model(ours.input, [ours.get_layer("mixed9").output, last.output, ours.output])(image)
    expected, other = keras.Model(theirs.input, [theirs.get_layer("mixed9").output, theirs.output])(image)
    np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_array_equal(pooled, tf.nn.max_pool2d(features, 3, 1, "SAME"))
    assert result.shape == (1, 2048) and np.abs(result - other).max() > 1e-3
    del arrays["Mixed_7c.branch1x1.conv.weight"]
    with pytest.raises(WeightsError, match="Mixed_7c.branch1x1.conv.weight"):
        inception.build_fid_inception(arrays, origin="test")
