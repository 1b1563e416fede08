"""Decodes picture files: the only place that calls a decoder, after the size was checked."""

import io
import os
import stat
import threading
import warnings

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from tf_inpaint.errors import ConfigError, PictureError, PictureSizeError
from tf_inpaint.pictures.formats import FORMATS, printable
from tf_inpaint.pictures.metadata import Metadata

# Pillow warns above this number of pixels and refuses above twice of it; here the first is the line unless the caller says else.
MAX_PIXELS = 89_478_485

PictureSource = str | os.PathLike | io.IOBase | Image.Image | np.ndarray
"""What can be read: a path, an open binary file, a Pillow image or a NumPy array."""

# EXIF 2.32, tag 274: what undoes each orientation.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Pillow's own warning comes before our check could; warning filters belong to the process, hence the lock.
_opening = threading.Lock()


def decode(source: PictureSource, *, name: str | None, max_pixels: int) -> tuple[Image.Image | np.ndarray, Metadata]:
    """Decodes a picture, size checked first, and turns it by its EXIF orientation.

    Args:
        source: path, open binary file, Pillow image or array.
        name: what error messages call it; `None` for the path, or what it is.
        max_pixels: pictures with more pixels are refused before they are decoded.

    Returns:
        The upright picture, and what its file says beside it: a Pillow image of any mode, or, as Pillow has no mode for it, of 16-bit
        colour uint16 `[H, W, 3 or 4]`.

    Raises:
        PictureError: if it is missing, not one of `FORMATS`, damaged, over `max_pixels` or empty.
        ConfigError: if `max_pixels` is below 1.
    """
    name = name or name_of(source)
    if max_pixels < 1:
        raise ConfigError(f"`max_pixels` must be at least 1. Received: max_pixels={max_pixels}.")
    if isinstance(source, np.ndarray):
        picture = _from_array(source, name=name)
        check_size(source.shape[1::-1], name=name, max_pixels=max_pixels)
        return picture, Metadata()
    if isinstance(source, str | os.PathLike):
        try:
            # Opening a named pipe would wait for ever.
            if not stat.S_ISREG(os.stat(source).st_mode):
                raise PictureError(f"{name}: is not a file.")
            with open(source, "rb") as file:
                return decode(file, name=name, max_pixels=max_pixels)
        except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
            if isinstance(error, PictureError):
                raise
            reason = getattr(error, "strerror", None) or str(error)
            raise PictureError(f"{name}: cannot be read: {reason}.") from error
    # Broken files make Pillow's parsers raise almost any exception (SyntaxError, struct.error, IndexError, ...): whatever
    # happens between the bytes and the pixels means that this file cannot be read, and nothing else is done in here.
    try:
        return _decode(source, name, max_pixels)
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError(f"{name}: is not a readable {', '.join(FORMATS[:-1])} or {FORMATS[-1]} picture.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureSizeError(
            f"{name}: has more than {2 * MAX_PIXELS:,} pixels, which is never allowed. Make it smaller elsewhere."
        ) from error
    except Exception as error:
        raise PictureError(f"{name}: cannot be decoded: {str(error) or type(error).__name__}.") from error


def name_of(source: PictureSource) -> str:
    """Returns what error messages call a picture.

    Args:
        source: path, open binary file, Pillow image or array.
    """
    if isinstance(source, str | os.PathLike):
        return printable(source)
    if isinstance(source, np.ndarray):
        return f"array of shape {source.shape}"
    return "picture"


def _decode(source, name, max_pixels):
    if isinstance(source, Image.Image):
        image, is_16_bit_colour = source, False
    else:
        with _opening, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(source, formats=FORMATS)
        is_16_bit_colour = image.mode in ("LA", "RGB", "RGBA") and any(";16" in str(part.args) for part in image.tile)
    check_size(image.size, name=name, max_pixels=max_pixels)
    image.load()
    # After `load`: a PNG may carry its EXIF behind the pixels, and Pillow has then already turned a TIFF.
    metadata, orientation = Metadata.of(image)
    if is_16_bit_colour:
        source.seek(0)
        pixels = _with_transparent_colour(_decode_16_bit_colour(source.read()), image.info.get("transparency"))
        if image.format == "TIFF" and pixels.shape[1::-1] != image.size:
            raise PictureError(f"{name}: 16-bit colour TIFF files that are stored turned are not supported. Turn it upright first.")
        return _turned(pixels, orientation), metadata
    if image.mode == "I;16" and "transparency" in image.info:
        gray = np.asarray(image).astype(np.uint16)
        pixels = _with_transparent_colour(np.dstack([gray] * 3), image.info["transparency"])
        return _turned(pixels, orientation), metadata
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image, metadata


def _decode_16_bit_colour(data: bytes) -> np.ndarray:
    """By OpenCV, because Pillow keeps 8 of the 16 bits. Pillow has found the file whole and its size allowed."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3:
        raise ValueError("its 16-bit colours are of an unknown kind")
    return cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if pixels.shape[-1] == 4 else cv2.COLOR_BGR2RGB)


def _with_transparent_colour(pixels: np.ndarray, colour: int | tuple[int, int, int] | None) -> np.ndarray:
    """Adds the alpha of PNG files that call one colour transparent: of 16 bit Pillow and OpenCV leave it out."""
    if colour is None:
        return pixels
    is_transparent = np.all(pixels[..., :3] == np.asarray(colour, np.uint16), axis=-1)
    return np.dstack([pixels[..., :3], np.where(is_transparent, 0, 65535).astype(np.uint16)])


def _turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    turn = {
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, 1),
    }.get(orientation, lambda a: a)
    return np.ascontiguousarray(turn(pixels))


def check_size(size: tuple[int, int], *, name: str, max_pixels: int) -> None:
    """Checks the size of a picture; for files before they are decoded.

    Args:
        size: width and height.
        name: what error messages call the picture.
        max_pixels: see `decode`.

    Raises:
        PictureError: if there are no pixels, or too many.
    """
    if 0 in size:
        raise PictureError(f"{name}: holds no pixels.")
    width, height = size
    if width * height > max_pixels:
        raise PictureSizeError(
            f"{name}: {width} x {height} pixels are more than the {max_pixels:,} that are allowed. "
            "Raise `max_pixels` if you trust the file."
        )


def _from_array(array: np.ndarray, *, name: str) -> Image.Image | np.ndarray:
    plane = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    is_gray = plane.ndim == 2 and plane.dtype in (np.uint8, np.uint16)
    is_channels = plane.ndim == 3 and plane.shape[-1] in (2, 3, 4) and plane.dtype == np.uint8
    is_16_bit_colour = plane.ndim == 3 and plane.shape[-1] in (3, 4) and plane.dtype == np.uint16
    if not (is_gray or is_channels or is_16_bit_colour):
        raise PictureError(
            "An array must be uint8 [H, W] or [H, W, 1 to 4 channels], or uint16 [H, W] or [H, W, 1, 3 or 4 channels]. "
            f"Received: shape={array.shape}, dtype={array.dtype}."
        )
    if plane.size == 0:
        raise PictureError(f"{name}: holds no pixels.")
    plane = np.ascontiguousarray(plane)
    return plane if is_16_bit_colour else Image.fromarray(plane)
