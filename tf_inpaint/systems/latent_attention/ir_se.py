"""The trunk of encoder and identity network: residual units with squeeze-and-excitation, as in IR-SE-50.

Convolutions have no biases and pad by one pixel on each side; batch normalisation has PyTorch's epsilon and momentum.

Source: `bottleneck_IR_SE` of the released code of pSp, which has it from the ArcFace network in PyTorch (Deng et al. 2019,
arXiv:1801.07698; Hu et al. 2018, arXiv:1709.01507).
"""

import keras

from tf_inpaint.layers import FusedBatchNormalization, PaddedConv2D

# Units of each of the four groups: 24 in all, of two convolutions each; with stem and last layer the 50 of the name.
UNITS = (3, 4, 14, 3)
# Widths of the groups as multiples of the first one's.
WIDTHS = (1, 2, 4, 8)


def build_trunk(inputs, *, base_filters: int = 64, units: tuple[int, int, int, int] = UNITS, reduction: int = 16):
    """Adds stem and units to an input.

    Args:
        inputs: symbolic `[B, H, W, C]`.
        base_filters: width of stem and first group.
        units: number of units in each group; the first of a group halves the map.
        reduction: factor between the width of a unit and that of its squeezed description.

    Returns:
        Outputs of the four groups: H / 2, H / 4, H / 8 and H / 16 high (rounded up), `base_filters` times `WIDTHS` wide.
    """
    x = convolution(base_filters, 3, "input_conv")(inputs)
    x = FusedBatchNormalization(name="input_norm")(x)
    x = _prelu("input_prelu")(x)
    groups, index = [], 0
    for width, number in zip(WIDTHS, units, strict=True):
        for place in range(number):
            x = add_unit(x, width * base_filters, f"unit_{index}", strides=2 if place == 0 else 1, reduction=reduction)
            index += 1
        groups.append(x)
    return groups


def add_unit(inputs, filters: int, name: str, *, strides: int = 1, reduction: int | None = 16):
    """Adds a residual unit: norm, convolution, PReLU, convolution, norm, squeeze-and-excitation, beside a shortcut; none after the sum.

    Args:
        inputs: symbolic `[B, H, W, C]`.
        filters: number of output channels. With C of them the shortcut is every `strides`-th pixel, else a 1x1 convolution and a norm.
        name: start of the names of the layers.
        strides: of the second convolution and of the shortcut.
        reduction: as for `build_trunk`; `None` leaves squeeze-and-excitation out.

    Returns:
        Symbolic `[B, H / strides, W / strides, filters]`, rounded up.
    """
    shortcut = inputs
    if inputs.shape[-1] != filters:
        shortcut = convolution(filters, 1, f"{name}_shortcut_conv", strides=strides)(inputs)
        shortcut = FusedBatchNormalization(name=f"{name}_shortcut_norm")(shortcut)
    elif strides > 1:
        shortcut = keras.layers.MaxPooling2D(1, strides, name=f"{name}_shortcut")(inputs)
    x = FusedBatchNormalization(name=f"{name}_norm_1")(inputs)
    x = convolution(filters, 3, f"{name}_conv_1")(x)
    x = _prelu(f"{name}_prelu")(x)
    x = convolution(filters, 3, f"{name}_conv_2", strides=strides)(x)
    x = FusedBatchNormalization(name=f"{name}_norm_2")(x)
    if reduction is not None:
        # Few numbers, and the mean of a whole map: in float32 under any policy.
        scale = keras.layers.GlobalAveragePooling2D(keepdims=True, dtype="float32", name=f"{name}_squeeze")(x)
        scale = convolution(max(filters // reduction, 1), 1, f"{name}_squeeze_conv_1", activation="relu", dtype="float32")(scale)
        scale = convolution(filters, 1, f"{name}_squeeze_conv_2", activation="sigmoid", dtype="float32")(scale)
        x = keras.layers.Multiply(name=f"{name}_excite")([x, scale])
    return keras.layers.Add(name=f"{name}_sum")([shortcut, x])


def convolution(filters: int, size: int, name: str, **arguments) -> PaddedConv2D:
    """Makes a convolution without bias that pads by half its size.

    Args:
        filters: number of output channels.
        size: height and width of the kernel, odd.
        name: of the layer.
        **arguments: others of `PaddedConv2D`.

    Returns:
        The layer.
    """
    return PaddedConv2D(filters, size, padding=size // 2, use_bias=False, name=name, **arguments)


def _prelu(name):
    # One slope a channel, PyTorch's start.
    return keras.layers.PReLU(keras.initializers.Constant(0.25), shared_axes=[1, 2], name=name)
