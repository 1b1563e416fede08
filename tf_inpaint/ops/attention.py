"""Exact softmax attention in blocks of queries, with memory that grows with N times the block.

The dense form keeps an N x N map for the backward pass: 1 GiB in float32 for the 16,384 pixels of a 128 x 128 feature map. Here only
queries, keys, values and outputs are kept; the maps are computed again, block by block, for the gradient.
`tf.recompute_grad` is not used: it silently gives no gradient to tensors that its function captures from outside.
"""

import tensorflow as tf

# Scores in one block, all pictures of the batch together. Small enough that a block of scores stays in a CPU's cache between the
# matrix product, the softmax and the second product; large enough that the cost of starting operations does not show.
SCORES_PER_BLOCK = 1 << 22


def attend(
    queries: tf.Tensor,
    keys: tf.Tensor,
    values: tf.Tensor,
    *,
    key_bias: tf.Tensor | None = None,
    floor: float = 0.0,
    block_size: int | None = None,
) -> tf.Tensor:
    """Computes `softmax(queries keys^T) values`, the softmax over the keys, without any scaling of the scores.

    Equal to the dense form up to rounding, whatever the block size. Scores have the queries' precision; sums over blocks are float32.

    Args:
        queries: `[B, N, D]` floating point.
        keys: `[B, M, D]`, same dtype.
        values: `[B, M, E]` floating point.
        key_bias: `[B, M]`, dtype of the queries, added to the scores of each key, without gradient: a large negative number leaves a key
            out. `None` for none.
        floor: weights below it are raised to it, and have no gradient then; 0 for none.
        block_size: queries handled at a time at most, at least 1; `None` chooses: a block then holds about `SCORES_PER_BLOCK` scores.

    Returns:
        `[B, N, E]`, dtype of the values.

    Raises:
        ValueError: if `block_size` is not positive.

    Source: Zhang et al. 2019 (SAGAN), arXiv:1805.08318, equations (1) and (2); the blocks and the gradient from the row sums follow
    Rabe & Staats 2021, arXiv:2112.05682, and Dao et al. 2022, arXiv:2205.14135, section 3.1.
    """
    if block_size is not None and block_size < 1:
        raise ValueError(f"`block_size` must be at least 1 or None. Received: block_size={block_size}.")
    bias = None if key_bias is None else tf.stop_gradient(key_bias)[:, None]

    @tf.custom_gradient
    def blockwise(queries, keys, values):
        outputs = _forward(queries, keys, values, bias, floor, block_size)

        def gradient(upstream):
            return _backward(queries, keys, values, bias, floor, outputs, upstream, block_size)

        return outputs, gradient

    return blockwise(queries, keys, values)


