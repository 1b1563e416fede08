"""From the names of the published weights to our layers."""

from collections.abc import Mapping

import keras
import numpy as np

from tf_inpaint.official_weights import OfficialWeights, spectral_rows

# Network -> start of the names, as `official_weights.read` makes them of the four published files.
PREFIXES = {
    "edge_generator": "EdgeModel_gen/generator/",
    "edge_critic": "EdgeModel_dis/discriminator/",
    "completion_generator": "InpaintingModel_gen/generator/",
    "completion_critic": "InpaintingModel_dis/discriminator/",
}
# Our layer -> the released code's, beside the residual blocks.
GENERATOR_NAMES = {
    "conv_1": "encoder.1",
    "conv_2": "encoder.4",
    "conv_3": "encoder.7",
    "up_conv_4": "decoder.0",
    "up_conv_5": "decoder.3",
    "conv_6": "decoder.7",
}


def assign(networks: Mapping[str, keras.Model], arrays: Mapping[str, np.ndarray]) -> None:
    """Assigns the published arrays to all four networks, or to none.

    Args:
        networks: the system's, by name.
        arrays: name -> array in PyTorch's layout.

    Raises:
        WeightsError: if an array is missing, left over or of another shape.
    """
    official = OfficialWeights(arrays, origin="EdgeConnect")
    for name, prefix in PREFIXES.items():
        for published_name, (variable, layout) in published_variables(networks[name]).items():
            official.assign(variable, prefix + published_name, layout)
    for name in ("edge_critic", "completion_critic"):
        official.ignore(f"{PREFIXES[name]}features.", because="another name of conv1's arrays")
    official.finish()


def published_variables(network: keras.Model) -> dict[str, tuple]:
    """Lists the variables of a network by their published names.

    Args:
        network: one of the four, as `networks` builds them.

    Returns:
        name in the released code -> (variable, layout as for `OfficialWeights.assign`).
    """
    found = {}
    for layer in network.layers:
        if not layer.weights:
            continue
        name = _critic_layer(layer.name) if network.name.endswith("critic") else _generator_layer(layer.name)
        layout = "conv_transpose" if layer.name.startswith("up_conv") else "conv"
        if hasattr(layer, "u"):
            found[f"{name}.weight_orig"] = layer.kernel, layout
            found[f"{name}.weight_u"] = layer.u, None
            found[f"{name}.weight_v"] = layer.v, spectral_rows(*layer.kernel.shape[:2])
        else:
            found[f"{name}.weight"] = layer.kernel, layout
        if layer.use_bias:
            found[f"{name}.bias"] = layer.bias, None
    return found


def _critic_layer(name):
    return f"{name.replace('_', '')}.0"  # conv_1 -> conv1.0


def _generator_layer(name):
    if name.startswith("block_"):  # block_1_conv_1 -> middle.0.conv_block.1, block_1_conv_2 -> middle.0.conv_block.5
        _, block, _, convolution = name.split("_")
        return f"middle.{int(block) - 1}.conv_block.{1 if convolution == '1' else 5}"
    return GENERATOR_NAMES[name]
