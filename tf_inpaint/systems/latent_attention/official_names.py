"""From the names of published weights of StyleGAN2, and of encoders for it, to our layers.

These families of names are read, whichever of their networks are there:

    rosinality's PyTorch code: "g_ema/convs.0.conv.weight", "d/convs.1.conv1.0.weight", "latent_avg"; the training copy "g" and the
        optimizers' states are left out. pixel2style2pixel's checkpoints hold the same generator as "state_dict/decoder.convs..."
    NVIDIA's TensorFlow 1 code, whose pickles only that code can open; their variables are stored in an `.npz` file as
        "G_mapping/Dense0/weight", "G_synthesis/8x8/Conv0_up/weight", "D/64x64/Conv0/weight", "dlatent_avg"
    encoders, see `official_names_encoder`: pixel2style2pixel's "state_dict/encoder.body.0. ..." beside its generator; and ArcFace's
        "body.0. ...", with which the encoder's trunk can start.

The trap: NVIDIA's `upsample_conv_2d` turns the kernel by 180 degrees before its transposed convolution; PyTorch's port stores it turned,
as we do. So NVIDIA's "Conv0_up" kernels, and no others, are turned here. Their biases of the modulation lack the 1 that is added in use.
"""

from collections.abc import Callable, Iterator, Mapping

import keras
import numpy as np

from tf_inpaint.errors import WeightsError
from tf_inpaint.layers import StyledConv2D, StyleToRgb
from tf_inpaint.official_weights import OfficialWeights
from tf_inpaint.systems.latent_attention.official_names_encoder import ARCFACE_HEAD, ARCFACE_STEM, published_encoder
from tf_inpaint.systems.latent_attention.style_networks import SMALLEST_SIZE

# Prefix of a generator in rosinality's and in pixel2style2pixel's checkpoints.
GENERATOR_PREFIXES = ("g_ema/", "state_dict/decoder.")
# What these checkpoints hold besides, and why nothing is lost.
LEFT_OUT = {
    "g/": "the generator without averaging",
    "g_optim/": "a state of training",
    "d_optim/": "a state of training",
    "args/": "settings of a training",
    "opts/": "settings of a training",
}


def assign(networks: Mapping[str, keras.Model], arrays: Mapping[str, np.ndarray]) -> None:
    """Assigns published arrays to those networks that they belong to, or to none.

    Args:
        networks: of "mapping", "synthesis", "critic" and "encoder" those that may be filled.
        arrays: name -> array.

    Raises:
        WeightsError: if an array is missing, left over or of another shape, or no network's arrays are there.
    """
    official = OfficialWeights(arrays, origin="StyleGAN2 and its encoder")
    found = list(_published(networks, arrays))
    if not found:
        raise WeightsError(
            "The arrays hold neither a StyleGAN2 nor an encoder: expected names that begin with 'g_ema/', 'state_dict/' or 'd/' (PyTorch), "
            "with 'G_mapping/', 'G_synthesis/' or 'D/' (TensorFlow 1), or with 'input_layer.' (ArcFace). Received: "
            f"{', '.join(sorted(arrays)[:5]) or 'no arrays'}."
        )
    for name, variable, layout in found:
        official.assign(variable, name, layout)
    for name in _fixed_filters(arrays):
        official.ignore(name, because="the filter, which is the same for all")
    for prefix, reason in LEFT_OUT.items():
        official.ignore(prefix, because=reason)
    assigned = {name for name, *_ in found}
    for name in arrays:
        if name.startswith((ARCFACE_STEM, ARCFACE_HEAD)) and name not in assigned:
            official.ignore(name, because="of ArcFace's network, and not of the trunk as far as the encoder has it")
    official.finish()


