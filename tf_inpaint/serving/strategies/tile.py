"""The strategy "tile": overlapping tiles at full resolution, blended inside the holes; tiles without a hole are left out."""

from collections.abc import Callable

import numpy as np

from tf_inpaint.serving.strategies.boxes import Box, hole_boxes
from tf_inpaint.serving.strategies.windows import in_batches


def tile(image: np.ndarray, mask: np.ndarray, repair: Callable, *, size: int, margin: int | None) -> np.ndarray:
    """Repairs the holes in tiles of the networks' size, without any resizing.

    This suits scratches, cables and text: holes of any length that are narrower than a tile. In the midst of a hole that is wider the
    networks see nothing that is known.

    Args:
        image: see `tf_inpaint.serving.strategies`.
        mask: see there.
        repair: see there.
        size: side of the tiles.
        margin: known pixels around a hole, and overlap of the tiles; `None` for a quarter of the size. At most half of the size counts.

    Returns:
        The repaired picture. Where tiles overlap, the hole holds their mean, weighted by the distance from each tile's border.
    """
    margin = default_margin(size) if margin is None else margin
    result = image.copy()
    for box in hole_boxes(mask, margin=margin):
        tile_box(result, image, mask, box, repair, size=size, margin=margin)
    return result


def default_margin(size: int) -> int:
    """Returns the margin around holes where none is asked for: a quarter of the networks' size.

    Args:
        size: side of the networks' pictures.
    """
    return size // 4


def tile_box(result: np.ndarray, image: np.ndarray, mask: np.ndarray, box: Box, repair: Callable, *, size: int, margin: int) -> None:
    """Repairs one part of a picture in tiles.

    Args:
        result: uint8 `[H, W, 3]`; gets the holes of the part, nothing else is touched.
        image: uint8 `[H, W, 3]`.
        mask: bool `[H, W]`.
        box: the part, with at least one pixel of a hole.
        repair: see `tf_inpaint.serving.strategies`.
        size: side of the tiles.
        margin: see `tile`.
    """
    overlap = max(1, min(margin, size // 2))
    height, width = mask.shape
    tiles = [
        Box(top, left, min(top + size, height), min(left + size, width))
        for top in _starts(box.top, box.bottom, height, size, overlap)
        for left in _starts(box.left, box.right, width, size, overlap)
    ]
    hole = mask[box.slices]
    tiles = [tile for tile in tiles if hole[_common(tile, box).within(box).slices].any()]
    windows = ((image[tile.slices], mask[tile.slices]) for tile in tiles)

    total = np.zeros((box.height, box.width, 3), np.float32)
    weights = np.zeros((box.height, box.width, 1), np.float32)
    for tile, levels in zip(tiles, in_batches(windows, repair), strict=True):
        common = _common(tile, box)
        weight = (_ramp(tile.height, overlap)[:, np.newaxis] * _ramp(tile.width, overlap))[common.within(tile).slices][..., np.newaxis]
        total[common.within(box).slices] += weight * levels[common.within(tile).slices]
        weights[common.within(box).slices] += weight
    np.copyto(result[box.slices], np.rint(total / np.maximum(weights, 1e-6)).astype(np.uint8), where=hole[..., np.newaxis])


def _starts(begin: int, end: int, limit: int, size: int, overlap: int) -> list[int]:
    """First rows (or columns) of the tiles that cover a part with `overlap` pixels of margin; inside the picture."""
    length = end - begin + 2 * overlap
    count = max(1, -(-(length - overlap) // (size - overlap)))
    span = count * (size - overlap) + overlap
    first = (begin + end - span) // 2
    return sorted({min(max(first + number * (size - overlap), 0), max(limit - size, 0)) for number in range(count)})


def _ramp(length: int, overlap: int) -> np.ndarray:
    position = np.arange(length)
    return np.minimum(np.minimum(position + 1, length - position), overlap).astype(np.float32)


def _common(first: Box, second: Box) -> Box:
    top, left = max(first.top, second.top), max(first.left, second.left)
    return Box(top, left, max(top, min(first.bottom, second.bottom)), max(left, min(first.right, second.right)))
