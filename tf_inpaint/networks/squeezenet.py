"""SqueezeNet 1.1 as a feature network for comparing sets of pictures."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from tf_inpaint.errors import WeightsError
from tf_inpaint.official_weights import OfficialWeights

# Fire modules; a pooling of 3 x 3 with stride 2 comes before the first, the third and the fifth.
FIRES = range(2, 10)
_POOLED_BEFORE = (2, 4, 6)
# Keras' ImageNet mean in BGR, the input that the weights were trained with.
_MEAN_BGR = (103.939, 116.779, 123.68)


def build_squeezenet(arrays: Mapping[str, np.ndarray], *, origin: str) -> keras.Model:
    """Builds SqueezeNet 1.1 without its classifier, ending in the mean over all pixels.

    Args:
        arrays: "conv1/kernel", "conv1/bias", "fire2/squeeze1x1/kernel" ... "fire9/expand3x3/bias", kernels HWIO, trained on BGR in 0 to
            255 minus ImageNet's mean. Widths are taken from them.
        origin: what to call the arrays in an error.

    Returns:
        Model `[B, H, W, 3]` float32 in [-1, 1] -> `[B, D]` float32, D the channels of fire9 (512 in the published network). Not trainable.

    Raises:
        WeightsError: if an array is missing, left over or of the wrong shape.

    Source: Iandola et al. 2016, arXiv:1602.07360; the variant 1.1 of the authors' repository.
    """

    def convolution(name, stride=1, padding="same"):
        if f"{name}/kernel" not in arrays or arrays[f"{name}/kernel"].ndim != 4:
            raise WeightsError(f"{origin} is no SqueezeNet 1.1: it has no kernel {name}/kernel.")
        size, _, _, filters = arrays[f"{name}/kernel"].shape
        layer_name = name.replace("/", "_")
        return keras.layers.Conv2D(filters, size, stride, padding, activation="relu", dtype="float32", name=layer_name)

    layers = {"conv1": convolution("conv1", stride=2, padding="valid")}
    image = keras.Input((None, None, 3), name="image", dtype="float32")
    x = layers["conv1"](_ToBGR(dtype="float32", name="to_bgr")(image))
    for fire in FIRES:
        if fire in _POOLED_BEFORE:
            x = keras.layers.MaxPooling2D(3, 2, dtype="float32", name=f"pool_before_fire{fire}")(x)
        parts = {part: convolution(f"fire{fire}/{part}") for part in ("squeeze1x1", "expand1x1", "expand3x3")}
        layers |= {f"fire{fire}/{part}": layer for part, layer in parts.items()}
        x = parts["squeeze1x1"](x)
        x = keras.layers.Concatenate(dtype="float32", name=f"fire{fire}_concat")([parts["expand1x1"](x), parts["expand3x3"](x)])
    features = keras.layers.GlobalAveragePooling2D(dtype="float32", name="mean")(x)
    model = keras.Model(image, features, name="squeezenet", trainable=False)
    weights = OfficialWeights(arrays, origin=origin)
    for name, layer in layers.items():
        weights.assign(layer.kernel, f"{name}/kernel")
        weights.assign(layer.bias, f"{name}/bias")
    weights.finish()
    return model


class _ToBGR(keras.layers.Layer):
    """RGB in [-1, 1] to BGR in 0 to 255 minus the mean."""

    def call(self, inputs):
        return (inputs[..., ::-1] + 1.0) * 127.5 - tf.constant(_MEAN_BGR, tf.float32)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)
