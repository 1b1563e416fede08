"""Picture files: the only place of the library that opens or saves one.

Every picture and mask that comes from outside goes through `read_picture`, `read_rgb` or `read_mask`, and every picture that the
library saves through `write_picture`. The rules, in one place:

* Only the formats in `FORMATS` are opened: parsers nobody needs are doors nobody watches.
* The number of pixels is read from the header and checked before anything is decoded.
* A picture is turned upright by its EXIF orientation. Of a file with several frames or pages the first is used.
* What the networks see is uint8 RGB: grey is repeated; 16-bit levels are divided by 257 and rounded (not cut off at 255); 16-bit
  colour PNG arrives from Pillow with the high byte of each level; CMYK, YCbCr, LAB and palettes are converted by Pillow's
  formulas, without the file's colour profile; an alpha channel (or a transparent palette colour) is split off and kept.
* What cannot be read is a `PictureError` that names the file and the reason, never another picture and never a traceback of Pillow.
"""

import dataclasses
import io
import os
import stat
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from tf_inpaint.errors import ConfigError, MaskError, PictureError
from tf_inpaint.files import atomic_write

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
SUFFIXES = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
# Pillow warns above this number of pixels and refuses above twice of it; here the first is the line unless the caller says else.
MAX_PIXELS = 89_478_485
# A mask level above this is a hole (the same line as `ops.image.MASK_THRESHOLD`).
MASK_THRESHOLD = 127

