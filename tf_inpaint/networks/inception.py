"""Inception-v3 as a feature network for comparing sets of pictures: the FID's own, and Keras'."""

from collections.abc import Mapping

import keras
import numpy as np

from tf_inpaint.errors import MissingWeightsError, WeightsError
from tf_inpaint.official_weights import OfficialWeights

SIZE = 299
"""Side of the pictures that the network was trained on."""

_EPSILON = 1e-3  # of its batch normalisation


def build_keras_inception(path: str | None = None) -> keras.Model:
    """Builds Keras' Inception-v3 up to its 2,048 pooled features. Not the network of the published FIDs, whose weights are others.

    Args:
        path: of Keras' file of ImageNet weights without the classifier; `None`: from Keras' cache, or downloaded.

    Returns:
        Model `[B, H, W, 3]` float32 in [-1, 1], H and W at least 75 (299 for the published numbers) -> `[B, 2048]` float32.

    Raises:
        MissingWeightsError: if the weights are neither on this machine nor to be downloaded now.
        WeightsError: if the file does not fit.

    Source: Szegedy et al. 2015, arXiv:1512.00567.
    """
    try:
        return _keras_inception(path or "imagenet")
    except Exception as error:  # Keras raises a bare Exception when it has no connection, and several kinds for a wrong file
        if path is None:
            raise MissingWeightsError(
                f"Keras' ImageNet weights of Inception-v3 cannot be downloaded ({error}). Give the path of the file: keras_inception:PATH."
            ) from error
        raise WeightsError(f"{path} does not hold Keras' Inception-v3 without its classifier: {error}") from error


def build_fid_inception(arrays: Mapping[str, np.ndarray], *, origin: str) -> keras.Model:
    """Builds the Inception-v3 of the published FIDs from the arrays that pytorch-fid uses.

    It differs from Keras' in its weights and in one pooling: the last block takes the largest value where the others take the mean.

    Args:
        arrays: pytorch-fid's: "Conv2d_1a_3x3.conv.weight", "Conv2d_1a_3x3.bn.running_mean" and so on, kernels OIHW. The classifier
            ("fc.") is left out.
        origin: what to call the arrays in an error.

    Returns:
        Model `[B, H, W, 3]` float32 in [-1, 1], H and W at least 75 (299 for the published numbers) -> `[B, 2048]` float32.

    Raises:
        WeightsError: if an array is missing, left over or of the wrong shape.

    Source: Heusel et al. 2017, arXiv:1706.08500; the weights are those of TensorFlow's model of 2015-12-05.
    """
    base = _keras_inception(None)
    last_mean = [layer for layer in base.layers if isinstance(layer, keras.layers.AveragePooling2D)][-1]

    def with_last_maximum(layer):
        if layer is last_mean:
            return keras.layers.MaxPooling2D(3, 1, "same", name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    model = keras.models.clone_model(base, clone_function=with_last_maximum)
    model.trainable = False
    weights = OfficialWeights(arrays, origin=origin)
    convolutions, normalisations = (_in_order_of_creation(model, kind) for kind in _kinds())
    for name, convolution, normalisation in zip(published_names(), convolutions, normalisations, strict=True):
        weights.assign(convolution.kernel, f"{name}.conv.weight", "conv")
        weights.assign(normalisation.beta, f"{name}.bn.bias")
        weights.assign(normalisation.moving_mean, f"{name}.bn.running_mean")
        # Keras' layer has no scale: it goes into the variance.
        scale = arrays.get(f"{name}.bn.weight")
        weights.assign(normalisation.moving_variance, f"{name}.bn.running_var", lambda variance, scale=scale: _scaled(variance, scale))
        weights.ignore(f"{name}.bn.weight", because="part of the variance")
    weights.ignore("fc.", because="the classifier is not used")
    weights.finish()
    return model


def published_names() -> list[str]:
    """Returns the names of the convolutions in pytorch-fid's arrays, in the order in which Keras makes them."""
    blocks = {
        "": ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3"),
        **dict.fromkeys(("Mixed_5b", "Mixed_5c", "Mixed_5d"), ("1x1", "5x5_1", "5x5_2", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3", "_pool")),
        "Mixed_6a": ("3x3", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3"),
        **dict.fromkeys(
            ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"),
            ("1x1", "7x7_1", "7x7_2", "7x7_3", "7x7dbl_1", "7x7dbl_2", "7x7dbl_3", "7x7dbl_4", "7x7dbl_5", "_pool"),
        ),
        "Mixed_7a": ("3x3_1", "3x3_2", "7x7x3_1", "7x7x3_2", "7x7x3_3", "7x7x3_4"),
        **dict.fromkeys(
            ("Mixed_7b", "Mixed_7c"), ("1x1", "3x3_1", "3x3_2a", "3x3_2b", "3x3dbl_1", "3x3dbl_2", "3x3dbl_3a", "3x3dbl_3b", "_pool")
        ),
    }
    return [f"{block}.branch{part}" if block else part for block, parts in blocks.items() for part in parts]


def _keras_inception(weights):
    return keras.applications.InceptionV3(include_top=False, weights=weights, input_shape=(None, None, 3), pooling="avg")


def _kinds():
    return keras.layers.Conv2D, keras.layers.BatchNormalization


def _in_order_of_creation(model, kind):
    # Keras numbers layers as it makes them: "conv2d", "conv2d_1", or from a later number where there were others before.
    def number(layer):
        end = layer.name.rsplit("_", 1)[-1]
        return int(end) if end.isdigit() else 0

    return sorted((layer for layer in model.layers if isinstance(layer, kind)), key=number)


def _scaled(variance, scale):
    if scale is None:
        return variance
    if scale.shape != variance.shape or not (scale > 0).all():
        raise ValueError("the scales must be positive, one for each channel")
    return (variance + _EPSILON) / scale**2 - _EPSILON
