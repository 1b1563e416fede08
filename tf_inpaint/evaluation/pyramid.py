"""Pictures with holes, halved until the hole is gone."""

import numpy as np

# Halves a picture; separable (Barnes et al.'s library and its descendants).
_KERNEL = np.array([1, 5, 10, 10, 5, 1], np.float32) / 32


def build_pyramid(picture: np.ndarray, hole: np.ndarray, *, min_side: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Halves a picture as often as it has a hole and is large enough. Pixels of the hole do not enter the means.

    Args:
        picture: `[H, W, C]` float32.
        hole: `[H, W]` boolean.
        min_side: no level has a side shorter than this, but for the first.

    Returns:
        Picture and hole of each level, the given one first; pixels of a hole are 0. A coarse pixel is a hole only where none of the
        6 x 6 pixels around it is known, so that holes become smaller and vanish.
    """
    levels = [(np.where(hole[..., np.newaxis], np.float32(0), picture), hole)]
    while levels[-1][1].any():
        picture, hole = levels[-1]
        if max(hole.shape) == 1 or (min(hole.shape) + 1) // 2 < min_side:
            break
        known = (~hole).astype(np.float32)[..., np.newaxis]
        total, weight = _halve(picture * known), _halve(known)
        hole = weight[..., 0] == 0
        levels.append((total / np.where(weight == 0, np.float32(1), weight), hole))
    return levels


def _halve(values: np.ndarray) -> np.ndarray:
    for axis in (0, 1):
        half = (values.shape[axis] + 1) // 2
        padding = [(0, 0)] * values.ndim
        padding[axis] = (2, 4)
        padded = np.pad(values, padding)
        parts = (np.take(padded, np.arange(half) * 2 + tap, axis=axis) * weight for tap, weight in enumerate(_KERNEL))
        values = sum(parts)
    return values
