"""From the names of published weights of IR-SE trunks to our layers: pSp's encoder and the ArcFace network `model_ir_se50.pth`."""

from collections.abc import Iterator, Mapping

import keras
import numpy as np

from tf_inpaint.errors import WeightsError

# Prefix of the encoder in pSp's checkpoints.
ENCODER_PREFIX = "state_dict/encoder."
# Start of the names in `model_ir_se50.pth`, by which the file is known; and of its last layers, which an encoder has not.
ARCFACE_STEM, ARCFACE_HEAD = "input_layer.", "output_layer."
# Ours -> what the released code calls it inside a unit.
_UNIT_PARTS = {
    "shortcut_conv": "shortcut_layer.0",
    "shortcut_norm": "shortcut_layer.1",
    "norm_1": "res_layer.0",
    "conv_1": "res_layer.1",
    "prelu": "res_layer.2",
    "conv_2": "res_layer.3",
    "norm_2": "res_layer.4",
    "squeeze_conv_1": "res_layer.5.fc1",
    "squeeze_conv_2": "res_layer.5.fc2",
}
_PARTS = {
    "input_conv": "input_layer.0",
    "input_norm": "input_layer.1",
    "input_prelu": "input_layer.2",
    "middle_lateral": "latlayer1",
    "fine_lateral": "latlayer2",
    # The last layers of the identity network.
    "output_norm": "output_layer.0",
    "embedding_dense": "output_layer.3",
    "embedding_norm": "output_layer.4",
}


def published_encoder(network: keras.Model, arrays: Mapping[str, np.ndarray]) -> Iterator[tuple]:
    """Finds what published arrays hold for the encoder: all of it, or its trunk alone as pSp's training starts with it.

    Args:
        network: what `build_encoder` returns.
        arrays: name -> array, of a checkpoint of pSp ("state_dict/encoder.body.0. ..."), of `model_ir_se50.pth` ("body.0. ..."), or others.

    Yields:
        (name, variable, layout as for `OfficialWeights.assign`); nothing where the arrays hold no encoder.

    Raises:
        WeightsError: if pSp's arrays meet an encoder with a shared head, or without the three channels of a picture.
    """
    is_rgb = network.input_shape[-1] == 3
    if any(name.startswith(ENCODER_PREFIX) for name in arrays):
        if not is_rgb or any(layer.name.endswith("_styles_flatten") for layer in network.layers):
            raise WeightsError(
                "pSp's encoder has a head of its own for each style and sees no mask. Received: an encoder of another make; set "
                "shared_trunk=False and mask_channel=False."
            )
        for name, (variable, layout) in published_variables(network).items():
            yield ENCODER_PREFIX + name, variable, layout
    elif any(name.startswith(ARCFACE_STEM) for name in arrays):
        for name, (variable, layout) in published_variables(network, trunk_alone=True).items():
            # The stem of an encoder that sees the mask stays as it is, as in pSp for inputs other than RGB.
            if is_rgb or not name.startswith(ARCFACE_STEM):
                yield name, variable, layout


def published_variables(network: keras.Model, *, trunk_alone: bool = False) -> dict[str, tuple]:
    """Lists the variables of an encoder or identity network by their published names.

    Args:
        network: what `build_encoder` without `shared_trunk`, or `build_identity_network`, returns.
        trunk_alone: whether what follows the residual units is left out.

    Returns:
        name in the released code, without any prefix of its file -> (variable, layout as for `OfficialWeights.assign`).

    Raises:
        ValueError: if a layer has no published counterpart: heads with a shared trunk are ours alone.
    """
    found = {}
    for layer in network.layers:
        if not layer.weights or (trunk_alone and not layer.name.startswith(("input_", "unit_"))):
            continue
        name = _published_name(layer.name)
        if isinstance(layer, keras.layers.BatchNormalization):
            found[f"{name}.weight"] = layer.gamma, None
            found[f"{name}.bias"] = layer.beta, None
            found[f"{name}.running_mean"] = layer.moving_mean, None
            found[f"{name}.running_var"] = layer.moving_variance, None
        elif isinstance(layer, keras.layers.PReLU):
            found[f"{name}.weight"] = layer.alpha, lambda array: array.reshape(1, 1, -1)
        else:
            found[f"{name}.weight"] = layer.kernel, _kernel_layout(layer, network)
            if layer.use_bias:
                found[f"{name}.bias"] = layer.bias, None
    return found


def _published_name(name):
    if name in _PARTS:
        return _PARTS[name]
    kind, _, rest = name.partition("_")
    index, _, part = rest.partition("_")
    if kind == "unit" and part in _UNIT_PARTS:
        return f"body.{index}.{_UNIT_PARTS[part]}"
    if kind == "style" and part.startswith("conv_"):
        return f"styles.{index}.convs.{2 * (int(part.removeprefix('conv_')) - 1)}"  # every other one is an activation
    if kind == "style" and part == "dense":
        return f"styles.{index}.linear"
    raise ValueError(f"The layer {name!r} has no published counterpart. Published encoders have a head of its own for each style.")


def _kernel_layout(layer, network):
    if len(layer.kernel.shape) == 4:
        return "conv"
    if layer.name != "embedding_dense":
        return "dense"
    height, width, channels = network.get_layer("embedding_flatten").input.shape[1:]

    def layout(array):
        # PyTorch flattens channel by channel, we flatten pixel by pixel.
        return np.transpose(array.reshape(-1, channels, height, width), (2, 3, 1, 0)).reshape(height * width * channels, -1)

    return layout
