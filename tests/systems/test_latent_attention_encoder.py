"""The encoder: its styles and groups, sizes, options. (Published values: tests/golden/test_style_encoder.)"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.errors import ConfigError
from tf_inpaint.systems.latent_attention.encoder import build_encoder, group_indices
from tf_inpaint.systems.latent_attention.ir_se import build_trunk
from tf_inpaint.systems.latent_attention.official_names_encoder import published_variables
from tf_inpaint.systems.latent_attention.style_networks import num_styles

SMALL = {"image_size": 32, "num_styles": 8, "style_size": 6, "base_filters": 2, "units": (1, 1, 1, 1), "reduction": 2}


def num_trainable(network):
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


@pytest.mark.parametrize(("size", "number"), [(8, 4), (32, 8), (64, 10), (256, 14), (1024, 18)])
def test_a_generator_takes_two_styles_a_resolution(size, number):
    assert num_styles(size) == number


@pytest.mark.parametrize("size", [4, 48])
def test_a_generator_of_another_size_is_refused(size):
    with pytest.raises(ConfigError, match="power of 2"):
        num_styles(size)


def test_the_groups_are_those_of_the_paper():
    assert {name: list(indices) for name, indices in group_indices(10).items()} == {
        "coarse": [0, 1, 2],
        "middle": [3, 4, 5, 6],
        "fine": [7, 8, 9],
    }
    assert [len(indices) for indices in group_indices(18).values()] == [3, 4, 11]
    assert [len(indices) for indices in group_indices(4).values()] == [3, 1, 0]


@pytest.mark.parametrize("shared_trunk", [False, True])
def test_at_first_each_picture_has_the_mean_style_and_the_last_layers_learn(shared_trunk):
    encoder = build_encoder(**SMALL, shared_trunk=shared_trunk)
    pictures = tf.random.stateless_uniform([2, 32, 32, 3], [0, 0], -1.0, 1.0)
    with tf.GradientTape() as tape:
        offsets = encoder(pictures, training=True)
        loss = tf.reduce_sum(tf.square(offsets - 1.0))
    assert offsets.shape == (2, 8, 6) and offsets.dtype == tf.float32
    np.testing.assert_array_equal(offsets, 0.0)
    dense = [layer.kernel for layer in encoder.layers if layer.name.endswith("_dense")]
    assert len(dense) == 8
    assert all(np.any(np.asarray(gradient) != 0.0) for gradient in tape.gradient(loss, dense))


def test_a_style_of_its_group_comes_from_its_map():
    """What only the largest map sees changes the fine styles alone."""
    encoder = build_encoder(**SMALL)
    for weight in encoder.trainable_weights:
        if "dense" in getattr(weight, "path", weight.name):
            weight.assign(tf.random.stateless_normal(weight.shape, [1, 1]))
    pictures = tf.random.stateless_uniform([1, 32, 32, 3], [0, 0], -1.0, 1.0)
    before = np.asarray(encoder(pictures))
    lateral = encoder.get_layer("fine_lateral")
    lateral.bias.assign_add(tf.ones_like(lateral.bias))
    changed = np.any(np.asarray(encoder(pictures)) != before, axis=(0, 2))
    np.testing.assert_array_equal(changed, [False] * 7 + [True])


@pytest.mark.parametrize("size", [48, 64])
def test_pictures_of_other_sizes_have_styles_too(size):
    encoder = build_encoder(**{**SMALL, "image_size": size, "num_styles": 10}, mask_channel=True)
    assert encoder(tf.zeros([1, size, size, 4])).shape == (1, 10, 6)


def test_a_shared_head_is_lighter_and_unpublished():
    own, shared = build_encoder(**SMALL), build_encoder(**SMALL, shared_trunk=True)
    assert num_trainable(shared) < num_trainable(own)
    assert len(published_variables(own)) == len(own.weights)
    with pytest.raises(ValueError, match="no published counterpart"):
        published_variables(shared)


def test_half_precision_stays_near_and_styles_are_float32():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        half = build_encoder(**SMALL)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    full = build_encoder(**SMALL)
    for index, (weight, other) in enumerate(zip(half.weights, full.weights, strict=True)):
        if "variance" not in getattr(weight, "path", weight.name):
            other.assign(tf.random.stateless_normal(weight.shape, [index, 1], stddev=0.3))
        weight.assign(other)
    pictures = tf.random.stateless_uniform([2, 32, 32, 3], [0, 0], -1.0, 1.0)
    expected, offsets = full(pictures), half(pictures)
    assert offsets.dtype == tf.float32
    assert np.max(np.abs(offsets - expected)) < 0.1 * np.max(np.abs(expected))


def test_the_trunk_has_the_published_number_of_weights():
    inputs = keras.Input((None, None, 3))
    assert num_trainable(keras.Model(inputs, build_trunk(inputs))) == 1_920 + 30_948_160


@pytest.mark.parametrize("change", [{"image_size": 16}, {"image_size": 40}, {"num_styles": 0}])
def test_what_has_no_maps_is_refused(change):
    with pytest.raises(ConfigError, match="multiple of 16"):
        build_encoder(**{**SMALL, **change})
