"""Photographs to try the page with: three that come with scikit-image, and what is wrong with them."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tf_inpaint import data, pictures
from tf_inpaint.errors import DataError

_THUMBNAIL_SIDE = 160

# File of scikit-image -> scratches as (width, points x y x y ...), in pixels of that file.
_SCRATCHES = {
    "chelsea.png": ((3, (20, 40, 150, 62, 300, 30, 440, 58)), (2, (70, 10, 84, 120, 66, 290)), (4, (330, 190, 380, 240, 440, 262))),
    "coffee.png": ((4, (40, 60, 210, 90, 380, 70, 560, 110)), (3, (470, 10, 455, 150, 490, 390)), (2, (60, 350, 240, 330, 330, 372))),
    "rocket.jpg": ((4, (30, 30, 200, 60, 420, 40, 610, 90)), (3, (120, 20, 140, 180, 110, 400)), (3, (450, 300, 540, 330, 620, 310))),
}


@dataclasses.dataclass(frozen=True)
class Example:
    """A photograph, a mask of what is to be repaired in it, and a small picture of both."""

    photo: Path
    mask: Path
    thumbnail: Path


def make(folder: Path) -> Sequence[Example]:
    """Writes the examples: scratched photographs and the masks of the scratches.

    Args:
        folder: where to; made if it is missing.

    Returns:
        The examples; none where scikit-image is not installed.
    """
    try:
        source = data.SOURCES["photos"]("")
    except DataError:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    found = dict(source.items())
    return [_make_one(folder, Path(found[name]), scratches) for name, scratches in _SCRATCHES.items()]


def _make_one(folder: Path, path: Path, scratches) -> Example:
    rgb = pictures.read_rgb(path)
    mask = Image.new("L", (rgb.shape[1], rgb.shape[0]))
    for width, points in scratches:
        ImageDraw.Draw(mask).line(points, fill=255, width=width, joint="curve")
    scratched = Image.fromarray(np.where(np.asarray(mask)[..., np.newaxis] > 0, np.uint8(236), rgb))
    example = Example(*(folder / f"{path.stem}_{part}.png" for part in ("scratched", "scratches", "small")))
    pictures.write_picture(example.photo, scratched)
    pictures.write_picture(example.mask, mask)
    scratched.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
    pictures.write_picture(example.thumbnail, scratched)
    return example
