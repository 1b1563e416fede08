"""Free-form masks: random brush strokes, as in the paper on gated convolution, drawn by vectorised tensor operations."""

import math
import statistics

import numpy as np
import tensorflow as tf

from tf_inpaint.errors import ConfigError
from tf_inpaint.masks import capsules, packed_rows, random
from tf_inpaint.masks.generator import MaskGenerator

# The recipe of Yu et al. 2019 ("Free-form image inpainting with gated convolution") as their code has it.
MAX_STROKES = 3
MIN_VERTICES, MAX_VERTICES = 4, 11  # steps of a stroke; it has one vertex more
MEAN_ANGLE, ANGLE_RANGE = 2 * math.pi / 5, 2 * math.pi / 15
BRUSH_WIDTHS = (12, 40)  # pixels in a picture of 256 px
REFERENCE_SIZE = 256
BRUSH_MARGIN = 0.05  # pixels; keeps the rim off pixel centres, where rounding would decide

# Angles and step lengths are read from tables: sine and logarithm differ in the last bit between devices, a table does not.
TABLE_SIZE = 4096
_ANGLES = MEAN_ANGLE - ANGLE_RANGE + 2 * ANGLE_RANGE * (np.arange(TABLE_SIZE) + 0.5) / TABLE_SIZE
DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=-1).astype(np.float32)
NORMAL_QUANTILES = np.array([statistics.NormalDist().inv_cdf((i + 0.5) / TABLE_SIZE) for i in range(TABLE_SIZE)], np.float32)

NUMBERS_PER_MASK = 4  # strokes, two flips, wanted hole share
NUMBERS_PER_STROKE = 6 + 2 * MAX_VERTICES  # first vertex, brush width, steps, two angle limits; an angle and a length per step

# A share of the picture that a stroke of the recipe adds; with it the number of strokes that fills a share can be planned.
PLANNED_SHARE = 0.04
MOST_STROKES = 64
SEARCH_WIDTH, SEARCH_ROUNDS = 16, 3


