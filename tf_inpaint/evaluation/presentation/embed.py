"""Pictures inside the page: encoded so that all of them together keep to a budget."""

import base64
import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from tf_inpaint import pictures
from tf_inpaint.evaluation.presentation.samples import FOLDER, Sample

BUDGET_BYTES = 12_000_000
"""No page holds more than this in pictures."""

# Format and longest side, tried one after the other until the pictures fit.
_ENCODINGS = (("PNG", 1024), ("WEBP", 1024), ("WEBP", 512), ("WEBP", 256), ("WEBP", 128))
_WEBP_QUALITY = 90
MASKED, TRUTH = "masked", "truth"


class Embedded(NamedTuple):
    """A picture as text.

    Attributes:
        address: a `data:` address.
        width: of the picture in it, in pixels.
        height: same.
    """

    address: str
    width: int
    height: int


def embed(samples: Sequence[Sample], *, budget: int = BUDGET_BYTES) -> tuple[list[dict[str, Embedded]], str]:
    """Encodes the pictures of samples.

    Args:
        samples: what to show.
        budget: bytes that all addresses together may have.

    Returns:
        For each sample `MASKED`, each method and `TRUTH` -> the picture; and a sentence about what was done to the pixels. Samples
        that do not fit at the smallest size are left out at the end, and the sentence says so.
    """
    for file_format, side in _ENCODINGS:
        encoded, complete = _encode_all(samples, file_format, side, budget)
        if complete:
            break
    lossy = "" if file_format == "PNG" else f" They are compressed with loss (WebP, quality {_WEBP_QUALITY}) to keep this page small."
    text = f"Pictures are shown pixel by pixel up to {side} pixels, larger ones reduced to that.{lossy}"
    if len(encoded) < len(samples):
        text += f" {len(samples) - len(encoded)} more did not fit. The folder {FOLDER} beside this page has all, whole."
    return encoded, text


def sheet_of(sample: Sample) -> Iterator[tuple[str, np.ndarray]]:
    """Reads the pictures of a sample, one after the other.

    Args:
        sample: whose files to read.

    Yields:
        `MASKED` (the truth with its hole in white), each method and `TRUTH`, with uint8 `[H, W, 3]`.

    Raises:
        PictureError: if a file cannot be read.
    """
    truth = pictures.read_rgb(sample.truth)
    hole = pictures.read_mask(sample.hole) > pictures.MASK_THRESHOLD
    yield MASKED, np.where(hole[..., np.newaxis], np.uint8(255), truth)
    for method, path in sample.composites.items():
        yield method, pictures.read_rgb(path)
    yield TRUTH, truth


def _encode_all(samples: Sequence[Sample], file_format: str, side: int, budget: int) -> tuple[list[dict[str, Embedded]], bool]:
    encoded, used = [], 0
    for sample in samples:
        pictures_of_sample = {name: _embedded(picture, file_format, side) for name, picture in sheet_of(sample)}
        used += sum(len(picture.address) for picture in pictures_of_sample.values())
        if used > budget:
            return encoded, False
        encoded.append(pictures_of_sample)
    return encoded, True


def _embedded(picture: np.ndarray, file_format: str, side: int) -> Embedded:
    image = Image.fromarray(picture)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)  # leaves smaller ones as they are
    file = io.BytesIO()
    image.save(file, format=file_format, **({"quality": _WEBP_QUALITY} if file_format == "WEBP" else {}))
    address = f"data:image/{file_format.lower()};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
    return Embedded(address, *image.size)
