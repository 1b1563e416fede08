"""Pure tensor functions without variables."""

from tf_inpaint.ops import activation, attention, canny, gaussian, image, morphology

__all__ = ["activation", "attention", "canny", "gaussian", "image", "morphology"]
