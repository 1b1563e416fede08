"""The two generators and the two critics of EdgeConnect as Keras functional models, for any H and W divisible by 4.

Inputs and outputs are in [0, 1] here, as in the released code. All kernels start normally distributed with deviation 0.02, biases at 0.
`base_filters` is the width of the first layer: 64 in the paper.
"""

import keras

from tf_inpaint.layers import InstanceNormalization, PaddedConv2D, SpectralConv2DTranspose

NUM_BLOCKS = 8
# Widths of the critics' first four layers as multiples of the first one's.
CRITIC_WIDTHS = (1, 2, 4, 8)
# The critics halve the picture three times and lose a pixel twice: of less than 24 pixels nothing would be left.
SMALLEST_CRITIC_INPUT = 24


def build_edge_generator(*, base_filters: int = 64, num_blocks: int = NUM_BLOCKS, name: str = "edge_generator") -> keras.Model:
    """Builds the edge generator G1, which continues the edges of the known part into the hole.

    Args:
        base_filters: width of the first layer, at least 1.
        num_blocks: number of residual blocks.
        name: name of the model.

    Returns:
        Functional model `[B, H, W, 3]` (grey picture, white in the hole; edges, none in the hole; mask) -> `[B, H, W, 1]` float32 in
        (0, 1); 10,761,089 trainable parameters by default, every layer but the last with spectral normalisation.

    Source: CN 110689495 A, first generator; Nazeri et al. 2019, arXiv:1901.00212; released code.
    """
    inputs = keras.Input((None, None, 3), name="gray_edge_map_and_mask", dtype="float32")
    outputs = _encoder_decoder(inputs, output_channels=1, spectral_norm=True, base_filters=base_filters, num_blocks=num_blocks)
    # In float32 under any policy: edges and losses are not rounded to half precision.
    return keras.Model(inputs, keras.layers.Activation("sigmoid", dtype="float32", name="output")(outputs), name=name)


def build_completion_generator(*, base_filters: int = 64, num_blocks: int = NUM_BLOCKS, name: str = "completion_generator") -> keras.Model:
    """Builds the image completion network G2, which paints the hole along the edges.

    Args:
        base_filters: width of the first layer, at least 1.
        num_blocks: number of residual blocks.
        name: name of the model.

    Returns:
        Functional model `[B, H, W, 4]` (RGB picture, white in the hole; edge map) -> `[B, H, W, 3]` float32 in [0, 1]; 10,774,595
        trainable parameters by default, without spectral normalisation.

    Source: CN 110689495 A, second generator; Nazeri et al. 2019, arXiv:1901.00212; released code, which gives it no mask channel.
    """
    inputs = keras.Input((None, None, 4), name="image_and_edge_map", dtype="float32")
    x = _encoder_decoder(inputs, output_channels=3, spectral_norm=False, base_filters=base_filters, num_blocks=num_blocks)
    x = keras.layers.Activation("tanh", dtype="float32", name="tanh")(x)
    x = keras.layers.Rescaling(0.5, offset=0.5, dtype="float32", name="output")(x)
    return keras.Model(inputs, x, name=name)


