"""The pyramid-context encoder network and its critic as Keras functional models.

Level l = 1, 2, ..., 6 is the map that is 2^l times smaller than the picture; the paper's phi^l is level l of the encoder, psi^l that
of the attention transfer. Biases start at 0.

How kernels start: "published", normally distributed with deviation 0.02, which suits the published width: of narrow networks, which have
neither norms nor skips around their levels, too little arrives at the deep maps to learn from. "he_normal": so that signals keep their size
at any width.
"""

import keras

from tf_inpaint.layers import AlignedSubsampling2D, AlignedUpsampling2D, AttentionTransfer, PaddedConv2D, SameConv2DTranspose

LEVELS = 6
# Widths of levels 1 to 6 as multiples of the first one's.
WIDTHS = {"bilinear": (1, 2, 4, 8, 16, 16), "deconvolution": (1, 2, 4, 8, 8, 8)}
UPSAMPLINGS = tuple(WIDTHS)
DILATION_RATES = (1, 2, 4, 8)
CRITIC_WIDTHS = (1, 2, 4, 8)
KERNEL_INITIALIZERS = ("published", "he_normal")


def build_generator(
    *,
    base_filters: int = 32,
    upsample: str = "bilinear",
    rescale_levels: int = 0,
    attention: dict | None = None,
    kernel_initializer: str = "published",
    name: str = "generator",
) -> keras.Model:
    """Builds the pyramid-context encoder: encoder, pyramid filling by attention transfer, multi-scale decoder.

    Args:
        base_filters: width of level 1, a positive multiple of 4; with "deconvolution" the full resolution has half of it.
        upsample: "bilinear", the released PyTorch form: attention on levels 1 to 5, the deepest compares single pixels and is not refined;
            the decoder doubles bilinearly with aligned corners. "deconvolution", the released TensorFlow form, of the paper: a level more,
            since attention fills the full resolution too; all levels alike; the decoder doubles by transposed convolutions.
        rescale_levels: how many of the finest attention levels run on halved maps, whose result is doubled: a 16th of the scores. With
            `compose="everywhere"` (the released TensorFlow code's switch) that is the whole level, its branches and its known places
            included; with "hole" and "inside" known places and branches keep the full resolution.
        attention: arguments of `layers.AttentionTransfer`; `None` for its defaults, those of the released PyTorch code (its TensorFlow form
            resizes masks by "nearest").
        kernel_initializer: "published" or "he_normal".
        name: name of the model.

    Returns:
        Functional model from `[masked image and mask [B, H, W, 4], mask [B, H, W, 1]]` to the list of pictures, float32 in [-1, 1]:
        `[B, H, W, 3]`, then those of levels 1 to 5, `[B, H / 2^l, W / 2^l, 3]`. H and W are multiples of 64. 10,231,538 parameters at
        the paper's width.

    Source: Zeng et al. 2019, arXiv:1904.07475, figure 2, sections 3.2 to 3.4; the released code.
    """
    pictured = keras.Input((None, None, 4), name="masked_image_and_mask", dtype="float32")
    mask = keras.Input((None, None, 1), name="mask", dtype="float32")
    is_deconvolution, start = upsample == "deconvolution", kernel_initializer
    widths = dict(enumerate((base_filters * factor for factor in WIDTHS[upsample]), start=1))

    encoded = {}  # phi^l
    x = pictured
    if is_deconvolution:
        widths[0] = base_filters // 2
        x = encoded[0] = _convolution(x, widths[0], "encoder_0", start, activation="leaky_relu")
    for level in range(1, LEVELS + 1):
        activation = "relu" if level == LEVELS else "leaky_relu"
        x = encoded[level] = _convolution(x, widths[level], f"encoder_{level}", start, strides=2, activation=activation)

    filled = {LEVELS: encoded[LEVELS]}  # psi^l, from the deepest map upwards: equations (2) to (4)
    finest = min(encoded)
    keeps_known = (attention or {}).get("compose", "everywhere") != "everywhere"
    for level in range(LEVELS - 1, finest - 1, -1):
        low, high = encoded[level], filled[level + 1]
        is_rescaled = level - finest < rescale_levels
        is_halved = is_rescaled and not keeps_known  # the whole level, as released
        if is_halved:
            low, high = (AlignedSubsampling2D(name=f"halve_{part}_{level}")(x) for part, x in (("low", low), ("high", high)))
        is_plain = level == LEVELS - 1 and not is_deconvolution
        # Only the released PyTorch code raises weights; a strict mask would let them in again.
        is_raised = not is_deconvolution and (attention or {}).get("mask_mode") != "strict"
        arguments = {
            "match_size": 1 if is_plain else 3,
            "weight_floor": 1e-8 if is_raised else 0.0,
            "rescale": is_rescaled and not is_halved,
        }
        x = AttentionTransfer(**arguments, **(attention or {}), name=f"attention_{level}")([low, high, mask])
        x = x if is_plain else _refine(x, f"attention_{level}", start)
        if is_halved:
            x = keras.layers.UpSampling2D(2, interpolation="nearest", name=f"restore_{level}")(x)
        filled[level] = x

    decoded, pictures = encoded[LEVELS], {}  # equation (5)
    for level in range(LEVELS - 1, finest - 1, -1):
        if is_deconvolution:
            decoded = _transposed_convolution(decoded, widths[level], f"decoder_{level}", start)
        else:
            decoded = _convolution(
                AlignedUpsampling2D(name=f"double_{level}")(decoded), widths[level], f"decoder_{level}", start, activation="relu"
            )
        decoded = keras.layers.Concatenate(name=f"join_{level}")([decoded, filled[level]])
        pictures[level] = _picture(decoded, 1, f"picture_{level}", start)
    if not is_deconvolution:
        x = AlignedUpsampling2D(name="double_0")(decoded)
        pictures[0] = _picture(_convolution(x, widths[1], "decoder_0", start, activation="relu"), 3, "picture_0", start)
    return keras.Model([pictured, mask], [pictures[level] for level in range(LEVELS)], name=name)


