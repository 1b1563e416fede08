"""Losses of partial convolution against a PyTorch peer's and NVIDIA's Gram matrix (arrays of part A, `pconv_losses.npz`).

The peer's pictures lie in [0, 1], and its narrow VGG16 with random weights takes them as they are. Its masks are 1 on valid pixels.
"""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.layouts import assert_close, nhwc
from tf_inpaint import losses, ops
from tf_inpaint.networks import build_feature_network

LAYERS = ("pool1", "pool2", "pool3")
# The peer's 3x3 structuring element and the cross, in our words.
SHAPES = {"3x3": "square", "cross": "cross"}


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("pconv_losses")


@pytest.fixture(scope="module")
def network(arrays):
    vgg = {key: array for key, array in arrays.items() if key.startswith("vgg16/")}
    return build_feature_network(vgg, LAYERS, normalise=False)


@pytest.fixture(scope="module")
def features(arrays, network):
    return {name: network(ops.image.from_unit(nhwc(arrays[name]))) for name in ("gt", "out", "comp")}


def hole(arrays):
    return nhwc(1 - arrays["mask"])[..., :1]


@pytest.mark.parametrize("index", range(len(LAYERS)))
@pytest.mark.parametrize("name", ["gt", "out", "comp"])
def test_features_and_their_gram_matrices_are_the_published_ones(arrays, features, name, index):
    assert_close(features[name][index], nhwc(arrays[f"feat/{name}_{index}"]), relative=1e-5)
    # Of the file's features, so that both are compared alone.
    assert_close(losses.gram_matrix(nhwc(arrays[f"feat/{name}_{index}"])), arrays[f"gram/{name}_{index}"], relative=1e-5)


@pytest.mark.parametrize("index", range(len(LAYERS)))
@pytest.mark.parametrize("name", ["out", "comp"])
def test_each_layers_perceptual_and_style_terms_are_the_published_ones(arrays, name, index):
    pair = [nhwc(arrays[f"feat/{name}_{index}"])], [nhwc(arrays[f"feat/gt_{index}"])]
    assert_close(losses.perceptual_loss(*pair), arrays[f"perc_{name}_{index}"], relative=1e-5)
    assert_close(losses.style_loss(*pair), arrays[f"style_{name}_{index}"], relative=5e-5)


def test_the_sums_over_layers_and_pictures_are_the_published_ones(arrays, features):
    perceptual = sum(losses.perceptual_loss(features[name], features["gt"]) for name in ("out", "comp"))
    style = sum(losses.style_loss(features[name], features["gt"]) for name in ("out", "comp"))
    assert_close(perceptual, arrays["loss_naoto/prc"], relative=1e-5)
    assert_close(style, arrays["loss_naoto/style"], relative=5e-5)


@pytest.mark.parametrize("name", SHAPES)
def test_total_variation_of_the_dilated_hole_is_the_papers(arrays, name):
    region = ops.morphology.dilate_mask(hole(arrays), shape=SHAPES[name])
    np.testing.assert_array_equal(region, nhwc(arrays[f"R/{name}"]))
    value = losses.total_variation_loss(nhwc(arrays["comp"]), region)
    assert_close(value, arrays[f"tv_paper_pairs_in_R_over_NIcomp/{name}"], relative=1e-5)


def test_the_hole_and_valid_terms_are_the_published_ones(arrays):
    """Both are means over all pixels: the L1 loss of pictures that differ only in the hole, or only outside."""
    image, raw, mask = nhwc(arrays["gt"]), nhwc(arrays["out"]), hole(arrays)
    assert_close(losses.l1_loss(tf.where(mask > 0.5, raw, image), image), arrays["loss_naoto/hole"], relative=1e-5)
    assert_close(losses.l1_loss(tf.where(mask > 0.5, image, raw), image), arrays["loss_naoto/valid"], relative=1e-5)


def test_the_total_and_its_gradient_are_the_published_ones(arrays, golden_meta, network):
    """With the peer's total variation, which is that of the whole composite."""
    weights = golden_meta("pconv_losses")["weights"]
    image, mask = tf.constant(nhwc(arrays["gt"])), hole(arrays)
    raw = tf.constant(nhwc(arrays["out"]))
    with tf.GradientTape() as tape:
        tape.watch(raw)
        composite = ops.image.composite(raw, image, mask)
        of_image, of_raw, of_composite = (network(ops.image.from_unit(picture)) for picture in (image, raw, composite))
        terms = {
            "hole": losses.l1_loss(composite, image),
            "valid": losses.l1_loss(ops.image.composite(image, raw, mask), image),
            "prc": losses.perceptual_loss(of_raw, of_image) + losses.perceptual_loss(of_composite, of_image),
            "style": losses.style_loss(of_raw, of_image) + losses.style_loss(of_composite, of_image),
            "tv": losses.total_variation_loss(composite),
        }
        total = sum(weights[name] * term for name, term in terms.items())
    assert_close(terms["tv"], arrays["loss_naoto/tv"], relative=1e-5)
    assert_close(total, arrays["total_naoto"], relative=5e-5)
    assert_close(tape.gradient(total, raw), nhwc(arrays["dtotal_dout"]), relative=1e-3)
