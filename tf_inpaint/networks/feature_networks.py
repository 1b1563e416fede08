"""Feature networks: what a trained VGG sees in a picture, for perceptual and style losses."""

import contextlib
import os
import socket
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_inpaint.errors import ConfigError, MissingWeightsError, WeightsError
from tf_inpaint.layers import FusableConv2D
from tf_inpaint.networks import vgg_weights
from tf_inpaint.networks.vgg_weights import BLOCKS, IMAGENET_DEVIATION, IMAGENET_MEAN, VggWeights

# How long an attempt to reach the server of Keras' weights may hang.
CONNECTION_TIMEOUT_SECONDS = 10.0
# Widths and seed of the source "random".
_RANDOM_WIDTHS = (8, 12, 16, 16, 16)
_RANDOM_SEED = 0


def build_feature_network(
    source: str | Mapping[str, np.ndarray],
    layers: Sequence[str],
    *,
    normalise: bool = True,
    dtype: str | None = None,
    name: str = "feature_network",
) -> keras.Model:
    """Builds a VGG up to the deepest layer asked for, with fixed weights.

    Features are as large as those of torchvision's VGGs, with which the loss weights of papers were found: see
    `networks.vgg_weights` for what is done to the weights of each kind. That is right for a loss that compares pictures; features of
    the exact size that another library gives need its factor.

    Args:
        source: where the weights come from.
            "vgg16", "vgg19": Keras' ImageNet weights, from Keras' cache (`~/.keras/models`) or, once, from the net.
            "vgg16:PATH", "vgg19:PATH": a `.npz` or `.h5` file. "PATH": the same, the kind of VGG recognised by its arrays.
            "random": a narrow VGG19 with fixed random weights, for tests.
            Several of these joined by "+": each layer is taken from the first that has it, and no more of them are opened than needed.
            A mapping from name to array: what a `.npz` file would hold.
        layers: names of feature maps, each once: "relu1_1" (after convolution and ReLU) to "relu5_4", "pool1" to "pool5".
        normalise: whether ImageNet's mean is subtracted and its deviation divided by, as these networks were trained. False: pictures go
            in as they are in [0, 1], as in EdgeConnect; its loss weights were found so.
        dtype: precision policy of the convolutions, such as "mixed_bfloat16"; `None`: the global one.
        name: name of the model.

    Returns:
        Model `[B, H, W, 3]` float32 in [-1, 1] -> list of float32 maps `[B, H / 2^k, W / 2^k, C]` (rounded down) in the order of
        `layers`, k the number of poolings before. It has no trainable weights; gradients reach its input.

    Raises:
        ConfigError: if the source or a layer has no such name, or a layer is asked for twice.
        MissingWeightsError: if the weights are neither on this machine nor to be downloaded now.
        WeightsError: if a file is damaged or not a VGG, or no source has one of the layers.

    Source: Simonyan & Zisserman 2014, arXiv:1409.1556, configurations D and E.
    """
    layers = tuple(layers)
    unknown = [layer for layer in layers if layer not in vgg_weights.layer_names("vgg19")]
    if unknown or not layers or len(set(layers)) < len(layers):
        raise ConfigError(
            f"`layers` must name feature maps of a VGG, each once: 'relu1_1' to 'relu5_4', 'pool1' to 'pool5'. Received: layers={layers}."
        )
    image = keras.Input((None, None, 3), name="image", dtype="float32")
    maps = {}
    for index, (weights, wanted) in enumerate(_choose(source, layers), start=1):
        maps.update(_features(weights, wanted, image, normalise=normalise, dtype=dtype, suffix="" if index == 1 else f"_{index}"))
    outputs = [keras.layers.Activation("linear", dtype="float32", name=layer)(maps[layer]) for layer in layers]
    return _FeatureNetwork(image, outputs, name=name, trainable=False)


