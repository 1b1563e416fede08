"""Attention transfer: what is copied where, what each switch does, and the contract of layers. (The published values: tests/golden.)"""

import numpy as np
import pytest
import tensorflow as tf

from tests.graphs import tensor_sizes
from tests.layers.layer_contract import check_layer
from tf_inpaint.layers import AlignedSubsampling2D, AttentionTransfer


def noise(*shape, seed=0):
    return tf.random.stateless_normal(shape, [11, seed])


def square_mask(batch=2, size=32, start=8, stop=16):
    mask = np.zeros([batch, size, size, 1], np.float32)
    mask[:, start:stop, start:stop] = 1.0
    return tf.constant(mask)


def make_inputs(batch=2, size=32):
    return noise(batch, size // 2, size // 2, 4), noise(batch, size // 4, size // 4, 6, seed=1), square_mask(batch, size)


@pytest.mark.parametrize(
    "arguments",
    [
        {"softmax_scale": 0.5},
        {
            "match_size": 1,
            "softmax_scale": 0.5,
            "normalize_query": True,
            "mask_mode": "strict",
            "weight_floor": 0.0,
            "compose": "hole",
            "overlap": "count",
            "mask_resize": "max",
            "block_size": 5,
        },
        {"softmax_scale": 0.5, "mask_resize": "nearest"},
        {"rescale": True, "mask_mode": "strict", "compose": "hole", "mask_resize": "max"},
        {"softmax_scale": 0.5, "mask_mode": "strict", "compose": "inside", "mask_resize": "max"},
    ],
)
def test_the_layer_keeps_the_contract_of_layers(arguments):
    check_layer(AttentionTransfer, arguments, inputs=make_inputs(), trainable=0)


def test_a_place_in_the_hole_gets_what_lies_at_the_place_that_looks_alike():
    low, high, mask = noise(1, 16, 16, 3), noise(1, 8, 8, 6, seed=1), square_mask(1)
    inside, outside = (3, 3), (6, 5)
    patch = high[:, outside[0] - 1 : outside[0] + 2, outside[1] - 1 : outside[1] + 2].numpy()
    high = high.numpy()
    high[:, inside[0] - 1 : inside[0] + 2, inside[1] - 1 : inside[1] + 2] = patch
    layer = AttentionTransfer(softmax_scale=1000.0, mask_mode="strict", mask_resize="max")
    weights = layer.attention_map(high, mask)[0].numpy()
    assert np.unravel_index(weights[inside].argmax(), (8, 8)) == outside and weights[inside].max() > 0.999
    # Four patches meet in a pixel: those of its place and of three neighbours, each from where it looks alike.
    filled, sources = layer((low, high, mask))[0].numpy(), np.pad(low[0], [[1, 1], [1, 1], [0, 0]])
    expected = np.zeros([18, 18, 3])
    for row in range(8):
        for column in range(8):
            top, left = 2 * np.array(np.unravel_index(weights[row, column].argmax(), (8, 8)))
            expected[2 * row : 2 * row + 4, 2 * column : 2 * column + 4] += sources[top : top + 4, left : left + 4] / 4
    is_sharp = weights.max(axis=-1).repeat(2, axis=0).repeat(2, axis=1) > 0.999
    assert is_sharp.mean() > 0.7
    near = is_sharp.copy()  # and all four of the patches
    for shift in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1)):
        near &= np.roll(is_sharp, shift, axis=(0, 1))
    np.testing.assert_allclose(filled[near], expected[1:-1, 1:-1][near], atol=0.02)


def test_equal_keys_share_the_weight_and_a_flat_map_stays_flat_with_the_true_count():
    low, high = tf.fill([1, 16, 16, 2], 3.0), tf.ones([1, 8, 8, 4])
    uniform = AttentionTransfer(match_size=1).attention_map(high, tf.zeros([1, 32, 32, 1]))
    np.testing.assert_allclose(uniform, np.full([1, 8, 8, 64], 1 / 64), rtol=1e-5)
    # Patches at the border hold padding: only the middle is known here.
    known = 1.0 - square_mask(1, start=8, stop=24)
    layer = AttentionTransfer(match_size=1, mask_mode="strict", mask_resize="max", weight_floor=0.0, overlap="count")
    np.testing.assert_allclose(layer((low, high, known)), low, rtol=1e-5)


