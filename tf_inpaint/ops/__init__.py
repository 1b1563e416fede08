"""Pure tensor functions without variables."""

from tf_inpaint.ops import (
    activation,
    attention,
    canny,
    colour,
    convolution,
    gaussian,
    image,
    morphology,
    patches,
    resampling,
    spectral,
)

__all__ = [
    "activation",
    "attention",
    "canny",
    "colour",
    "convolution",
    "gaussian",
    "image",
    "morphology",
    "patches",
    "resampling",
    "spectral",
]
