"""Methods without weights: what a trained system has to beat.

A baseline is a function `(image, mask) -> composite` of one picture: uint8 `[H, W, 3]`, uint8 `[H, W]` with 255 in the hole, and
uint8 `[H, W, 3]` back. To add one, write the function and add one line to `BASELINES`.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from tf_inpaint.errors import ConfigError
from tf_inpaint.evaluation.patch_match import patch_match

# How far around a hole pixel OpenCV looks, in pixels: the value that its examples and the papers use.
RADIUS = 3


def telea(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fills the hole from its border inwards by weighted means of known pixels and their gradients.

    Args:
        image: uint8 `[H, W, 3]`; what it holds in the hole has no influence.
        mask: uint8 `[H, W]`, 255 in the hole.

    Returns:
        uint8 `[H, W, 3]`, equal to `image` outside the hole.

    Source: Telea 2004, "An image inpainting technique based on the fast marching method"; OpenCV's implementation.
    """
    return _inpaint(image, mask, cv2.INPAINT_TELEA)


def navier_stokes(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fills the hole from its border inwards along the lines of equal brightness.

    Args:
        image: uint8 `[H, W, 3]`; what it holds in the hole has no influence.
        mask: uint8 `[H, W]`, 255 in the hole.

    Returns:
        uint8 `[H, W, 3]`, equal to `image` outside the hole.

    Source: Bertalmio, Bertozzi, Sapiro 2001, "Navier-Stokes, fluid dynamics, and image and video inpainting"; OpenCV's
    implementation.
    """
    return _inpaint(image, mask, cv2.INPAINT_NS)


def mean(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fills the hole with the mean colour of the known pixels: what any method has to beat.

    Args:
        image: uint8 `[H, W, 3]`; what it holds in the hole has no influence.
        mask: uint8 `[H, W]`, 255 in the hole.

    Returns:
        uint8 `[H, W, 3]`, equal to `image` outside the hole; mid-grey where nothing is known.
    """
    hole = mask > 0
    color = np.full(3, 128.0) if hole.all() else image[~hole].mean(axis=0)
    return np.where(hole[..., np.newaxis], np.rint(color).astype(np.uint8), image)


def biharmonic(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fills the hole with the smoothest surface that continues the known pixels and their slopes.

    Slow for large holes: it solves one linear system for all pixels of the hole, see `benchmarks/baselines.py`.

    Args:
        image: uint8 `[H, W, 3]`; what it holds in the hole has no influence.
        mask: uint8 `[H, W]`, 255 in the hole.

    Returns:
        uint8 `[H, W, 3]`, equal to `image` outside the hole; mid-grey where nothing is known.

    Source: Damelin, Hoang 2018, "On surface completion and image inpainting by biharmonic functions: numerical aspects";
    scikit-image's implementation.
    """
    import skimage.restoration  # brings SciPy's solvers, which nothing else here needs

    hole = mask > 0
    if hole.all():
        return mean(image, mask)
    blanked = np.where(hole[..., np.newaxis], np.uint8(0), image)
    filled = skimage.restoration.inpaint_biharmonic(blanked / 255.0, hole, channel_axis=-1)
    return np.where(hole[..., np.newaxis], np.rint(np.clip(filled, 0.0, 1.0) * 255.0).astype(np.uint8), image)


BASELINES = {"mean": mean, "telea": telea, "ns": navier_stokes, "biharmonic": biharmonic, "patch_match": patch_match}
"""Baselines by the name that stands in the report."""


def check_baselines(names: Sequence[str]) -> tuple[str, ...]:
    """Checks names of baselines.

    Args:
        names: keys of `BASELINES`.

    Returns:
        The names.

    Raises:
        ConfigError: if one does not exist.
    """
    for name in names:
        if name not in BASELINES:
            raise ConfigError(f"Unknown baseline {name!r}. Available: {', '.join(BASELINES)}.")
    return tuple(names)


def _inpaint(image: np.ndarray, mask: np.ndarray, method: int) -> np.ndarray:
    hole = mask > 0
    # Where nothing is known there is no front to march from, and OpenCV returns its input: the truth must not be in it.
    blanked = np.where(hole[..., np.newaxis], np.uint8(0), image)
    filled = cv2.inpaint(blanked, hole.astype(np.uint8), RADIUS, method)
    return np.where(hole[..., np.newaxis], filled, image)
