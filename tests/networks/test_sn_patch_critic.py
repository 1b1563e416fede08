"""SN-PatchGAN: size, output, and what makes it a critic of its kind."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.networks import build_sn_patch_critic


@pytest.mark.parametrize(("channels", "expected"), [(3, 5_945_216), (4, 5_946_816)])
def test_it_has_the_published_number_of_parameters(channels, expected):
    critic = build_sn_patch_critic(channels=channels)
    assert sum(int(np.prod(weight.shape)) for weight in critic.trainable_weights) == expected


def test_sizes_are_divided_by_64_and_rounded_up():
    critic = build_sn_patch_critic(base_filters=2)
    assert critic(tf.zeros([2, 70, 64, 3])).shape == (2, 2, 1, 8)


def test_scores_are_float32_under_half_precision():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    critic = build_sn_patch_critic(base_filters=2)
    assert critic(tf.zeros([1, 64, 64, 3])).dtype == tf.float32
    assert critic.get_layer("conv_1").compute_dtype == "bfloat16"


def test_normalised_layers_bound_the_scores_by_the_size_of_the_picture():
    """After enough power iterations each layer of the linear part has norm 1, and 5x5 patches overlap 3 x 3 times at stride 2."""
    critic = build_sn_patch_critic(base_filters=4)
    image = tf.random.stateless_normal([1, 64, 64, 3], [0, 1])
    for _ in range(60):
        scores = critic(image, training=True)
    assert float(tf.norm(scores)) < 3.0**6 * float(tf.norm(image))
    for weight in critic.trainable_weights:
        if len(weight.shape) == 4:
            weight.assign(100.0 * weight)
    np.testing.assert_allclose(critic(image), scores, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("num_layers", [0, 7])
def test_a_wrong_number_of_layers_is_named(num_layers):
    with pytest.raises(ValueError, match="`num_layers` must be in 1 to 6"):
        build_sn_patch_critic(num_layers=num_layers)
