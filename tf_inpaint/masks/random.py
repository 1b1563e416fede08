"""Random numbers of masks: many seeds at once, each with its own stream.

The `tf.random.stateless_*` functions take one seed per call, and inside `tf.vectorized_map` they fall back to a loop over the
seeds. A mask must depend on its own seed alone, whatever batch it is in, so here is SplitMix64 over a vector of seeds: number j
of a stream is a hash of key + j * increment, computed in int64 with wrap-around. Every operation has a kernel for the GPU
(int32 arithmetic would run on the host there), and integers come out the same on every device, in every process.

Source: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators" (OOPSLA); the constants are those of its
variant 13 of the 64-bit finaliser, as in Java's `SplittableRandom`. It passes BigCrush.
"""

import tensorflow as tf

INCREMENT = 0x9E3779B97F4A7C15  # 2**64 / golden ratio, odd
MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
SPLIT_TAG = 0x5851F42D4C957F2D  # keeps the seeds that `split` gives away out of the stream of the seed itself


def bits(seeds: tf.Tensor, count: int | tf.Tensor) -> tf.Tensor:
    """Draws 64 random bits at a time, a stream per seed.

    Args:
        seeds: `[B, 2]` int32 or int64; equal numbers give equal bits in both types.
        count: numbers per seed. The first n numbers do not depend on it.

    Returns:
        `[B, count]` int64, uniform over all its values.
    """
    return _stream(_keys(seeds), count)


def uniform(seeds: tf.Tensor, count: int | tf.Tensor) -> tf.Tensor:
    """Draws uniform numbers, a stream per seed.

    Args:
        seeds: `[B, 2]` int32 or int64.
        count: numbers per seed. The first n numbers do not depend on it.

    Returns:
        `[B, count]` float32 in [0, 1), multiples of 2**-24, hence exact on every device.
    """
    return tf.cast(_shift_right(bits(seeds, count), 40), tf.float32) * 2.0**-24


def split(seed: tf.Tensor, count: int | tf.Tensor) -> tf.Tensor:
    """Derives a seed for each member of a batch.

    Args:
        seed: `[2]` int32 or int64.
        count: number of seeds. The first n seeds do not depend on it.

    Returns:
        `[count, 2]` int64.
    """
    key = _keys(tf.convert_to_tensor(seed)[None])
    return tf.reshape(_stream(_mix(tf.bitwise.bitwise_xor(key, _signed(SPLIT_TAG))), 2 * count), [count, 2])


def _keys(seeds: tf.Tensor) -> tf.Tensor:
    """`[B, 1]` int64: the two numbers of each seed, hashed one after the other."""
    seeds = tf.cast(seeds, tf.int64)
    return _mix(_mix(seeds[:, :1] + _signed(INCREMENT)) + seeds[:, 1:])


def _stream(keys: tf.Tensor, count: int | tf.Tensor) -> tf.Tensor:
    return _mix(keys + tf.range(1, tf.cast(count, tf.int64) + 1, dtype=tf.int64) * _signed(INCREMENT))


def _mix(value: tf.Tensor) -> tf.Tensor:
    """Finaliser of SplitMix64: a bijection of 64-bit numbers in which every input bit reaches every output bit."""
    value = tf.bitwise.bitwise_xor(value, _shift_right(value, 30)) * _signed(MULTIPLIERS[0])
    value = tf.bitwise.bitwise_xor(value, _shift_right(value, 27)) * _signed(MULTIPLIERS[1])
    return tf.bitwise.bitwise_xor(value, _shift_right(value, 31))


def _shift_right(value: tf.Tensor, places: int) -> tf.Tensor:
    """Shifts int64 as if it had no sign: the arithmetic shift copies the sign bit, so the new places are cleared."""
    keep = tf.constant((1 << (64 - places)) - 1, tf.int64)
    return tf.bitwise.bitwise_and(tf.bitwise.right_shift(value, tf.constant(places, tf.int64)), keep)


def _signed(number: int) -> tf.Tensor:
    """The int64 with the bits of an unsigned 64-bit number."""
    return tf.constant(number - (1 << 64) if number >> 63 else number, tf.int64)
