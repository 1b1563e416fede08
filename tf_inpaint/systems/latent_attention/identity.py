"""The identity network: which face is in a picture, for the identity loss of stage 1.

ArcFace's IR-SE-50 from the user's file, or a smaller one of the same make, which `training.train_identity` trains. It is no part of the
system: the training alone needs it, and works without.

Source: Deng et al. 2019 (ArcFace), arXiv:1801.07698; `model_ir_se50.pth` and the crop of the released code of pSp.
"""

import math
import os
import re
import warnings
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from tf_inpaint import official_weights, ops
from tf_inpaint.errors import ConfigError, WeightsError
from tf_inpaint.layers import FusedBatchNormalization
from tf_inpaint.systems.latent_attention.ir_se import UNITS, WIDTHS, build_trunk
from tf_inpaint.systems.latent_attention.official_names_encoder import published_variables

KINDS = ("arcface", "own")
# Where pSp finds the face in a picture of 256 pixels: first row, first column, side.
_CROP = (35, 32, 188)
_CROPPED_FROM = 256
# The trunk halves the picture four times.
_STRIDE = 16


def crop_faces(images: tf.Tensor, size: int = 112) -> tf.Tensor:
    """Cuts the face out of aligned pictures, as the identity network was trained to see it.

    Args:
        images: `[B, H, W, 3]` floating point, H and W known: aligned faces as in FFHQ and CelebA-HQ.
        size: side of the result.

    Returns:
        `[B, size, size, 3]`, same dtype: of 256 pixels rows 35 to 222 and columns 32 to 219, of others the same part; averaged over bins.

    Source: pSp's `IDLoss`.
    """
    height, width = images.shape[1:3]
    top, left, side = _CROP
    rows = slice(round(top * height / _CROPPED_FROM), round((top + side) * height / _CROPPED_FROM))
    columns = slice(round(left * width / _CROPPED_FROM), round((left + side) * width / _CROPPED_FROM))
    return ops.resampling.adaptive_average_pool(images[:, rows, columns], (size, size))


def build_identity_network(
    *,
    image_size: int = 112,
    base_filters: int = 64,
    units: tuple[int, int, int, int] = UNITS,
    reduction: int = 16,
    embedding_size: int = 512,
    dropout: float = 0.4,
    seed: int | None = None,
    name: str = "identity",
) -> keras.Model:
    """Builds an identity network R: the trunk of the encoder, and a dense layer on its last map.

    Args:
        image_size: side of the faces, a multiple of 16.
        base_filters: width of the trunk's first group.
        units: number of units in each group of the trunk.
        reduction: of the units' squeeze-and-excitation.
        embedding_size: length of the embeddings.
        dropout: share of the last map that is dropped in training.
        seed: of what is dropped; `None` for any.
        name: name of the model.

    Returns:
        Functional model: faces `[B, image_size, image_size, 3]` in [-1, 1] -> embeddings `[B, embedding_size]` float32 of length 1;
        43,797,696 parameters by default.

    Raises:
        ConfigError: if the size is no multiple of 16.

    Source: ArcFace's IR-SE-50.
    """
    if image_size < _STRIDE or image_size % _STRIDE:
        raise ConfigError(f"The identity network needs faces whose side is a multiple of {_STRIDE}. Received: image_size={image_size}.")
    faces = keras.Input((image_size, image_size, 3), name="faces", dtype="float32")
    x = build_trunk(faces, base_filters=base_filters, units=units, reduction=reduction)[-1]
    x = FusedBatchNormalization(name="output_norm")(x)
    x = keras.layers.Dropout(dropout, seed=seed, name="output_dropout")(x)
    x = keras.layers.Flatten(name="embedding_flatten")(x)
    x = keras.layers.Dense(embedding_size, dtype="float32", name="embedding_dense")(x)
    # As a map of one pixel: one kind of batch normalisation for all.
    x = keras.layers.Reshape((1, 1, embedding_size), dtype="float32", name="embedding_map")(x)
    x = FusedBatchNormalization(dtype="float32", name="embedding_norm")(x)
    x = keras.layers.Flatten(dtype="float32", name="embedding_vector")(x)
    return keras.Model(faces, keras.layers.UnitNormalization(axis=-1, dtype="float32", name="embedding")(x), name=name)


