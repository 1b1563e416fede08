"""Boxes: rectangles of a picture, around its holes and around what the networks see of them."""

import dataclasses

import cv2
import numpy as np


@dataclasses.dataclass(frozen=True)
class Box:
    """A rectangle of pixels: rows `top` to `bottom`, columns `left` to `right`, the last ones not included."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """Selects the rectangle from an array `[H, W, ...]`."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def within(self, outer: "Box") -> "Box":
        """Returns the same rectangle, counted from the corner of another that holds it.

        Args:
            outer: the other rectangle.
        """
        return Box(self.top - outer.top, self.left - outer.left, self.bottom - outer.top, self.right - outer.left)


def bounding_box(mask: np.ndarray) -> Box | None:
    """Finds the smallest rectangle with all holes.

    Args:
        mask: bool `[H, W]`.

    Returns:
        The rectangle; `None` if there is no hole.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    return Box(top, int(columns[0]), bottom, int(columns[-1]) + 1)


def hole_boxes(mask: np.ndarray, *, margin: int) -> list[Box]:
    """Finds the rectangles around the holes; those that overlap when each grows by the margin are one.

    Holes are connected over sides and corners. They are searched on a grid of cells of half the margin, which changes nothing (what
    lies in neighbouring cells is closer than two margins) and bounds the work for a picture full of dust.

    Args:
        mask: bool `[H, W]`, true in the hole.
        margin: in pixels, at least 0.

    Returns:
        Rectangles that do not overlap and hold every pixel of the holes, from top to bottom; none if there is no hole.
    """
    outer = bounding_box(mask)
    if outer is None:
        return []
    hole = mask[outer.slices]
    cell = max(1, margin // 2)
    rows = np.bitwise_or.reduceat(hole, np.arange(0, hole.shape[0], cell), axis=0)
    cells = np.bitwise_or.reduceat(rows, np.arange(0, hole.shape[1], cell), axis=1)
    _, _, statistics, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=8)
    boxes = []
    for left, top, width, height, _ in statistics[1:].tolist():  # the first is the background
        rough = Box(top * cell, left * cell, (top + height) * cell, (left + width) * cell)
        tight = bounding_box(hole[rough.slices])
        boxes.append((rough.top + tight.top, rough.left + tight.left, rough.top + tight.bottom, rough.left + tight.right))
    merged = _merge(boxes, margin)
    shift = (outer.top, outer.left, outer.top, outer.left)
    return sorted((Box(*(int(edge + offset) for edge, offset in zip(box, shift, strict=True))) for box in merged), key=dataclasses.astuple)


def _merge(boxes: list[tuple], margin: int) -> np.ndarray:
    """Joins rectangles (top, left, bottom, right) that overlap when grown, until none do."""
    merged, waiting = np.empty((0, 4), np.int64), list(boxes)
    while waiting:
        top, left, bottom, right = waiting.pop()
        overlaps = (
            (merged[:, 0] - margin < bottom + margin)
            & (top - margin < merged[:, 2] + margin)
            & (merged[:, 1] - margin < right + margin)
            & (left - margin < merged[:, 3] + margin)
        )
        if overlaps.any():
            joined = np.concatenate([merged[overlaps], [(top, left, bottom, right)]])
            waiting.append((*joined[:, :2].min(axis=0), *joined[:, 2:].max(axis=0)))
            merged = merged[~overlaps]
        else:
            merged = np.concatenate([merged, [(top, left, bottom, right)]])
    return merged


def window_around(box: Box, *, side: int, height: int, width: int) -> Box:
    """Places a square around a rectangle; where it would leave the picture it is shifted inwards.

    Args:
        box: lies inside the picture.
        side: of the square, at least the rectangle's sides.
        height: of the picture.
        width: of the picture.

    Returns:
        The square; a side that the picture does not have is cut to the picture's.
    """
    top, bottom = _interval(box.top, box.bottom, side, height)
    left, right = _interval(box.left, box.right, side, width)
    return Box(top, left, bottom, right)


def _interval(begin: int, end: int, length: int, limit: int) -> tuple[int, int]:
    length = min(length, limit)
    begin = min(max((begin + end - length) // 2, 0), limit - length)
    return begin, begin + length
