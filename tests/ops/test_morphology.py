"""Dilated masks: shapes of a grown point, an independent reference, borders."""

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from tf_inpaint import ops

ELEMENTS = {"square": np.ones([3, 3]), "cross": np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])}


@pytest.fixture
def mask():
    mask = np.random.RandomState(0).uniform(size=(2, 17, 13, 1)) < 0.05
    mask[0, 0, 0] = mask[1, 16, 5] = True  # at the border
    return mask.astype(np.float32)


@pytest.mark.parametrize("shape", ELEMENTS)
@pytest.mark.parametrize("radius", [0, 1, 2, 3])
def test_it_grows_as_scipys_binary_dilation(mask, shape, radius):
    grown = ops.morphology.dilate_mask(mask, radius=radius, shape=shape)
    for index in range(len(mask)):
        expected = mask[index, ..., 0] > 0
        for _ in range(radius):
            expected = scipy.ndimage.binary_dilation(expected, ELEMENTS[shape])
        np.testing.assert_array_equal(grown[index, ..., 0], expected.astype(np.float32))


@pytest.mark.parametrize("shape", ELEMENTS)
def test_empty_and_full_masks_stay_as_they_are(shape):
    for value in (0.0, 1.0):
        mask = tf.fill([1, 5, 4, 1], value)
        np.testing.assert_array_equal(ops.morphology.dilate_mask(mask, shape=shape), mask)


@pytest.mark.parametrize("arguments", [{"radius": -1}, {"shape": "disc"}])
def test_a_wrong_argument_is_named(mask, arguments):
    with pytest.raises(ValueError, match="Received: radius=.*, shape="):
        ops.morphology.dilate_mask(mask, **arguments)
