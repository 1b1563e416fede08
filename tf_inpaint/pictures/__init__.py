"""Picture files: the only room of the library that opens or saves one.

Every picture and mask that comes from outside goes through `read_picture`, `read_rgb` or `read_mask`, and every picture that the
library saves through `write_picture`. The rules, in one place:

* Only the formats in `FORMATS` are opened: parsers nobody needs are doors nobody watches.
* The number of pixels is read from the header and checked before anything is decoded.
* A picture is turned upright by its EXIF orientation. Of a file with several frames or pages the first is used.
* What the networks see is uint8 RGB: grey is repeated; 16-bit levels are divided by 257 and rounded (not cut off at 255); CMYK, YCbCr,
  LAB and palettes are converted by Pillow's formulas, without the file's colour profile; an alpha channel (or a transparent palette
  colour) is split off and kept.
* What is given back has the size and the kind of what came: 1-bit becomes 8-bit grey, palettes, CMYK, YCbCr and LAB become RGB, 16-bit
  grey with alpha, or a transparent level, becomes 16-bit RGBA; everything else stays, and outside the hole it keeps its bits.
* What a file says beside its pixels stays with them: EXIF (orientation set to upright), colour profile, resolution, PNG texts, and a
  JPEG's tables of quality. XMP and other blocks do not.
* What cannot be read is a `PictureError` that names the file and the reason, never another picture and never a traceback of Pillow.
"""

from tf_inpaint.pictures.formats import FORMATS, SUFFIXES, format_of, is_picture_name, printable
from tf_inpaint.pictures.masks import MASK_THRESHOLD, MaskWarning, read_mask
from tf_inpaint.pictures.metadata import Metadata
from tf_inpaint.pictures.opening import MAX_PIXELS, PictureSource
from tf_inpaint.pictures.picture import Picture
from tf_inpaint.pictures.reading import read_picture, read_rgb
from tf_inpaint.pictures.writing import LossyPictureWarning, MetadataWarning, check_quality, write_picture

__all__ = [
    "FORMATS",
    "MASK_THRESHOLD",
    "MAX_PIXELS",
    "SUFFIXES",
    "LossyPictureWarning",
    "MaskWarning",
    "Metadata",
    "MetadataWarning",
    "Picture",
    "PictureSource",
    "check_quality",
    "format_of",
    "is_picture_name",
    "printable",
    "read_mask",
    "read_picture",
    "read_rgb",
    "write_picture",
]
