"""The U-Net of partial convolutions, as two Keras functional models: what shrinks the picture, and what builds it up again.

Two models, because the second phase of training runs the encoder's batch normalisation with its running statistics. Each feature map goes
with its validity (1 = valid, the paper's M): a hole shrinks from level to level, until nothing is missing.

Level i has half the size of level i - 1; level 0 is the picture.
"""

import keras

from tf_inpaint.layers import FusedBatchNormalization, PartialConv2D

MAX_LEVELS = 8
_FIRST_KERNELS = {1: 7, 2: 5, 3: 5}


def level_filters(filters: tuple[int, ...], *, levels: int, width_multiplier: float = 1.0) -> list[int]:
    """Returns the channels of levels 1, 2, ...: 64, 128, 256, 512, 512, ... in the paper.

    Args:
        filters: of the first levels; the others have as many as the last of these.
        levels: how many, 2 to 8.
        width_multiplier: factor on all of them.
    """
    filters = [max(round(width_multiplier * width), 1) for width in filters[:levels]]
    return filters + [filters[-1]] * (levels - len(filters))


def build_encoder(*, filters: list[int], scale: str = "window", use_bias: bool = True, name: str = "encoder") -> keras.Model:
    """Builds layers PConv1 to PConv8: partial convolution of stride 2, batch normalisation (not in the first), ReLU.

    Args:
        filters: channels of levels 1, 2, ..., see `level_filters`. Their number is that of the levels.
        scale: see `layers.PartialConv2D`.
        use_bias: whether the convolutions have biases.
        name: name of the model.

    Returns:
        Functional model from `[image [B, H, W, 3], validity [B, H, W, 1]]` to a flat list: features of levels 1, 2, ..., then their
        validities. H and W are multiples of 2 ** levels.

    Source: Liu et al. 2018, arXiv:1804.07723, section 3.2 and table 3 of the appendix.
    """
    image = keras.Input((None, None, 3), name="masked_image", dtype="float32")
    valid = keras.Input((None, None, 1), name="validity", dtype="float32")
    x, validity = image, valid
    features, validities = [], []
    for level, width in enumerate(filters, start=1):
        convolution = PartialConv2D(
            width,
            _FIRST_KERNELS.get(level, 3),
            strides=2,
            scale=scale,
            use_bias=use_bias,
            name=f"partial_conv_{level}",
        )
        x, validity = convolution((x, validity))
        if level > 1:
            x = FusedBatchNormalization(name=f"batch_norm_{level}")(x)
        x = keras.layers.ReLU(name=f"relu_{level}")(x)
        features.append(x)
        validities.append(validity)
    return keras.Model([image, valid], [*features, *validities], name=name)


def build_decoder(
    *,
    filters: list[int],
    output_channels: int = 3,
    scale: str = "window",
    use_bias: bool = True,
    name: str = "decoder",
) -> keras.Model:
    """Builds layers PConv9 to PConv16: nearest x2 of features and validity, skip connection, partial convolution, batch norm, leaky ReLU.

    The last layer, whose skip connection is the picture itself, has neither normalisation nor activation.

    Args:
        filters: channels of levels 1, 2, ... of the encoder.
        output_channels: of the result.
        scale: see `layers.PartialConv2D`.
        use_bias: whether all convolutions have biases; the last always has.
        name: name of the model.

    Returns:
        Functional model from a flat list, features of levels 0 (the masked picture), 1, 2, ..., then their validities, to
        `[result [B, H, W, output_channels] float32, validity [B, H, W, 1]]`.

    Source: Liu et al. 2018, arXiv:1804.07723, section 3.2 and table 3 of the appendix; up-sampled features come first in the
    concatenation.
    """
    widths = [3, *filters]
    features = [keras.Input((None, None, width), name=f"features_{level}") for level, width in enumerate(widths)]
    validities = [keras.Input((None, None, 1), name=f"validity_{level}", dtype="float32") for level in range(len(widths))]
    x, validity, width = features[-1], validities[-1], widths[-1]
    for level in range(len(filters) - 1, -1, -1):
        number = 2 * len(filters) - level
        is_last = level == 0
        x = keras.layers.UpSampling2D(2, interpolation="nearest", name=f"up_{number}")(x)
        validity = keras.layers.UpSampling2D(2, interpolation="nearest", dtype="float32", name=f"up_validity_{number}")(validity)
        x = keras.layers.Concatenate(name=f"skip_{number}")([x, features[level]])
        # A channel of validity for each source; see PartialConv2D.
        validity = keras.layers.Concatenate(dtype="float32", name=f"skip_validity_{number}")([validity, validities[level]])
        source_channels = (width, widths[level])
        width = output_channels if is_last else widths[level]
        x, validity = PartialConv2D(
            width,
            3,
            source_channels=source_channels,
            scale=scale,
            use_bias=use_bias or is_last,
            name=f"partial_conv_{number}",
        )((x, validity))
        if not is_last:
            x = FusedBatchNormalization(name=f"batch_norm_{number}")(x)
            x = keras.layers.LeakyReLU(0.2, name=f"leaky_relu_{number}")(x)
    # Losses are computed in float32 under any policy.
    outputs = keras.layers.Activation("linear", dtype="float32", name="output")(x)
    return keras.Model([*features, *validities], [outputs, validity], name=name)
