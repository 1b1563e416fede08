"""What a user may ask of the hole: the mask made to fit, inverted, smaller or larger; the filling's colours matched, its rim feathered.

Nothing of this happens unless it is asked for, except that a mask of the same shape in another size is resized, with a warning.
"""

import dataclasses
import warnings

import cv2
import numpy as np

from tf_inpaint import ops
from tf_inpaint.errors import ConfigError, MaskError
from tf_inpaint.pictures import MASK_THRESHOLD, MaskWarning
from tf_inpaint.serving.strategies.boxes import Box, bounding_box, hole_boxes

# Model servers put much around an error of the exported graph, which says the same as we do here: the sentences are short therefore.
EMPTY_MASK = f"The mask is empty: no level is above {MASK_THRESHOLD}. White marks the hole."
"""Why a mask without a hole is refused."""
FULL_MASK = "The mask is full: the whole picture is hole. What shall stay must be black."
"""Why a mask without a known pixel is refused."""
_EMPTY_INVERTED = f"The mask is empty: every level is above {MASK_THRESHOLD}. It is inverted: black marks the hole."
_FULL_INVERTED = "The mask is full: the whole picture is hole. It is inverted: what shall stay must be white."

# Above this share of the picture a hole is so large that the mask is probably the wrong way round.
_LARGE_HOLE = 0.5
# Colours are compared in rings of this many pixels on both sides of a hole's border, if each has so many pixels at least.
_RING = 8
_SMALLEST_RING = 16
# Matching colours changes the contrast of a filling by no more than this factor.
_LARGEST_GAIN = 1.25


