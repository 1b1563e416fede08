"""Masks as rows of bits: 64 pixels in one int64, so that a union of many shapes costs one word operation per 64 pixels.

Pixel x of a row is bit x % 64 of word x // 64. The bits behind the last pixel of a row are 0.
"""

import numpy as np
import tensorflow as tf

WORD_BITS = 64
# The eight pixels in each value of a byte, lowest bit first.
BYTE_PIXELS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").astype(np.float32)


def intervals(first: tf.Tensor, end: tf.Tensor, *, width: int | tf.Tensor) -> tf.Tensor:
    """Packs rows in which the pixels `first <= x < end` are holes.

    Args:
        first: any shape, int32 or int64 in [0, width].
        end: same shape, in [0, width]. Where it is not above `first`, the row has no hole.
        width: pixels in a row, scalar.

    Returns:
        The shape of `first` with one more dimension: `[..., ceil(width / 64)]` int64.
    """
    # Two gathers from small tables cost less than the shifts and clips for each word of each interval.
    below = _pixels_below(width)
    return tf.bitwise.bitwise_and(tf.gather(tf.bitwise.invert(below), first), tf.gather(below, end))


def union(words: tf.Tensor, *, axis: int) -> tf.Tensor:
    """Unites packed masks along one axis of static size.

    Args:
        words: packed rows.
        axis: the axis that disappears, counted from the front; its size is at least 1.

    Returns:
        Packed rows without that axis.
    """
    parts = tf.unstack(words, axis=axis)
    while len(parts) > 1:  # in pairs: the unions of a round do not wait for each other
        paired = [tf.bitwise.bitwise_or(first, second) for first, second in zip(parts[::2], parts[1::2], strict=False)]
        parts = paired + parts[2 * len(paired) :]
    return parts[0]


def running_union(words: tf.Tensor) -> tf.Tensor:
    """Unites each packed mask with all those before it on axis 1, whose size is static.

    Args:
        words: `[B, N, ...]` packed rows.

    Returns:
        Same shape: entry n is the union of the entries 0 to n.
    """
    shift = 1
    while shift < words.shape[1]:  # after this round each entry holds the union of 2 * shift entries
        words = tf.concat([words[:, :shift], tf.bitwise.bitwise_or(words[:, shift:], words[:, :-shift])], axis=1)
        shift *= 2
    return words


def count(words: tf.Tensor) -> tf.Tensor:
    """Counts hole pixels.

    Args:
        words: `[..., H, W / 64]` packed rows.

    Returns:
        `[...]` int64.
    """
    return tf.reduce_sum(tf.cast(tf.raw_ops.PopulationCount(x=words), tf.int64), axis=[-2, -1])


def unpack(words: tf.Tensor, *, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
    """Turns packed rows into masks.

    Args:
        words: `[B, H, ceil(W / 64)]` packed rows.
        height: H, scalar.
        width: W, scalar.

    Returns:
        `[B, H, W, 1]` float32 in {0, 1}.
    """
    pixels = tf.gather(BYTE_PIXELS, tf.cast(tf.bitcast(words, tf.uint8), tf.int32))
    rows = tf.reshape(pixels, [tf.shape(words)[0], height, -1])
    return tf.reshape(rows[:, :, :width], [tf.shape(words)[0], height, width, 1])


def _pixels_below(width: int | tf.Tensor) -> tf.Tensor:
    """`[width + 1, words]` int64: row x has its first x pixels set."""
    width = tf.cast(width, tf.int64)
    words = (width + WORD_BITS - 1) // WORD_BITS
    below = tf.range(width + 1)[:, None] - WORD_BITS * tf.range(words)[None]
    below = tf.clip_by_value(below, tf.constant(0, tf.int64), tf.constant(WORD_BITS, tf.int64))
    one = tf.ones_like(below)
    part = tf.bitwise.left_shift(one, tf.minimum(below, WORD_BITS - 1)) - one  # a shift by 64 is undefined
    return tf.where(below == WORD_BITS, -one, part)
