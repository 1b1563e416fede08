"""R1 and path lengths: by hand, and their gradients against finite differences."""

import numpy as np
import tensorflow as tf

from tf_inpaint import losses


def test_r1_of_a_linear_critic_is_the_squared_length_of_its_weights():
    weights = tf.random.stateless_normal([4, 4, 3], [1, 2])
    images = tf.random.stateless_normal([5, 4, 4, 3], [3, 4])
    penalty = losses.r1_penalty(lambda images: tf.reduce_sum(images * weights, axis=[1, 2, 3]), images)
    np.testing.assert_allclose(penalty, np.sum(np.square(weights)), rtol=1e-5)


def test_the_gradient_of_r1_agrees_with_finite_differences():
    images = tf.random.stateless_normal([2, 3, 3, 2], [1, 2])
    weights = tf.Variable(tf.random.stateless_normal([18, 4], [3, 4]))

    def penalty():
        return losses.r1_penalty(lambda images: tf.reduce_sum(tf.tanh(tf.reshape(images, [2, 18]) @ weights), axis=1), images)

    with tf.GradientTape() as tape:
        value = penalty()
    slope, direction = tape.gradient(value, weights), tf.random.stateless_normal(weights.shape, [5, 6])
    start, step = tf.identity(weights), 1e-2
    weights.assign(start + step * direction)
    above = penalty()
    weights.assign(start - step * direction)
    np.testing.assert_allclose(tf.reduce_sum(slope * direction), (above - penalty()) / (2 * step), rtol=2e-2)


def test_path_lengths_of_a_linear_synthesis_are_those_of_its_rows():
    """pictures = sum over styles of s A_n: the slope for style n is A_n^T noise / sqrt(HW)."""
    matrix = tf.random.stateless_normal([3, 5, 4 * 2 * 3], [1, 2])
    styles = tf.random.stateless_normal([2, 3, 5], [3, 4])
    noise = tf.random.stateless_normal([2, 4, 2, 3], [5, 6])
    lengths = losses.path_lengths(lambda styles: tf.reshape(tf.einsum("bns,nsp->bp", styles, matrix), [2, 4, 2, 3]), styles, noise)
    slopes = np.einsum("nsp,bp->bns", matrix, np.reshape(noise, [2, -1])) / np.sqrt(8.0)
    np.testing.assert_allclose(lengths, np.sqrt(np.mean(np.sum(slopes**2, axis=2), axis=1)), rtol=1e-5)


def test_the_penalty_is_measured_from_the_mean_that_the_lengths_moved():
    penalty, mean = losses.path_length_penalty(tf.constant([1.0, 3.0]), tf.constant(1.0), decay=0.1)
    assert float(mean) == np.float32(1.1)
    np.testing.assert_allclose(penalty, (0.1**2 + 1.9**2) / 2, rtol=1e-5)
