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
        mask: what was painted and uploaded, as large as the photograph, in a PNG file, white marks the hole; with it, and with the same
            options but not inverted, the command gives the same result.
        notes: sentences on what the user should know.
    """

    before: Image.Image
    after: Image.Image
    file: Path
    mask: Path
    notes: tuple[str, ...]
