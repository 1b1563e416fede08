"""Attention in blocks: the numbers of the dense form, for any block, shape and dtype."""

import numpy as np
import pytest
import tensorflow as tf

from tests.graphs import tensor_sizes
from tf_inpaint.ops import attention

NAMES = ("queries", "keys", "values")


def make_inputs(*, batch=2, num_queries=50, num_keys=35, depth=4, value_depth=6, scale=1.0, dtype=tf.float32):
    shapes = ((num_queries, depth), (num_keys, depth), (num_keys, value_depth))
    return [tf.cast(scale * tf.random.stateless_normal([batch, *shape], [7, index]), dtype) for index, shape in enumerate(shapes)]


def run_with_gradients(function, inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = function(*inputs)
        loss = tf.reduce_sum(tf.sin(tf.cast(outputs, tf.float32)))
    return outputs, tape.gradient(loss, inputs)


def float64_reference(queries, keys, values):
    scores = np.einsum("bqd,bkd->bqk", *(np.asarray(x, np.float64) for x in (queries, keys)))
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.einsum("bqk,bke->bqe", weights / weights.sum(axis=-1, keepdims=True), np.asarray(values, np.float64))


@pytest.mark.parametrize("block_size", [1, 7, 25, 50, 1000, None])
def test_blocks_give_the_dense_values_and_gradients(block_size):
    inputs = make_inputs()
    outputs, gradients = run_with_gradients(lambda *x: attention.attend(*x, block_size=block_size), inputs)
    expected, expected_gradients = run_with_gradients(attention.attend_densely, inputs)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    for name, gradient, reference in zip(NAMES, gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, reference, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("size", [16, 64])
def test_blocks_equal_the_dense_form_within_1e_5_at_16_and_64_pixels_square(size):
    inputs = make_inputs(batch=1, num_queries=size * size, num_keys=size * size, depth=8, value_depth=8)
    outputs, gradients = run_with_gradients(lambda *x: attention.attend(*x, block_size=300), inputs)
    expected, expected_gradients = run_with_gradients(attention.attend_densely, inputs)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    for gradient, reference in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, reference, atol=1e-5 * max(1.0, float(tf.reduce_max(tf.abs(reference)))))


def test_values_agree_with_a_float64_computation_and_large_scores_do_not_overflow():
    inputs = make_inputs(scale=30.0)
    outputs = attention.attend(*inputs, block_size=11)
    np.testing.assert_allclose(outputs, float64_reference(*inputs), rtol=1e-3, atol=1e-3)
    assert np.all(np.isfinite(outputs))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_stays_near_float32(dtype):
    inputs = make_inputs(dtype=dtype)
    outputs, gradients = run_with_gradients(lambda *x: attention.attend(*x, block_size=16), inputs)
    exact, exact_gradients = run_with_gradients(attention.attend_densely, [tf.cast(x, tf.float32) for x in inputs])
    assert outputs.dtype == dtype and all(gradient.dtype == dtype for gradient in gradients)
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), exact, atol=3e-2)
    for gradient, reference in zip(gradients, exact_gradients, strict=True):
        scale = float(tf.reduce_max(tf.abs(reference)))
        np.testing.assert_allclose(tf.cast(gradient, tf.float32), reference, atol=5e-2 * scale)


def test_unknown_shapes_graph_and_eager_agree():
    inputs = make_inputs()
    spec = [tf.TensorSpec([None, None, x.shape[-1]]) for x in inputs]
    traced = tf.function(lambda *x: run_with_gradients(attention.attend, list(x)), input_signature=spec)
    outputs, gradients = traced(*inputs)
    expected, expected_gradients = run_with_gradients(attention.attend, inputs)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    for gradient, reference in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, reference, atol=1e-5)


def test_no_tensor_of_the_graph_holds_the_whole_map():
    """With N = M = 4096 and blocks of 64, the largest tensor of forward and backward is a block, not a map."""
    spec = [tf.TensorSpec([1, 4096, 8])] * 3

    def step(*inputs):
        return run_with_gradients(lambda *x: attention.attend(*x, block_size=64), list(inputs))

    graph = tf.function(step, input_signature=spec).get_concrete_function().graph
    sizes = tensor_sizes(graph)
    assert len(sizes) > 50 and max(sizes) < 4096 * 4096 // 8


@pytest.mark.parametrize("block_size", [0, -3])
def test_a_block_without_queries_is_refused(block_size):
    with pytest.raises(ValueError, match="`block_size` must be at least 1"):
        attention.attend(*make_inputs(), block_size=block_size)


@pytest.mark.parametrize("block_size", [7, None])
def test_a_bias_leaves_keys_out_and_a_floor_raises_small_weights(block_size):
    queries, keys, values = make_inputs(scale=2.0)
    key_bias = tf.where(tf.random.stateless_uniform([2, 35], [3, 4]) < 0.5, 0.0, -1e9)

    def dense(queries, keys, values):
        weights = tf.nn.softmax(tf.matmul(queries, keys, transpose_b=True) + key_bias[:, None])
        return tf.matmul(tf.maximum(weights, 1e-3), values)

    def blocks(*inputs):
        return attention.attend(*inputs, key_bias=key_bias, floor=1e-3, block_size=block_size)

    outputs, gradients = run_with_gradients(blocks, [queries, keys, values])
    expected, expected_gradients = run_with_gradients(dense, [queries, keys, values])
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    for name, gradient, reference in zip(NAMES, gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, reference, atol=1e-5, err_msg=name)


def test_values_in_half_precision_leave_the_scores_in_full_precision():
    queries, keys, values = make_inputs(scale=2.0)
    outputs, gradients = run_with_gradients(attention.attend, [queries, keys, tf.cast(values, tf.bfloat16)])
    expected, expected_gradients = run_with_gradients(attention.attend, [queries, keys, values])
    assert outputs.dtype == gradients[2].dtype == tf.bfloat16 and gradients[0].dtype == tf.float32
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), expected, atol=3e-2)
    for gradient, reference in zip(gradients[:2], expected_gradients[:2], strict=True):
        np.testing.assert_allclose(gradient, reference, atol=0.05 * float(tf.reduce_max(tf.abs(reference))))
