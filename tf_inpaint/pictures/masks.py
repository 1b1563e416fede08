"""Reads masks of every kind that users bring."""

import warnings

import numpy as np
from PIL import Image

from tf_inpaint.errors import MaskError
from tf_inpaint.pictures.opening import MAX_PIXELS, PictureSource, check_size, decode, name_of
from tf_inpaint.pictures.reading import result_mode, to_8_bit

# A mask level above this is a hole (the same line as `ops.image.MASK_THRESHOLD`).
MASK_THRESHOLD = 127
# Levels between these two are grey; JPEG and soft brushes leave few of them, beside much white.
_GREY = (32, 223)
_GREY_SHARE = 0.5


class MaskWarning(UserWarning):
    """A mask that can be used, but may not mean what its maker thinks."""


def read_mask(source: PictureSource, *, max_pixels: int = MAX_PIXELS, name: str | None = None) -> np.ndarray:
    """Reads a mask: white, 255, 1.0 and `True` are the hole.

    A level above 127 of 255 is the hole, so that JPEG's noise does no harm; colours count by their luma. Where no level is above
    1 (of 65535, too, in 16-bit masks), the mask is taken as 0/1-valued. An alpha channel that is not opaque everywhere takes part:
    over one single colour (a brush stroke on an empty layer) alpha itself is the mask, otherwise transparent pixels count as black.

    Args:
        source: path, open binary file, Pillow image of any mode, or array: bool, uint8, uint16, or floats in [0, 1] or [0, 255];
            `[H, W]`, `[H, W, 1]`, or uint8 with 2 to 4 channels.
        max_pixels: see `read_picture`.
        name: what error messages call it.

    Returns:
        uint8 `[H, W]`, 255 in the hole and 0 elsewhere, upright. It may be empty: that is the caller's question. Where
        most of what is not black is grey, a `MaskWarning` says so.

    Raises:
        PictureError: see `read_picture`.
        MaskError: if an array holds values that are no mask (NaN, negative, above 255) or has another type.
    """
    name = name or name_of(source)
    if isinstance(source, np.ndarray) and (source.dtype == bool or source.dtype.kind == "f"):
        plane = _plane(source, name=name)
        check_size(plane.shape[::-1], name=name, max_pixels=max_pixels)
        levels = plane.astype(np.float32) * (255.0 if source.dtype == bool else 1.0)
        if not np.all(np.isfinite(levels)) or levels.min() < 0 or levels.max() > 255:
            raise MaskError(f"{name}: mask values must lie in [0, 1] or in [0, 255]. Received: NaN, infinite or outside values.")
        return _threshold(_stretched(levels, 255), name)
    image, _ = decode(source, name=name, max_pixels=max_pixels)
    is_16_bit_colour = isinstance(image, np.ndarray)
    if is_16_bit_colour:
        colours, alpha = np.split(image, [3], axis=-1)
        image = Image.fromarray(to_8_bit(np.concatenate([_stretched(colours, 65535), alpha], axis=-1)))
    image = result_mode(image, name=name)
    if image.mode == "I;16":
        return _threshold(to_8_bit(_stretched(np.asarray(image), 65535)), name)
    gray = np.asarray(image.convert("L"))
    if image.mode in ("LA", "RGBA"):
        alpha = np.asarray(image.getchannel("A"))
        if alpha.min() < 255:
            colours = np.asarray(image)[..., :-1][alpha > 0]
            one_colour = colours.size == 0 or np.all(colours == colours[0])
            gray = alpha if one_colour else (gray.astype(np.uint16) * alpha // 255).astype(np.uint8)
    # What is next to black at 16 bit must not be taken for a 0/1-valued mask at 8.
    return _threshold(gray if is_16_bit_colour else _stretched(gray, 255), name)


def _stretched(levels: np.ndarray, white: int) -> np.ndarray:
    """Levels of 0 and 1 become 0 and white, others stay."""
    return levels * levels.dtype.type(white) if levels.max() <= 1 else levels


def _plane(array: np.ndarray, *, name: str) -> np.ndarray:
    plane = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    if plane.ndim != 2 or plane.size == 0:
        raise MaskError(f"{name}: a mask array must be [H, W] or [H, W, 1], with at least one pixel.")
    return plane


def _threshold(levels: np.ndarray, name: str) -> np.ndarray:
    hole = levels > MASK_THRESHOLD
    num_grey = np.count_nonzero((levels >= _GREY[0]) & (levels <= _GREY[1]))
    if hole.any() and num_grey > _GREY_SHARE * np.count_nonzero(levels >= _GREY[0]):
        warnings.warn(
            f"{name}: most of this mask that is not black is grey. Is it a mask? Levels above {MASK_THRESHOLD} of 255 count as hole.",
            MaskWarning,
            stacklevel=3,
        )
    return hole.astype(np.uint8) * np.uint8(255)
