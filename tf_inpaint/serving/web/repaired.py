"""What the page shows and hands out after a repair."""

import dataclasses
from pathlib import Path

from PIL import Image


@dataclasses.dataclass(frozen=True, eq=False)
class Repaired:
    """A repaired photograph.

    Attributes:
        before: the photograph as shown, RGB, upright, at most `workbench.SHOWN_SIDE` pixels a side.
        after: the result, likewise.
        file: the result at full size, in a file that `tf-inpaint inpaint` would have written.
        mask: the hole that was filled, as large as the photograph, in a PNG file; the command fills the same pixels with it.
        notes: sentences on what the user should know.
    """

    before: Image.Image
    after: Image.Image
    file: Path
    mask: Path
    notes: tuple[str, ...]
