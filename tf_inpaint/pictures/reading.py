"""Reads pictures of any size, format and mode that the rules of `tf_inpaint.pictures` cover."""

import numpy as np
from PIL import Image

from tf_inpaint.errors import PictureError
from tf_inpaint.pictures.opening import MAX_PIXELS, PictureSource, decode, name_of
from tf_inpaint.pictures.picture import Picture


def read_picture(source: PictureSource, *, max_pixels: int = MAX_PIXELS, name: str | None = None) -> Picture:
    """Reads a picture of any size and of any mode that the module's rules cover.

    Args:
        source: path, open binary file, Pillow image, or array: uint8 `[H, W]`, `[H, W, 1]`, `[H, W, 2]` (grey and alpha),
            `[H, W, 3]` or `[H, W, 4]`, or uint16 `[H, W]`, `[H, W, 3]` or
            `[H, W, 4]`.
        max_pixels: pictures with more pixels are refused before they are decoded; at most twice `MAX_PIXELS` has an effect.
        name: what error messages call it; by default the path, or what it is.

    Returns:
        The upright picture.

    Raises:
        PictureError: if it is missing, not one of `FORMATS`, damaged, over `max_pixels`, empty, or of a mode without a rule.
    """
    name = name or name_of(source)
    image, metadata = decode(source, name=name, max_pixels=max_pixels)
    if isinstance(image, np.ndarray):
        return Picture(rgb=to_8_bit(image[..., :3]), pixels=image, metadata=metadata)
    image = result_mode(image, name=name)
    pixels = np.array(image)
    if image.mode == "I;16":
        rgb = np.stack([to_8_bit(pixels)] * 3, axis=-1)
    else:
        rgb = pixels if image.mode == "RGB" else np.array(image.convert("RGB"))
    return Picture(rgb=rgb, pixels=pixels, metadata=metadata)


def read_rgb(source: PictureSource, *, max_pixels: int = MAX_PIXELS, name: str | None = None) -> np.ndarray:
    """Reads a picture as the networks see it.

    Args:
        source: see `read_picture`.
        max_pixels: see `read_picture`.
        name: see `read_picture`.

    Returns:
        uint8 `[H, W, 3]`, upright; an alpha channel is left out.

    Raises:
        PictureError: see `read_picture`.
    """
    return read_picture(source, max_pixels=max_pixels, name=name).rgb


def result_mode(image: Image.Image, *, name: str) -> Image.Image:
    """Converts to the mode in which results are given back.

    Args:
        image: Pillow image of any mode.
        name: what error messages call it.

    Returns:
        An image of mode "L", "LA", "RGB", "RGBA" or "I;16".

    Raises:
        PictureError: if there is no rule for its mode or its levels.
    """
    if image.mode == "I" or image.mode.startswith("I;16"):
        levels = np.asarray(image)
        if levels.min() < 0 or levels.max() > 65535:
            raise PictureError(f"{name}: has grey levels outside 0 to 65535. Convert it to 8 or 16 bit first.")
        return Image.fromarray(levels.astype(np.uint16))
    if image.mode == "F":
        raise PictureError(f"{name}: has floating-point levels of unknown range. Convert it to 8 or 16 bit first.")
    has_alpha = image.has_transparency_data
    if image.mode in ("1", "L", "LA", "La"):
        mode = "LA" if has_alpha else "L"
    else:
        mode = "RGBA" if has_alpha else "RGB"
    return image if image.mode == mode else image.convert(mode)


def to_8_bit(levels: np.ndarray) -> np.ndarray:
    """Scales 16-bit levels to 8 bit.

    Args:
        levels: whole numbers from 0 to 65535, any shape.

    Returns:
        uint8, same shape: divided by 257 and rounded.
    """
    return ((levels.astype(np.uint32) + 128) // 257).astype(np.uint8)
