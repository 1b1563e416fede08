"""Which loss weights a stage of a system has: its own change what it reports, the others nothing."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.systems import SYSTEMS

STAGES = [(key, stage) for key, system in SYSTEMS.items() for stage in system.STAGE_WEIGHTS]


def reported(key, stage, factors):
    """What the tiny system reports of a batch in a stage, its weights multiplied."""
    keras.utils.set_random_seed(0)
    config = SYSTEMS[key].tiny().config
    keras.utils.set_random_seed(0)
    system = SYSTEMS[key].tiny(**{name: factor * getattr(config, name) for name, factor in factors.items()})
    system.compile(stage=stage)
    size = config.image_size
    mask = np.zeros([2, size, size, 1], np.float32)
    mask[:, size // 4 : size // 2, size // 4 : size // 2] = 1.0
    image = tf.image.resize(tf.random.stateless_uniform([2, 5, 5, 3], [1, 2], -1.0, 1.0), [size, size])
    return {name: float(value) for name, value in system.test_step({"image": image, "mask": tf.constant(mask)}).items()}


@pytest.mark.parametrize(("key", "stage"), STAGES)
def test_the_weights_of_other_stages_change_nothing_and_its_own_do(key, stage):
    own = SYSTEMS[key].STAGE_WEIGHTS[stage]
    names = [field.name for field in dataclasses.fields(SYSTEMS[key].Config) if field.name.endswith("_weight")]
    expected = reported(key, stage, {})
    assert reported(key, stage, {name: 3.0 for name in names if name not in own}) == expected
    if (key, stage) != ("latent_attention", "generator"):  # its two penalties are there in training steps only
        assert reported(key, stage, dict.fromkeys(own, 3.0))["loss"] != expected["loss"]