def attend_densely(queries: tf.Tensor, keys: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Computes the same as `attend` with the whole map at once and TensorFlow's own gradient.

    Args:
        queries: `[B, N, D]` floating point.
        keys: `[B, M, D]`, same dtype.
        values: `[B, M, E]`, same dtype.

    Returns:
        `[B, N, E]`, same dtype. Needs memory for the `[B, N, M]` map several times over.
    """
    return tf.matmul(tf.nn.softmax(tf.matmul(queries, keys, transpose_b=True), axis=-1), values)


def _block_starts(queries, keys, block_size):
    """Returns (number of blocks, block size), the size not above the number of queries; as numbers where the shapes are known."""
    known = (queries.shape[0], queries.shape[1], keys.shape[1])
    if None not in known:
        batch, num_queries, num_keys = known
        size = min(block_size or max(SCORES_PER_BLOCK // max(batch * num_keys, 1), 16), num_queries)
    else:
        batch, num_queries, num_keys = tf.shape(queries)[0], tf.shape(queries)[1], tf.shape(keys)[1]
        if block_size is None:
            block_size = tf.maximum(SCORES_PER_BLOCK // tf.maximum(batch * num_keys, 1), 16)
        size = tf.minimum(block_size, num_queries)
    # Dividends stay positive: ONNX rounds negative quotients towards zero.
    num_blocks = (num_queries + size - 1) // size
    return num_blocks, (num_queries + num_blocks - 1) // num_blocks  # the last block is about as large as the others


def _attention_block(queries, keys, bias):
    scores = tf.matmul(queries, keys, transpose_b=True)
    # The maximum is subtracted inside the softmax kernel, so that large scores do not overflow.
    return tf.nn.softmax(scores if bias is None else scores + bias)


def _attend_block(queries, keys, values, bias, floor):
    weights = _attention_block(queries, keys, bias)
    if floor:
        weights = tf.maximum(weights, floor)
    return tf.matmul(tf.cast(weights, values.dtype), values)


def _forward(queries, keys, values, bias, floor, block_size):
    num_blocks, size = _block_starts(queries, keys, block_size)
    if isinstance(num_blocks, int) and num_blocks == 1:
        return _attend_block(queries, keys, values, bias, floor)
    blocks = tf.TensorArray(values.dtype, size=num_blocks, infer_shape=False, element_shape=[None, None, values.shape[-1]])

    def body(index, blocks):
        outputs = _attend_block(queries[:, index * size : (index + 1) * size], keys, values, bias, floor)
        # Blocks of one size can be stacked. (The concatenation of others is an operation that ONNX lacks.)
        return index + 1, blocks.write(index, tf.pad(outputs, [[0, 0], [0, size - tf.shape(outputs)[1]], [0, 0]]))

    _, blocks = tf.while_loop(lambda index, _: index < num_blocks, body, [0, blocks], parallel_iterations=1)
    outputs = tf.transpose(blocks.stack(), [1, 0, 2, 3])
    outputs = tf.reshape(outputs, [tf.shape(queries)[0], num_blocks * size, values.shape[-1]])[:, : tf.shape(queries)[1]]
    return tf.ensure_shape(outputs, [queries.shape[0], queries.shape[1], values.shape[-1]])


def _backward(queries, keys, values, bias, floor, outputs, upstream, block_size):
    """With P the map, O = P V and dO upstream: dV = P^T dO, dS = P * (dO V^T - rowsum(dO * O)), dQ = dS K, dK = dS^T Q.

    The row sums come from the small output instead of from the map, which saves two passes over it; with a floor they cannot.
    """
    num_blocks, size = _block_starts(queries, keys, block_size)
    row_sums = tf.reduce_sum(tf.cast(upstream, tf.float32) * tf.cast(outputs, tf.float32), axis=-1, keepdims=True)
    row_sums = tf.cast(row_sums, queries.dtype)
    if isinstance(num_blocks, int) and num_blocks == 1:
        return _block_gradients(queries, keys, values, bias, floor, upstream, row_sums)
    query_blocks = tf.TensorArray(queries.dtype, size=num_blocks, infer_shape=False, element_shape=[None, None, queries.shape[-1]])
    # The sums over blocks are kept in float32: with many blocks bfloat16 would lose the small contributions.
    key_sums, value_sums = tf.zeros_like(keys, tf.float32), tf.zeros_like(values, tf.float32)

    def body(index, query_blocks, key_sums, value_sums):
        rows = slice(index * size, (index + 1) * size)
        query_grads, key_grads, value_grads = _block_gradients(
            queries[:, rows], keys, values, bias, floor, upstream[:, rows], row_sums[:, rows]
        )
        query_blocks = query_blocks.write(index, tf.transpose(query_grads, [1, 0, 2]))
        return index + 1, query_blocks, key_sums + tf.cast(key_grads, tf.float32), value_sums + tf.cast(value_grads, tf.float32)

    _, query_blocks, key_sums, value_sums = tf.while_loop(
        lambda index, *_: index < num_blocks, body, [0, query_blocks, key_sums, value_sums], parallel_iterations=1
    )
    query_grads = tf.ensure_shape(tf.transpose(query_blocks.concat(), [1, 0, 2]), queries.shape)
    return query_grads, tf.cast(key_sums, keys.dtype), tf.cast(value_sums, values.dtype)


def _block_gradients(queries, keys, values, bias, floor, upstream, row_sums):
    weights = _attention_block(queries, keys, bias)
    weight_grads = tf.cast(tf.matmul(upstream, values, transpose_b=True), weights.dtype)
    used_weights = weights
    if floor:
        used_weights = tf.maximum(weights, floor)
        weight_grads = tf.where(weights >= floor, weight_grads, 0.0)
        row_sums = tf.reduce_sum(weights * weight_grads, axis=-1, keepdims=True)
    score_grads = weights * (weight_grads - row_sums)
    value_grads = tf.matmul(tf.cast(used_weights, upstream.dtype), upstream, transpose_a=True)
    return tf.matmul(score_grads, keys), tf.matmul(score_grads, queries, transpose_a=True), value_grads
