"""Colour jitter: the values of a float64 computation by scikit-image's HSV, ranges, seeds."""

import numpy as np
import pytest
import skimage.color
import tensorflow as tf

from tf_inpaint import ops

CASES = [
    {"brightness": 1.3},
    {"brightness": 0.6},
    {"contrast": 1.5},
    {"contrast": 0.0},
    {"saturation": 1.4},
    {"saturation": 0.0},
    {"hue": 0.25},
    {"hue": -0.4},
    {"brightness": 1.05, "contrast": 0.95, "saturation": 1.05, "hue": 0.05},
]


@pytest.fixture
def image():
    return np.random.RandomState(0).uniform(-1, 1, (2, 9, 7, 3)).astype(np.float32)


def expected_of(image, brightness=1.0, contrast=1.0, saturation=1.0, hue=0.0):
    """The same of one picture in float64."""
    levels = np.clip((image.astype(np.float64) + 1) / 2 * brightness, 0, 1)
    mean = (levels @ [0.299, 0.587, 0.114]).mean()
    levels = np.clip(mean + contrast * (levels - mean), 0, 1)
    gray = (levels @ [0.299, 0.587, 0.114])[..., None]
    levels = np.clip(gray + saturation * (levels - gray), 0, 1)
    hsv = skimage.color.rgb2hsv(levels)
    hsv[..., 0] = (hsv[..., 0] + hue) % 1
    return skimage.color.hsv2rgb(hsv) * 2 - 1


@pytest.mark.parametrize("amounts", CASES, ids=str)
def test_each_change_has_the_values_of_a_float64_computation(image, amounts):
    changed = ops.colour.adjust_colours(image, **amounts)
    for one, picture in zip(changed, image, strict=True):
        np.testing.assert_allclose(one, expected_of(picture, **amounts), atol=2e-5)


def test_no_change_leaves_the_picture(image):
    np.testing.assert_allclose(ops.colour.adjust_colours(image), image, atol=1e-6)
    jittered = ops.colour.colour_jitter(image, [1, 2], brightness=0, contrast=0, saturation=0, hue=0)
    np.testing.assert_allclose(jittered, image, atol=1e-6)


def test_black_white_and_grey_stay_grey():
    image = np.linspace(-1, 1, 5, dtype=np.float32)[None, :, None] * np.ones([1, 1, 3], np.float32)
    changed = ops.colour.colour_jitter(image, [3, 4], brightness=0.5, contrast=0.5, saturation=0.5, hue=0.5).numpy()
    assert np.isfinite(changed).all() and np.ptp(changed, axis=-1).max() < 1e-6 and changed.min() >= -1 and changed.max() <= 1


def test_the_drawn_amounts_spread_and_do_not_follow_each_other():
    """Of a picture of one colour each amount can be told from the result."""
    color = tf.constant([0.2, -0.1, -0.4]) * tf.ones([1, 1, 3])
    names = ("brightness", "saturation", "hue")
    values = {name: [] for name in names}
    for seed in range(200):
        for name in names:
            amounts = {**dict.fromkeys((*names, "contrast"), 0.0), name: 0.3}
            values[name].append(ops.colour.colour_jitter(color, [seed, 7], **amounts)[0, 0].numpy())
    for name, drawn in values.items():
        assert len(np.unique(drawn, axis=0)) > 190 and np.std(drawn, axis=0).max() > 0.01, name
    brightness, saturation = np.sum(values["brightness"], axis=1), np.ptp(values["saturation"], axis=1)
    assert abs(np.corrcoef(brightness, saturation)[0, 1]) < 0.2


def test_the_same_seed_gives_the_same_bits_in_a_graph(image):
    in_graph = tf.function(lambda picture, seed: ops.colour.colour_jitter(picture, seed))
    eager = ops.colour.colour_jitter(image, tf.constant([5, 6]))
    np.testing.assert_allclose(in_graph(image, tf.constant([5, 6])), eager, atol=1e-6)
    np.testing.assert_array_equal(ops.colour.colour_jitter(image, tf.constant([5, 6])), eager)
    assert np.abs(ops.colour.colour_jitter(image, tf.constant([5, 7])) - eager).max() > 1e-3
    assert 0 < np.abs(eager - image).max() < 0.4


@pytest.mark.parametrize("amount", [{"brightness": -0.1}, {"contrast": -1}, {"saturation": -0.1}, {"hue": 0.6}], ids=str)
def test_an_amount_out_of_range_is_named(image, amount):
    with pytest.raises(ValueError, match=f"Received: {list(amount)[0]}="):
        ops.colour.colour_jitter(image, [0, 0], **amount)
