"""The encoder of stage 1: from a damaged picture to style vectors, coarse ones from small maps and fine ones from large maps.

A trunk of IR-SE units gives three maps, a feature pyramid carries what the small ones know to the large ones, and each style vector
has a head that shrinks its map to one pixel.

Source: Richardson et al. 2021 (pSp), arXiv:2008.00951, section 3 and released code.
"""

import math

import keras

from tf_inpaint.errors import ConfigError
from tf_inpaint.layers import AlignedUpsampling2D, EqualizedDense, PaddedConv2D
from tf_inpaint.systems.latent_attention.ir_se import UNITS, WIDTHS, build_trunk

# Index of the first style vector of each group.
GROUPS = {"coarse": 0, "middle": 3, "fine": 7}
# The trunk halves the picture four times.
STRIDE = 16


def group_indices(num_styles: int) -> dict[str, range]:
    """Splits the style vectors into those of shape, those of parts and those of colour.

    Args:
        num_styles: how many there are.

    Returns:
        "coarse" (0 to 2), "middle" (3 to 6), "fine" (from 7) -> their indices; empty where there are none.
    """
    starts = [min(start, num_styles) for start in (*GROUPS.values(), num_styles)]
    return {name: range(starts[index], starts[index + 1]) for index, name in enumerate(GROUPS)}


def build_encoder(
    *,
    image_size: int = 256,
    num_styles: int = 14,
    style_size: int = 512,
    base_filters: int = 64,
    units: tuple[int, int, int, int] = UNITS,
    reduction: int = 16,
    shared_trunk: bool = False,
    mask_channel: bool = False,
    name: str = "encoder",
) -> keras.Model:
    """Builds the encoder E. Its last layers start at zero: at first each picture has the mean style.

    Args:
        image_size: side of the pictures, a multiple of 16 and at least 32.
        num_styles: number of style vectors, see `style_networks.num_styles`.
        style_size: their length.
        base_filters: width of the trunk's first group; heads and pyramid are eight times as wide.
        units: number of units in each group of the trunk.
        reduction: of the units' squeeze-and-excitation.
        shared_trunk: whether the style vectors of a group share the convolutions of their head, and only the last layer is each one's
            own. Not the paper's: 18 heads of their own have 236 million parameters.
        mask_channel: whether the mask is a fourth channel of the input. (ArcFace's stem cannot be loaded then.)
        name: name of the model.

    Returns:
        Functional model: masked picture `[B, image_size, image_size, 3]`, the hole 0 (with `mask_channel` 4 channels) -> offsets
        `[B, num_styles, style_size]` float32, to be added to the mean style. By default 209,450,688 trainable parameters, with 18
        styles 267,136,704.

    Raises:
        ConfigError: if the size is no multiple of 16 or below 32, or there is no style.

    Source: the paper's section on the structure reconstructor; pSp's `GradualStyleEncoder`.
    """
    if image_size < 2 * STRIDE or image_size % STRIDE or num_styles < 1:
        raise ConfigError(
            f"The encoder needs pictures whose side is a multiple of {STRIDE}, two at least, and a style. Received: "
            f"image_size={image_size}, num_styles={num_styles}."
        )
    masked = keras.Input((image_size, image_size, 4 if mask_channel else 3), name="masked_image", dtype="float32")
    _, large, medium, small = build_trunk(masked, base_filters=base_filters, units=units, reduction=reduction)
    width = WIDTHS[-1] * base_filters
    medium = _pyramid_level(small, medium, width, "middle")
    large = _pyramid_level(medium, large, width, "fine")
    maps = {"coarse": small, "middle": medium, "fine": large}
    styles = []
    for group, indices in group_indices(num_styles).items():
        shared = None
        for index in indices:
            if shared_trunk:
                shared = shrink(maps[group], style_size, f"{group}_styles") if shared is None else shared
                style = shared
            else:
                style = shrink(maps[group], style_size, f"style_{index}")
            styles.append(EqualizedDense(style_size, kernel_deviation=0.0, dtype="float32", name=f"style_{index}_dense")(style))
    rows = [keras.layers.Reshape((1, style_size), dtype="float32", name=f"style_{index}")(style) for index, style in enumerate(styles)]
    offsets = keras.layers.Concatenate(axis=1, dtype="float32", name="offsets")(rows) if len(rows) > 1 else rows[0]
    return keras.Model(masked, offsets, name=name)


def shrink(features, filters: int, name: str):
    """Adds the convolutions of a head, each of which halves the map, until one pixel is left.

    Args:
        features: symbolic `[B, S, S, C]`, S at least 2.
        filters: number of output channels.
        name: start of the names of the layers.

    Returns:
        Symbolic `[B, filters]`.

    Source: pSp's `GradualStyleBlock`. The slope 0.01 is its library's default.
    """
    for index in range(1, math.ceil(math.log2(features.shape[1])) + 1):
        features = PaddedConv2D(filters, 3, strides=2, padding=1, name=f"{name}_conv_{index}")(features)
        features = keras.layers.LeakyReLU(0.01, name=f"{name}_leaky_relu_{index}")(features)
    return keras.layers.Flatten(name=f"{name}_flatten")(features)


def _pyramid_level(small, large, width, name):
    """The larger map with what the smaller one knows; 1x1 convolution with bias."""
    enlarged = AlignedUpsampling2D(2, name=f"{name}_enlarged")(small)
    lateral = PaddedConv2D(width, 1, name=f"{name}_lateral")(large)
    return keras.layers.Add(name=f"{name}_map")([enlarged, lateral])