def open_feature_network(
    source: str | Mapping[str, np.ndarray],
    layers: Sequence[str],
    *,
    purpose: str,
    normalise: bool = True,
    dtype: str | None = None,
) -> keras.Model | None:
    """Builds a feature network for losses that can be switched off.

    Args:
        source: as for `build_feature_network`, or "none".
        layers: as for `build_feature_network`; with none of them there is no network.
        purpose: the loss terms that need it, such as "the perceptual and style losses"; part of the warning.
        normalise: as for `build_feature_network`.
        dtype: as for `build_feature_network`.

    Returns:
        The network, or `None`: for "none", for no layers, and where the weights are neither on this machine nor to be downloaded; in
        that last case a warning says which losses are off and what helps. A file that is there and not in order is an error.

    Raises:
        ConfigError: as `build_feature_network`.
        WeightsError: as `build_feature_network`.
    """
    if not layers or (isinstance(source, str) and source == "none"):
        return None
    try:
        return build_feature_network(source, layers, normalise=normalise, dtype=dtype)
    except MissingWeightsError as error:
        warnings.warn(
            f"Training goes on without {purpose}: {error} To switch them off without this message, set the feature network to 'none'.",
            stacklevel=2,
        )
        return None


class _FeatureNetwork(keras.Model):
    """A functional model that returns a list for a single output as well."""

    def call(self, inputs, training=None, mask=None):
        outputs = super().call(inputs, training=training, mask=mask)
        return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


def _choose(source, layers) -> Iterator[tuple[VggWeights, list[str]]]:
    """Yields weights and the layers that are taken from them."""
    missing, offered = list(layers), []
    for part in [source] if isinstance(source, Mapping) else source.split("+"):
        weights = vgg_weights.parse(source, origin="the arrays given") if isinstance(source, Mapping) else _read(part)
        offered += [layer for layer in weights.layers if layer not in offered]
        wanted = [layer for layer in missing if layer in weights.layers]
        missing = [layer for layer in missing if layer not in wanted]
        if wanted:
            yield weights, wanted
        if not missing:
            return
    text = source if isinstance(source, str) else "given as arrays"
    raise WeightsError(f"The feature network {text} has no {', '.join(missing)}. It has: {', '.join(offered)}.")


def _read(source: str) -> VggWeights:
    if source == "random":
        return _random_weights()
    variant, separator, path = source.partition(":")
    if variant not in BLOCKS:
        variant, path = None, source
    elif not separator:
        path = _keras_file(variant)
        if path is None:
            return _download(variant)
    if not path:
        raise ConfigError(
            f"A feature network is one of 'vgg16', 'vgg19', 'vgg16:PATH', 'vgg19:PATH', 'PATH' or 'random'. Received: {source!r}."
        )
    path = Path(path).expanduser()
    if not path.is_file():
        raise MissingWeightsError(
            f"there is no file {path}. Give the path of a .npz or .h5 file with a VGG's weights, or 'vgg16' or 'vgg19' for Keras' "
            "ImageNet weights."
        )
    try:
        arrays = _read_hdf5(path) if path.suffix in (".h5", ".hdf5") else _read_npz(path)
    except (OSError, EOFError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path} cannot be read as plain arrays ({error}). If it was downloaded, delete it and try again.") from error
    return vgg_weights.parse(arrays, origin=str(path), variant=variant)


def _read_npz(path):
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _read_hdf5(path):
    import h5py

    arrays = {}

    def collect(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with h5py.File(path, "r") as file:
        file.visititems(collect)
    return arrays


def _keras_file(variant):
    """Finds Keras' weights without the dense layers in its cache. Keras 2.15 looks for `$KERAS_HOME` in some places only."""
    name = f"{variant}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    homes = [Path(home) for home in (os.environ.get("KERAS_HOME"), Path.home() / ".keras") if home]
    return next((home / "models" / name for home in homes if (home / "models" / name).is_file()), None)


def _download(variant):
    """Lets Keras download its weights into its cache, and takes them from the network that it builds with them."""
    application = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}[variant]
    try:
        with _impatient_connections():
            network = application(include_top=False, weights="imagenet", input_shape=(32, 32, 3))
    except Exception as error:  # Keras raises a bare Exception when it has no connection
        name = f"{variant}_weights_tf_dim_ordering_tf_kernels_notop.h5"
        raise MissingWeightsError(
            f"Keras' ImageNet weights of {variant} are not in its cache and cannot be downloaded ({error}). Put the file {name} into "
            f"{Path.home() / '.keras' / 'models'}, or give the path of a file with a VGG's weights."
        ) from error
    arrays = {f"{layer.name}/{index}": array for layer in network.layers for index, array in enumerate(layer.get_weights())}
    return vgg_weights.parse(arrays, origin=f"Keras' {variant}", variant=variant)