def build_patch_critic(*, channels: int, filters: tuple[int, int, int, int] = (64, 128, 256, 512), name: str) -> keras.Model:
    """Builds a critic, a 70x70 PatchGAN: five 4x4 convolutions with spectral normalisation, without biases and norms.

    Args:
        channels: of the input: 2 for a grey picture with its edges, 3 for an RGB picture, 4 for one with its edges.
        filters: widths of the first four layers.
        name: name of the model.

    Returns:
        Functional model from `[B, H, W, channels]` in [0, 1] to the list of its five features: four after LeakyReLU(0.2), in the compute
        dtype, and the scores `[B, H/8 - 2, W/8 - 2, 1]`, float32, before any sigmoid. 2,762,752 trainable parameters for 2 channels,
        2,763,776 for 3. H and W are at least 24.

    Source: released code; the topology is that of Isola et al. 2017, arXiv:1611.07004.
    """
    inputs = keras.Input((None, None, channels), name="inputs", dtype="float32")
    features = [inputs]
    for index, width in enumerate(filters, start=1):
        strides = 2 if index < len(filters) else 1
        x = _conv(width, 4, f"conv_{index}", strides=strides, padding=1, spectral_norm=True, use_bias=False)(features[-1])
        # Keras 2.15 calls the slope `alpha`, Keras 3 `negative_slope`; both take it as the first argument.
        features.append(keras.layers.LeakyReLU(0.2, name=f"leaky_relu_{index}")(x))
    # The scores in float32 under any policy.
    last = _conv(1, 4, f"conv_{len(filters) + 1}", padding=1, spectral_norm=True, use_bias=False, dtype="float32")
    return keras.Model(inputs, [*features[1:], last(features[-1])], name=name)


def _encoder_decoder(inputs, *, output_channels, spectral_norm, base_filters, num_blocks):
    """What both generators are: two halvings, residual blocks, two doublings. The last convolution has no activation."""
    full, half, quarter = base_filters, 2 * base_filters, 4 * base_filters
    x = _conv(full, 7, "conv_1", padding=3, pad_mode="reflect", spectral_norm=spectral_norm)(inputs)
    x = _normalised_relu(x, "conv_1")
    x = _conv(half, 4, "conv_2", strides=2, padding=1, spectral_norm=spectral_norm)(x)
    x = _normalised_relu(x, "conv_2")
    x = _conv(quarter, 4, "conv_3", strides=2, padding=1, spectral_norm=spectral_norm)(x)
    x = _normalised_relu(x, "conv_3")
    for index in range(1, num_blocks + 1):
        x = _residual_block(x, f"block_{index}", spectral_norm=spectral_norm)
    x = _up_conv(half, "up_conv_4", spectral_norm=spectral_norm)(x)
    x = _normalised_relu(x, "up_conv_4")
    x = _up_conv(full, "up_conv_5", spectral_norm=spectral_norm)(x)
    x = _normalised_relu(x, "up_conv_5")
    return _conv(output_channels, 7, "conv_6", padding=3, pad_mode="reflect")(x)


def _residual_block(inputs, name, *, spectral_norm):
    """A dilated and an ordinary convolution beside the identity; no activation after the sum."""
    # The released code leaves the biases out with spectral normalisation only. (In front of a norm they have no effect either way.)
    arguments = {"pad_mode": "reflect", "spectral_norm": spectral_norm, "use_bias": not spectral_norm}
    x = _conv(inputs.shape[-1], 3, f"{name}_conv_1", padding=2, dilation_rate=2, **arguments)(inputs)
    x = _normalised_relu(x, f"{name}_conv_1")
    x = _conv(inputs.shape[-1], 3, f"{name}_conv_2", padding=1, **arguments)(x)
    x = InstanceNormalization(name=f"{name}_conv_2_norm")(x)
    return keras.layers.Add(name=f"{name}_sum")([inputs, x])


def _conv(filters, kernel_size, name, **arguments):
    return PaddedConv2D(filters, kernel_size, kernel_initializer=_initial_kernel(), name=name, **arguments)


def _up_conv(filters, name, *, spectral_norm):
    layer_class = SpectralConv2DTranspose if spectral_norm else keras.layers.Conv2DTranspose
    # "same" with kernel 4 and stride 2 crops one pixel on each side, as the released code's padding of 1.
    arguments = {} if spectral_norm else {"padding": "same"}
    return layer_class(filters, 4, strides=2, kernel_initializer=_initial_kernel(), name=name, **arguments)


def _normalised_relu(x, name):
    x = InstanceNormalization(name=f"{name}_norm")(x)
    return keras.layers.Activation("relu", name=f"{name}_relu")(x)


def _initial_kernel():
    return keras.initializers.RandomNormal(stddev=0.02)
