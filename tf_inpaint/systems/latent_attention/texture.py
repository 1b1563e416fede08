"""Stage 2: the texture generator, which refines the picture of stage 1 by what is known of it, and its critic.

The paper names levels, modules and losses, but neither widths, kernels nor strides; they are chosen here as in HiFill, which the paper
follows closely: README, "Known differences".

Source: the paper's section on the texture generator; Yi et al. 2020 (HiFill), arXiv:2005.09704, and released code.
"""

from collections.abc import Iterable, Mapping

import keras
import tensorflow as tf

from tf_inpaint.errors import ConfigError
from tf_inpaint.layers import FusableConv2D, GatedConv2D, PatchAttention, PatchTransfer

LEVEL_SIZES = (256, 128, 64, 32, 16, 8)
CHANNELS = (32, 64, 128, 256, 256, 256)
# Level that is filled -> level whose scores fill it.
ATTENTION_MAP = {1: 6, 2: 5, 3: 4}
ATTENTION_MODES = {
    "strict": ({"normalize_query": True, "mask_mode": "strict", "fuse": False}, {"overlap": "count", "compose": "hole"}),
    "hifill": ({"normalize_query": False, "mask_mode": "published", "fuse": True}, {"overlap": "sum", "compose": "everywhere"}),
    "hifill_hard": ({"normalize_query": False, "fuse": True, "hard": True}, {"overlap": "sum", "compose": "everywhere"}),
}
# In a map of so many places a side a patch of 3 x 3 hardly ever misses the hole.
_LARGEST_MATCHED_PLACE_BY_PLACE = 4
# Widths of the critic's convolutions as multiples of the first one's.
CRITIC_WIDTHS = (1, 2, 4, 4, 4, 4)


@keras.saving.register_keras_serializable(package="tf_inpaint")
def clip_to_range(inputs: tf.Tensor) -> tf.Tensor:
    """Clips to the range of pictures; what is outside has no gradient.

    Args:
        inputs: any shape, floating point.

    Returns:
        Same shape and dtype, in [-1, 1].
    """
    return tf.clip_by_value(inputs, -1.0, 1.0)


OUTPUTS = {"clip": clip_to_range, "tanh": "tanh"}


