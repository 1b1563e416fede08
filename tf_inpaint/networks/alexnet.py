"""AlexNet's convolutions, and the weights with which LPIPS compares their features."""

import re
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from tf_inpaint.errors import WeightsError
from tf_inpaint.official_weights import OfficialWeights

# LPIPS' scaling layer: mean and deviation of RGB in [-1, 1].
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
# kernel size, stride, padding of each convolution; its number among torchvision's `features`; whether a pooling comes before it.
_CONVOLUTIONS = ((11, 4, 2, 0, False), (5, 1, 2, 3, True), (3, 1, 1, 6, True), (3, 1, 1, 8, False), (3, 1, 1, 10, False))
_TRUNK = re.compile(r"(?:^|/)(?:features|net\.slice\d)\.(\d+)\.(weight|bias)$")
_HEAD = re.compile(r"(?:^|/)lin(\d)\.model\.1\.weight$")
_OTHER = re.compile(r"(?:^|/)(?:classifier\.|scaling_layer\.|lins\.\d+\.)")


def build_lpips_alexnet(arrays: Mapping[str, np.ndarray], *, origin: str) -> tuple[keras.Model, list[np.ndarray]]:
    """Builds what LPIPS with AlexNet needs: the network, and a weight for each channel of its features.

    Args:
        arrays: torchvision's AlexNet ("features.0.weight" ...) and the heads of LPIPS ("lin0.model.1.weight" ...), or all in one as the
            authors' module has it ("net.slice1.0.weight" ...); kernels OIHW. Each name may follow that of its file and a "/". Classifier,
            scaling layer and the second names of the heads ("lins.0...") are left out. Widths are taken from the arrays.
        origin: what to call the arrays in an error.

    Returns:
        Model `[B, H, W, 3]` float32 in [-1, 1], H and W at least 31 -> list of five float32 maps, after each convolution and its ReLU;
        and five `[C]` float32. The model is not trainable.

    Raises:
        WeightsError: if an array is missing, left over or of the wrong shape, or a weight of a head is negative.

    Source: Zhang et al. 2018, arXiv:1801.03924, version 0.1 of its weights; Krizhevsky 2014, arXiv:1404.5997.
    """
    trunk, heads = {}, {}
    for name in arrays:
        if match := _TRUNK.search(name):
            trunk[int(match[1]), match[2]] = name
        elif match := _HEAD.search(name):
            heads[int(match[1])] = name
    numbers = [number for *_, number, _ in _CONVOLUTIONS]
    missing = [f"features.{number}.{kind}" for number in numbers for kind in ("weight", "bias") if (number, kind) not in trunk]
    missing += [f"lin{index}.model.1.weight" for index in range(len(numbers)) if index not in heads]
    if missing:
        raise WeightsError(
            f"{origin} does not hold what LPIPS needs, AlexNet and its heads; missing: {', '.join(missing)}. Two files are joined by '+'."
        )
    image = keras.Input((None, None, 3), name="image", dtype="float32")
    x, maps, weights = _Scaling(dtype="float32", name="scaling")(image), [], OfficialWeights(arrays, origin=origin)
    for index, (size, stride, padding, number, is_pooled) in enumerate(_CONVOLUTIONS):
        if is_pooled:
            x = keras.layers.MaxPooling2D(3, 2, dtype="float32", name=f"pool{index}")(x)
        filters = arrays[trunk[number, "weight"]].shape[0]
        x = keras.layers.ZeroPadding2D(padding, dtype="float32", name=f"padding{index}")(x)
        layer = keras.layers.Conv2D(filters, size, stride, activation="relu", dtype="float32", name=f"relu{index + 1}")
        x = layer(x)
        maps.append(x)
        weights.assign(layer.kernel, trunk[number, "weight"], "conv")
        weights.assign(layer.bias, trunk[number, "bias"])
    model = keras.Model(image, maps, name="lpips_alexnet", trainable=False)
    for name in arrays:
        if _OTHER.search(name):
            weights.ignore(name, because="the classifier is not used, the scaling is fixed, the heads have two names")
    vectors = [tf.Variable(tf.zeros([maps[index].shape[-1]])) for index in range(len(maps))]
    for index, vector in enumerate(vectors):
        weights.assign(vector, heads[index], lambda array: array.reshape(-1))
    weights.finish()
    vectors = [vector.numpy() for vector in vectors]
    if any((vector < 0).any() for vector in vectors):
        raise WeightsError(f"{origin} has negative weights in a head of LPIPS, which are trained to be at least 0.")
    return model, vectors


class _Scaling(keras.layers.Layer):
    """RGB in [-1, 1] to mean 0 and deviation 1."""

    def call(self, inputs):
        return (inputs - tf.constant(SHIFT, tf.float32)) / tf.constant(SCALE, tf.float32)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)
