"""StyleGAN2 as three Keras functional models: from noise to styles, from styles to pictures, and the critic."""

from collections.abc import Mapping

import keras

from tf_inpaint.errors import ConfigError
from tf_inpaint.layers import (
    EqualizedConv2D,
    EqualizedDense,
    LearnedConstant,
    MinibatchDeviation,
    PixelNormalization,
    StyledConv2D,
    StyleStatistics,
    StyleToRgb,
)

SMALLEST_SIZE = 4
_ACTIVATION = "scaled_leaky_relu"


def picture_sizes(size: int) -> list[int]:
    """Returns the sizes of the pictures that a generator passes through: 4, 8, and so on up to its own.

    Args:
        size: a power of 2, at least 8.
    """
    return [2**exponent for exponent in range(2, size.bit_length())]


def num_styles(size: int) -> int:
    """Counts the styles that a generator takes: one for its first convolution, two for each size after it, one for the last colours.

    Args:
        size: of its pictures, a power of 2, at least 8.

    Returns:
        `2 log2(size) - 2`: 18 for 1024 pixels, 14 for 256.

    Raises:
        ConfigError: if the size is no such power.
    """
    if size < 2 * SMALLEST_SIZE or size & (size - 1):
        raise ConfigError(f"The size of a generator must be a power of 2, at least {2 * SMALLEST_SIZE}. Received: size={size}.")
    return 2 * len(picture_sizes(size))


def build_mapping(*, style_size: int = 512, num_layers: int = 8, name: str = "mapping") -> keras.Model:
    """Builds the mapping network: from normally distributed latents to styles.

    Args:
        style_size: length of latents and styles.
        num_layers: number of dense layers.
        name: name of the model.

    Returns:
        Functional model `[B, style_size]` float32 -> the same; 2,101,248 trainable parameters by default. It computes in float32 under
        any policy; its layer "statistics" keeps the mean style.

    Source: Karras et al. 2019, arXiv:1812.04948, section 2; 2020, arXiv:1912.04958.
    """
    latents = keras.Input((style_size,), name="latents", dtype="float32")
    x = PixelNormalization(dtype="float32", name="normalization")(latents)
    for index in range(1, num_layers + 1):
        x = EqualizedDense(style_size, learning_rate_multiplier=0.01, activation=_ACTIVATION, dtype="float32", name=f"dense_{index}")(x)
    return keras.Model(latents, StyleStatistics(dtype="float32", name="statistics")(x), name=name)


def build_synthesis(*, size: int, channels: Mapping[int, int], style_size: int = 512, name: str = "synthesis") -> keras.Model:
    """Builds the synthesis network, the "skip" generator: each size adds its colours to those of the size before.

    Args:
        size: of the pictures, a power of 2, at least 8.
        channels: size -> number of channels there, for each of `picture_sizes(size)`.
        style_size: length of a style.
        name: name of the model.

    Returns:
        Functional model: styles `[B, num_styles(size), style_size]` float32 and seeds `[B, 2]` int32, whose first row is the seed of the
        noise in training -> pictures `[B, size, size, 3]` float32, about in [-1, 1]: there is no activation at the end.

    Source: Karras et al. 2020, arXiv:1912.04958, figure 7 and section 4.1.
    """
    styles = keras.Input((num_styles(size), style_size), name="styles", dtype="float32")
    seeds = keras.Input((2,), name="seeds", dtype="int32")
    x = LearnedConstant(SMALLEST_SIZE, channels[SMALLEST_SIZE], name="constant")(styles)
    x = StyledConv2D(channels[SMALLEST_SIZE], 3, style_index=0, noise_salt=0, name="conv_4")([x, styles, seeds])
    rgb = StyleToRgb(style_index=1, name="to_rgb_4")([x, styles])
    for index, level in enumerate(picture_sizes(size)[1:]):
        # The style of a colour layer is that of the next size's first convolution, too.
        first = 2 * index + 1
        x = StyledConv2D(channels[level], 3, style_index=first, upsample=True, noise_salt=first, name=f"conv_{level}_up")(
            [x, styles, seeds]
        )
        x = StyledConv2D(channels[level], 3, style_index=first + 1, noise_salt=first + 1, name=f"conv_{level}")([x, styles, seeds])
        rgb = StyleToRgb(style_index=first + 2, name=f"to_rgb_{level}")([x, styles, rgb])
    return keras.Model([styles, seeds], rgb, name=name)


def build_critic(*, size: int, channels: Mapping[int, int], name: str = "critic") -> keras.Model:
    """Builds the residual critic.

    Args:
        size: of the pictures, a power of 2, at least 8.
        channels: size -> number of channels there, for each of `picture_sizes(size)`.
        name: name of the model.

    Returns:
        Functional model from pictures `[B, size, size, 3]` float32 to a list: the features of its residual blocks, `[B, size/2, size/2,
        channels[size/2]]` down to 4 x 4 in the compute dtype, and last the scores `[B, 1]` float32.

    Source: Karras et al. 2020, arXiv:1912.04958, figure 7 and section 4.1; minibatch deviation as there.
    """
    image = keras.Input((size, size, 3), name="image", dtype="float32")
    x = EqualizedConv2D(channels[size], 1, activation=_ACTIVATION, name="from_rgb")(image)
    features = []
    for level in reversed(picture_sizes(size)[1:]):
        x = residual_block(x, filters=channels[level // 2], name=f"block_{level}")
        features.append(x)
    x = MinibatchDeviation(name="minibatch_deviation")(x)
    x = EqualizedConv2D(channels[SMALLEST_SIZE], 3, activation=_ACTIVATION, name="conv_4")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = EqualizedDense(channels[SMALLEST_SIZE], activation=_ACTIVATION, name="dense_1")(x)
    # In float32 under any policy.
    return keras.Model(image, [*features, EqualizedDense(1, dtype="float32", name="scores")(x)], name=name)


def residual_block(inputs, *, filters: int, name: str):
    """Two convolutions, the second of which halves the size, and a linear one beside them; their sum divided by sqrt(2).

    Args:
        inputs: symbolic features `[B, H, W, C]`.
        filters: number of output channels.
        name: start of the layers' names.

    Returns:
        Symbolic features `[B, H/2, W/2, filters]`.
    """
    half = 0.5**0.5  # each branch is scaled, for free, instead of the sum
    x = EqualizedConv2D(inputs.shape[-1], 3, activation=_ACTIVATION, name=f"{name}_conv_1")(inputs)
    x = EqualizedConv2D(filters, 3, downsample=True, activation=_ACTIVATION, output_gain=half, name=f"{name}_conv_2")(x)
    skip = EqualizedConv2D(filters, 1, downsample=True, use_bias=False, output_gain=half, name=f"{name}_skip")(inputs)
    return keras.layers.Add(name=f"{name}_sum")([x, skip])
