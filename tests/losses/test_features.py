"""Losses between feature maps: values by hand, reductions, half precision, gradients. (Published values: tests/golden.)"""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import losses


@pytest.fixture
def maps():
    """Two lists of two maps of different sizes."""
    random = np.random.RandomState(0)
    shapes = [(2, 6, 4, 3), (2, 3, 2, 5)]
    return tuple([random.normal(size=shape).astype(np.float32) for shape in shapes] for _ in range(2))


def test_a_gram_matrix_holds_the_mean_products_of_channels(maps):
    features = maps[0][0]
    gram = losses.gram_matrix(features)
    assert gram.shape == (2, 3, 3)
    for first in range(3):
        for second in range(3):
            products = features[..., first] * features[..., second]
            np.testing.assert_allclose(gram[:, first, second], products.sum(axis=(1, 2)) / (3 * 6 * 4), rtol=1e-5, atol=1e-7)


def test_a_gram_matrix_does_not_know_where_things_are(maps):
    features = maps[0][0]
    np.testing.assert_allclose(losses.gram_matrix(features[:, ::-1, ::-1]), losses.gram_matrix(features), rtol=1e-4, atol=1e-7)
    assert losses.style_loss([features], [features[:, ::-1]]) < 1e-6 < losses.perceptual_loss([features], [features[:, ::-1]])


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_gram_matrices_of_half_precision_are_summed_in_float32(dtype):
    features = tf.fill([1, 64, 64, 2], tf.constant(300.0, dtype))  # float16 ends at 65504, bfloat16 sums stop growing
    gram = losses.gram_matrix(features)
    assert gram.dtype == tf.float32
    np.testing.assert_allclose(gram, np.full([1, 2, 2], float(features[0, 0, 0, 0]) ** 2 / 2), rtol=1e-5)


def test_each_map_counts_its_mean(maps):
    expected = sum(np.abs(a - b).mean() for a, b in zip(*maps))
    np.testing.assert_allclose(losses.perceptual_loss(*maps), expected, rtol=1e-6)
    np.testing.assert_allclose(losses.feature_matching_loss(*maps), expected, rtol=1e-6)
    doubled = [[np.tile(each, (1, 2, 2, 1)) for each in features] for features in maps]
    np.testing.assert_allclose(losses.perceptual_loss(*doubled), expected, rtol=1e-5)


def test_the_style_loss_is_the_mean_difference_of_gram_matrices(maps):
    expected = sum(np.abs(losses.gram_matrix(a) - losses.gram_matrix(b)).mean() for a, b in zip(*maps))
    np.testing.assert_allclose(losses.style_loss(*maps), expected, rtol=1e-6)


@pytest.mark.parametrize("loss", [losses.perceptual_loss, losses.style_loss, losses.feature_matching_loss])
def test_equal_features_and_no_features_cost_nothing(maps, loss):
    assert loss(maps[0], maps[0]) == 0
    assert loss([], []) == 0 and loss([], []).dtype == tf.float32


@pytest.mark.parametrize("loss", [losses.perceptual_loss, losses.style_loss, losses.feature_matching_loss])
def test_lists_of_different_lengths_are_refused(maps, loss):
    with pytest.raises(ValueError, match="Received: 2 and 1 maps"):
        loss(maps[0], maps[1][:1])


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
@pytest.mark.parametrize("loss", [losses.perceptual_loss, losses.feature_matching_loss])
def test_half_precision_is_averaged_in_float32(loss, dtype):
    features = tf.fill([1, 256, 256, 3], tf.constant(0.75, dtype))
    value = loss([features], [-features])
    assert value.dtype == tf.float32
    np.testing.assert_allclose(value, 1.5, rtol=1e-5)


def test_feature_matching_moves_the_fake_features_only(maps):
    real, fake = ([tf.constant(each) for each in features] for features in maps)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(real + fake)
        matching = losses.feature_matching_loss(real, fake)
        perceptual = losses.perceptual_loss(real, fake)
    assert tape.gradient(matching, real) == [None, None]
    for gradient, a, b in zip(tape.gradient(matching, fake), fake, real, strict=True):
        np.testing.assert_allclose(gradient, np.sign(a - b) / tf.size(a).numpy(), rtol=1e-6)
    for gradient in tape.gradient(perceptual, real):
        assert np.all(gradient.numpy() != 0)


def test_a_graph_of_unknown_size_gives_the_eager_style(maps):
    unknown = tf.TensorSpec([None, None, None, None])
    graph = tf.function(lambda a, b: losses.style_loss([a], [b]), input_signature=[unknown, unknown])
    np.testing.assert_allclose(graph(maps[0][0], maps[1][0]), losses.style_loss(maps[0][:1], maps[1][:1]), rtol=1e-5)
