"""The random numbers of masks: SplitMix64, a stream per seed."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.masks import random

WORD = (1 << 64) - 1


def splitmix64(state: int, count: int) -> list[int]:
    """The published generator, in Python's integers."""
    numbers = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & WORD
        mixed = state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & WORD
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & WORD
        numbers.append(mixed ^ (mixed >> 31))
    return numbers


def key(seed: tuple[int, int]) -> int:
    first = splitmix64(seed[0] & WORD, 1)[0]
    return splitmix64((first + seed[1] - 0x9E3779B97F4A7C15) & WORD, 1)[0]


def test_the_reference_gives_the_published_numbers():
    assert splitmix64(1234567, 3) == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize("seed", [(0, 0), (1, 2), (-3, 2**31 - 1), (2**62, -(2**63))])
def test_bits_are_those_of_splitmix64(seed):
    drawn = random.bits(tf.constant([seed], tf.int64), 50).numpy().astype(np.uint64)[0]
    assert drawn.tolist() == splitmix64(key(seed), 50)


def test_int32_and_int64_seeds_give_the_same_numbers():
    seeds = [[1, -2], [2**31 - 1, -(2**31)]]
    np.testing.assert_array_equal(random.uniform(tf.constant(seeds, tf.int32), 9), random.uniform(tf.constant(seeds, tf.int64), 9))


def test_uniform_numbers_fill_the_unit_interval_evenly():
    numbers = random.uniform(tf.stack([tf.range(1000), tf.zeros(1000, tf.int32)], 1), 100).numpy()
    assert numbers.dtype == np.float32 and numbers.min() >= 0.0 and numbers.max() < 1.0
    counts = np.histogram(numbers, bins=100, range=(0, 1))[0]
    chi_square = ((counts - 1000) ** 2 / 1000).sum()  # 99 degrees of freedom: mean 99, standard deviation 14
    assert 99 - 5 * 14 < chi_square < 99 + 5 * 14


@pytest.mark.parametrize("axis", [0, 1])
def test_neighbouring_seeds_and_neighbouring_numbers_are_independent(axis):
    seeds = np.zeros([2000, 2], np.int32)
    seeds[:, axis] = np.arange(2000)
    numbers = random.uniform(tf.constant(seeds), 20).numpy().astype(np.float64) - 0.5
    for first, second in ((numbers[1:], numbers[:-1]), (numbers[:, 1:], numbers[:, :-1])):
        correlation = (first * second).mean() * 12  # of N independent pairs: standard deviation 1 / sqrt(N)
        assert abs(correlation) < 5 / np.sqrt(first.size)


def test_every_input_bit_flips_half_of_the_output_bits():
    seeds = np.zeros([129, 2], np.int64)
    for bit in range(128):
        seeds[bit + 1, bit // 64] = np.uint64(1 << (bit % 64)).astype(np.int64)
    drawn = random.bits(tf.constant(seeds), 64).numpy()
    flipped = np.unpackbits((drawn[1:] ^ drawn[:1]).view(np.uint8), axis=1).mean(1)
    assert np.all(np.abs(flipped - 0.5) < 6 * 0.5 / np.sqrt(64 * 64))


def test_more_numbers_or_seeds_do_not_change_the_first_ones():
    np.testing.assert_array_equal(random.uniform([[5, 6]], 30)[:, :7], random.uniform([[5, 6]], 7))
    np.testing.assert_array_equal(random.split([5, 6], 30)[:7], random.split([5, 6], 7))


def test_split_seeds_differ_from_each_other_and_from_the_stream_of_their_origin():
    seeds = random.split([5, 6], 1000).numpy()
    assert seeds.shape == (1000, 2) and seeds.dtype == np.int64
    assert len(np.unique(seeds)) == 2000
    assert not np.intersect1d(seeds, random.bits([[5, 6]], 4000).numpy()).size
