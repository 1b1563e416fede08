"""The stroke generator beside 2,000 masks of the published one."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import masks

NUMBER = 3000


@pytest.fixture(scope="module")
def shares() -> np.ndarray:
    """Hole shares of our masks at the size of the reference."""
    make = tf.function(lambda seed: tf.reduce_mean(masks.free_form(seed, batch_size=100, height=256, width=256), [1, 2, 3]))
    return np.concatenate([make(tf.constant([batch, 2018])).numpy() for batch in range(NUMBER // 100)])


def test_the_mean_hole_share_is_that_of_the_published_strokes(golden, shares):
    reference = golden("mask_statistics")["free_form_256/ratio"]
    assert abs(shares.mean() - reference.mean()) < 0.01  # wanted: within two points; both means are sure to about 0.2 points
    assert abs(shares.std() - reference.std()) < 0.01


def test_hole_shares_are_distributed_like_those_of_the_published_strokes(golden, shares):
    reference = golden("mask_statistics")["free_form_256/ratio"]
    every = np.sort(np.concatenate([shares, reference]))
    ours, theirs = (np.searchsorted(np.sort(each), every, side="right") / len(each) for each in (shares, reference))
    assert np.abs(ours - theirs).max() < 0.05  # Kolmogorov-Smirnov; chance alone stays below 0.056 in 999 of 1000 cases
