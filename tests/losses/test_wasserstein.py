"""Wasserstein losses: values by hand, signs, and the penalty where its gradient could fail. (Published values: tests/golden.)"""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import losses

REAL = tf.constant([[2.0], [4.0]])
FAKE = tf.constant([[-1.0], [2.0]])


def test_the_critic_separates_and_the_generator_wants_high_scores():
    np.testing.assert_allclose(losses.wasserstein_critic_loss(REAL, FAKE), 0.5 - 3.0)
    np.testing.assert_allclose(losses.wasserstein_generator_loss(FAKE), -0.5)
    assert losses.wasserstein_critic_loss(REAL + 1, FAKE) < losses.wasserstein_critic_loss(REAL, FAKE)
    assert losses.wasserstein_generator_loss(FAKE + 1) < losses.wasserstein_generator_loss(FAKE)


def test_a_share_of_one_is_the_true_picture():
    images, generated = tf.ones([2, 3, 3, 1]), -tf.ones([2, 3, 3, 1])
    share = tf.reshape([1.0, 0.25], [2, 1, 1, 1])
    mixed = losses.mix_pictures(images, generated, share=share)
    np.testing.assert_allclose(mixed[:, 0, 0, 0], [1.0, -0.5])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_linear_critic_has_the_slope_of_its_weights(dtype):
    weights = np.zeros([4, 4, 3], np.float32)
    weights[0, 0], weights[2, 1] = [3.0, 0.0, 0.0], [0.0, 4.0, 0.0]
    critic = lambda x: tf.reduce_sum(x * tf.cast(weights, x.dtype), axis=[1, 2, 3])  # noqa: E731
    pictures = tf.cast(tf.random.stateless_normal([5, 4, 4, 3], [0, 1]), dtype)
    penalty = losses.gradient_penalty(critic, pictures)
    assert penalty.dtype == tf.float32
    np.testing.assert_allclose(penalty, (5.0 - 1.0) ** 2)
    mask = np.zeros([1, 4, 4, 1], np.float32)
    mask[0, 0] = 1.0
    np.testing.assert_allclose(losses.gradient_penalty(critic, pictures, mask=mask), (3.0 - 1.0) ** 2)
    np.testing.assert_allclose(losses.gradient_penalty(critic, pictures, target=5.0), 0.0, atol=1e-6)


def test_a_critic_that_sees_nothing_has_a_finite_gradient():
    weight = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        penalty = losses.gradient_penalty(lambda x: weight * tf.reduce_sum(x, axis=[1, 2, 3]), tf.ones([2, 4, 4, 1]))
    assert penalty == 1.0
    assert np.isfinite(tape.gradient(penalty, weight))
