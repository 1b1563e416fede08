"""Square masks: one in the middle, one at a random place, ten small ones, one of ten fixed ones."""

import functools
import json
from pathlib import Path

import tensorflow as tf

from tf_inpaint.errors import ConfigError
from tf_inpaint.masks import random
from tf_inpaint.masks.generator import MaskGenerator


class CenterSquare(MaskGenerator):
    """One square in the middle, the same for every seed.

    Args:
        side: side of the square over the picture's shorter side, in (0, 1].

    Raises:
        ConfigError: if `side` is out of its range.
    """

    def __init__(self, *, side: float = 0.5):
        self.side = _checked_side(side)

    def per_example(self, seeds: tf.Tensor, *, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
        pixels = _side_in_pixels(self.side, height=height, width=width)
        height, width = tf.cast(height, tf.int64), tf.cast(width, tf.int64)
        count = tf.shape(seeds)[0]
        return _squares(tf.fill([count, 1], (height - pixels) // 2), tf.fill([count, 1], (width - pixels) // 2), pixels, height, width)


class RandomSquare(MaskGenerator):
    """One or more squares of one size, each anywhere in the picture with equal chance.

    Args:
        side: side of a square over the picture's shorter side, in (0, 1].
        number: squares in a mask, at least 1; they may overlap.

    Raises:
        ConfigError: if an argument is out of its range.
    """

    def __init__(self, *, side: float = 0.5, number: int = 1):
        if number < 1:
            raise ConfigError(f"`number` must be at least 1. Received: number={number!r}.")
        self.side, self.number = _checked_side(side), int(number)

    def per_example(self, seeds: tf.Tensor, *, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
        pixels = _side_in_pixels(self.side, height=height, width=width)
        height, width = tf.cast(height, tf.int64), tf.cast(width, tf.int64)
        top, left = tf.split(random.uniform(seeds, 2 * self.number), 2, axis=1)
        return _squares(_place(top, height - pixels), _place(left, width - pixels), pixels, height, width)


class TenSquares(RandomSquare):
    """Ten small squares, each anywhere in the picture with equal chance.

    Args:
        side: side of a square over the picture's shorter side, in (0, 1]; an eighth is 32 px at 256 px.

    Raises:
        ConfigError: if `side` is out of its range.
    """

    def __init__(self, *, side: float = 0.125):
        super().__init__(side=side, number=10)


class FixedSquares(MaskGenerator):
    """One of ten fixed squares, by the seed: the masks with which the system `latent_attention` is judged.

    The paper has ten square masks and says neither how large nor where they are, but that they are small. These were drawn once for
    pictures of 256 pixels, with sides of 48 to 96 pixels (3.5 to 14 % of the picture), and are stored in `fixed_squares.json` beside this
    file; for other pictures they are scaled.

    Args:
        index: 0 to 9: that one for every seed; `None`: each mask another, with equal chance.

    Raises:
        ConfigError: if `index` is out of its range.
    """

    def __init__(self, *, index: int | None = None):
        drawn_for, squares = _fixed_squares()
        if index is not None and not 0 <= index < len(squares):
            raise ConfigError(f"`index` must be 0 to {len(squares) - 1}. Received: index={index!r}.")
        self.index = index
        # As parts of a picture: first row, first column, side.
        self._squares = [[number / drawn_for for number in square] for square in squares]

    def per_example(self, seeds: tf.Tensor, *, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
        number = len(self._squares)
        if self.index is None:
            chosen = _place(random.uniform(seeds, 1)[:, 0], tf.constant(number - 1, tf.int64))
        else:
            chosen = tf.fill([tf.shape(seeds)[0]], tf.constant(self.index, tf.int64))
        top, left, side = tf.split(tf.gather(tf.constant(self._squares, tf.float32), chosen), 3, axis=1)
        pixels = _side_in_pixels(side, height=height, width=width)
        height, width = tf.cast(height, tf.int64), tf.cast(width, tf.int64)
        return _squares(_rounded(top, height, pixels), _rounded(left, width, pixels), pixels, height, width)


@functools.cache
def _fixed_squares() -> tuple[int, list[tuple[int, int, int]]]:
    """The size of picture that the squares were drawn for, and first row, first column and side of each."""
    stored = json.loads(Path(__file__).with_name("fixed_squares.json").read_text(encoding="utf-8"))
    return stored["drawn_for"], [(square["top"], square["left"], square["side"]) for square in stored["squares"]]


def center_square(
    seed: tf.Tensor, *, batch_size: int | tf.Tensor, height: int | tf.Tensor, width: int | tf.Tensor, side: float = 0.5
) -> tf.Tensor:
    """Makes masks with one square in the middle; see `CenterSquare`.

    Args:
        seed: `[2]` int32 or int64, without influence.
        batch_size: number of masks B.
        height: H.
        width: W.
        side: side of the square over the picture's shorter side.

    Returns:
        `[B, H, W, 1]` float32 in {0, 1}, 1 = hole.
    """
    return CenterSquare(side=side)(seed, batch_size=batch_size, height=height, width=width)


def random_square(
    seed: tf.Tensor, *, batch_size: int | tf.Tensor, height: int | tf.Tensor, width: int | tf.Tensor, side: float = 0.5
) -> tf.Tensor:
    """Makes masks with one square at a random place; see `RandomSquare`.

    Args:
        seed: `[2]` int32 or int64.
        batch_size: number of masks B.
        height: H.
        width: W.
        side: side of the square over the picture's shorter side.

    Returns:
        `[B, H, W, 1]` float32 in {0, 1}, 1 = hole.
    """
    return RandomSquare(side=side)(seed, batch_size=batch_size, height=height, width=width)


def ten_squares(
    seed: tf.Tensor, *, batch_size: int | tf.Tensor, height: int | tf.Tensor, width: int | tf.Tensor, side: float = 0.125
) -> tf.Tensor:
    """Makes masks with ten small squares; see `TenSquares`.

    Args:
        seed: `[2]` int32 or int64.
        batch_size: number of masks B.
        height: H.
        width: W.
        side: side of a square over the picture's shorter side.

    Returns:
        `[B, H, W, 1]` float32 in {0, 1}, 1 = hole.
    """
    return TenSquares(side=side)(seed, batch_size=batch_size, height=height, width=width)


def fixed_squares(
    seed: tf.Tensor, *, batch_size: int | tf.Tensor, height: int | tf.Tensor, width: int | tf.Tensor, index: int | None = None
) -> tf.Tensor:
    """Makes masks with one of ten fixed squares; see `FixedSquares`.

    Args:
        seed: `[2]` int32 or int64.
        batch_size: number of masks B.
        height: H.
        width: W.
        index: 0 to 9 for that square in all masks.

    Returns:
        `[B, H, W, 1]` float32 in {0, 1}, 1 = hole.
    """
    return FixedSquares(index=index)(seed, batch_size=batch_size, height=height, width=width)


def _checked_side(side: float) -> float:
    if not 0.0 < side <= 1.0:
        raise ConfigError(f"`side` must lie in (0, 1], as a part of the picture's shorter side. Received: side={side!r}.")
    return float(side)


def _side_in_pixels(side: float | tf.Tensor, *, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
    """Side of a square, int64 of the shape of `side`, at least one pixel."""
    shorter = tf.cast(tf.minimum(height, width), tf.float32)
    return tf.cast(tf.maximum(tf.round(side * shorter), 1.0), tf.int64)


def _place(number: tf.Tensor, last: tf.Tensor) -> tf.Tensor:
    """Turns numbers in [0, 1) into whole numbers from 0 to `last`, int64."""
    place = tf.cast(tf.floor(number * tf.cast(last + 1, tf.float32)), tf.int64)
    return tf.minimum(place, last)  # the product of float32 may round up


def _rounded(start: tf.Tensor, size: tf.Tensor, side: tf.Tensor) -> tf.Tensor:
    """First pixel of a square that starts at a part of the picture, int64; the whole square stays inside."""
    pixel = tf.cast(tf.round(start * tf.cast(size, tf.float32)), tf.int64)
    return tf.minimum(pixel, size - side)


def _squares(top: tf.Tensor, left: tf.Tensor, side: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Draws the union of squares whose upper left corners are `[B, N]`, of one side or a side each; all int64."""
    rows, columns = tf.range(height), tf.range(width)
    in_rows = tf.logical_and(rows >= top[..., None], rows < (top + side)[..., None])  # [B, N, H]
    in_columns = tf.logical_and(columns >= left[..., None], columns < (left + side)[..., None])  # [B, N, W]
    # Squares over each pixel, counted by a matrix product: exact, the counts are small.
    covered = tf.einsum("bnh,bnw->bhw", tf.cast(in_rows, tf.float32), tf.cast(in_columns, tf.float32))
    return tf.cast(covered > 0.5, tf.float32)[..., None]
