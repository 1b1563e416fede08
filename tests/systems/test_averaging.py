"""Averaged weights."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.systems import SYSTEMS
from tf_inpaint.systems.averaging import WeightAverage


def test_the_average_follows_the_formula():
    weight = tf.Variable([1.0, 2.0])
    average = WeightAverage([weight], momentum=0.9)
    expected = np.array([1.0, 2.0])
    for step in range(1, 60):
        weight.assign([np.sin(step), step])
        average.update(tf.constant(step, tf.int64))
        momentum = min(0.9, (1 + step) / (10 + step))
        expected = momentum * expected + (1 - momentum) * np.array([np.sin(step), step])
    np.testing.assert_allclose(average.variables[0], expected, rtol=1e-5)


def test_a_constant_weight_is_its_own_average():
    weight = tf.Variable([0.1, -3.0])
    average = WeightAverage([weight], momentum=0.999)
    for step in range(1, 20):
        average.update(tf.constant(step))
    np.testing.assert_array_equal(average.variables[0], weight)


def test_the_averages_take_the_place_of_the_weights_for_a_while_and_weights_come_back_after_an_error():
    weight = tf.Variable([1.0])
    average = WeightAverage([weight], momentum=0.5)
    weight.assign([3.0])
    with average.swapped_in():
        np.testing.assert_array_equal(weight, [1.0])
    np.testing.assert_array_equal(weight, [3.0])
    with pytest.raises(RuntimeError), average.swapped_in():
        raise RuntimeError
    np.testing.assert_array_equal(weight, [3.0])


def test_keras_does_not_count_the_averages_among_the_weights():
    system = SYSTEMS["three_stage"].tiny()
    before = len(system.weights)
    system.compile()
    assert len(system.weights) == before
    assert len(system.average.variables) == len(system.generator_weights) < before


@pytest.mark.parametrize("momentum", [-0.1, 1.0])
def test_a_momentum_out_of_range_is_named(momentum):
    with pytest.raises(ValueError, match=r"`momentum` must be in \[0, 1\)"):
        WeightAverage([], momentum=momentum)
