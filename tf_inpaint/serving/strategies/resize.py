"""The strategy "resize": the whole picture is made as small as the networks' pictures, and the repaired hole large again."""

from collections.abc import Callable

import numpy as np

from tf_inpaint.errors import MaskError
from tf_inpaint.serving.strategies.boxes import bounding_box
from tf_inpaint.serving.strategies.windows import enlarge, shrink


def resize(image: np.ndarray, mask: np.ndarray, repair: Callable, *, size: int, margin: int | None) -> np.ndarray:
    """Repairs the picture at the networks' size and enlarges what it put into the hole.

    The networks see the whole picture, so this suits a hole that is a good part of it; the hole is less sharp than what is around it.

    Args:
        image: see `tf_inpaint.serving.strategies`.
        mask: see there.
        repair: see there.
        size: longest side that the networks see; a smaller picture goes through as it is.
        margin: has no influence: all that is known is seen.

    Returns:
        The repaired picture.

    Raises:
        MaskError: if nothing is known any more at that size, for each small pixel covers some of the hole.
    """
    small, small_mask = shrink(image, mask, size=size)
    if small_mask.all() and not mask.all():
        raise MaskError(
            f"The picture, made as small as the networks' {size} pixels, is hole all over: the mask is too fine for that. Take the "
            "strategy 'crop' or 'tile'."
        )
    filled = repair(small[np.newaxis], small_mask[np.newaxis])[0]
    hole = bounding_box(mask)
    part = enlarge(filled, hole, height=mask.shape[0], width=mask.shape[1])
    result = image.copy()
    np.copyto(result[hole.slices], part, where=mask[hole.slices][..., np.newaxis])
    return result
