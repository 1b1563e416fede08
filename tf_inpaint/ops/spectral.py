"""Spectral normalisation as PyTorch does it: persistent estimates of both singular vectors, constants for the gradient.

(`layers.SpectralConv2D` has the other published form, where the second vector is made anew and the gradient flows through both.)
"""

import tensorflow as tf

# Norms are not allowed to be smaller before dividing, as in PyTorch.
NORM_EPSILON = 1e-12


def unit_vector(vector: tf.Tensor) -> tf.Tensor:
    """Divides a vector by its Euclidean norm.

    Args:
        vector: any shape, floating point.

    Returns:
        Same shape and dtype, of norm 1; zeros stay zeros.
    """
    return vector / tf.maximum(tf.norm(vector), NORM_EPSILON)


def kernel_matrix(kernel: tf.Tensor, *, output_axis: int) -> tf.Tensor:
    """Reads a kernel as the matrix that spectral normalisation looks at.

    Args:
        kernel: any rank.
        output_axis: axis of the output channels: 3 in a convolution's `[kh, kw, C_in, C_out]`, 2 in a transposed one's
            `[kh, kw, C_out, C_in]`.

    Returns:
        `[n, C_out]`, the other axes in their order along the rows: kh, kw, C_in.
    """
    axes = [axis for axis in range(kernel.shape.rank) if axis != output_axis]
    if output_axis != kernel.shape.rank - 1:
        kernel = tf.transpose(kernel, [*axes, output_axis])
    return tf.reshape(kernel, [-1, kernel.shape[-1]])


def power_iteration(matrix: tf.Tensor, u: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Makes one step towards the first singular vectors of a matrix, v first.

    Args:
        matrix: `[n, m]` float32.
        u: `[m]` float32, the estimate so far of the right singular vector (PyTorch has the transposed matrix: its left one).

    Returns:
        u `[m]` and v `[n]`, of norm 1, without gradient.

    Source: Miyato et al. 2018, arXiv:1802.05957, algorithm 1.
    """
    matrix = tf.stop_gradient(matrix)
    v = unit_vector(tf.linalg.matvec(matrix, u))
    return unit_vector(tf.linalg.matvec(matrix, v, transpose_a=True)), v


def largest_singular_value(matrix: tf.Tensor, u: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
    """Estimates the largest singular value of a matrix from its singular vectors.

    Args:
        matrix: `[n, m]` float32; the only way of the gradient.
        u: `[m]` float32, constant.
        v: `[n]` float32, constant.

    Returns:
        Scalar float32, v^T W u.
    """
    return tf.tensordot(tf.stop_gradient(v), tf.linalg.matvec(matrix, tf.stop_gradient(u)), axes=1)
