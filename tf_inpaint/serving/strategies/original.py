"""The strategy "original": the whole picture goes through the networks at its own size."""

from collections.abc import Callable

import numpy as np


def original(image: np.ndarray, mask: np.ndarray, repair: Callable, *, size: int, margin: int | None) -> np.ndarray:
    """Repairs the whole picture at once, whatever its size.

    What the networks learned at their own size they see at a larger scale; memory grows with the number of pixels. This is what an
    exported model does.

    Args:
        image: see `tf_inpaint.serving.strategies`, as for the others.
        mask: see there.
        repair: see there.
        size: has no influence.
        margin: has no influence.

    Returns:
        The repaired picture.
    """
    return repair(image[np.newaxis], mask[np.newaxis])[0]
