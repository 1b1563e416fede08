"""Which files are pictures: formats, the suffixes of their names, and names that can be printed."""

import os
from pathlib import Path

from tf_inpaint.errors import PictureError

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