def build_critic(*, base_filters: int = 64, kernel_initializer: str = "published", name: str = "critic") -> keras.Model:
    """Builds the critic, a PatchGAN: four 5x5 convolutions with spectral normalisation and a plain one, all padded by one pixel.

    Args:
        base_filters: width of the first layer, at least 1.
        kernel_initializer: "published" or "he_normal".
        name: name of the model.

    Returns:
        Functional model `[B, H, W, 3]` in [-1, 1] -> scores before any sigmoid, float32, `[B, 27, 27, 1]` for 256 x 256; 4,318,401
        trainable parameters by default. H and W are at least 48.

    Source: Zeng et al. 2019, arXiv:1904.07475, section 3.4; the released code.
    """
    inputs = keras.Input((None, None, 3), name="image", dtype="float32")
    x, start = inputs, kernel_initializer
    for index, factor in enumerate(CRITIC_WIDTHS, start=1):
        x = PaddedConv2D(
            base_filters * factor,
            5,
            strides=2 if index < len(CRITIC_WIDTHS) else 1,
            padding=1,
            spectral_norm=True,
            use_bias=False,
            kernel_initializer=_initial_kernel(start),
            name=f"conv_{index}",
        )(x)
        x = keras.layers.LeakyReLU(0.2, name=f"leaky_relu_{index}")(x)
    # The scores in float32 under any policy.
    scores = PaddedConv2D(1, 5, padding=1, kernel_initializer=_initial_kernel(start), dtype="float32", name="conv_5")(x)
    return keras.Model(inputs, scores, name=name)


def _refine(x, name, start):
    """Four branches of different dilation, each of a quarter of the channels."""
    filters = max(x.shape[-1] // len(DILATION_RATES), 1)
    branches = [
        PaddedConv2D(
            filters,
            3,
            padding=rate,
            dilation_rate=rate,
            activation="relu",
            kernel_initializer=_initial_kernel(start),
            name=f"{name}_dilation_{rate}",
        )(x)
        for rate in DILATION_RATES
    ]
    return keras.layers.Concatenate(name=f"{name}_refined")(branches)


def _convolution(x, filters, name, start, *, strides=1, activation):
    x = PaddedConv2D(filters, 3, strides=strides, padding=1, kernel_initializer=_initial_kernel(start), name=name)(x)
    return _activated(x, activation, name)


def _transposed_convolution(x, filters, name, start):
    convolution = SameConv2DTranspose(filters, 3, strides=2, kernel_initializer=_initial_kernel(start), name=name)
    return _activated(convolution(x), "relu", name)


def _activated(x, activation, name):
    if activation == "leaky_relu":
        # Keras 2.15 calls the slope `alpha`, Keras 3 `negative_slope`; both take it as the first argument.
        return keras.layers.LeakyReLU(0.2, name=f"{name}_leaky_relu")(x)
    return keras.layers.Activation("relu", name=f"{name}_relu")(x)


def _picture(x, kernel_size, name, start):
    """A picture in [-1, 1], in float32 under any policy: losses are not rounded to half precision."""
    x = PaddedConv2D(3, kernel_size, padding=kernel_size // 2, kernel_initializer=_initial_kernel(start), name=name)(x)
    return keras.layers.Activation("tanh", dtype="float32", name=f"{name}_tanh")(x)


def _initial_kernel(name):
    return keras.initializers.HeNormal() if name == "he_normal" else keras.initializers.RandomNormal(stddev=0.02)