def _published(networks, arrays) -> Iterator[tuple[str, object, str | Callable | None]]:
    """Yields (published name, variable, layout) of each network whose names are among the arrays."""

    def has(prefix):
        return any(name.startswith(prefix) for name in arrays)

    generator = [prefix for prefix in GENERATOR_PREFIXES if has(prefix)]
    if "mapping" in networks:
        mean = networks["mapping"].get_layer("statistics").mean
        for name in ("latent_avg", "dlatent_avg"):
            if name in arrays:
                yield name, mean, _mean_style
    for prefix in generator:
        if "mapping" in networks:
            yield from _prefixed(prefix, _torch_mapping(networks["mapping"]))
        if "synthesis" in networks:
            yield from _prefixed(prefix, _torch_synthesis(networks["synthesis"]))
    if "critic" in networks and has("d/"):
        yield from _prefixed("d/", _torch_critic(networks["critic"]))
    if "encoder" in networks:
        yield from published_encoder(networks["encoder"], arrays)
    for prefix, name, published in (
        ("G_mapping/", "mapping", _tensorflow_mapping),
        ("G_synthesis/", "synthesis", _tensorflow_synthesis),
        ("D/", "critic", _tensorflow_critic),
    ):
        if name in networks and has(prefix):
            yield from _prefixed(prefix, published(networks[name]))


def _prefixed(prefix, published):
    return ((prefix + name, variable, layout) for name, variable, layout in published)


def _torch_mapping(network):
    for index, layer in enumerate(_dense_layers(network), start=1):
        yield f"style.{index}.weight", layer.kernel, "dense"
        yield f"style.{index}.bias", layer.bias, None


def _torch_synthesis(network):
    yield "input.input", network.get_layer("constant").constant, _first_nhwc
    for index, layer in enumerate(_layers(network, StyledConv2D)):
        name = "conv1" if index == 0 else f"convs.{index - 1}"
        yield from _torch_modulation(f"{name}.conv.", layer)
        yield f"{name}.noise.weight", layer.noise_strength, _scalar
        yield f"{name}.activate.bias", layer.bias, None
        yield f"noises.noise_{index}", layer.noise, _plane
    for index, layer in enumerate(_layers(network, StyleToRgb)):
        name = "to_rgb1" if index == 0 else f"to_rgbs.{index - 1}"
        yield from _torch_modulation(f"{name}.conv.", layer)
        yield f"{name}.bias", layer.bias, np.ravel


def _torch_modulation(prefix, layer):
    yield f"{prefix}weight", layer.kernel, lambda array: array[0].transpose(2, 3, 1, 0)
    yield f"{prefix}modulation.weight", layer.modulation_kernel, "dense"
    yield f"{prefix}modulation.bias", layer.modulation_bias, None


def _torch_critic(network):
    from_rgb, blocks, last, dense, scores = _critic_layers(network)
    yield "convs.0.0.weight", from_rgb.kernel, "conv"
    yield "convs.0.1.bias", from_rgb.bias, None
    for index, (first, second, skip) in enumerate(blocks, start=1):
        yield f"convs.{index}.conv1.0.weight", first.kernel, "conv"
        yield f"convs.{index}.conv1.1.bias", first.bias, None
        yield f"convs.{index}.conv2.1.weight", second.kernel, "conv"
        yield f"convs.{index}.conv2.2.bias", second.bias, None
        yield f"convs.{index}.skip.1.weight", skip.kernel, "conv"
    yield "final_conv.0.weight", last.kernel, "conv"
    yield "final_conv.1.bias", last.bias, None
    yield "final_linear.0.weight", dense.kernel, lambda array: _channels_last(array.T)
    yield "final_linear.0.bias", dense.bias, None
    yield "final_linear.1.weight", scores.kernel, "dense"
    yield "final_linear.1.bias", scores.bias, None


def _tensorflow_mapping(network):
    for index, layer in enumerate(_dense_layers(network)):
        yield f"Dense{index}/weight", layer.kernel, None
        yield f"Dense{index}/bias", layer.bias, None


