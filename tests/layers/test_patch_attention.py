"""Patch attention and transfer: what they are for. (Published values: tests/golden/test_contextual_attention.)"""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.layers import ContextualAttention, PatchAttention, PatchTransfer
from tf_inpaint.ops import contextual


def hole(top, left, size, side=64):
    mask = np.zeros([1, side, side, 1], np.float32)
    mask[:, top : top + size, left : left + size] = 1.0
    return tf.constant(mask)


def test_a_missing_place_takes_over_what_looks_like_it():
    """Columns that repeat after four: a missing place finds its like in its own column and in the one four further."""
    column = tf.one_hot(tf.range(8) % 4, 4)
    high = tf.tile(column[None, None], [1, 8, 1, 1])
    weights = PatchAttention(softmax_scale=200.0)((high, hole(24, 16, 8)))
    np.testing.assert_allclose(tf.reduce_sum(weights, axis=-1), 1.0, rtol=1e-5)
    weights = tf.reshape(weights[0, 3, 2], [8, 8]).numpy()
    assert weights[:, [2, 6]].sum() > 0.99 and weights[:, 6].sum() > 0.6
    assert weights[2:5, 1:4].sum() == 0.0  # patches that reach into the hole


def test_known_pixels_stay_bit_by_bit_and_missing_ones_change():
    low, high, mask = tf.random.stateless_normal([1, 64, 64, 3], [0, 0]), tf.random.stateless_normal([1, 8, 8, 5], [0, 1]), hole(21, 9, 17)
    filled = PatchTransfer(8)((low, PatchAttention()((high, mask)), mask))
    np.testing.assert_array_equal(tf.where(mask > 0.5, 0.0, filled), tf.where(mask > 0.5, 0.0, low))
    assert tf.reduce_all(tf.abs(filled - low)[mask[..., 0] > 0.5] > 0.0)


def test_blocks_of_a_constant_map_stay_constant_and_overlapping_windows_bring_in_the_border():
    mask, low = hole(0, 0, 20), tf.fill([1, 32, 32, 2], 0.3)
    weights = PatchAttention()((tf.random.stateless_normal([1, 8, 8, 4], [0, 1]), mask))
    everywhere = {
        windows: PatchTransfer(4, windows=windows, compose="everywhere")((low, weights, mask)) for windows in ("block", "overlap")
    }
    np.testing.assert_allclose(everywhere["block"], 0.3, rtol=1e-5)
    # Windows at the border hold zeros from outside, as in the reference.
    assert 0.2 < np.min(everywhere["overlap"]) < 0.3 and np.max(everywhere["overlap"]) < 0.3 + 1e-5


def test_where_nothing_is_known_the_map_stays_and_other_pictures_are_filled():
    mask = tf.concat([tf.ones([1, 64, 64, 1]), hole(8, 8, 16)], axis=0)
    low, high = tf.random.stateless_normal([2, 32, 32, 3], [0, 0]), tf.random.stateless_normal([2, 8, 8, 5], [0, 1])
    weights = PatchAttention()((high, mask))
    np.testing.assert_array_equal(weights[0], 0.0)
    filled = PatchTransfer(4)((low, weights, mask))
    np.testing.assert_array_equal(filled[0], low[0])
    assert np.any(np.asarray(filled[1]) != low[1])


def test_a_hole_of_one_pixel_is_not_lost():
    mask = hole(37, 5, 1)
    weights = PatchAttention(match_size=1)((tf.random.stateless_normal([1, 8, 8, 4], [0, 1]), mask))
    used = tf.reshape(tf.reduce_sum(weights, axis=[0, 1, 2]), [8, 8]).numpy()
    assert used[4, 0] == 0.0 and np.count_nonzero(used) == 63


def test_fused_scores_prefer_neighbours_of_neighbours():
    """A diagonal of ones stays the largest; a single one elsewhere gets no support."""
    scores = np.eye(16, dtype=np.float32)[None]
    scores[0, 3, 12] = 1.5
    fused = contextual.fuse_diagonals(tf.constant(scores), (4, 4), (4, 4)).numpy()[0]
    np.testing.assert_array_equal(fused.argmax(axis=1), np.arange(16))
    assert fused[5, 5] == 9.0 and fused[3, 12] == 1.5


def test_the_best_known_place_takes_all_if_asked():
    """The patch of a missing place is also found elsewhere: it gets all the weight, and its copy in the hole none."""
    high = tf.random.stateless_normal([1, 8, 8, 16], [0, 1]).numpy()
    high[:, 6, 6] = 0.9 * high[:, 3, 2]
    weights = PatchAttention(match_size=1, hard=True)((high, hole(24, 16, 8)))[0, 3, 2].numpy()
    assert np.flatnonzero(weights).tolist() == [6 * 8 + 6] and weights.max() == pytest.approx(1.0, abs=1e-3)
    nothing_known = PatchAttention(hard=True)((high, tf.ones([1, 64, 64, 1])))
    np.testing.assert_array_equal(nothing_known, 0.0)


def test_half_precision_finds_the_same_places():
    features, mask = tf.random.stateless_normal([2, 8, 8, 32], [0, 1]), tf.repeat(hole(8, 8, 16), 2, axis=0)
    full, half = (PatchAttention(dtype=policy)((features, mask)) for policy in ("float32", "mixed_bfloat16"))
    np.testing.assert_allclose(tf.cast(half, tf.float32), full, atol=0.02)


@pytest.mark.parametrize(("layer_class", "arguments"), [
    (PatchAttention, {"match_size": 2}),
    (PatchAttention, {"rate": 0}),
    (PatchAttention, {"mask_mode": "other"}),
    (PatchTransfer, {"rate": 0}),
    (PatchTransfer, {"rate": 2, "windows": "other"}),
    (PatchTransfer, {"rate": 2, "overlap": "other"}),
    (PatchTransfer, {"rate": 2, "compose": "other"}),
    (ContextualAttention, {"rate": 0}),
])  # fmt: skip
def test_what_is_out_of_range_is_refused(layer_class, arguments):
    with pytest.raises(ValueError, match="must be"):
        layer_class(**arguments)
