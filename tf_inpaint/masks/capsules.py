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
    reach = tf.where(square >= 0.0, tf.sqrt(square), -OUTSIDE)
    disc_left, disc_right = x[..., None] - reach, x[..., None] + reach
    body_left, body_right = _bodies(x, y, away[..., :-1, :], radius)
    left = tf.minimum(tf.minimum(disc_left[..., :-1, :], disc_left[..., 1:, :]), body_left)
    right = tf.maximum(tf.maximum(disc_right[..., :-1, :], disc_right[..., 1:, :]), body_right)
    first, end = _pixel_index(tf.math.ceil(left), width), _pixel_index(tf.floor(right + 1.0), width)
    return packed_rows.intervals(first, end, width=width)


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
    side_slope, side_spread = u / v, radius[..., None] / tf.abs(v)  # a negative radius leaves no interval
    end_slope, end_centre, end_spread = -v / u, start + 0.5 * length / u, 0.5 * length / tf.abs(u)
    side, ends = side_slope[..., None] * away, end_slope[..., None] * away
    left = tf.maximum(side + (start - side_spread)[..., None], ends + (end_centre - end_spread)[..., None])
    right = tf.minimum(side + (start + side_spread)[..., None], ends + (end_centre + end_spread)[..., None])
    meets = left <= right
    return tf.where(meets, left, OUTSIDE), tf.where(meets, right, -OUTSIDE)


def _pixel_index(column: tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
    """Clips whole columns to [0, width], int32; in one pass, which `tf.clip_by_value` is not."""
    clipped = tf.raw_ops.ClipByValue(t=column, clip_value_min=0.0, clip_value_max=tf.cast(width, tf.float32))
    return tf.cast(clipped, tf.int32)


def _not_zero(number: tf.Tensor) -> tf.Tensor:
    return tf.where(tf.abs(number) < TINY, TINY, number)