@dataclasses.dataclass(frozen=True, kw_only=True)
class HoleOptions:
    """The options, see `Inpainter` for what each means.

    Raises:
        ConfigError: if a number of pixels is negative.
    """

    invert_mask: bool = False
    erode: int = 0
    dilate: int = 0
    feather: int = 0
    match_colour: bool = False

    def __post_init__(self):
        for name in ("erode", "dilate", "feather"):
            if getattr(self, name) < 0:
                raise ConfigError(f"`{name}` must not be negative. Received: {name}={getattr(self, name)}.")

    def hole(self, mask: np.ndarray, *, height: int, width: int) -> np.ndarray:
        """Makes the hole of a picture from its mask: resized to the picture, then inverted, eroded, dilated, as far as asked for.

        Args:
            mask: uint8 `[h, w]`, levels above 127 are the hole.
            height: of the picture.
            width: of the picture.

        Returns:
            bool `[height, width]`, true in the hole.

        Raises:
            MaskError: if the mask is of another shape than the picture, or the hole, as marked or as eroded and dilated, is
                empty or the whole picture.
        """
        if mask.shape != (height, width):
            mask = _resized(mask, height, width)
        hole = mask > MASK_THRESHOLD
        if self.invert_mask:
            hole = ~hole
        if not hole.any():
            raise MaskError(_EMPTY_INVERTED if self.invert_mask else EMPTY_MASK)
        if hole.all():
            raise MaskError(_FULL_INVERTED if self.invert_mask else FULL_MASK)
        share = np.count_nonzero(hole) / hole.size
        if share > _LARGE_HOLE:
            message = f"The hole is {share:.0%} of the picture. White marks it, in an inverted mask black: is this one the wrong way round?"
            warnings.warn(message, MaskWarning, stacklevel=2)
        if self.erode:
            hole = ~_grown(~hole, self.erode)
        if self.dilate:
            hole = _grown(hole, self.dilate)
        if not hole.any():
            raise MaskError(f"Nothing is left of the hole once its rim of {self.erode} pixels is taken away. Erode less.")
        if hole.all():
            raise MaskError(f"Nothing is left of the known pixels once the hole is {self.dilate} pixels wider. Dilate less.")
        return hole

    def finish(self, filled: np.ndarray, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """Does what was asked for to the filled hole; pixels outside the hole are not touched.

        Args:
            filled: uint8 `[H, W, 3]`, the repaired picture; changed in place.
            image: uint8 `[H, W, 3]`, the picture before.
            hole: bool `[H, W]`.

        Returns:
            `filled`.
        """
        if self.match_colour:
            match_colour(filled, hole)
        if self.feather:
            feather(filled, image, hole, width=self.feather)
        return filled


def match_colour(filled: np.ndarray, hole: np.ndarray) -> None:
    """Gives the rim of each filling the mean colour and the contrast of what is around it.

    Mean and standard deviation of each channel are measured in a ring of 8 pixels on both sides of the border; the whole filling is
    scaled and shifted by their difference, its contrast by a quarter at most.

    Args:
        filled: uint8 `[H, W, 3]`, the repaired picture; its holes are changed in place.
        hole: bool `[H, W]`.
    """
    for box in hole_boxes(hole, margin=_RING):
        window = _around(box, hole.shape, _RING)
        inside, levels = np.zeros((window.height, window.width), bool), filled[window.slices].astype(np.float32)
        inside[box.within(window).slices] = hole[box.slices]
        outer = _grown(inside, _RING) & ~hole[window.slices]
        inner = inside & _grown(~inside, _RING)
        if min(outer.sum(), inner.sum()) < _SMALLEST_RING:
            continue
        wanted, present = levels[outer], levels[inner]
        gain = np.clip(wanted.std(axis=0) / np.maximum(present.std(axis=0), 1e-3), 1 / _LARGEST_GAIN, _LARGEST_GAIN)
        matched = (levels - present.mean(axis=0)) * gain + wanted.mean(axis=0)
        matched = np.rint(np.clip(matched, 0, 255)).astype(np.uint8)
        np.copyto(filled[window.slices], matched, where=inside[..., np.newaxis])


def feather(filled: np.ndarray, image: np.ndarray, hole: np.ndarray, *, width: int) -> None:
    """Blends the filling into what was in the hole before, along the inner side of the hole's border.

    The filling's weight grows from 1 / (width + 1) at the outermost pixels of the hole to 1 at `width` pixels from them. So it is of
    use where a mask is wider than what it shall remove.

    Args:
        filled: uint8 `[H, W, 3]`, the repaired picture; its holes are changed in place.
        image: uint8 `[H, W, 3]`, the picture before.
        hole: bool `[H, W]`.
        width: in pixels, at least 1.
    """
    for box in hole_boxes(hole, margin=1):
        window = _around(box, hole.shape, 1)  # with what is known around it
        inside = hole[window.slices]
        distance = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        weight = np.minimum(distance / (width + 1), 1.0)[..., np.newaxis]
        blended = weight * filled[window.slices] + (1 - weight) * image[window.slices]
        np.copyto(filled[window.slices], np.rint(blended).astype(np.uint8), where=inside[..., np.newaxis])


def _resized(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    if not _same_shape(mask.shape, (height, width)):
        raise MaskError(
            f"The mask must have the shape of the picture, both upright. Received: a picture of {width} x {height} and a mask of "
            f"{mask.shape[1]} x {mask.shape[0]} pixels (width x height)."
        )
    warnings.warn(
        f"The mask of {mask.shape[1]} x {mask.shape[0]} pixels was resized to the picture's {width} x {height} (width x height; "
        "nearest pixel).",
        MaskWarning,
        stacklevel=3,
    )
    return ops.image.resize(mask[..., np.newaxis], (height, width), method="nearest").numpy()[..., 0]


def _same_shape(first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Whether one size is the other one scaled, each side of the smaller one rounded up or down."""
    small, large = sorted((first, second))
    lowest = max((side - 1) / whole for side, whole in zip(small, large, strict=True))
    highest = min((side + 1) / whole for side, whole in zip(small, large, strict=True))
    return lowest < highest


def _grown(mask: np.ndarray, radius: int) -> np.ndarray:
    """Adds all pixels that are no farther than `radius` from the mask's."""
    box = bounding_box(mask)
    if box is None:
        return mask
    box = _around(box, mask.shape, radius)
    distance = cv2.distanceTransform((~mask[box.slices]).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    grown = np.zeros_like(mask)
    grown[box.slices] = distance <= radius
    return grown


def _around(box: Box, shape: tuple[int, int], margin: int) -> Box:
    height, width = shape
    return Box(max(box.top - margin, 0), max(box.left - margin, 0), min(box.bottom + margin, height), min(box.right + margin, width))
