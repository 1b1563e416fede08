"""The texture generator and its critic: sizes, attention by level, switches. (Published values: tests/golden.)"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.errors import ConfigError
from tf_inpaint.systems.latent_attention.texture import build_texture_critic, build_texture_generator

SMALL = {"image_size": 32, "level_sizes": (32, 16, 8, 4, 2, 1), "channels": (2, 2, 3, 3, 4, 4), "softmax_scale": 10.0}
DEEP = {1: 4, 2: 4}


def num_weights(network):
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


@pytest.fixture(scope="module")
def pictures():
    """Two pictures and their masks, a hole of 8 x 8 in a corner of 64 x 64."""
    mask = np.zeros([2, 64, 64, 1], np.float32)
    mask[:, 48:56, 8:16] = 1.0
    return tf.random.stateless_uniform([2, 64, 64, 3], [0, 0], -1.0, 1.0), tf.constant(mask)


def build(**arguments):
    return build_texture_generator(
        **{"image_size": 64, "level_sizes": (64, 32, 16, 8), "channels": (2, 3, 4, 6), "attention_map": DEEP, **arguments}
    )


def test_the_default_has_the_levels_and_weights_of_the_plan():
    generator = build_texture_generator()
    assert num_weights(generator) == 11_755_235
    assert [generator.get_layer(f"scores_{level}").output.shape[1:] for level in (4, 5, 6)] == [(32, 32, 1024), (16, 16, 256), (8, 8, 64)]
    assert [generator.get_layer(f"transfer_{level}").rate for level in (1, 2, 3)] == [32, 8, 2]


def test_the_critic_has_the_published_number_of_weights_and_scores_each_picture_alone():
    assert num_weights(build_texture_critic()) == 5_949_313
    critic = build_texture_critic(image_size=40, base_filters=2)
    pictures = tf.random.stateless_uniform([3, 40, 40, 3], [0, 0], -1.0, 1.0)
    scores = critic(pictures)
    assert scores.shape == (3, 1) and scores.dtype == tf.float32
    np.testing.assert_allclose(critic(pictures[1:2]), scores[1:2], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("arguments", [
    {},
    {"attention_mode": "hifill", "transfer": "block", "output": "tanh", "gate": "slice"},
    {"image_size": 128, "attention_map": [(1, 4), (2, 3)]},
    {"attention_map": {}},
])  # fmt: skip
def test_each_form_gives_a_picture_and_trains_every_weight(pictures, arguments):
    generator = build(**arguments)
    image, mask = pictures
    if generator.input_shape[0][1] == 128:
        image, mask = tf.repeat(tf.repeat(image, 2, 1), 2, 2), tf.repeat(tf.repeat(mask, 2, 1), 2, 2)
    with tf.GradientTape() as tape:
        raw = generator([image, mask])
        loss = tf.reduce_mean(tf.square(raw - image))
    assert raw.shape == image.shape and raw.dtype == tf.float32
    assert -1.0 <= np.min(raw) and np.max(raw) <= 1.0
    for weight, gradient in zip(generator.trainable_weights, tape.gradient(loss, generator.trainable_weights), strict=True):
        assert gradient is not None and np.all(np.isfinite(gradient)), weight.name


def test_the_last_level_may_be_a_single_place():
    generator = build_texture_generator(**SMALL)
    raw = generator([tf.zeros([1, 32, 32, 3]), tf.ones([1, 32, 32, 1])])
    assert np.all(np.isfinite(raw))


def test_what_is_known_fills_the_hole_from_afar(pictures):
    """With attention a pixel of the hole depends on one farther than the convolutions of the finest levels reach."""
    image, mask = pictures
    image = image[:1]
    reached = {}
    for name, attention_map in (("with", {1: 3}), ("without", {})):
        generator = build(level_sizes=(64, 32, 16), channels=(2, 3, 4), attention_map=attention_map)
        with tf.GradientTape() as tape:
            tape.watch(image)
            pixel = tf.reduce_sum(generator([image, mask[:1]])[:, 52, 12])
        reached[name] = np.abs(tape.gradient(pixel, image)[0, :16, 40:]).max()
    assert reached["without"] == 0.0 and reached["with"] > 0.0


def test_half_precision_stays_near_and_gives_float32(pictures):
    full = build()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        half = build()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    half.set_weights(full.get_weights())
    raw, expected = half(list(pictures)), full(list(pictures))
    assert raw.dtype == tf.float32
    assert np.mean(np.abs(raw - expected)) < 0.05 * np.mean(np.abs(expected)) + 0.005


def test_the_model_is_rebuilt_from_its_configuration(pictures):
    generator = build()
    again = keras.Model.from_config(generator.get_config())
    again.set_weights(generator.get_weights())
    np.testing.assert_allclose(again(list(pictures)), generator(list(pictures)), atol=1e-5)


@pytest.mark.parametrize("arguments", [
    {"level_sizes": (64, 32, 16)},
    {"level_sizes": (64, 32, 24, 8)},
    {"image_size": 96},
    {"attention_map": {2: 1}},
    {"attention_map": {1: 5}},
    {"attention_mode": "other"},
    {"output": "other"},
])  # fmt: skip
def test_what_does_not_fit_is_refused(arguments):
    with pytest.raises(ConfigError, match="must"):
        build(**arguments)
