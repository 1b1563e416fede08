"""What a picture file says beside its pixels, and what of it goes into the result's file."""

import dataclasses
import math
import struct
from collections.abc import Mapping

from PIL import ExifTags, Image

_ORIENTATION = ExifTags.Base.Orientation
# Of a TIFF file, whose EXIF block is the file itself: the entries that describe the picture and not how it is stored.
_TIFF_TAGS = tuple(
    ExifTags.Base[name] for name in ("ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "Copyright", "ExifOffset")
)


@dataclasses.dataclass(frozen=True, eq=False)
class Metadata:
    """What stays with a picture from its file to the result's.

    Attributes:
        exif: EXIF block as in the file, with the orientation set to 1 (upright); `None` if there is none.
        icc_profile: colour profile that belongs to the pixels given back; `None` if there is none, or if it describes another colour
            space, such as CMYK.
        dpi: resolution in pixels per inch, horizontally and vertically, or `None`.
        texts: keyword -> text of a PNG file.
        jpeg: options of Pillow's JPEG writer that give the quality of the file that was read; empty if it was no JPEG.
    """

    exif: bytes | None = None
    icc_profile: bytes | None = None
    dpi: tuple[float, float] | None = None
    texts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    jpeg: Mapping = dataclasses.field(default_factory=dict)

    @property
    def has_camera_settings(self) -> bool:
        """Whether the EXIF block holds directories of its own, such as the camera's settings or the place."""
        exif = Image.Exif()
        exif.load(self.exif or b"")
        return any(tag in exif for tag in ExifTags.IFD)

    @classmethod
    def of(cls, image: Image.Image) -> tuple["Metadata", int]:
        """Collects what a decoded file says.

        Args:
            image: Pillow image after `load`.

        Returns:
            The metadata, and the EXIF orientation, 1 to 8, by which the pixels are yet to be turned. Damaged EXIF beside whole pixels is
            left out: the picture is as it is stored.
        """
        try:
            exif = image.getexif()
            orientation = exif.get(_ORIENTATION, 1)
            block = _tiff_exif(exif) if image.format == "TIFF" else _upright(image.info.get("exif"))
        except Exception:  # as for pixels: broken blocks raise almost anything
            orientation, block = 1, None
        is_rgb = image.mode not in ("CMYK", "LAB", "YCbCr")
        jpeg = {}
        if image.format in ("JPEG", "MPO") and image.mode in ("L", "RGB"):
            if tables := _tables(image):
                jpeg = {"qtables": tables, "progressive": bool(image.info.get("progressive"))}
            if tables and image.mode == "RGB" and (sampling := _sampling(image)) is not None:
                jpeg["subsampling"] = sampling
        metadata = cls(
            exif=block,
            icc_profile=(image.info.get("icc_profile") or None) if is_rgb else None,
            dpi=_resolution(image.info.get("dpi")),
            texts=dict(getattr(image, "text", {})),
            jpeg=jpeg,
        )
        return metadata, orientation


def _resolution(dpi: tuple | None) -> tuple[float, float] | None:
    """As floats, `None` where they tell nothing: a TIFF file may say 0 / 0."""
    if not dpi:
        return None
    across, down = map(float, dpi)
    return (across, down) if 0 < across < math.inf and 0 < down < math.inf else None


def _tables(image: Image.Image) -> list:
    """The tables of brightness and, of a colour picture, of colour, whatever numbers the file gives them; none if one comes late."""
    numbers = [number for _, _, _, number in image.layer[:2]]
    return [image.quantization[number] for number in numbers] if set(numbers) <= set(image.quantization) else []


def _sampling(image: Image.Image) -> int | None:
    """Pillow's number of the chroma subsampling, `None` for a rare one."""
    from PIL import JpegImagePlugin

    sampling = JpegImagePlugin.get_sampling(image)
    return sampling if sampling >= 0 else None


def _upright(block: bytes | None) -> bytes | None:
    """Sets the orientation of an EXIF block to 1 and leaves every other byte: a maker's note may hold offsets from its beginning.

    Source: EXIF 2.32 and TIFF 6.0: byte order, offset of the first directory, entries of 12 bytes.
    """
    if not block:
        return None
    begin = 6 if block.startswith(b"Exif\x00\x00") else 0
    order = {b"II": "<", b"MM": ">"}[block[begin : begin + 2]]
    (directory,) = struct.unpack_from(order + "I", block, begin + 4)
    (count,) = struct.unpack_from(order + "H", block, begin + directory)
    changed = bytearray(block)
    for number in range(count):
        entry = begin + directory + 2 + 12 * number
        tag, kind = struct.unpack_from(order + "HH", block, entry)
        if tag == _ORIENTATION:
            struct.pack_into(order + ("I" if kind == 4 else "H"), changed, entry + 8, 1)
    return bytes(changed)


def _tiff_exif(exif: Image.Exif) -> bytes | None:
    kept = Image.Exif()
    for tag in _TIFF_TAGS:
        if tag in exif:
            kept[tag] = exif.get_ifd(tag) if tag == ExifTags.Base.ExifOffset else exif[tag]
    return kept.tobytes() if len(kept) else None