_ORIENTATION_TAG = 0x0112
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
_WRITABLE_MODES = {
    "PNG": ("1", "L", "LA", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB"),
    "WEBP": ("L", "LA", "RGB", "RGBA"),
    "BMP": ("1", "L", "RGB"),
    "TIFF": ("1", "L", "LA", "RGB", "RGBA", "I;16"),
}

PictureSource = str | os.PathLike | io.IOBase | Image.Image | np.ndarray
"""What can be read: a path, an open binary file, a Pillow image or a NumPy array."""


class LossyPictureWarning(UserWarning):
    """The chosen file format does not keep the pixels bit by bit."""


class MaskWarning(UserWarning):
    """A mask that can be used, but may not mean what its maker thinks."""


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """An upright picture: what the networks see, and what is given back.

    Attributes:
        rgb: uint8 `[H, W, 3]`.
        image: the same picture in the mode in which results are given back: "L" (for 1-bit and 8-bit grey), "LA", "RGB" (also
            for palettes, CMYK, YCbCr and LAB), "RGBA" or "I;16".
        icc_profile: the colour profile that belongs to `image`, or `None`.
    """

    rgb: np.ndarray
    image: Image.Image
    icc_profile: bytes | None

    def fill(self, filled: np.ndarray, hole: np.ndarray) -> Image.Image:
        """Pastes new colours into the hole; every other pixel keeps its bits, alpha and 16-bit levels included.

        Args:
            filled: uint8 `[H, W, 3]`; used in the hole only. Grey pictures take its luma (ITU-R BT.601, as Pillow), 16-bit ones
                that luma times 257.
            hole: bool `[H, W]`.

        Returns:
            A Pillow image of the mode and size of `image`. Alpha is kept in the hole too.
        """
        known = np.asarray(self.image)
        if self.image.mode in ("RGB", "RGBA"):
            colours = filled
        else:
            colours = np.asarray(Image.fromarray(filled).convert("L"))
        if self.image.mode == "I;16":
            colours = colours.astype(np.uint16) * 257
        if self.image.mode == "LA":
            colours = colours[..., np.newaxis]
        if self.image.mode in ("LA", "RGBA"):
            colours = np.concatenate([colours, known[..., -1:]], axis=-1)
        return Image.fromarray(np.where(hole if known.ndim == 2 else hole[..., np.newaxis], colours, known))


def read_picture(source: PictureSource, *, max_pixels: int = MAX_PIXELS, name: str | None = None) -> Picture:
    """Reads a picture of any size and of any mode that the module's rules cover.

    Args:
        source: path, open binary file, Pillow image, or array: uint8 `[H, W]`, `[H, W, 1]`, `[H, W, 2]` (grey and alpha),
            `[H, W, 3]` or `[H, W, 4]`, or uint16 `[H, W]`.
        max_pixels: pictures with more pixels are refused before they are decoded; at most twice `MAX_PIXELS` has an effect.
        name: what error messages call it; by default the path, or what it is.

    Returns:
        The upright picture.

    Raises:
        PictureError: if it is missing, not one of `FORMATS`, damaged, over `max_pixels`, empty, or of a mode without a rule.
    """
    name = name or _name(source)
    image = _upright_image(source, name=name, max_pixels=max_pixels)
    # The profile of a picture in another colour space does not describe the RGB made of it.
    icc_profile = image.info.get("icc_profile") if image.mode not in ("CMYK", "LAB", "YCbCr") else None
    image = _result_mode(image, name=name)
    if image.mode == "I;16":
        gray = _scale_16_bit(np.asarray(image))
        rgb = np.stack([gray] * 3, axis=-1)
    else:
        rgb = np.array(image.convert("RGB"))
    return Picture(rgb=rgb, image=image, icc_profile=icc_profile)


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


def read_mask(source: PictureSource, *, max_pixels: int = MAX_PIXELS, name: str | None = None) -> np.ndarray:
    """Reads a mask: white, 255, 1.0 and `True` are the hole.

    A level above 127 of 255 is the hole, so that JPEG's noise does no harm; colours count by their luma. Where no level is above
    1, the mask is taken as 0/1-valued. An alpha channel that is not opaque everywhere takes part: over one single colour (a brush
    stroke on an empty layer) alpha itself is the mask, otherwise transparent pixels count as black.

    Args:
        source: path, open binary file, Pillow image of any mode, or array: bool, uint8, uint16, or floats in [0, 1] or [0, 255];
            `[H, W]`, `[H, W, 1]`, or uint8 with 2 to 4 channels.
        max_pixels: see `read_picture`.
        name: what error messages call it.

    Returns:
        uint8 `[H, W]`, 255 in the hole and 0 elsewhere, upright. It may be empty: that is the caller's question.

    Raises:
        PictureError: see `read_picture`.
        MaskError: if an array holds values that are no mask (NaN, negative, above 255) or has another type.
    """
    name = name or _name(source)
    if isinstance(source, np.ndarray) and (source.dtype == bool or source.dtype.kind == "f"):
        levels = _plane(source, name=name).astype(np.float32) * (255.0 if source.dtype == bool else 1.0)
        if not np.all(np.isfinite(levels)) or levels.min() < 0 or levels.max() > 255:
            raise MaskError(f"{name}: mask values must lie in [0, 1] or in [0, 255]. Received: NaN, infinite or outside values.")
        return _threshold(levels if levels.max() > 1 else levels * 255)
    image = _result_mode(_upright_image(source, name=name, max_pixels=max_pixels), name=name)
    if image.mode == "I;16":
        levels = np.asarray(image)
        return _threshold(levels if levels.max() <= 1 else _scale_16_bit(levels))
    gray = np.asarray(image.convert("L"))
    if image.mode in ("LA", "RGBA"):
        alpha = np.asarray(image.getchannel("A"))
        if alpha.min() < 255:
            colours = np.asarray(image)[..., :-1][alpha > 0]
            one_colour = colours.size == 0 or np.all(colours == colours[0])
            gray = alpha if one_colour else (gray.astype(np.uint16) * alpha // 255).astype(np.uint8)
    return _threshold(gray)


def write_picture(
    path: str | os.PathLike,
    image: Image.Image | np.ndarray,
    *,
    icc_profile: bytes | None = None,
    quality: int = 95,
) -> None:
    """Writes a picture; the file appears under its name only when it is whole.

    PNG, TIFF, BMP and WebP (written in its lossless form) keep every pixel. JPEG does not, and a `LossyPictureWarning` says so.

    Args:
        path: where to write; the suffix chooses the format.
        image: Pillow image of mode "1", "L", "LA", "RGB", "RGBA" or "I;16", or an array as `read_picture` takes it.
        icc_profile: colour profile to write beside the pixels.
        quality: JPEG only, 1 to 100.

    Raises:
        PictureError: if the suffix is unknown or the format cannot hold the picture's mode.
        OSError: if it cannot be written (missing folder, full disk, no permission).
    """
    file_format = format_of(path)
    if isinstance(image, np.ndarray):
        image = _from_array(image, name=_name(image))
    if image.mode not in _WRITABLE_MODES[file_format]:
        raise PictureError(
            f"{printable(path)}: {file_format} cannot hold pictures of mode {image.mode!r}. Write a PNG or TIFF file instead."
        )
    options = {
        "PNG": {},
        "JPEG": {"quality": quality, "subsampling": 0},
        "WEBP": {"lossless": True, "exact": True},  # exact: colours under transparent pixels are kept too
        "BMP": {},
        "TIFF": {"compression": "tiff_adobe_deflate"},
    }[file_format]
    if icc_profile and file_format != "BMP":
        options["icc_profile"] = icc_profile
    with atomic_write(path) as file:
        image.save(file, format=file_format, **options)
    if file_format == "JPEG":
        warnings.warn(
            f"{printable(path)}: JPEG changes every pixel a little, so known pixels are no longer bit-identical to the input. "
            "Choose a name that ends in .png to keep them.",
            LossyPictureWarning,
            stacklevel=2,
        )


def format_of(path: str | os.PathLike) -> str:
    """Tells a picture file's format from its name.

    Args:
        path: a file name; the case of the suffix does not matter.

    Returns:
        One of `FORMATS`.

    Raises:
        PictureError: if the suffix is not in `SUFFIXES`.
    """
    suffix = Path(os.fsdecode(path)).suffix.lower()
    if suffix not in SUFFIXES:
        raise PictureError(f"{printable(path)}: the suffix {suffix!r} names no supported picture format. Supported: {', '.join(SUFFIXES)}.")
    return SUFFIXES[suffix]


def is_picture_name(path: str | os.PathLike) -> bool:
    """Tells whether a file name looks like a picture's: a known suffix, and not hidden by a leading dot.

    Args:
        path: a file name.

    Returns:
        Whether a listing should treat the file as a picture.
    """
    path = Path(os.fsdecode(path))
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def printable(path: str | os.PathLike) -> str:
    """Makes a file name fit for one line of output, whatever bytes it is made of.

    Args:
        path: a path; may hold bytes that are no UTF-8 (as Python's surrogate escapes) and control characters.

    Returns:
        The path with such bytes and characters as backslash escapes.
    """
    text = os.fsencode(path).decode("utf-8", errors="backslashreplace")
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text)


def _name(source: PictureSource) -> str:
    if isinstance(source, str | os.PathLike):
        return printable(source)
    if isinstance(source, np.ndarray):
        return f"array of shape {source.shape}"
    return "picture"


def _upright_image(source: PictureSource, *, name: str, max_pixels: int) -> Image.Image:
    """Decodes a picture, size checked first, and turns it by its EXIF orientation."""
    if max_pixels < 1:
        raise ConfigError(f"`max_pixels` must be at least 1. Received: max_pixels={max_pixels}.")
    if isinstance(source, np.ndarray):
        image = _from_array(source, name=name)
        _check_size(image.size, name=name, max_pixels=max_pixels)
        return image
    if isinstance(source, str | os.PathLike):
        try:
            # Opening a named pipe would wait for ever.
            if not stat.S_ISREG(os.stat(source).st_mode):
                raise PictureError(f"{name}: is not a file.")
            with open(source, "rb") as file:
                return _upright_image(file, name=name, max_pixels=max_pixels)
        except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
            if isinstance(error, PictureError):
                raise
            reason = getattr(error, "strerror", None) or str(error)
            raise PictureError(f"{name}: cannot be read: {reason}.") from error
    # Broken files make Pillow's parsers raise almost any exception (SyntaxError, struct.error, IndexError, ...): whatever
    # happens between the bytes and the pixels means that this file cannot be read, and nothing else is done in here.
    try:
        image = source if isinstance(source, Image.Image) else Image.open(source, formats=FORMATS)
        _check_size(image.size, name=name, max_pixels=max_pixels)
        image.load()
        return image.transpose(_UPRIGHT[orientation]) if (orientation := _orientation(image)) in _UPRIGHT else image
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError(f"{name}: is not a readable {', '.join(FORMATS[:-1])} or {FORMATS[-1]} picture.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f"{name}: has too many pixels: {error}") from error
    except Exception as error:
        raise PictureError(f"{name}: cannot be decoded: {str(error) or type(error).__name__}.") from error


def _orientation(image: Image.Image) -> int:
    # After `load`: a PNG may carry its EXIF behind the pixels, and Pillow has then already turned a TIFF.
    try:
        return image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # damaged EXIF beside whole pixels: the picture is as it is stored
        return 1


def _check_size(size: tuple[int, int], *, name: str, max_pixels: int) -> None:
    if 0 in size:
        raise PictureError(f"{name}: holds no pixels.")
    width, height = size
    if width * height > max_pixels:
        raise PictureError(
            f"{name}: {width} x {height} pixels are more than the {max_pixels:,} that are allowed. "
            "Raise `max_pixels` if you trust the file."
        )


def _from_array(array: np.ndarray, *, name: str) -> Image.Image:
    plane = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    is_gray = plane.ndim == 2 and plane.dtype in (np.uint8, np.uint16)
    is_channels = plane.ndim == 3 and plane.shape[-1] in (2, 3, 4) and plane.dtype == np.uint8
    if not (is_gray or is_channels):
        raise PictureError(
            "An array must be uint8 [H, W] or [H, W, 1 to 4 channels], or uint16 [H, W]. "
            f"Received: shape={array.shape}, dtype={array.dtype}."
        )
    if plane.size == 0:
        raise PictureError(f"{name}: holds no pixels.")
    return Image.fromarray(np.ascontiguousarray(plane))


def _result_mode(image: Image.Image, *, name: str) -> Image.Image:
    """Converts to the mode in which results are given back: L, LA, RGB, RGBA or I;16."""
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


def _scale_16_bit(levels: np.ndarray) -> np.ndarray:
    return ((levels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _plane(array: np.ndarray, *, name: str) -> np.ndarray:
    plane = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    if plane.ndim != 2 or plane.size == 0:
        raise MaskError(f"{name}: a mask array must be [H, W] or [H, W, 1], with at least one pixel.")
    return plane


def _threshold(levels: np.ndarray) -> np.ndarray:
    line = 0 if levels.max() <= 1 else MASK_THRESHOLD
    return np.where(levels > line, 255, 0).astype(np.uint8)