def _tensorflow_synthesis(network):
    yield "4x4/Const/const", network.get_layer("constant").constant, _first_nhwc
    for index, layer in enumerate(_layers(network, StyledConv2D)):
        size = layer.noise.shape[0]
        name = f"{size}x{size}/" + ("Conv" if index == 0 else "Conv0_up" if layer.upsample else "Conv1")
        yield from _tensorflow_modulation(name, layer, _turned if layer.upsample else None)
        yield f"{name}/noise_strength", layer.noise_strength, _scalar
        yield f"{name}/bias", layer.bias, None
        yield f"noise{index}", layer.noise, _plane
    for index, layer in enumerate(_layers(network, StyleToRgb)):
        size = SMALLEST_SIZE * 2**index
        yield from _tensorflow_modulation(f"{size}x{size}/ToRGB", layer, None)
        yield f"{size}x{size}/ToRGB/bias", layer.bias, None


def _tensorflow_modulation(name, layer, layout):
    yield f"{name}/weight", layer.kernel, layout
    yield f"{name}/mod_weight", layer.modulation_kernel, None
    yield f"{name}/mod_bias", layer.modulation_bias, lambda array: array + 1.0


def _tensorflow_critic(network):
    from_rgb, blocks, last, dense, scores = _critic_layers(network)
    largest = SMALLEST_SIZE * 2 ** len(blocks)
    yield f"{largest}x{largest}/FromRGB/weight", from_rgb.kernel, None
    yield f"{largest}x{largest}/FromRGB/bias", from_rgb.bias, None
    for index, (first, second, skip) in enumerate(blocks):
        name = f"{largest >> index}x{largest >> index}"
        yield f"{name}/Conv0/weight", first.kernel, None
        yield f"{name}/Conv0/bias", first.bias, None
        yield f"{name}/Conv1_down/weight", second.kernel, None
        yield f"{name}/Conv1_down/bias", second.bias, None
        yield f"{name}/Skip/weight", skip.kernel, None
    yield "4x4/Conv/weight", last.kernel, None
    yield "4x4/Conv/bias", last.bias, None
    yield "4x4/Dense0/weight", dense.kernel, _channels_last
    yield "4x4/Dense0/bias", dense.bias, None
    yield "Output/weight", scores.kernel, None
    yield "Output/bias", scores.bias, None


def _fixed_filters(arrays):
    filters = ("blur.kernel", "upsample.kernel", "conv2.0.kernel", "skip.0.kernel")
    return [name for name in arrays if name.endswith(filters) and not name.startswith(tuple(LEFT_OUT))]


def _layers(network, layer_class):
    """The layers of a class, in the order of their sizes, which is that of the network."""
    found = [layer for layer in network.layers if isinstance(layer, layer_class)]
    return sorted(found, key=lambda layer: layer.style_index)


def _dense_layers(network):
    return [layer for layer in network.layers if layer.name.startswith("dense_")]


def _critic_layers(network):
    sizes = sorted((int(layer.name.split("_")[1]) for layer in network.layers if layer.name.endswith("_skip")), reverse=True)
    blocks = [[network.get_layer(f"block_{size}_{part}") for part in ("conv_1", "conv_2", "skip")] for size in sizes]
    get = network.get_layer
    return get("from_rgb"), blocks, get("conv_4"), get("dense_1"), get("scores")


def _mean_style(array):
    """`[S]`, or the same for each of the styles, `[N, S]`."""
    return array.reshape(-1, array.shape[-1]).mean(axis=0)


def _scalar(array):
    return array.reshape(())


def _plane(array):
    return array[0, 0]


def _first_nhwc(array):
    return array[0].transpose(1, 2, 0)


def _turned(array):
    return array[::-1, ::-1]


def _channels_last(array):
    """`[C * 4 * 4, units]`, channels first -> `[4 * 4 * C, units]`."""
    channels = array.shape[0] // SMALLEST_SIZE**2
    spread = array.reshape(channels, SMALLEST_SIZE, SMALLEST_SIZE, -1)
    return spread.transpose(1, 2, 0, 3).reshape(array.shape)
