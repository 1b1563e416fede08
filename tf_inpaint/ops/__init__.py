"""Pure tensor functions without variables."""

from tf_inpaint.ops import (
    activation,
    attention,
    augmentation,
    canny,
    colour,
    contextual,
    convolution,
    filtering,
    gaussian,
    image,
    modulation,
    morphology,
    patches,
    portable,
    resampling,
    spectral,
)

__all__ = [
    "activation",
    "attention",
    "augmentation",
    "canny",
    "colour",
    "contextual",
    "convolution",
    "filtering",
    "gaussian",
    "image",
    "modulation",
    "morphology",
    "patches",
    "portable",
    "resampling",
    "spectral",
]
