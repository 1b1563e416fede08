"""Writes picture files, with what belongs beside the pixels."""

import io
import os
import struct
import warnings
from typing import IO

import cv2
import numpy as np
from PIL import Image, PngImagePlugin

from tf_inpaint.errors import ConfigError, PictureError
from tf_inpaint.files import atomic_write
from tf_inpaint.pictures.formats import format_of, printable
from tf_inpaint.pictures.metadata import Metadata
from tf_inpaint.pictures.opening import decode

_WRITABLE_MODES = {
    "PNG": ("1", "L", "LA", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB"),
    "WEBP": ("L", "LA", "RGB", "RGBA"),
    "BMP": ("1", "L", "RGB"),
    "TIFF": ("1", "L", "LA", "RGB", "RGBA", "I;16"),
}
# Of JPEG files where neither the caller nor the file that was read says another one.
_DEFAULT_QUALITY = 95
# A JPEG file holds EXIF in one segment, whose length has two bytes.
_EXIF_START = b"Exif\x00\x00"
_MAX_JPEG_EXIF = 65533 - len(_EXIF_START)
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class LossyPictureWarning(UserWarning):
    """The chosen file format does not keep the pixels bit by bit."""


class MetadataWarning(UserWarning):
    """The chosen file format does not hold what came with the picture."""


def write_picture(
    path: str | os.PathLike,
    image: Image.Image | np.ndarray,
    *,
    metadata: Metadata | None = None,
    quality: int | None = None,
) -> None:
    """Writes a picture; the file appears under its name only when it is whole.

    PNG, TIFF, BMP and WebP (written in its lossless form unless a quality is asked for) keep every pixel. JPEG does not, and a
    `LossyPictureWarning` says so.

    Args:
        path: where to write; the suffix chooses the format.
        image: Pillow image of mode "1", "L", "LA", "RGB", "RGBA" or "I;16", or an array as `read_picture` takes it; 16-bit colours go
            into PNG and TIFF files.
        metadata: what to write beside the pixels, as far as the format holds it; `None` for nothing.
        quality: of JPEG and WebP, 1 to 100. `None`: of a JPEG the quality of the JPEG file that `metadata` comes from, else 95; of WebP
            lossless.

    Raises:
        ConfigError: if the quality is out of its range.
        PictureError: if the suffix is unknown, or the format cannot hold the picture's mode or size, or what shall lie beside it.
        OSError: if it cannot be written (missing folder, full disk, no permission).
    """
    file_format, metadata = format_of(path), metadata or Metadata()
    check_quality(quality)
    if isinstance(image, np.ndarray):
        image, _ = decode(image, name=None, max_pixels=image.size + 1)
    is_16_bit_colour = isinstance(image, np.ndarray)
    if is_16_bit_colour and file_format not in ("PNG", "TIFF"):
        raise PictureError(f"{printable(path)}: {file_format} cannot hold 16-bit colours. Write a PNG or TIFF file instead.")
    if not is_16_bit_colour and image.mode not in _WRITABLE_MODES[file_format]:
        raise PictureError(
            f"{printable(path)}: {file_format} cannot hold pictures of mode {image.mode!r}. Write a PNG or TIFF file instead."
        )
    try:
        with atomic_write(path) as file:
            if is_16_bit_colour:
                _save_16_bit_colour(file, image, file_format, metadata)
            else:
                image.save(file, format=file_format, **_options(file_format, quality, metadata))
    except (OSError, MemoryError):
        raise
    except Exception as error:  # of Pillow's writers, as of its parsers: ValueError, struct.error, OverflowError, ...
        raise PictureError(f"{printable(path)}: cannot be written as {file_format}: {str(error) or type(error).__name__}.") from error
    if is_16_bit_colour and file_format == "TIFF" and (metadata.exif or metadata.icc_profile):
        warnings.warn(
            f"{printable(path)}: TIFF files with 16-bit colours are written without EXIF and colour profile. PNG keeps them.",
            MetadataWarning,
            stacklevel=2,
        )
    if file_format == "JPEG" or (file_format == "WEBP" and quality is not None):
        warnings.warn(
            f"{printable(path)}: {'JPEG' if file_format == 'JPEG' else 'WebP with a quality'} changes every pixel a little, so known "
            "pixels are no longer bit-identical to the input. Choose a name that ends in .png to keep them.",
            LossyPictureWarning,
            stacklevel=2,
        )


def check_quality(quality: int | None) -> None:
    """Checks a quality before anything is written with it.

    Args:
        quality: see `write_picture`.

    Raises:
        ConfigError: if it is out of its range.
    """
    if quality is not None and not 1 <= quality <= 100:
        raise ConfigError(f"`quality` must lie between 1 and 100. Received: quality={quality}.")


def _options(file_format: str, quality: int | None, metadata: Metadata) -> dict:
    """Arguments of Pillow's writer."""
    if file_format == "JPEG":
        options = {"quality": quality or _DEFAULT_QUALITY, "subsampling": 0} if quality or not metadata.jpeg else dict(metadata.jpeg)
    elif file_format == "WEBP":
        # exact: colours under transparent pixels are kept too
        options = {"lossless": True, "exact": True} if quality is None else {"quality": quality}
    elif file_format == "TIFF":
        # libtiff, which compresses, cannot write EXIF's own directories; without compression Pillow writes them itself.
        options = {} if metadata.has_camera_settings else {"compression": "tiff_adobe_deflate"}
    else:
        options = {}
    if file_format != "BMP":
        if metadata.icc_profile:
            options["icc_profile"] = metadata.icc_profile
        if metadata.exif and (file_format != "JPEG" or len(metadata.exif) <= _MAX_JPEG_EXIF):
            options["exif"] = metadata.exif if metadata.exif.startswith(_EXIF_START) else _EXIF_START + metadata.exif
    if metadata.dpi and file_format != "WEBP":
        options["dpi"] = metadata.dpi
    if metadata.texts and file_format == "PNG":
        options["pnginfo"] = _png_texts(metadata)
    return options


def _png_texts(metadata: Metadata) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for keyword, text in metadata.texts.items():
        if isinstance(text, PngImagePlugin.iTXt):
            info.add_itxt(keyword, text, text.lang, text.tkey)
        else:
            info.add_text(keyword, text)
    return info


def _save_16_bit_colour(file: IO, pixels: np.ndarray, file_format: str, metadata: Metadata) -> None:
    """By OpenCV, because Pillow has no such mode."""
    pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA if pixels.shape[-1] == 4 else cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".png" if file_format == "PNG" else ".tiff", pixels)
    data = data.tobytes()
    if file_format == "PNG":
        # Pillow writes what belongs beside the pixels into a file of one pixel; its chunks then go behind the header of ours.
        small = io.BytesIO()
        Image.new("RGB", (1, 1)).save(small, format="PNG", **_options("PNG", None, metadata))
        beside = [chunk for kind, chunk in _png_chunks(small.getvalue()) if kind not in (b"IHDR", b"IDAT", b"IEND")]
        header, *rest = (chunk for _, chunk in _png_chunks(data))
        data = b"".join([_PNG_SIGNATURE, header, *beside, *rest])
    file.write(data)


def _png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """(kind, whole chunk) of a PNG file."""
    chunks, begin = [], len(_PNG_SIGNATURE)
    while begin < len(data):
        length, kind = struct.unpack_from(">I4s", data, begin)
        chunks.append((kind, data[begin : begin + length + 12]))
        begin += length + 12
    return chunks
