"""A picture that has been read: what the networks see, and what is given back."""

import dataclasses

import numpy as np
from PIL import Image

from tf_inpaint.pictures.metadata import Metadata


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """An upright picture: what the networks see, and what is given back.

    Attributes:
        rgb: uint8 `[H, W, 3]`.
        pixels: the same picture as results are given back: uint8 or uint16, `[H, W]` grey, or `[H, W, C]` with C = 2 (grey and alpha, 8
            bit), 3 (RGB) or 4 (RGBA).
        metadata: what its file says beside the pixels.
    """

    rgb: np.ndarray
    pixels: np.ndarray
    metadata: Metadata

    @property
    def image(self) -> Image.Image | np.ndarray:
        """The pixels as a Pillow image of mode "L", "LA", "RGB", "RGBA" or "I;16"; 16-bit colours, which Pillow has not, as an array."""
        return as_image(self.pixels)

    def fill(self, filled: np.ndarray, hole: np.ndarray) -> Image.Image | np.ndarray:
        """Pastes new colours into the hole; every other pixel keeps its bits, alpha and 16-bit levels included.

        Args:
            filled: uint8 `[H, W, 3]`; used in the hole only. Grey pictures take its luma (ITU-R BT.601, as Pillow), 16-bit ones the
                levels times 257.
            hole: bool `[H, W]`.

        Returns:
            As `image`, of the same kind and size. Alpha is kept in the hole too.
        """
        # Only the part with the hole is computed: a small hole in a large picture shall cost little more than one copy of it.
        rows = np.flatnonzero(hole.any(axis=1))
        if not rows.size:
            return as_image(self.pixels.copy())
        top, bottom = rows[0], rows[-1] + 1
        columns = np.flatnonzero(hole[top:bottom].any(axis=0))
        left, right = columns[0], columns[-1] + 1
        part = self.pixels[top:bottom, left:right].copy()
        _paste(part, filled[top:bottom, left:right], hole[top:bottom, left:right])
        result = as_image(self.pixels)
        if isinstance(result, np.ndarray):
            result = result.copy()
            result[top:bottom, left:right] = part
        else:
            result.paste(Image.fromarray(part), (int(left), int(top)))  # Pillow has, or makes, its own copy
        return result


def as_image(pixels: np.ndarray) -> Image.Image | np.ndarray:
    """Makes a Pillow image of what Pillow has a mode for.

    Args:
        pixels: as `Picture.pixels`.

    Returns:
        The image; 16-bit colours stay the array that they are.
    """
    return pixels if pixels.ndim == 3 and pixels.dtype == np.uint16 else Image.fromarray(pixels)


def _paste(pixels: np.ndarray, filled: np.ndarray, hole: np.ndarray) -> None:
    num_colours = {2: 1, 3: 3, 4: 3}[pixels.shape[-1]] if pixels.ndim == 3 else 1
    colours = filled if num_colours == 3 else np.asarray(Image.fromarray(np.ascontiguousarray(filled)).convert("L"))[..., np.newaxis]
    if pixels.dtype == np.uint16:
        colours = colours.astype(np.uint16) * 257
    known = pixels[..., :num_colours] if pixels.ndim == 3 else pixels[..., np.newaxis]
    np.copyto(known, colours, where=hole[..., np.newaxis])
