"""Patches: cut out as TensorFlow does, folded as transposed convolutions do, and compared, masked and weighted as the formulas say."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.ops import patches

# (height, width, size, stride, padding) with all kinds of overlap, size no multiple of the stride among them.
GEOMETRIES = [
    (6, 8, 3, 1, 1),
    (8, 12, 4, 2, 1),
    (8, 8, 8, 4, 2),
    (8, 10, 3, 2, (0, 1)),
    (6, 6, 2, 2, 0),
    (5, 5, 1, 1, 0),
    (4, 6, 2, 1, (0, 1)),
]


def noise(*shape, seed=0, dtype=tf.float32):
    return tf.cast(tf.random.stateless_normal(shape, [5, seed]), dtype)


def padded(features, padding):
    before, after = (padding, padding) if isinstance(padding, int) else padding
    return tf.pad(features, [[0, 0], [before, after], [before, after], [0, 0]])


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_patches_are_those_of_tensorflow(geometry):
    height, width, size, stride, padding = geometry
    features = noise(2, height, width, 3)
    ones = [1, 1, 1, 1]
    expected = tf.image.extract_patches(padded(features, padding), [1, size, size, 1], [1, stride, stride, 1], ones, "VALID")
    np.testing.assert_array_equal(patches.extract_patches(features, size, stride=stride, padding=padding), expected)


@pytest.mark.parametrize("geometry", [*GEOMETRIES, (7, 8, 3, 2, 0)])
def test_cutting_out_has_the_gradient_of_tensorflow_which_is_a_sum_of_folded_patches(geometry):
    height, width, size, stride, padding = geometry
    features = noise(2, height, width, 3)
    sizes, strides, ones = [1, size, size, 1], [1, stride, stride, 1], [1, 1, 1, 1]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(features)
        cut = patches.extract_patches(features, size, stride=stride, padding=padding)
        upstream = noise(*cut.shape, seed=1)
        loss = tf.reduce_sum(cut * upstream)
        expected_loss = tf.reduce_sum(tf.image.extract_patches(padded(features, padding), sizes, strides, ones, "VALID") * upstream)
    gradient = tape.gradient(loss, features)
    np.testing.assert_allclose(gradient, tape.gradient(expected_loss, features), atol=1e-5)
    folded = patches.fold_patches(upstream, size, stride=stride, padding=padding, overlap="sum")
    np.testing.assert_allclose(folded, gradient[:, : folded.shape[1], : folded.shape[2]], atol=1e-5)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_folding_has_the_gradient_that_cutting_out_gives(geometry):
    height, width, size, stride, padding = geometry
    cut = patches.extract_patches(noise(2, height, width, 3), size, stride=stride, padding=padding)
    with tf.GradientTape() as tape:
        tape.watch(cut)
        folded = patches.fold_patches(cut, size, stride=stride, padding=padding, overlap="sum")
        upstream = noise(*folded.shape, seed=1)
        loss = tf.reduce_sum(folded * upstream)
    expected = patches.extract_patches(upstream, size, stride=stride, padding=padding)
    np.testing.assert_allclose(tape.gradient(loss, cut), expected, atol=1e-5)


def test_gradients_have_gradients():
    features = noise(1, 6, 6, 2)
    with tf.GradientTape() as outer:
        outer.watch(features)
        with tf.GradientTape() as inner:
            inner.watch(features)
            cut = patches.extract_patches(features, 4, stride=2, padding=1)
            loss = tf.reduce_sum(patches.fold_patches(cut, 4, stride=2, padding=1, overlap="sum") ** 3)
        slope = inner.gradient(loss, features)
        penalty = tf.reduce_sum(slope**2)
    # Each pixel is counted so often as patches hold it: n; loss = sum((n x)^3), slope = 3 n^3 x^2, penalty's slope = 36 n^6 x^3.
    count = patches.fold_patches(tf.ones_like(cut), 4, stride=2, padding=1, overlap="sum")
    np.testing.assert_allclose(outer.gradient(penalty, features), 36.0 * count**6 * features**3, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_counted_overlap_gives_a_cut_map_back(geometry):
    height, width, size, stride, padding = geometry
    features = noise(2, height, width, 3)
    cut = patches.extract_patches(features, size, stride=stride, padding=padding)
    folded = patches.fold_patches(cut, size, stride=stride, padding=padding, overlap="count")
    np.testing.assert_allclose(folded, features, atol=1e-6)


def test_constant_overlap_darkens_the_frame_by_a_half_and_the_corners_by_three_quarters():
    ones = tf.ones([1, 6, 8, 1])
    cut = patches.extract_patches(ones, 4, stride=2, padding=1)
    folded = patches.fold_patches(cut, 4, stride=2, padding=1)[0, :, :, 0].numpy()
    assert np.all(folded[1:-1, 1:-1] == 1.0)
    assert np.all(folded[0, 1:-1] == 0.5) and np.all(folded[1:-1, -1] == 0.5)
    assert folded[0, 0] == folded[-1, -1] == 0.25


def test_sizes_may_be_unknown_while_a_graph_is_built():
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 2])])
    def there_and_back(features):
        return patches.fold_patches(patches.extract_patches(features, 4, stride=2, padding=1), 4, stride=2, padding=1, overlap="count")

    for size in (4, 6):
        features = noise(2, size, size + 2, 2)
        np.testing.assert_allclose(there_and_back(features), features, atol=1e-6)


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16])
def test_half_precision_stays_half_precision(dtype):
    features = noise(1, 6, 6, 2, dtype=dtype)
    cut = patches.extract_patches(features, 4, stride=2, padding=1)
    folded = patches.fold_patches(cut, 4, stride=2, padding=1, overlap="count")
    assert cut.dtype == folded.dtype == dtype
    np.testing.assert_allclose(tf.cast(folded, tf.float32), tf.cast(features, tf.float32), rtol=2e-2)


def test_scores_are_cosines_or_cosines_times_the_length_of_the_query():
    queries, keys = noise(2, 5, 7), 3.0 * noise(2, 4, 7, seed=1)
    lengths = np.linalg.norm(queries, axis=-1)[:, :, None]
    cosines = np.einsum("bqd,bkd->bqk", queries, keys) / lengths / np.linalg.norm(keys, axis=-1)[:, None]
    np.testing.assert_allclose(patches.cosine_scores(queries, keys), cosines, atol=1e-6)
    np.testing.assert_allclose(patches.cosine_scores(queries, keys, normalize_query=False), cosines * lengths, atol=1e-5)


def test_patches_of_zeros_have_scores_of_zero_and_finite_gradients():
    keys = tf.zeros([1, 3, 4])
    with tf.GradientTape() as tape:
        tape.watch(keys)
        scores = patches.cosine_scores(tf.ones([1, 2, 4]), keys)
        loss = tf.reduce_sum(scores)
    np.testing.assert_array_equal(scores, np.zeros([1, 2, 3]))
    assert np.all(np.isfinite(tape.gradient(loss, keys)))


def test_the_strict_softmax_leaves_invalid_keys_out():
    scores, valid = noise(2, 5, 4), tf.constant([[1.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.0]])
    weights = patches.masked_softmax(scores, valid, scale=3.0)
    exponentials = np.exp(3.0 * scores.numpy()) * valid.numpy()[:, None]
    np.testing.assert_allclose(weights, exponentials / exponentials.sum(axis=-1, keepdims=True), atol=1e-6)


def test_the_published_softmax_counts_invalid_keys_as_scores_of_zero():
    scores, valid = noise(2, 5, 4), tf.constant([[1.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.0]])
    weights = patches.masked_softmax(scores, valid, mask_mode="published", scale=3.0)
    exponentials = np.exp(3.0 * scores.numpy() * valid.numpy()[:, None])
    np.testing.assert_allclose(weights, exponentials / exponentials.sum(axis=-1, keepdims=True) * valid.numpy()[:, None], atol=1e-6)


@pytest.mark.parametrize("mask_mode", patches.MASK_MODES)
def test_without_a_valid_key_all_weights_are_the_floor_and_gradients_finite(mask_mode):
    scores = 1e3 * noise(1, 3, 4)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        weights = patches.masked_softmax(scores, tf.zeros([1, 4]), mask_mode=mask_mode, floor=1e-8)
        loss = tf.reduce_sum(weights**2)
    np.testing.assert_array_equal(weights, np.full([1, 3, 4], 1e-8, np.float32))
    np.testing.assert_array_equal(tape.gradient(loss, scores), np.zeros([1, 3, 4]))


def test_softmax_takes_scores_of_a_map_of_queries():
    scores, valid = noise(2, 3, 5, 4), tf.constant([[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0]])
    flat = patches.masked_softmax(tf.reshape(scores, [2, 15, 4]), valid)
    np.testing.assert_array_equal(tf.reshape(patches.masked_softmax(scores, valid), [2, 15, 4]), flat)


def test_a_patch_is_valid_if_nothing_in_it_is_missing_and_the_outside_is_known():
    mask = np.zeros([1, 4, 5, 1], np.float32)
    mask[0, 0, 1] = 1e-6  # as little as interpolation may leave of a hole
    expected = np.ones([4, 5])
    expected[:2, :3] = 0.0
    np.testing.assert_array_equal(patches.valid_patches(mask, 3), expected.reshape(1, 20))
    np.testing.assert_array_equal(patches.valid_patches(mask, 1), 1.0 - (mask.reshape(1, 20) > 0))


def test_block_max_loses_no_hole():
    mask = np.zeros([2, 6, 8, 1], np.float32)
    mask[0, 5, 0] = mask[1, 2, 7] = 1.0
    expected = np.zeros([2, 3, 2, 1])
    expected[0, 2, 0] = expected[1, 1, 1] = 1.0
    np.testing.assert_array_equal(patches.block_max(mask, (3, 2)), expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: patches.extract_patches(x, 0), "`size` and `stride` must be at least 1"),
        (lambda x: patches.fold_patches(x, 2, overlap="mean"), "`overlap` must be one of"),
        (lambda x: patches.masked_softmax(x, x, mask_mode="soft"), "`mask_mode` must be one of"),
        (lambda x: patches.valid_patches(x, 2), "`size` must be odd"),
        (lambda x: patches.block_max(x, (3, 4)), "must divide"),
    ],
)
def test_refused_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(tf.zeros([1, 4, 4, 4]))
