"""Sheets: a picture before, its hole, and the picture after, side by side, for looking through many results."""

import warnings

import numpy as np
from PIL import Image

from tf_inpaint import ops, pictures
from tf_inpaint.serving.inpainter import Inpainter

# Longest side of each of the three, and what is between them, in pixels.
_PANEL = 640
_GAP = 8


def before_and_after(inpainter: Inpainter, picture: pictures.Picture, mask: np.ndarray, result: Image.Image | np.ndarray) -> np.ndarray:
    """Draws a sheet.

    Args:
        inpainter: which repaired it: its options say what of the mask is the hole.
        picture: from `pictures.read_picture`.
        mask: uint8 `[h, w]` from `pictures.read_mask`.
        result: what `inpainter.fill` gave.

    Returns:
        uint8 `[H, 3 W + 16, 3]`: before, before with the hole in magenta, after; made small if larger than 640 pixels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pictures.MaskWarning)  # said when it was filled
        hole = inpainter.hole_options.hole(mask, height=picture.rgb.shape[0], width=picture.rgb.shape[1])
    marked = np.where(hole[..., np.newaxis], np.uint8([255, 0, 255]), picture.rgb)
    panels = [_small(panel) for panel in (picture.rgb, marked, pictures.read_rgb(result, max_pixels=hole.size))]
    gap = np.full((panels[0].shape[0], _GAP, 3), 255, np.uint8)
    return np.concatenate([panels[0], gap, panels[1], gap, panels[2]], axis=1)


def _small(panel: np.ndarray) -> np.ndarray:
    scale = _PANEL / max(panel.shape)
    if scale >= 1:
        return panel
    size = tuple(max(1, round(side * scale)) for side in panel.shape[:2])
    return np.rint(ops.image.resize(panel, size, method="area").numpy()).astype(np.uint8)
