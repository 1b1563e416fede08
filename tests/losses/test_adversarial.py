"""The hinge losses: values by hand, where they are flat, half precision, gradients. (Published values: tests/golden/test_deepfill.)"""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import losses

REAL = np.array([-2.0, 0.0, 0.5, 3.0], np.float32)
FAKE = np.array([-3.0, -0.5, 0.0, 2.0], np.float32)


def test_the_generator_wants_high_scores():
    np.testing.assert_allclose(losses.hinge_generator_loss(FAKE), 0.375)
    assert losses.hinge_generator_loss(FAKE + 1) < losses.hinge_generator_loss(FAKE)


def test_the_critics_loss_is_the_sum_of_two_hinges():
    # real: 3, 1, 0.5, 0; fake: 0, 0.5, 1, 3
    np.testing.assert_allclose(losses.hinge_critic_loss(REAL, FAKE), 4.5 / 4 + 4.5 / 4)


def test_the_critics_loss_is_zero_beyond_the_margins_and_two_without_a_judgement():
    assert losses.hinge_critic_loss(tf.constant([1.0, 5.0]), tf.constant([-1.0, -9.0])) == 0
    np.testing.assert_allclose(losses.hinge_critic_loss(tf.zeros([3]), tf.zeros([3])), 2)


def test_pictures_may_be_scored_in_patches_of_any_number():
    scores = tf.reshape(FAKE, [2, 1, 2, 1])
    np.testing.assert_allclose(losses.hinge_generator_loss(scores), losses.hinge_generator_loss(FAKE))
    other_number = losses.hinge_critic_loss(tf.constant(REAL[:2]), scores)
    np.testing.assert_allclose(other_number, (3 + 1) / 2 + 4.5 / 4)


def test_the_gradients_are_those_of_the_hinges():
    real, fake = tf.constant(REAL), tf.constant(FAKE)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([real, fake])
        critic_loss = losses.hinge_critic_loss(real, fake)
        generator_loss = losses.hinge_generator_loss(fake)
    np.testing.assert_allclose(tape.gradient(critic_loss, real), [-0.25, -0.25, -0.25, 0])
    np.testing.assert_allclose(tape.gradient(critic_loss, fake), [0, 0.25, 0.25, 0.25])
    np.testing.assert_allclose(tape.gradient(generator_loss, fake), np.full(4, -0.25))


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision_is_summed_in_float32(dtype):
    scores = tf.fill([1, 300, 300, 1], tf.constant(-3.0, dtype))  # a float16 sum would be infinite
    for loss, expected in ((losses.hinge_generator_loss(scores), 3), (losses.hinge_critic_loss(scores, scores), 4)):
        assert loss.dtype == tf.float32
        np.testing.assert_allclose(loss, expected, rtol=1e-5)