def load_identity_network(arrays: Mapping[str, np.ndarray], *, origin: str) -> keras.Model:
    """Builds the identity network that published or own arrays belong to, and fills it.

    Args:
        arrays: as `model_ir_se50.pth` names them ("input_layer.0.weight", "body.0.res_layer.0.weight", ..., "output_layer.4.bias"), or
            `identity_arrays` of our own. Sizes are taken from them.
        origin: what to call the arrays in an error.

    Returns:
        The network, not trainable.

    Raises:
        WeightsError: if an array is missing, left over or of a wrong shape.
    """
    try:
        network = build_identity_network(**_sizes(arrays))
    except (ArithmeticError, LookupError, ValueError, ConfigError) as error:
        raise WeightsError(
            f"{origin} does not hold an IR-SE identity network such as model_ir_se50.pth; not understood: {error}."
        ) from error
    official = official_weights.OfficialWeights(arrays, origin=origin)
    for name, (variable, layout) in published_variables(network).items():
        official.assign(variable, name, layout)
    official.finish()
    network.trainable = False
    return network


def open_identity_network(source: str | os.PathLike) -> keras.Model | None:
    """Opens the identity network that a configuration names.

    Args:
        source: "arcface:PATH" (ArcFace's `model_ir_se50.pth`, with torch installed, or an `.npz` of the same names), "own:PATH" (one of our
            own, an `.npz` of `identity_arrays`), or "none". "arcface" or "own" alone name no file.

    Returns:
        The network, not trainable; `None` for "none", and where there is no such file: a warning says then that the identity loss is off
        and what helps.

    Raises:
        ConfigError: if the source begins with another name.
        WeightsError: if the file is there and not in order.
    """
    kind, _, path = str(source).partition(":")
    if kind == "none":
        return None
    if kind not in KINDS:
        raise ConfigError(f"The identity network is 'arcface:PATH', 'own:PATH' or 'none'. Received: {str(source)!r}.")
    if not path or not os.path.isfile(os.path.expanduser(path)):
        reason = f"there is no file {path!r}" if path else f"the identity network {str(source)!r} names no file"
        warnings.warn(
            f"Training goes on without the identity loss: {reason}. Give it as 'arcface:PATH' or 'own:PATH' (`tf-inpaint train-identity` "
            "makes one), or set it to 'none' to switch the loss off without this message.",
            stacklevel=2,
        )
        return None
    return load_identity_network(official_weights.read(os.path.expanduser(path)), origin=path)


def identity_arrays(network: keras.Model) -> dict[str, np.ndarray]:
    """Gives the arrays of an identity network published names and PyTorch's order of axes, for `numpy.savez`.

    Args:
        network: from `build_identity_network`.

    Returns:
        name -> float32 array, as `load_identity_network` takes them.
    """
    arrays = {}
    for name, (variable, layout) in published_variables(network).items():
        array = np.asarray(variable)
        if layout == "conv":
            array = array.transpose(3, 2, 0, 1)
        elif name == "output_layer.3.weight":
            height, width, channels = network.get_layer("embedding_flatten").input.shape[1:]
            array = array.reshape(height, width, channels, -1).transpose(3, 2, 0, 1).reshape(array.shape[1], -1)
        elif layout is not None:
            array = array.reshape(-1)  # slopes
        arrays[name] = array
    return arrays


def _sizes(arrays):
    """Arguments of `build_identity_network` from the shapes of its arrays."""
    base_filters = arrays["input_layer.0.weight"].shape[0]
    widths = {}
    for name, array in arrays.items():
        if match := re.fullmatch(r"body\.(\d+)\.res_layer\.3\.weight", name):
            widths[int(match[1])] = array.shape[0]
    units = tuple(list(widths.values()).count(width * base_filters) for width in WIDTHS)
    if sum(units) != len(widths):
        raise ValueError(f"units of {sorted(set(widths.values()))} channels after a stem of {base_filters}")
    # Of the widest unit: in narrow ones the quotient is rounded.
    squeezed = arrays[f"body.{len(widths) - 1}.res_layer.5.fc1.weight"].shape[0]
    embedding_size, inputs = arrays["output_layer.3.weight"].shape
    return {
        "image_size": _STRIDE * math.isqrt(inputs // (WIDTHS[-1] * base_filters)),
        "base_filters": base_filters,
        "units": units,
        "reduction": WIDTHS[-1] * base_filters // squeezed,
        "embedding_size": embedding_size,
    }