class FreeForm(MaskGenerator):
    """Brush strokes at random places.

    Without `ratio`: one to three strokes of the recipe, a mean hole share of 15 % at 256 px. Lengths follow the picture's
    diagonal, the brush follows its shorter side.

    With `ratio`: strokes of the same kind are added one after the other, and the brush stops where the hole has reached a share
    drawn uniformly between the limits, in the middle of a stroke if need be.

    Args:
        ratio: `None` or (low, high) with 0 <= low < high <= 1. The hole share of every mask lies in [low, high), as long as at
            least 12 pixels lie between the limits (a growing brush takes in several pixels at once).

    Raises:
        ConfigError: if `ratio` is not such a pair.

    Source: Yu et al. 2019, arXiv:1806.03589, algorithm 1 and its released code. Differs: the two random flips at its end, which
    lose their result there, take place here; a segment with its two discs is an exact capsule.
    """

    def __init__(self, *, ratio: tuple[float, float] | None = None):
        if ratio is not None and not (len(ratio) == 2 and 0.0 <= ratio[0] < ratio[1] <= 1.0):
            raise ConfigError(f"`ratio` must be None or (low, high) with 0 <= low < high <= 1. Received: ratio={ratio!r}.")
        self.ratio = None if ratio is None else (float(ratio[0]), float(ratio[1]))

    def per_example(self, seeds: tf.Tensor, *, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
        num_strokes = MAX_STROKES if self.ratio is None else _planned_strokes(self.ratio[1])
        numbers = random.uniform(seeds, NUMBERS_PER_MASK + num_strokes * NUMBERS_PER_STROKE)
        per_mask, per_stroke = tf.split(numbers, [NUMBERS_PER_MASK, num_strokes * NUMBERS_PER_STROKE], axis=1)
        per_stroke = tf.reshape(per_stroke, [-1, num_strokes, NUMBERS_PER_STROKE])
        vertices, radius = _strokes(per_stroke, height=height, width=width)
        vertices = _flip(vertices, per_mask[:, 1:3] < 0.5, height=height, width=width)
        if self.ratio is None:
            used = tf.floor(per_mask[:, :1] * MAX_STROKES) + 1.0
            radius = tf.where(tf.range(float(MAX_STROKES)) < used, radius, -1.0)
            segments = capsules.draw(vertices, radius, height=height, width=width)
            words = packed_rows.union(packed_rows.union(segments, axis=2), axis=1)
        else:
            words = _stop_at_share(vertices, radius, per_mask[:, 3], self.ratio, height=height, width=width)
        return packed_rows.unpack(words, height=height, width=width)


def free_form(
    seed: tf.Tensor,
    *,
    batch_size: int | tf.Tensor,
    height: int | tf.Tensor,
    width: int | tf.Tensor,
    ratio: tuple[float, float] | None = None,
) -> tf.Tensor:
    """Makes masks of random brush strokes; see `FreeForm`.

    Args:
        seed: `[2]` int32 or int64.
        batch_size: number of masks B. The first n masks do not depend on it.
        height: H.
        width: W.
        ratio: `None`, or (low, high): every mask's hole share lies in [low, high).

    Returns:
        `[B, H, W, 1]` float32 in {0, 1}, 1 = hole.

    Raises:
        ConfigError: if `ratio` is not a pair with 0 <= low < high <= 1.
    """
    return FreeForm(ratio=ratio)(seed, batch_size=batch_size, height=height, width=width)


def _strokes(numbers: tf.Tensor, *, height: int | tf.Tensor, width: int | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Turns random numbers `[B, S, 28]` into vertices `[B, S, 12, 2]` (x, y) in whole pixels and brush radii `[B, S]`."""
    size = tf.stack([tf.cast(width, tf.float32), tf.cast(height, tf.float32)])
    place, brush, steps, limits, angles, lengths = tf.split(numbers, [2, 1, 1, 2, MAX_VERTICES, MAX_VERTICES], axis=-1)
    shortest, widest = BRUSH_WIDTHS
    brush_width = tf.floor(shortest + (widest - shortest) * brush[..., 0]) * (tf.reduce_min(size) / REFERENCE_SIZE)
    radius = 0.5 * tf.maximum(brush_width, 1.0) + BRUSH_MARGIN

    # Angles between mean - range * limits[0] and mean + range * limits[1], in units of the table. The recipe's angles go up at
    # even steps and down at odd ones.
    low, high = 0.5 - 0.5 * limits[..., :1], 0.5 + 0.5 * limits[..., 1:]
    direction = tf.gather(DIRECTIONS, _table_index(low + (high - low) * angles))
    direction *= np.array([[1.0, -1.0 if step % 2 == 0 else 1.0] for step in range(MAX_VERTICES)], np.float32)
    mean_length = tf.norm(size) / 8.0
    length = mean_length + tf.floor(mean_length / 2.0) * tf.gather(NORMAL_QUANTILES, _table_index(lengths))
    length = tf.clip_by_value(length, 0.0, 2.0 * mean_length)
    num_steps = MIN_VERTICES + tf.floor(steps * (MAX_VERTICES - MIN_VERTICES + 1))
    length = tf.where(tf.range(float(MAX_VERTICES)) < num_steps, length, 0.0)
    # Sixteenths of a pixel: sums with whole pixels are then exact, however a compiler fuses them.
    offsets = tf.round(length[..., None] * direction * 16.0) / 16.0

    # Each step starts where the one before ended inside the picture: a chain of a few tiny operations for all strokes at once.
    vertices = [tf.floor(place * size)]
    for offset in tf.unstack(offsets, axis=2):
        vertices.append(tf.floor(tf.clip_by_value(vertices[-1] + offset, 0.0, size)))
    return tf.stack(vertices, axis=2), radius


def _table_index(number: tf.Tensor) -> tf.Tensor:
    """Entry of a table for a number in [0, 1]."""
    return tf.cast(tf.minimum(number * TABLE_SIZE, TABLE_SIZE - 1.0), tf.int32)


def _flip(vertices: tf.Tensor, flips: tf.Tensor, *, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
    """Mirrors all strokes of a mask; `flips` is `[B, 2]` bool: left-right, upside down."""
    last = tf.stack([tf.cast(width, tf.float32), tf.cast(height, tf.float32)]) - 1.0
    return tf.where(flips[:, None, None, :], last - vertices, vertices)


def _planned_strokes(share: float) -> int:
    """Strokes to draw so that, almost always, their union covers the given share of a picture; the last one is the reserve."""
    needed = math.log(1.0 - min(share, 0.99)) / math.log(1.0 - PLANNED_SHARE)
    return min(math.ceil(needed) + 3, MOST_STROKES)


def _stop_at_share(
    vertices: tf.Tensor,
    radius: tf.Tensor,
    draw: tf.Tensor,
    ratio: tuple[float, float],
    *,
    height: int | tf.Tensor,
    width: int | tf.Tensor,
) -> tf.Tensor:
    """Paints strokes in order until the hole has as many pixels as wanted.

    The hole only grows along the strokes, so the place to stop is found by looking closer and closer: which stroke, which of its
    segments, how much of that. The last stroke has a brush as large as the picture, therefore the place always exists; before it
    come so many strokes that it is hardly ever reached.

    Args:
        vertices: `[B, S, V, 2]`.
        radius: `[B, S]`.
        draw: `[B]` in [0, 1), chooses the share between the limits of `ratio`.
        ratio: (low, high).
        height: H.
        width: W.

    Returns:
        `[B, H, words]` packed rows.
    """
    fewest, most = _pixel_limits(ratio, height=height, width=width)
    wanted = fewest + tf.cast(tf.floor(draw * tf.cast(most - fewest + 1, tf.float32)), tf.int64)
    wanted = tf.minimum(wanted, most)[:, None]  # float32 may round up
    covers_all = tf.cast(height, tf.float32) + tf.cast(width, tf.float32)
    radius = tf.concat([radius[:, :-1], tf.fill(tf.shape(radius[:, :1]), covers_all)], axis=1)

    strokes = packed_rows.union(capsules.draw(vertices, radius, height=height, width=width), axis=2)
    painted = packed_rows.running_union(tf.concat([tf.zeros_like(strokes[:, :1]), strokes], axis=1))
    stroke = _last_below(painted, wanted)
    painted, vertices, radius = (tf.gather(each, stroke, batch_dims=1) for each in (painted, vertices, radius))

    segments = capsules.draw(vertices, radius, height=height, width=width)
    painted = packed_rows.running_union(tf.concat([painted[:, None], segments], axis=1))
    segment = _last_below(painted, wanted)
    painted, start = (tf.gather(each, segment, batch_dims=1) for each in (painted, vertices))
    way = tf.gather(vertices, segment + 1, batch_dims=1) - start

    def paint(progress: tf.Tensor) -> tf.Tensor:
        """Adds a part of the segment: the brush is pressed down in the first half of the progress, and moves in the second."""
        pressed = radius[:, None] * tf.minimum(2.0 * progress, 1.0)
        ends = start[:, None] + tf.maximum(2.0 * progress - 1.0, 0.0)[..., None] * way[:, None]
        segment = tf.stack([tf.broadcast_to(start[:, None], tf.shape(ends)), ends], axis=2)
        drawn = capsules.draw(segment, pressed, height=height, width=width)[:, :, 0]
        return tf.bitwise.bitwise_or(painted[:, None], drawn)

    below, step = tf.zeros_like(draw)[:, None], 1.0
    for _ in range(SEARCH_ROUNDS):
        step /= SEARCH_WIDTH
        tried = below + step * tf.range(1.0, float(SEARCH_WIDTH))
        reached = packed_rows.count(paint(tried)) < wanted
        below += step * tf.reduce_sum(tf.cast(reached, tf.float32), axis=1, keepdims=True)
    candidates = paint(tf.concat([below + step, below], axis=1))
    too_many = packed_rows.count(candidates[:, 0]) > most
    return tf.where(too_many[:, None, None], candidates[:, 1], candidates[:, 0])


def _last_below(painted: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """`[B]` int64: the last of the growing masks `[B, N, H, words]` with fewer hole pixels than wanted; the first is empty."""
    fewer = packed_rows.count(painted[:, :-1]) < wanted
    return tf.reduce_sum(tf.cast(fewer, tf.int64), axis=1) - 1


def _pixel_limits(ratio: tuple[float, float], *, height: int | tf.Tensor, width: int | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Fewest and most hole pixels, int64 scalars, whose share lies in [low, high) even if the share is computed in float32."""
    pixels = tf.cast(height, tf.float64) * tf.cast(width, tf.float64)
    fewest = tf.floor(ratio[0] * pixels) + 1.0
    most = tf.math.ceil(ratio[1] * pixels - 1e-3) - 1.0
    return tf.cast(fewest, tf.int64), tf.cast(tf.maximum(most, fewest), tf.int64)
