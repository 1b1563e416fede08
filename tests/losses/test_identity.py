"""Losses of identity: values by hand, margins, gradients."""

import math

import numpy as np
import tensorflow as tf

from tf_inpaint import losses


def unit(*angles):
    return tf.constant([[math.cos(angle), math.sin(angle)] for angle in angles], tf.float32)


def test_the_loss_is_one_minus_the_cosine_and_the_true_face_gets_no_gradient():
    true, generated = unit(0.0, 0.3), unit(math.pi / 3, 0.3)
    with tf.GradientTape() as tape:
        tape.watch([true, generated])
        loss = losses.identity_loss(true, generated)
    np.testing.assert_allclose(loss, (0.5 + 0.0) / 2, atol=1e-6)
    of_true, of_generated = tape.gradient(loss, [true, generated])
    assert of_true is None
    np.testing.assert_allclose(of_generated, -true / 2)


def test_without_a_margin_it_is_the_cross_entropy_of_scaled_cosines():
    logits = 4.0 * np.cos(np.array([[0.2, 1.3], [1.0, 0.5]]))
    expected = -np.mean(np.log(np.exp(logits[[0, 1], [0, 1]]) / np.exp(logits).sum(1)))
    # Angles 0.2 and 1.0 to the first centre, 1.3 and 0.5 to the second, which is longer.
    centres = unit(0.0, 1.5) * [[1.0], [3.0]]
    loss = losses.arcface_loss(unit(0.2, 1.0), centres, tf.constant([0, 1]), scale=4.0, margin=0.0)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_the_margin_moves_the_right_angle_alone():
    embeddings, centres, labels = unit(0.2), unit(0.0, 1.5), tf.constant([0])
    moved = losses.arcface_loss(embeddings, centres, labels, scale=4.0, margin=0.5)
    logits = 4.0 * np.array([math.cos(0.7), math.cos(1.3)])
    np.testing.assert_allclose(moved, -np.log(np.exp(logits[0]) / np.exp(logits).sum()), rtol=1e-5)


def test_the_loss_grows_with_the_angle_up_to_the_opposite_direction_and_its_gradient_is_finite():
    centres, labels = unit(0.0, math.pi / 2), tf.constant([0])
    values = [losses.arcface_loss(unit(-angle), centres, labels).numpy() for angle in np.linspace(0.0, math.pi, 30)]
    assert np.all(np.diff(values) >= 0.0)
    for angle in (0.0, math.pi):
        embeddings = unit(angle)
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            loss = losses.arcface_loss(embeddings, centres, labels)
        assert np.all(np.isfinite(tape.gradient(loss, embeddings)))
