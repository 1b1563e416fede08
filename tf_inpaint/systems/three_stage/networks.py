"""The three generators, tables 1 to 3 of the paper, as Keras functional models for any H and W divisible by 4.

All convolutions pad with zeros ("same"), have biases and no normalisation, and are followed by ELU except the last (tanh).
`base_filters` is the width of the first layer: 64 in the paper.
"""

import keras

from tf_inpaint.layers import FusableConv2D, Res2NetBlock, SameConv2DTranspose, SelfAttention2D
from tf_inpaint.ops.activation import elu

COARSE_DILATIONS = (2, 4, 8, 16)
NUM_RES2NET_BLOCKS = 4


def build_coarse_network(
    *,
    base_filters: int = 64,
    input_channels: int = 4,
    upsample: str = "transpose",
    output_activation: str = "tanh",
    name: str = "coarse",
) -> keras.Model:
    """Builds the coarse network G_c: an encoder-decoder with dilated convolutions in the middle.

    Args:
        base_filters: width of the first layer, at least 2.
        input_channels: 4: masked RGB and mask. (DeepFill v1 has 5.)
        upsample: "transpose" for 4x4 transposed convolutions, "resize" for nearest x2 and a 3x3 convolution.
        output_activation: "tanh", or any name Keras knows.
        name: name of the model.

    Returns:
        Functional model `[B, H, W, input_channels]` -> `[B, H, W, 3]` float32 in [-1, 1]; 6,066,179 parameters by default.

    Source: table 1 and equation (1). The topology is that of DeepFill v1's first stage, arXiv:1801.07892.
    """
    masked = keras.Input((None, None, input_channels), name="masked_image_and_mask", dtype="float32")
    full, half, quarter = base_filters, 2 * base_filters, 4 * base_filters
    x = _conv(full, "conv_1", kernel_size=5)(masked)
    x = _conv(half, "down_conv_2", strides=2)(x)
    x = _conv(half, "conv_3")(x)
    x = _conv(quarter, "down_conv_4", strides=2)(x)
    x = _conv(quarter, "conv_5")(x)
    x = _conv(quarter, "conv_6")(x)
    for index, dilation in enumerate(COARSE_DILATIONS, start=1):
        x = _conv(quarter, f"dilated_conv_{index}", dilation_rate=dilation)(x)
    x = _conv(quarter, "conv_7")(x)
    x = _conv(quarter, "conv_8")(x)
    x = _up_conv(x, half, "deconv_9", kernel_size=4, upsample=upsample)
    x = _conv(half, "conv_10")(x)
    x = _up_conv(x, full, "deconv_11", kernel_size=4, upsample=upsample)
    x = _conv(full // 2, "conv_12")(x)
    x = _conv(3, "conv_13", activation=None)(x)
    return keras.Model(masked, _output(output_activation)(x), name=name)


def build_edge_network(
    *,
    base_filters: int = 64,
    upsample: str = "transpose",
    res2net: dict | None = None,
    attention: dict | None = None,
    name: str = "edge",
) -> keras.Model:
    """Builds the edge network G_e, which continues the edges of the known part into the hole.

    Args:
        base_filters: width of the first layer, a multiple of 8.
        upsample: "transpose" for 3x3 transposed convolutions, "resize" for nearest x2 and a 3x3 convolution.
        res2net: arguments of the four `Res2NetBlock`s, or `None` to leave them out.
        attention: arguments of the four `SelfAttention2D` layers, or `None` to leave them out.
        name: name of the model.

    Returns:
        Functional model `[B, H, W, 2]` (edge map and mask) -> `[B, H, W, 1]` float32 in [-1, 1]; 4,467,813 parameters with default blocks.

    Source: table 2 and equation (2).
    """
    edges = keras.Input((None, None, 2), name="edge_map_and_mask", dtype="float32")
    full, half, quarter = base_filters, 2 * base_filters, 4 * base_filters
    x = _conv(full, "conv_1", kernel_size=5)(edges)
    x = _conv(half, "down_conv_2", strides=2)(x)
    x = _conv(half, "conv_3")(x)
    x = _conv(quarter, "down_conv_4", strides=2)(x)
    x = _conv(quarter, "conv_5")(x)
    x = _conv(quarter, "conv_6")(x)
    x = _res2net_blocks(x, res2net)
    x = _conv(quarter, "conv_7")(x)
    x = _attention(x, attention, "self_attention_1")
    x = _conv(quarter, "conv_8")(x)
    x = _attention(x, attention, "self_attention_2")
    x = _up_conv(x, half, "deconv_9", kernel_size=3, upsample=upsample)
    x = _attention(x, attention, "self_attention_3")
    x = _conv(half, "conv_10")(x)
    x = _attention(x, attention, "self_attention_4")
    x = _up_conv(x, full, "deconv_11", kernel_size=3, upsample=upsample)
    x = _conv(full // 2, "conv_12")(x)
    x = _conv(1, "conv_13", activation=None)(x)
    return keras.Model(edges, _output("tanh")(x), name=name)


def build_refinement_network(
    *,
    base_filters: int = 64,
    upsample: str = "transpose",
    res2net: dict | None = None,
    attention: dict | None = None,
    name: str = "refinement",
) -> keras.Model:
    """Builds the refinement network G_r, a U-Net that sees the coarse picture, the edges and the mask.

    Args:
        base_filters: width of the first layer, a multiple of 8.
        upsample: "transpose" for 3x3 transposed convolutions, "resize" for nearest x2 and a 3x3 convolution.
        res2net: arguments of the four `Res2NetBlock`s, or `None` to leave them out.
        attention: arguments of the four `SelfAttention2D` layers, or `None` to leave them out.
        name: name of the model.

    Returns:
        Functional model `[B, H, W, 5]` (picture, edge map, mask) -> `[B, H, W, 3]` float32 in [-1, 1]; 5,727,447 parameters with default
        blocks.

    Source: table 3 and equation (5). The table prints 64x64x128 as the input of Conv_5; the layer before it has 256 channels, and so
    has ours. "(Conv_5 + Conv_7)" is a concatenation, the encoder's features first.
    """
    guided = keras.Input((None, None, 5), name="image_edge_map_and_mask", dtype="float32")
    full, half, quarter = base_filters, 2 * base_filters, 4 * base_filters
    x = _conv(full, "conv_1", kernel_size=5)(guided)
    x = _conv(half, "down_conv_2", strides=2)(x)
    conv_3 = _conv(half, "conv_3")(x)
    down_conv_4 = _conv(quarter, "down_conv_4", strides=2)(conv_3)
    conv_5 = _conv(quarter, "conv_5")(down_conv_4)
    x = _conv(quarter, "conv_6")(conv_5)
    x = _res2net_blocks(x, res2net)
    x = _conv(quarter, "conv_7")(x)
    x = keras.layers.Concatenate(name="skip_conv_5")([conv_5, x])
    x = _attention(x, attention, "self_attention_1")
    x = _conv(quarter, "conv_8")(x)
    x = keras.layers.Concatenate(name="skip_down_conv_4")([down_conv_4, x])
    x = _attention(x, attention, "self_attention_2")
    x = _up_conv(x, half, "deconv_9", kernel_size=3, upsample=upsample)
    x = keras.layers.Concatenate(name="skip_conv_3")([conv_3, x])
    x = _attention(x, attention, "self_attention_3")
    x = _conv(half, "conv_10")(x)
    x = _attention(x, attention, "self_attention_4")
    x = _up_conv(x, full, "deconv_11", kernel_size=3, upsample=upsample)
    x = _conv(full // 2, "conv_12")(x)
    x = _conv(3, "conv_13", activation=None)(x)
    return keras.Model(guided, _output("tanh")(x), name=name)


def _conv(filters, name, *, kernel_size=3, strides=1, dilation_rate=1, activation=elu):
    return FusableConv2D(
        filters,
        kernel_size,
        strides=strides,
        dilation_rate=dilation_rate,
        padding="same",
        activation=activation,
        name=name,
    )


def _up_conv(x, filters, name, *, kernel_size, upsample):
    """Doubles the size: a convolution of "stride 1/2" in the paper's words."""
    if upsample == "resize":
        x = keras.layers.UpSampling2D(2, interpolation="nearest", name=f"{name}_resize")(x)
        return _conv(filters, name)(x)
    return SameConv2DTranspose(filters, kernel_size, strides=2, activation=elu, name=name)(x)


def _res2net_blocks(x, arguments):
    if arguments is None:
        return x
    for index in range(1, NUM_RES2NET_BLOCKS + 1):
        x = Res2NetBlock(**arguments, name=f"res2net_{index}")(x)
    return x


def _attention(x, arguments, name):
    return x if arguments is None else SelfAttention2D(**arguments, name=name)(x)


def _output(activation):
    # In float32 under any policy: pictures and losses are not rounded to half precision.
    return keras.layers.Activation(activation, dtype="float32", name="output")
