"""The L1 loss: values by hand, weights of hole pixels, half precision, gradients."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import losses


@pytest.fixture
def pictures():
    random = np.random.RandomState(0)
    raw, image = random.uniform(-1, 1, (2, 2, 6, 5, 3)).astype(np.float32)
    return raw, image


@pytest.fixture
def mask():
    mask = np.zeros([2, 6, 5, 1], np.float32)
    mask[0, 1:4, 2:] = 1
    mask[1, 5, 0] = 1
    return mask


def test_it_is_the_mean_absolute_difference(pictures):
    raw, image = pictures
    np.testing.assert_allclose(losses.l1_loss(raw, image), np.abs(raw - image).mean(), rtol=1e-6)
    assert losses.l1_loss(raw, raw) == 0
    np.testing.assert_allclose(losses.l1_loss(np.ones_like(raw), -np.ones_like(raw)), 2)


@pytest.mark.parametrize("hole_weight", [0.25, 3.0, 6.0])
def test_hole_pixels_count_their_weight(pictures, mask, hole_weight):
    raw, image = pictures
    weights = np.broadcast_to(np.where(mask > 0, hole_weight, 1), raw.shape)
    expected = np.average(np.abs(raw - image), weights=weights)
    np.testing.assert_allclose(losses.l1_loss(raw, image, mask, hole_weight=hole_weight), expected, rtol=1e-5)


def test_a_weight_does_not_change_the_loss_of_an_even_error(pictures, mask):
    raw = pictures[0]
    for hole_weight in (0.5, 1.0, 6.0):
        np.testing.assert_allclose(losses.l1_loss(raw, raw + 0.25, mask, hole_weight=hole_weight), 0.25, rtol=1e-5)


@pytest.mark.parametrize("hole", [0.0, 1.0])
@pytest.mark.parametrize("hole_weight", [1.0, 6.0])
def test_an_empty_mask_and_a_full_one_give_the_plain_mean(pictures, hole, hole_weight):
    raw, image = pictures
    loss = losses.l1_loss(raw, image, np.full([2, 6, 5, 1], hole, np.float32), hole_weight=hole_weight)
    np.testing.assert_allclose(loss, np.abs(raw - image).mean(), rtol=1e-5)


def test_with_weight_one_the_mask_is_not_looked_at(pictures, mask):
    assert losses.l1_loss(*pictures, mask) == losses.l1_loss(*pictures)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
@pytest.mark.parametrize("hole_weight", [1.0, 6.0])
def test_half_precision_is_summed_in_float32(dtype, hole_weight):
    # 200,000 differences of 1.5: a float16 sum would be infinite, a bfloat16 one would stop growing at 512.
    raw, mask = tf.fill([1, 256, 256, 3], tf.constant(0.75, dtype)), tf.ones([1, 256, 256, 1], dtype)
    loss = losses.l1_loss(raw, -raw, mask, hole_weight=hole_weight)
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(loss, 1.5, rtol=1e-5)


def test_the_gradient_is_the_sign_of_the_difference_over_the_weights(pictures, mask):
    raw, image = map(tf.constant, pictures)
    with tf.GradientTape() as tape:
        tape.watch(raw)
        loss = losses.l1_loss(raw, image, mask, hole_weight=6.0)
    weights = np.broadcast_to(np.where(mask > 0, 6, 1), raw.shape)
    expected = np.sign(raw - image) * weights / weights.sum()
    np.testing.assert_allclose(tape.gradient(loss, raw), expected, rtol=1e-5)


def test_a_graph_of_unknown_size_gives_the_eager_value(pictures, mask):
    unknown = tf.TensorSpec([None, None, None, None])
    graph = tf.function(lambda *tensors: losses.l1_loss(*tensors, hole_weight=6.0), input_signature=[unknown] * 3)
    np.testing.assert_allclose(graph(*pictures, mask), losses.l1_loss(*pictures, mask, hole_weight=6.0), rtol=1e-6)


@pytest.mark.parametrize("hole_weight", [0.0, -1.0])
def test_a_weight_that_is_not_positive_is_refused(pictures, mask, hole_weight):
    with pytest.raises(ValueError, match="hole_weight"):
        losses.l1_loss(*pictures, mask, hole_weight=hole_weight)


def test_a_weight_without_a_mask_is_refused(pictures):
    with pytest.raises(ValueError, match="mask"):
        losses.l1_loss(*pictures, hole_weight=6.0)
