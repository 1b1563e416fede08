"""Thick line segments with round ends, drawn into packed rows without looking at each pixel."""

import tensorflow as tf

from tf_inpaint.masks import packed_rows

OUTSIDE = 1e9  # beyond any picture; its negative as well
TINY = 1e-6  # stands for the zero slope of lines along an axis; other slopes between whole pixels are much larger


def draw(vertices: tf.Tensor, radius: tf.Tensor, *, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
    """Draws polylines with a round brush, each segment into a mask of its own.

    A segment with its two discs is convex, so it meets each row of pixels in one interval, whose ends are known in closed form:
    36 segments cost 36 * H intervals where distances would cost 36 * H * W.

    Args:
        vertices: `[..., V, 2]` float32, (x, y) in pixels; pixel (i, j) has its centre at x = j, y = i. Equal neighbours are a disc.
        radius: `[...]` float32, brush radius in pixels. A negative one draws nothing.
        height: H, scalar.
        width: W, scalar.

    Returns:
        `[..., V - 1, H, ceil(W / 64)]` packed rows: the pixels whose centre is at most `radius` away from the segment.
    """
    rows = tf.range(tf.cast(height, tf.float32))
    x, y = vertices[..., 0], vertices[..., 1]
    away = rows - y[..., None]  # [..., V, H]
    square = (radius * tf.abs(radius))[..., None, None] - away * away  # below zero everywhere for a negative radius
    reach = tf.sqrt(tf.maximum(square, 0.0))
    in_disc = square >= 0.0
    disc_left = tf.where(in_disc, x[..., None] - reach, OUTSIDE)
    disc_right = tf.where(in_disc, x[..., None] + reach, -OUTSIDE)
    body_left, body_right = _bodies(x, y, away[..., :-1, :], radius)
    left = tf.minimum(tf.minimum(disc_left[..., :-1, :], disc_left[..., 1:, :]), body_left)
    right = tf.maximum(tf.maximum(disc_right[..., :-1, :], disc_right[..., 1:, :]), body_right)
    columns = tf.cast(width, tf.float32)
    first = tf.clip_by_value(tf.math.ceil(left), 0.0, columns)
    end = tf.clip_by_value(tf.floor(right) + 1.0, first, columns)
    return packed_rows.intervals(tf.cast(first, tf.int32), tf.cast(end, tf.int32), width=width)


def _bodies(x: tf.Tensor, y: tf.Tensor, away: tf.Tensor, radius: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Left and right end of the rectangle of each segment on each row; (OUTSIDE, -OUTSIDE) where it does not meet the row.

    With (u, v) the unit vector along the segment, X = column - x of its start and Y = `away` the row - y of its start, a point
    lies in the rectangle if |u Y - v X| <= radius and 0 <= u X + v Y <= length: two intervals of X that move linearly with Y.
    """
    along_x, along_y = x[..., 1:] - x[..., :-1], y[..., 1:] - y[..., :-1]
    length = tf.sqrt(along_x * along_x + along_y * along_y)
    is_line = length > 0.0
    per_length = 1.0 / tf.where(is_line, length, 1.0)
    u = _not_zero(tf.where(is_line, along_x * per_length, 1.0))
    v = _not_zero(along_y * per_length)
    start = x[..., :-1]
    side_slope, side_spread = u / v, tf.abs(radius[..., None] / v)
    end_slope, end_centre, end_spread = -v / u, 0.5 * length / u, tf.abs(0.5 * length / u)
    side = start[..., None] + side_slope[..., None] * away
    ends = (start + end_centre)[..., None] + end_slope[..., None] * away
    left = tf.maximum(side - side_spread[..., None], ends - end_spread[..., None])
    right = tf.minimum(side + side_spread[..., None], ends + end_spread[..., None])
    meets = tf.logical_and(left <= right, radius[..., None, None] >= 0.0)
    return tf.where(meets, left, OUTSIDE), tf.where(meets, right, -OUTSIDE)


def _not_zero(number: tf.Tensor) -> tf.Tensor:
    return tf.where(tf.abs(number) < TINY, TINY, number)
