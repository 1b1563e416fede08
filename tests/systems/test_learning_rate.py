"""The schedule of the learning rate: its values, in every system and under every policy, and what its settings refuse."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.errors import ConfigError
from tf_inpaint.systems import SYSTEMS
from tf_inpaint.systems.config import SystemConfig
from tf_inpaint.systems.learning_rate import LearningRate


def rates(schedule, steps):
    return [float(schedule(tf.constant(step, tf.int64))) for step in steps]


def test_the_rate_rises_linearly_and_falls_along_a_cosine():
    schedule = LearningRate(0.2, warmup_steps=4, decay_steps=10)
    np.testing.assert_allclose(rates(schedule, [0, 1, 3]), [0.05, 0.1, 0.2], rtol=1e-6)
    np.testing.assert_allclose(rates(schedule, [4, 9, 14, 99]), [0.2, 0.1, 0.0, 0.0], atol=1e-7)


def test_the_rate_falls_to_a_tenth_in_steps_until_it_stays():
    schedule = LearningRate(1e-4, drop_steps=100, steady_steps=310)
    np.testing.assert_allclose(
        rates(schedule, [0, 99, 100, 199, 200, 300, 310, 10_000]), [1e-4, 1e-4, *[1e-5] * 2, 1e-6, *[1e-7] * 3], rtol=1e-5
    )


@pytest.mark.parametrize(
    ("drop_steps", "steady_steps", "step", "factor"),
    [
        (100_000, 10_000, 329_999, 1.0),  # PEN-Net's CelebA-HQ: constant, whatever was meant
        (100_000, 310_000, 329_999, 1e-3),  # its DTD
        (100_000, 150_000, 999_999, 0.1),  # its Places2
        (1 << 24, 0, (1 << 24) - 1, 1.0),  # a step that float32 does not know
    ],
)
def test_the_steps_of_the_released_code_are_counted_exactly(drop_steps, steady_steps, step, factor):
    schedule = LearningRate(1.0, drop_steps=drop_steps, steady_steps=steady_steps)
    np.testing.assert_allclose(rates(schedule, [step]), [factor], rtol=1e-5)


def test_a_schedule_survives_its_configuration():
    schedule = LearningRate(0.1, warmup_steps=3, drop_steps=5, steady_steps=12)
    again = LearningRate.from_config(schedule.get_config())
    assert rates(again, range(20)) == rates(schedule, range(20))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_every_system_has_the_steps(policy):
    keras.mixed_precision.set_global_policy(policy)
    settings = {"learning_rate": 1.0, "learning_rate_drop_steps": 2, "learning_rate_steady_steps": 5}
    for key, system_class in SYSTEMS.items():
        config = system_class.Config(**settings)
        assert SystemConfig.from_dict({name: config.to_dict()[name] for name in settings}).to_dict()["learning_rate_drop_steps"] == 2, key
    schedule = LearningRate(1.0, drop_steps=2, steady_steps=5)
    values = [schedule(tf.constant(step)) for step in range(8)]
    assert {value.dtype for value in values} == {tf.float32}
    np.testing.assert_allclose(values, [1, 1, 0.1, 0.1, *[0.01] * 4], rtol=1e-5)


@pytest.mark.parametrize("name", ["learning_rate_drop_steps", "learning_rate_steady_steps"])
def test_negative_steps_are_refused(name):
    with pytest.raises(ConfigError, match=f"`{name}` must be at least 0"):
        SystemConfig(**{name: -1})
