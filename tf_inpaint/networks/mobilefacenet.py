"""MobileFaceNet: which face is in a picture, to measure whether a repaired face is still that person's. Not for training."""

import re
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from tf_inpaint.errors import WeightsError
from tf_inpaint.official_weights import OfficialWeights

HEIGHT, WIDTH = 112, 96
# Where the face is in CelebA's aligned pictures, cut to their middle 178 x 178: top, left, bottom, right as parts of the picture.
CELEBA_BOX = (33.1 / 128, 29.5 / 128, 113.6 / 128, 98.5 / 128)
# Blocks that halve the map; those of equal input and output otherwise add their input.
_HALVING = (0, 5, 12)
_EPSILON = 1e-5


def build_mobilefacenet(arrays: Mapping[str, np.ndarray], *, origin: str) -> keras.Model:
    """Builds the network from its arrays.

    Args:
        arrays: PyTorch's names and layouts: "conv1.conv.weight", "blocks.0.conv.0.weight" ... "linear1.bn.running_var"; widths and
            the number of blocks are taken from them.
        origin: what to call the arrays in an error.

    Returns:
        Model `[B, 112, 96, 3]` float32 in [-1, 1], a face as `crop_celeba_faces` cuts it -> `[B, D]` float32 of length 1. Not trainable.

    Raises:
        WeightsError: if an array is missing, left over or of the wrong shape.

    Source: Chen et al. 2018, arXiv:1804.07573, table 1.
    """
    weights = OfficialWeights(arrays, origin=origin)
    numbers = sorted({int(match[1]) for name in arrays if (match := re.match(r"blocks\.(\d+)\.conv\.6\.weight$", name))})
    expected = [f"{name}.conv.weight" for name in ("conv1", "conv2", "linear1")]
    expected += [f"blocks.{number}.conv.{part}.weight" for number in numbers for part in (0, 6)]
    missing = [name for name in expected if name not in arrays or arrays[name].ndim != 4]
    if missing or not numbers:
        raise WeightsError(f"{origin} must hold a MobileFaceNet. Missing or of another shape: {', '.join(missing or ['blocks'])}.")

    def filters(name):
        return arrays[f"{name}.weight"].shape[0]

    face = keras.Input((HEIGHT, WIDTH, 3), name="face", dtype="float32")
    # It was trained on (8-bit value - 127.5) / 128.
    x = keras.layers.Rescaling(127.5 / 128.0, dtype="float32", name="scaled")(face)
    x = _normalised(weights, _convolved(weights, x, "conv1.conv", filters("conv1.conv"), 3, strides=2), "conv1.bn", slopes="conv1.prelu")
    x = _normalised(weights, _convolved(weights, x, "dw_conv1.conv", None, 3), "dw_conv1.bn", slopes="dw_conv1.prelu")
    for number in numbers:
        prefix, strides = f"blocks.{number}.conv", 2 if number in _HALVING else 1
        y = _convolved(weights, x, f"{prefix}.0", filters(f"{prefix}.0"), 1)
        y = _normalised(weights, y, f"{prefix}.1", slopes=f"{prefix}.2")
        y = _convolved(weights, y, f"{prefix}.3", None, 3, strides=strides)
        y = _normalised(weights, y, f"{prefix}.4", slopes=f"{prefix}.5")
        y = _normalised(weights, _convolved(weights, y, f"{prefix}.6", filters(f"{prefix}.6"), 1), f"{prefix}.7")
        adds = strides == 1 and x.shape[-1] == y.shape[-1]
        x = keras.layers.Add(dtype="float32", name=f"block_{number}_sum")([x, y]) if adds else y
    x = _normalised(weights, _convolved(weights, x, "conv2.conv", filters("conv2.conv"), 1), "conv2.bn", slopes="conv2.prelu")
    x = _normalised(weights, _convolved(weights, x, "linear7.conv", None, tuple(x.shape[1:3])), "linear7.bn")
    x = _normalised(weights, _convolved(weights, x, "linear1.conv", filters("linear1.conv"), 1), "linear1.bn")
    x = keras.layers.Flatten(dtype="float32", name="vector")(x)
    model = keras.Model(face, keras.layers.UnitNormalization(dtype="float32", name="embedding")(x), name="mobilefacenet", trainable=False)
    weights.finish()
    return model


def crop_celeba_faces(images: tf.Tensor) -> tf.Tensor:
    """Cuts the face out of aligned pictures of CelebA, as the network was trained to see it.

    Args:
        images: `[B, H, W, 3]` floating point: the middle 178 x 178 of the aligned 178 x 218, at any size.

    Returns:
        `[B, 112, 96, 3]` float32, resized bilinearly.
    """
    number = tf.shape(images)[0]
    boxes = tf.tile(tf.constant([CELEBA_BOX]), [number, 1])
    return tf.image.crop_and_resize(images, boxes, tf.range(number), (HEIGHT, WIDTH))


def _convolved(weights, x, name, filters, size, *, strides=1):
    """A convolution without bias; of each channel alone where `filters` is `None`."""
    layer_name = name.replace(".", "_")
    if size == 3:
        x = keras.layers.ZeroPadding2D(1, dtype="float32", name=f"{layer_name}_padding")(x)
    arguments = {"strides": strides, "use_bias": False, "dtype": "float32", "name": layer_name}
    layer = keras.layers.DepthwiseConv2D(size, **arguments) if filters is None else keras.layers.Conv2D(filters, size, **arguments)
    x = layer(x)
    # Depthwise kernels are [C, 1, H, W] there and [H, W, C, 1] here.
    kernel = layer.weights[0]
    weights.assign(kernel, f"{name}.weight", "conv" if filters is not None else lambda array: array.transpose(2, 3, 0, 1))
    return x


def _normalised(weights, x, name, *, slopes=None):
    layer = keras.layers.BatchNormalization(epsilon=_EPSILON, dtype="float32", name=name.replace(".", "_"))
    x = layer(x)
    for variable, kind in (
        (layer.gamma, "weight"),
        (layer.beta, "bias"),
        (layer.moving_mean, "running_mean"),
        (layer.moving_variance, "running_var"),
    ):
        weights.assign(variable, f"{name}.{kind}")
    if slopes is None:
        return x
    layer = keras.layers.PReLU(shared_axes=[1, 2], dtype="float32", name=slopes.replace(".", "_"))
    x = layer(x)
    weights.assign(layer.alpha, f"{slopes}.weight", lambda array: array.reshape(1, 1, -1))
    return x