def build_texture_generator(
    *,
    image_size: int = 256,
    level_sizes: tuple[int, ...] = LEVEL_SIZES,
    channels: tuple[int, ...] = CHANNELS,
    attention_map: Mapping[int, int] | Iterable[tuple[int, int]] | None = None,
    attention_mode: str = "strict",
    transfer: str = "overlap",
    softmax_scale: float = 10.0,
    gate: str = "regular",
    output: str = "clip",
    name: str = "texture",
) -> keras.Model:
    """Builds the texture generator T: an encoder of gated convolutions, attention between its levels, and a decoder.

    Args:
        image_size: side of the pictures, a multiple of the first level's.
        level_sizes: side of the map of each level, from level 1 on; each divides the one before.
        channels: width of each level.
        attention_map: level that is filled -> level whose scores fill it, a deeper one; or pairs of both. `None` is the paper's,
            `ATTENTION_MAP`; table 2's variants take the scores of the deepest level alone: `{1: 6, 2: 6, 3: 6}`. Empty: no attention.
        attention_mode: "strict": cosines of known patches alone, and only what is missing is filled; "hifill": that code's arithmetic, see
            `layers.PatchAttention` and `layers.PatchTransfer`; "hifill_hard": with its other switch, the best patch alone.
        transfer: "overlap" or "block", see `layers.PatchTransfer`.
        softmax_scale: factor on the scores; the paper has none, which would average over all patches.
        gate: form of the gates, see `layers.GatedConv2D`.
        output: "clip" (HiFill) or "tanh".
        name: name of the model.

    Returns:
        Functional model: `[image, mask]`, `[B, S, S, 3]` (the composite of stage 1; table 2's variant 1: the masked picture) and
        `[B, S, S, 1]`, S the `image_size` -> raw picture `[B, S, S, 3]` float32 in [-1, 1]; 11,755,235 parameters by default.

    Raises:
        ConfigError: if levels, channels, attention map or a name do not fit.

    Source: the paper, figure 2 and equations of attention; see the module.
    """
    attention_map = dict(ATTENTION_MAP if attention_map is None else attention_map)
    _check_levels(image_size, level_sizes, channels, attention_map)
    for argument, value, allowed in (("attention_mode", attention_mode, ATTENTION_MODES), ("output", output, OUTPUTS)):
        if value not in allowed:
            raise ConfigError(f"`{argument}` must be one of {', '.join(allowed)}. Received: {argument}={value!r}.")
    image = keras.Input((image_size, image_size, 3), name="image", dtype="float32")
    mask = keras.Input((image_size, image_size, 1), name="mask", dtype="float32")
    maps = _encode(keras.layers.Concatenate(name="image_and_mask")([image, mask]), image_size, level_sizes, channels, gate)
    scored, transferred = ATTENTION_MODES[attention_mode]
    scores = {}
    for level in sorted(set(attention_map.values())):
        match_size = 1 if level_sizes[level - 1] <= _LARGEST_MATCHED_PLACE_BY_PLACE else 3
        attend = PatchAttention(match_size=match_size, softmax_scale=softmax_scale, name=f"scores_{level}", **scored)
        scores[level] = attend([maps[level], mask])
    filled = {}
    for level, source in attention_map.items():
        rate = level_sizes[level - 1] // level_sizes[source - 1]
        x = PatchTransfer(rate, windows=transfer, name=f"transfer_{level}", **transferred)([maps[level], scores[source], mask])
        for dilation in (1, 2):
            x = GatedConv2D(channels[level - 1], 3, dilation_rate=dilation, gate=gate, name=f"transfer_{level}_conv_{dilation}")(x)
        filled[level] = x
    x = maps[len(level_sizes)]
    for level in range(len(level_sizes) - 1, 0, -1):
        x = _enlarge(x, level_sizes[level - 1] // level_sizes[level], f"decoder_{level}_enlarged")
        x = GatedConv2D(channels[level - 1], 3, gate=gate, name=f"decoder_{level}_conv_1")(x)
        if level in filled:
            x = keras.layers.Concatenate(name=f"decoder_{level}_filled")([filled[level], x])
            x = GatedConv2D(channels[level - 1], 3, gate=gate, name=f"decoder_{level}_conv_2")(x)
    x = _enlarge(x, image_size // level_sizes[0], "output_enlarged")
    x = FusableConv2D(3, 3, padding="same", name="output_conv")(x)
    # In float32 under any policy: pictures are not rounded to half precision.
    raw = keras.layers.Activation(OUTPUTS[output], dtype="float32", name="raw")(x)
    return keras.Model([image, mask], raw, name=name)


def build_texture_critic(*, image_size: int = 256, base_filters: int = 64, name: str = "texture_critic") -> keras.Model:
    """Builds the critic D of stage 2: six 5x5 convolutions of stride 2 and a dense layer, without norms.

    Args:
        image_size: side of the pictures.
        base_filters: width of the first layer.
        name: name of the model.

    Returns:
        Functional model: picture `[B, image_size, image_size, 3]` in [-1, 1] -> scores `[B, 1]` float32; 5,949,313 parameters by default.
        A picture's score depends on it alone, as the gradient penalty needs it.

    Source: HiFill's released code, `build_discriminator`.
    """
    picture = keras.Input((image_size, image_size, 3), name="picture", dtype="float32")
    x = picture
    for index, width in enumerate(CRITIC_WIDTHS, start=1):
        # In float32 under any policy: on a CPU the bfloat16 gradient of the penalty, which is a gradient itself, is not always finite.
        x = FusableConv2D(width * base_filters, 5, strides=2, padding="same", dtype="float32", name=f"conv_{index}")(x)
        x = keras.layers.LeakyReLU(0.2, dtype="float32", name=f"leaky_relu_{index}")(x)
    x = keras.layers.Flatten(dtype="float32", name="flatten")(x)
    return keras.Model(picture, keras.layers.Dense(1, dtype="float32", name="scores")(x), name=name)


def _encode(x, image_size, level_sizes, channels, gate):
    """Level -> its map, two gated convolutions a level."""
    maps, before = {}, image_size
    for level, (size, width) in enumerate(zip(level_sizes, channels, strict=True), start=1):
        kernel_size = 5 if level == 1 else 3
        x = GatedConv2D(width, kernel_size, strides=before // size, gate=gate, name=f"encoder_{level}_conv_1")(x)
        x = GatedConv2D(width, 3, gate=gate, name=f"encoder_{level}_conv_2")(x)
        maps[level], before = x, size
    return maps


def _enlarge(x, factor, name):
    return x if factor == 1 else keras.layers.UpSampling2D(factor, interpolation="bilinear", name=name)(x)


def _check_levels(image_size, level_sizes, channels, attention_map):
    sizes = (image_size, *level_sizes)
    if len(level_sizes) < 2 or len(level_sizes) != len(channels) or any(a % b for a, b in zip(sizes, sizes[1:], strict=False)):
        raise ConfigError(
            "`level_sizes` and `channels` must be equally many, at least two, and each size must divide the one before, the first the "
            f"picture's. Received: image_size={image_size}, level_sizes={tuple(level_sizes)}, channels={tuple(channels)}."
        )
    for level, source in attention_map.items():
        if not 1 <= level < source <= len(level_sizes):
            raise ConfigError(
                f"`attention_map` must lead from a level to a deeper one, of 1 to {len(level_sizes)}. Received: {level} from {source}."
            )
