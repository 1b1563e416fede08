"""The strategy "crop": the networks see the surroundings of each hole, not the whole picture."""

from collections.abc import Callable

import numpy as np

from tf_inpaint.serving.strategies.boxes import Box, hole_boxes, window_around
from tf_inpaint.serving.strategies.tile import default_margin, tile_box
from tf_inpaint.serving.strategies.windows import enlarge, in_batches, shrink, shrink_mask

# A hole of which shrinking makes more than so many times the share that it had of its window is thin: it goes in tiles.
_THIN = 1.25


def crop(image: np.ndarray, mask: np.ndarray, repair: Callable, *, size: int, margin: int | None) -> np.ndarray:
    """Repairs each hole in a square window around it, holes that are near each other in one.

    A window is as large as the networks' pictures. A hole that does not fit into it with its margin gets a larger one, which is made
    small for the networks, and what they put into the hole large again. Only a thin hole, such as a long scratch, of which shrinking
    would leave a blurred line, is repaired in tiles at full resolution instead (see `tile`). The work grows with the holes, not with
    the picture.

    Args:
        image: see `tf_inpaint.serving.strategies`.
        mask: see there.
        repair: see there.
        size: side of the windows that the networks see.
        margin: known pixels around a hole, and distance up to which holes share a window; `None` for a quarter of the size, and for a
            large hole half of its longer side.

    Returns:
        The repaired picture.
    """
    nearest = default_margin(size) if margin is None else margin
    result = image.copy()
    boxes_of = {}  # in a small picture several holes may have the same window
    for box in hole_boxes(mask, margin=nearest):
        window = _window(box, mask.shape, size, nearest, grows=margin is None)
        if _is_thin(mask[window.slices], size):
            tile_box(result, image, mask, box, repair, size=size, margin=nearest)
        else:
            boxes_of.setdefault(window, []).append(box)
    seen = (shrink(image[window.slices], mask[window.slices], size=size) for window in boxes_of)
    for (window, boxes), filled in zip(boxes_of.items(), in_batches(seen, repair), strict=True):
        for box in boxes:
            part = enlarge(filled, box.within(window), height=window.height, width=window.width)
            np.copyto(result[box.slices], part, where=mask[box.slices][..., np.newaxis])
    return result


def _window(box: Box, shape: tuple[int, int], size: int, margin: int, *, grows: bool) -> Box:
    extent = max(box.height, box.width)
    around = max(margin, extent // 2) if grows else margin
    return window_around(box, side=max(size, extent + 2 * around), height=shape[0], width=shape[1])


def _is_thin(mask: np.ndarray, size: int) -> bool:
    """Whether shrinking to the networks' size would blow the hole up, or leave nothing that is known."""
    if max(mask.shape) <= size:
        return False
    shrunken = shrink_mask(mask, size=size)
    return shrunken.mean() > _THIN * mask.mean() or (shrunken.all() and not mask.all())
