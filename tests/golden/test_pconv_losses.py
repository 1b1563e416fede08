"""Losses of partial convolution against a PyTorch peer's and NVIDIA's Gram matrix (arrays of part A, `pconv_losses.npz`).

The peer's pictures lie in [0, 1], and its narrow VGG16 with random weights takes them as they are. Its masks are 1 on valid pixels.
"""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.layouts import assert_close, nhwc
from tf_inpaint import losses, ops
from tf_inpaint.networks import build_feature_network
from tf_inpaint.systems.partial_conv import PartialConv

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


@pytest.fixture(scope="module")
def system(network, golden_meta):
    """The system with the file's weights and features: what it computes while it trains is compared."""
    names = {"hole": "hole", "valid": "valid", "perceptual": "prc", "style": "style", "total_variation": "tv"}
    weights = golden_meta("pconv_losses")["weights"]
    system = PartialConv.tiny(**{f"{ours}_weight": float(weights[theirs]) for ours, theirs in names.items()})
    system.compile(feature_network=network)
    return system


def test_the_terms_of_the_system_are_the_published_ones(arrays, system):
    terms = system.loss_terms(nhwc(arrays["out"]), ops.image.from_unit(nhwc(arrays["gt"])), hole(arrays))
    expected = {
        "valid_loss": (system.config.valid_weight, "loss_naoto/valid"),
        "hole_loss": (system.config.hole_weight, "loss_naoto/hole"),
        "perceptual_loss": (system.config.perceptual_weight, "loss_naoto/prc"),
        "style_loss": (system.config.style_weight, "loss_naoto/style"),
        "total_variation_loss": (system.config.total_variation_weight, "tv_paper_pairs_in_R_over_NIcomp/3x3"),
    }
    assert set(terms) == set(expected)
    for name, (weight, key) in expected.items():
        assert_close(terms[name], weight * arrays[key], relative=5e-5)


def test_the_total_and_its_gradient_are_the_published_ones(arrays, system):
    """With the peer's total variation, which is that of the whole composite, in the place of the paper's."""
    image, mask = tf.constant(nhwc(arrays["gt"])), hole(arrays)
    raw = tf.constant(nhwc(arrays["out"]))
    with tf.GradientTape() as tape:
        tape.watch(raw)
        terms = system.loss_terms(raw, ops.image.from_unit(image), mask)
        variation = losses.total_variation_loss(ops.image.composite(raw, image, mask))
        terms["total_variation_loss"] = system.config.total_variation_weight * variation
        total = tf.add_n(list(terms.values()))
    assert_close(variation, arrays["loss_naoto/tv"], relative=1e-5)
    assert_close(total, arrays["total_naoto"], relative=5e-5)
    assert_close(tape.gradient(total, raw), nhwc(arrays["dtotal_dout"]), relative=1e-3)
