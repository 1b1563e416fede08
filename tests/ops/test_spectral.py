"""Spectral normalisation's vectors against a singular value decomposition."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.ops import spectral


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(("output_axis", "shape"), [(3, (2, 3, 4, 5)), (2, (2, 3, 5, 4))])
def test_a_kernel_is_read_with_one_column_for_each_output_channel(output_axis, shape):
    kernel = random(*shape)
    matrix = spectral.kernel_matrix(tf.constant(kernel), output_axis=output_axis)
    assert matrix.shape == (24, 5)
    expected = kernel[1, 2, 3, 4] if output_axis == 3 else kernel[1, 2, 4, 3]
    assert matrix[23, 4] == expected
    np.testing.assert_array_equal(matrix[:, 0], np.take(kernel, 0, axis=output_axis).ravel())


def test_one_iteration_makes_v_from_u_and_then_u_from_v():
    matrix, start = random(6, 4), random(4, seed=1)
    u, v = spectral.power_iteration(tf.constant(matrix), tf.constant(start))
    expected_v = matrix @ start / np.linalg.norm(matrix @ start)
    expected_u = expected_v @ matrix / np.linalg.norm(expected_v @ matrix)
    np.testing.assert_allclose(v, expected_v, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(u, expected_u, rtol=1e-5, atol=1e-6)


def test_iterations_end_at_the_first_singular_vectors():
    matrix = tf.constant(random(20, 7))
    u = tf.constant(random(7, seed=2))
    for _ in range(300):
        u, v = spectral.power_iteration(matrix, u)
    sigma = np.linalg.svd(matrix.numpy(), compute_uv=False)[0]
    assert float(spectral.largest_singular_value(matrix, u, v)) == pytest.approx(sigma, rel=1e-5)


def test_the_gradient_of_the_singular_value_treats_both_vectors_as_constants():
    matrix, u, v = (tf.constant(random(*shape)) for shape in ((5, 3), (3,), (5,)))
    with tf.GradientTape() as tape:
        tape.watch([matrix, u, v])
        sigma = spectral.largest_singular_value(matrix, u, v)
    gradients = tape.gradient(sigma, [matrix, u, v])
    np.testing.assert_allclose(gradients[0], np.outer(v, u), rtol=1e-5)
    assert gradients[1] is None and gradients[2] is None


def test_a_vector_of_zeros_stays_one():
    np.testing.assert_array_equal(spectral.unit_vector(tf.zeros([3])), np.zeros(3))