@contextlib.contextmanager
def _impatient_connections():
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(CONNECTION_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _random_weights() -> VggWeights:
    random = np.random.RandomState(_RANDOM_SEED)
    arrays, channels = {}, 3
    for layer in vgg_weights.layer_names("vgg19"):
        if layer.startswith("relu"):
            width = _RANDOM_WIDTHS[int(layer[4]) - 1]
            arrays[f"{layer.replace('relu', 'conv')}/kernel"] = random.normal(0.0, (2 / (9 * channels)) ** 0.5, (3, 3, channels, width))
            arrays[f"{layer.replace('relu', 'conv')}/bias"] = random.normal(0.0, 0.05, width)
            channels = width
    return vgg_weights.parse(arrays, origin="the random network", variant="vgg19")


def _features(weights, layers, image, *, normalise, dtype, suffix):
    """Adds the layers of one VGG to the graph, and returns the maps asked for by name."""
    color_kernel, color_bias = weights.color_kernel, weights.color_bias
    if not normalise:
        # What a network trained on (x - mean) / deviation makes of x alone.
        color_bias = IMAGENET_MEAN @ color_kernel + color_bias
        color_kernel = IMAGENET_DEVIATION[:, None] * color_kernel
    deepest = max(weights.layers.index(layer) for layer in layers)
    # From [-1, 1] instead of [0, 1]; in float32, so that half precision rounds what is left once and not each step.
    x = _Color(0.5 * color_kernel, 0.5 * np.sum(color_kernel, axis=0) + color_bias, dtype="float32", name=f"color{suffix}")(image)
    maps = {}
    for layer in weights.layers[: deepest + 1]:
        if layer.startswith("pool"):
            maps[layer] = x = keras.layers.MaxPooling2D(2, dtype=dtype, name=f"max_{layer}{suffix}")(x)
            continue
        convolution = layer.replace("relu", "conv")
        convolve = _MirroredConv2D if weights.mirrored else FusableConv2D
        padding = "valid" if weights.mirrored else "same"
        x = _fixed(convolve, weights.convolutions[convolution], x, dtype=dtype, padding=padding, name=convolution + suffix)
        maps[layer] = x
        if layer in layers and convolution in weights.heads:
            maps[layer] = _fixed(FusableConv2D, weights.heads[convolution], x, dtype=dtype, name=f"{convolution}_aux{suffix}")
    return {layer: maps[layer] for layer in layers}


def _fixed(layer_class, weights, inputs, **arguments):
    kernel, bias = weights
    layer = layer_class(
        kernel.shape[-1],
        kernel.shape[0],
        activation="relu",
        kernel_initializer=keras.initializers.Constant(kernel),
        bias_initializer=keras.initializers.Constant(bias),
        trainable=False,
        **arguments,
    )
    return layer(inputs)


class _MirroredConv2D(FusableConv2D):
    """A 3x3 convolution that continues its input by the mirror image, without repeating the edge row."""

    def call(self, inputs):
        return super().call(tf.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT"))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:3], self.filters)


class _Color(keras.layers.Layer):
    """Multiplies RGB by a fixed 3x3 matrix and adds a fixed vector."""

    def __init__(self, kernel, bias, **kwargs):
        super().__init__(trainable=False, **kwargs)
        self.color_kernel, self.color_bias = kernel, bias

    def call(self, inputs):
        return tf.tensordot(inputs, tf.constant(self.color_kernel, tf.float32), 1) + tf.constant(self.color_bias, tf.float32)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)