def test_weights_of_the_known_places_add_up_to_one_only_in_the_strict_form():
    _, high, mask = make_inputs()
    maps = {mode: AttentionTransfer(mask_mode=mode).attention_map(0.1 * high, mask) for mode in ("published", "strict")}
    strict = tf.reduce_sum(maps["strict"], axis=-1)
    np.testing.assert_allclose(strict, np.ones_like(strict), atol=1e-5)
    assert tf.reduce_mean(tf.reduce_sum(maps["published"], axis=-1)) < 0.98


def test_a_picture_without_a_known_place_keeps_its_map_in_the_strict_form():
    low, high, mask = make_inputs()
    mask = tf.concat([tf.ones_like(mask[:1]), mask[1:]], axis=0)
    filled = AttentionTransfer(mask_mode="strict")((low, high, mask))
    np.testing.assert_array_equal(filled[0], low[0])
    assert np.abs(filled[1] - low[1]).max() > 0.1
    published = AttentionTransfer()((low, high, mask))
    assert np.abs(published[0]).max() < 1e-4


def test_only_the_hole_is_replaced_if_asked():
    low, high, mask = make_inputs()
    everywhere = AttentionTransfer(mask_resize="max")((low, high, mask)).numpy()
    composed = AttentionTransfer(mask_resize="max", compose="hole")((low, high, mask)).numpy()
    inside = np.zeros([16, 16], bool)
    inside[4:8, 4:8] = True
    np.testing.assert_array_equal(composed[:, ~inside], low.numpy()[:, ~inside])
    np.testing.assert_array_equal(composed[:, inside], everywhere[:, inside])


@pytest.mark.parametrize("rescale", [False, True])
@pytest.mark.parametrize("mask_resize", ["max", "nearest"])
def test_places_at_the_rim_of_a_hole_keep_what_they_know_if_only_its_inside_is_replaced(mask_resize, rescale):
    low, high, _ = make_inputs()
    # A pixel more than places 4 to 7 on each side: half of the places around them is known.
    mask = square_mask(start=7, stop=17)
    settings = {"mask_resize": mask_resize, "rescale": rescale}
    everywhere = AttentionTransfer(**settings)((low, high, mask)).numpy()
    composed = AttentionTransfer(**settings, compose="inside")((low, high, mask)).numpy()
    inside = np.zeros([16, 16], bool)
    inside[4:8, 4:8] = True
    np.testing.assert_array_equal(composed[:, ~inside], low.numpy()[:, ~inside])
    np.testing.assert_array_equal(composed[:, inside], everywhere[:, inside])


def test_rescaling_makes_the_filling_coarse_and_leaves_known_places_alone():
    low, high, mask = make_inputs()
    halved = [AlignedSubsampling2D()(x) for x in (low, high)]
    settings = {"match_size": 1, "mask_mode": "strict", "mask_resize": "max"}
    coarse = np.repeat(np.repeat(AttentionTransfer(**settings)((*halved, mask)), 2, axis=1), 2, axis=2)
    everywhere = AttentionTransfer(**settings, rescale=True)
    np.testing.assert_allclose(everywhere((low, high, mask)), coarse, atol=1e-6)
    assert everywhere.attention_map(high, mask).shape == (2, 4, 4, 16)
    composed = AttentionTransfer(**settings, rescale=True, compose="hole")((low, high, mask)).numpy()
    inside = np.zeros([16, 16], bool)
    inside[4:8, 4:8] = True
    np.testing.assert_array_equal(composed[:, ~inside], low.numpy()[:, ~inside])
    np.testing.assert_allclose(composed[:, inside], coarse[:, inside], atol=1e-6)


