"""Total variation: values by hand, what a region lets count, half precision, gradients."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import losses


@pytest.fixture
def image():
    return np.random.RandomState(0).uniform(-1, 1, (2, 6, 5, 3)).astype(np.float32)


@pytest.fixture
def region():
    region = np.zeros([2, 6, 5, 1], np.float32)
    region[0, 1:4, 2:4] = 1
    region[1, 5, 0] = 1  # a single pixel has no neighbour in the region
    return region


def test_it_is_the_mean_step_to_the_right_plus_the_mean_step_down(image):
    expected = np.abs(np.diff(image, axis=2)).mean() + np.abs(np.diff(image, axis=1)).mean()
    np.testing.assert_allclose(losses.total_variation_loss(image), expected, rtol=1e-6)
    assert losses.total_variation_loss(np.ones_like(image)) == 0


def test_of_a_region_only_pairs_inside_count_and_the_whole_picture_divides(image, region):
    inside = image[0, 1:4, 2:4]
    total = np.abs(np.diff(inside, axis=0)).sum() + np.abs(np.diff(inside, axis=1)).sum()
    np.testing.assert_allclose(losses.total_variation_loss(image, region), total / image.size, rtol=1e-5)


def test_what_lies_outside_the_region_has_no_influence_be_it_nan(image, region):
    values, gradients = [], []
    for picture in (image, np.where(region > 0, image, np.float32("nan"))):
        picture = tf.constant(picture)
        with tf.GradientTape() as tape:
            tape.watch(picture)
            values.append(losses.total_variation_loss(picture, region))
        gradients.append(tape.gradient(values[-1], picture).numpy())
    assert values[0] == values[1]
    np.testing.assert_array_equal(gradients[0], gradients[1])
    outside = np.broadcast_to(region == 0, image.shape)
    assert np.all(gradients[0][outside] == 0) and np.any(gradients[0] != 0)


def test_an_empty_region_costs_nothing(image):
    assert losses.total_variation_loss(image, np.zeros([2, 6, 5, 1], np.float32)) == 0


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
@pytest.mark.parametrize("with_region", [False, True])
def test_half_precision_is_summed_in_float32(dtype, with_region):
    stripes = tf.cast(np.tile([[-1.0], [1.0]], (1, 256, 128, 3)), dtype)  # each step to the right is 2: 196,000 of them
    region = tf.ones([1, 256, 256, 1]) if with_region else None
    loss = losses.total_variation_loss(stripes, region)
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(loss, 2 * 255 / 256 if with_region else 2, rtol=1e-5)
