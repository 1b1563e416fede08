"""From the names of the published weights to our layers."""

from collections.abc import Mapping

import keras
import numpy as np

from tf_inpaint.errors import ConfigError, WeightsError
from tf_inpaint.official_weights import OfficialWeights, spectral_rows
from tf_inpaint.systems.pen_net.config import PenNetConfig
from tf_inpaint.systems.pen_net.networks import DILATION_RATES


def assign(config: PenNetConfig, networks: Mapping[str, keras.Model], arrays: Mapping[str, np.ndarray]) -> None:
    """Assigns the published arrays to the networks, or to none.

    Args:
        config: the system's.
        networks: the system's, by name.
        arrays: name -> array in PyTorch's layout. What stands before the last "/" of a name, the file's and "netG" or "netD", is left out:
            the names of the two networks differ without.

    Raises:
        ConfigError: if the networks have the form of which no weights were published.
        WeightsError: if an array is missing, left over, there twice or of another shape.
    """
    if config.upsample != "bilinear":
        raise ConfigError(f"The published weights are of the form upsample='bilinear'. Received: upsample={config.upsample!r}.")
    published = {}
    for name, array in arrays.items():
        if published.setdefault(name.rpartition("/")[2], array) is not array:
            raise WeightsError(
                f"Each of PEN-Net's arrays is taken once. Received a second one as {name!r}. Give one file gen_*.pth and one dis_*.pth."
            )
    official = OfficialWeights(published, origin="PEN-Net")
    for name, (variable, layout) in published_variables(networks["generator"]).items():
        official.assign(variable, name, layout)
    critic = published_variables(networks["critic"])
    if not critic.keys().isdisjoint(published):
        for name, (variable, layout) in critic.items():
            official.assign(variable, name, layout)
    official.finish()


def published_variables(network: keras.Model) -> dict[str, tuple]:
    """Lists the variables of a network by their published names.

    Args:
        network: the generator or the critic, as `networks` builds them.

    Returns:
        name in the released code -> (variable, layout as for `OfficialWeights.assign`).
    """
    find_name = _critic_layer if network.name == "critic" else _generator_layer
    found = {}
    for layer in network.layers:
        if not layer.weights:
            continue
        name = find_name(layer.name)
        if layer.spectral_norm:
            found[f"{name}.weight_orig"] = layer.kernel, "conv"
            found[f"{name}.weight_u"] = layer.u, None
            found[f"{name}.weight_v"] = layer.v, spectral_rows(*layer.kernel.shape[:2])
        else:
            found[f"{name}.weight"] = layer.kernel, "conv"
        if layer.use_bias:
            found[f"{name}.bias"] = layer.bias, None
    return found


def _critic_layer(name):
    number = int(name.removeprefix("conv_"))
    return "classifier" if number == 5 else f"encoder.{2 * (number - 1)}"  # between two convolutions lies an activation


def _generator_layer(name):
    part, level, *rest = name.split("_")
    if part == "encoder":
        return f"dw_conv{int(level):02d}.0"
    if part == "attention":  # attention_4_dilation_2 -> at_conv04.conv01.0
        return f"at_conv{int(level):02d}.conv{DILATION_RATES.index(int(rest[-1])):02d}.0"
    if part == "decoder":
        return "decoder.0" if level == "0" else f"up_conv{int(level):02d}.0"
    return "decoder.2" if level == "0" else f"torgb{level}.0"  # picture_...