def test_a_hole_of_one_pixel_is_lost_by_picking_and_kept_by_the_maximum():
    _, high, _ = make_inputs(1)
    mask = np.zeros([1, 32, 32, 1], np.float32)
    mask[0, 15, 15] = 1.0
    share = {}
    for resize in ("bilinear_align_corners", "nearest", "max"):
        layer = AttentionTransfer(mask_mode="strict", mask_resize=resize, weight_floor=0.0, normalize_query=True)
        share[resize] = np.mean(np.max(layer.attention_map(high, mask), axis=(0, 1, 2)) > 0)
    assert share == {"bilinear_align_corners": 1.0, "nearest": 1.0, "max": 1 - 9 / 64}


def test_blocks_of_queries_change_nothing():
    inputs = make_inputs()
    expected = AttentionTransfer()(inputs)
    for block_size in (1, 7, 64):
        np.testing.assert_allclose(AttentionTransfer(block_size=block_size)(inputs), expected, atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"mask_mode": "strict", "mask_resize": "max", "weight_floor": 0.0, "compose": "hole"}])
def test_a_training_step_at_4096_places_never_holds_all_scores(settings):
    layer = AttentionTransfer(**settings)
    spec = [tf.TensorSpec([1, size, size, depth]) for size, depth in ((128, 2), (64, 4), (256, 1))]

    def step(low, high, mask):
        with tf.GradientTape() as tape:
            tape.watch([low, high])
            loss = tf.reduce_sum(layer((low, high, mask)) ** 2)
        return tape.gradient(loss, [low, high])

    sizes = tensor_sizes(tf.function(step, input_signature=spec).get_concrete_function().graph)
    assert len(sizes) > 50 and max(sizes) < 4096 * 4096 // 8


def test_pictures_of_a_batch_do_not_see_each_other():
    low, high, _ = make_inputs()
    mask = tf.concat([square_mask(1), square_mask(1, start=20, stop=30)], axis=0)
    layer = AttentionTransfer(mask_mode="strict")
    together = layer((low, high, mask))
    for index in range(2):
        alone = layer(tuple(each[index : index + 1] for each in (low, high, mask)))
        np.testing.assert_allclose(together[index], alone[0], atol=1e-6)


@pytest.mark.parametrize("mask_mode", ["published", "strict"])
@pytest.mark.parametrize("normalize_query", [True, False])
def test_gradients_agree_with_finite_differences(mask_mode, normalize_query):
    layer = AttentionTransfer(mask_mode=mask_mode, normalize_query=normalize_query, softmax_scale=2.0, weight_floor=0.0)
    inputs = [0.5 * noise(1, 4, 6, 1), 0.5 * noise(1, 2, 3, 2, seed=1)]
    mask = np.zeros([1, 8, 12, 1], np.float32)
    mask[:, 0, 0] = 1.0  # which makes four of the six places invalid
    upstream = noise(1, 4, 6, 1, seed=2)

    def objective(*inputs):
        return tf.reduce_sum(layer((*inputs, mask)) * upstream)

    theoretical, numerical = tf.test.compute_gradient(objective, inputs, delta=1e-2)
    for exact, estimated in zip(theoretical, numerical, strict=True):
        assert np.abs(exact).max() > 0.05
        np.testing.assert_allclose(exact, estimated, atol=5e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"match_size": 2}, "`match_size` must be odd"),
        ({"mask_mode": "soft"}, "`mask_mode` must be one of"),
        ({"compose": "outside"}, "`compose` must be one of"),
        ({"overlap": "sum"}, "`overlap` must be one of"),
        ({"mask_resize": "area"}, "`mask_resize` must be one of"),
        ({"block_size": 0}, "`block_size` must be at least 1"),
    ],
)
def test_refused_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        AttentionTransfer(**arguments)


def test_maps_that_do_not_fit_together_are_refused():
    _, high, mask = make_inputs()
    with pytest.raises(ValueError, match=r"twice as high and wide .* low=\(2, 15, 16, 4\), high=\(2, 8, 8, 6\)"):
        AttentionTransfer()((noise(2, 15, 16, 4), high, mask))
    with pytest.raises(ValueError, match=r"twice as high and wide .* low=\(1, 5, 5, 2\), high=\(1, 2, 2, 3\)"):
        AttentionTransfer(rescale=True)((noise(1, 10, 10, 2), noise(1, 5, 5, 3), mask[:1]))
