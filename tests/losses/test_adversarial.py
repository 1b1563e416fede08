"""Adversarial losses: values by hand, where they are flat, their ends, half precision, gradients.

(Published values: tests/golden/test_deepfill and test_edgeconnect_losses.)
"""

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


# name -> the value for scores of -3 everywhere: the generator's half, the critic's half
OF_MINUS_THREE = {"hinge": (3, 4), "lsgan": (16, 16 + 9), "nsgan": (np.log1p(np.exp(3)), np.log1p(np.exp(3)) + np.log1p(np.exp(-3)))}


@pytest.mark.parametrize("name", OF_MINUS_THREE)
@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision_is_summed_in_float32(name, dtype):
    scores = tf.fill([1, 300, 300, 1], tf.constant(-3.0, dtype))  # a float16 sum would be infinite
    generator_loss, critic_loss = (getattr(losses, f"{name}_{half}_loss") for half in ("generator", "critic"))
    for loss, expected in zip((generator_loss(scores), critic_loss(scores, scores)), OF_MINUS_THREE[name], strict=True):
        assert loss.dtype == tf.float32
        np.testing.assert_allclose(loss, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["nsgan", "lsgan"])
def test_a_better_judgement_costs_the_critic_less_and_the_generator_more(name):
    generator_loss, critic_loss = (getattr(losses, f"{name}_{half}_loss") for half in ("generator", "critic"))
    fake = tf.constant([0.1, 0.4])
    assert generator_loss(fake - 0.05) > generator_loss(fake)
    assert critic_loss(1 - fake, fake - 0.05) < critic_loss(1 - fake, fake)
    assert critic_loss(1.05 - fake, fake) < critic_loss(1 - fake, fake)


def test_least_squares_are_taken_to_one_and_zero():
    np.testing.assert_allclose(losses.lsgan_generator_loss(FAKE), np.mean((FAKE - 1) ** 2), rtol=1e-6)
    np.testing.assert_allclose(losses.lsgan_critic_loss(REAL, FAKE), np.mean((REAL - 1) ** 2) + np.mean(FAKE**2), rtol=1e-6)


def test_logits_and_their_probabilities_cost_the_same():
    real, fake = (tf.sigmoid(tf.constant(scores)) for scores in (REAL, FAKE))
    np.testing.assert_allclose(losses.nsgan_critic_loss(real, fake, from_logits=False), losses.nsgan_critic_loss(REAL, FAKE), rtol=1e-5)
    np.testing.assert_allclose(losses.nsgan_generator_loss(fake, from_logits=False), losses.nsgan_generator_loss(FAKE), rtol=1e-5)


def test_without_a_judgement_the_non_saturating_loss_is_the_logarithm_of_two():
    undecided = tf.zeros([5])
    np.testing.assert_allclose(losses.nsgan_generator_loss(undecided), np.log(2), rtol=1e-6)
    np.testing.assert_allclose(losses.nsgan_critic_loss(undecided, undecided), 2 * np.log(2), rtol=1e-6)


@pytest.mark.parametrize(("from_logits", "low", "high"), [(True, -1e4, 1e4), (False, 0.0, 1.0)])
def test_a_critic_that_is_sure_gives_no_infinity_and_no_nan(from_logits, low, high):
    scores = tf.constant([low, high])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(scores)
        generator_loss = losses.nsgan_generator_loss(scores, from_logits=from_logits)
        critic_loss = losses.nsgan_critic_loss(scores, scores, from_logits=from_logits)
    for loss in (generator_loss, critic_loss):
        assert np.isfinite(loss) and loss >= 1
        assert np.all(np.isfinite(tape.gradient(loss, scores)))


def test_the_generators_gradient_does_not_vanish_where_the_critic_is_sure():
    fake = tf.constant([-50.0])
    with tf.GradientTape() as tape:
        tape.watch(fake)
        loss = losses.nsgan_generator_loss(fake)
    np.testing.assert_allclose(tape.gradient(loss, fake), [-1.0], rtol=1e-6)
