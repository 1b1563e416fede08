"""Losses and metrics of EdgeConnect against the released code (arrays of part A, `edgeconnect_losses.npz`).

The released code takes pictures in [0, 1] into a VGG19 (narrow and with random weights here) as they are. Its critic terms are halves.
"""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.layouts import assert_close, nhwc
from tf_inpaint import losses, metrics, ops
from tf_inpaint.networks import build_feature_network

PERCEPTUAL_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STYLE_LAYERS = ("relu2_2", "relu3_4", "relu4_4", "relu5_2")
# name -> the critic's and the generator's half, their arguments, and which scores the released code gives them
ADVERSARIAL = {
    "nsgan": (losses.nsgan_critic_loss, losses.nsgan_generator_loss, {}, "logit"),
    "nsgan of probabilities": (losses.nsgan_critic_loss, losses.nsgan_generator_loss, {"from_logits": False}, "prob"),
    "lsgan": (losses.lsgan_critic_loss, losses.lsgan_generator_loss, {}, "prob"),
    "hinge": (losses.hinge_critic_loss, losses.hinge_generator_loss, {}, "logit"),
}


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("edgeconnect_losses")


@pytest.fixture(scope="module")
def network(arrays):
    vgg = {key: array for key, array in arrays.items() if key.startswith("vgg19/")}
    return build_feature_network(vgg, PERCEPTUAL_LAYERS + STYLE_LAYERS, normalise=False)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_the_halves_of_an_adversarial_loss_are_the_published_ones(arrays, name):
    critic_loss, generator_loss, options, scores = ADVERSARIAL[name]
    key = name.split()[0]
    real, fake = (arrays[f"{scores}_{kind}"] for kind in ("real", "fake"))
    if name == "nsgan":  # the file's logits are other numbers than its probabilities
        with np.errstate(divide="ignore"):
            probabilities = [arrays[f"prob_{kind}"].astype(np.float64) for kind in ("real", "fake")]
            real, fake = (np.clip(np.log(p) - np.log1p(-p), -100, 100) for p in probabilities)
    assert_close(critic_loss(real, fake, **options), arrays[f"{key}/d_real"] + arrays[f"{key}/d_fake"], relative=1e-5)
    assert_close(0.5 * critic_loss(real, fake, **options), arrays[f"{key}/d_total_half"], relative=1e-5)
    # The generator's half of hinge is a mean around 0: its error is that of the scores.
    error = abs(float(generator_loss(fake, **options)) - float(arrays[f"{key}/g"]))
    assert error <= 1e-6 * max(np.abs(fake).max(), abs(float(arrays[f"{key}/g"])))


def test_probabilities_of_0_and_1_cost_as_much_as_in_the_released_code(arrays):
    probabilities = arrays["nsgan_extreme/p"].ravel()
    real = [losses.nsgan_generator_loss(p[None], from_logits=False) for p in probabilities]
    fake = [losses.nsgan_critic_loss(np.ones(1, np.float32), p[None], from_logits=False) for p in probabilities]
    assert_close(real, arrays["nsgan_extreme/bce_vs_1"].ravel(), relative=1e-6)
    assert_close(fake, arrays["nsgan_extreme/bce_vs_0"].ravel(), relative=1e-6)


def test_feature_matching_is_the_published_one(arrays):
    numbers = range(sum(key.startswith("fm/real_") for key in arrays))
    real, fake = ([nhwc(arrays[f"fm/{kind}_{number}"]) for number in numbers] for kind in ("real", "fake"))
    loss = losses.feature_matching_loss(real, fake)
    assert_close(loss, arrays["fm/loss_unweighted"], relative=1e-5)
    assert_close(10 * loss, arrays["fm/loss_x10"], relative=1e-5)


@pytest.mark.parametrize("name", ["x", "y"])
def test_features_are_the_published_ones(arrays, network, name):
    features = network(ops.image.from_unit(nhwc(arrays[f"vgg_in/{name}"])))
    for layer, found in zip(PERCEPTUAL_LAYERS + STYLE_LAYERS, features, strict=True):
        assert_close(found, nhwc(arrays[f"feat_{name}/{layer}"]), relative=1e-5)


@pytest.mark.parametrize("name", ["x", "y"])
def test_gram_matrices_of_the_hole_are_the_published_ones(arrays, network, name):
    in_hole = nhwc(arrays[f"vgg_in/{name}"] * arrays["vgg_in/mask"])
    features = network(ops.image.from_unit(in_hole))[len(PERCEPTUAL_LAYERS) :]
    for layer, found in zip(STYLE_LAYERS, features, strict=True):
        assert_close(losses.gram_matrix(found), arrays[f"gram_{name}m/{layer}"], relative=2e-5)


def test_perceptual_and_style_loss_and_their_gradient_are_the_published_ones(arrays, network):
    x, y, mask = (tf.constant(nhwc(arrays[f"vgg_in/{name}"])) for name in ("x", "y", "mask"))
    number = len(PERCEPTUAL_LAYERS)

    def features(picture):
        return network(ops.image.from_unit(picture))

    with tf.GradientTape() as tape:
        tape.watch(x)
        perceptual = losses.perceptual_loss(features(x)[:number], features(y)[:number])
        style = losses.style_loss(features(x * mask)[number:], features(y * mask)[number:])
        total = 0.1 * perceptual + 250.0 * style
    assert_close(perceptual, arrays["perceptual"], relative=1e-5)
    assert_close(style, arrays["style_masked"], relative=5e-5)
    assert_close(tape.gradient(total, x), nhwc(arrays["grad_x_of_0.1per_plus_250style"]), relative=1e-3)


def test_l1_over_the_masks_mean_is_the_published_one(arrays):
    x, y, mask = (nhwc(arrays[f"vgg_in/{name}"]) for name in ("x", "y", "mask"))
    assert_close(losses.l1_loss(x, y) / tf.reduce_mean(mask), arrays["l1_over_meanmask"], relative=1e-5)


def test_psnr_is_the_published_one(arrays):
    value = metrics.psnr(arrays["psnr/a"].astype(np.uint8), arrays["psnr/b"].astype(np.uint8))
    assert_close(value, arrays["psnr/value"].reshape([1]), relative=1e-5)


def test_precision_and_recall_of_edges_are_the_published_ones(arrays):
    edges, predicted = nhwc(arrays["edgeacc/target"]), nhwc(arrays["edgeacc/pred"])
    _, precision, recall = metrics.edge_scores(edges, predicted, np.ones_like(edges))
    assert_close(precision, arrays["edgeacc/precision"].reshape([1]), relative=1e-6)
    assert_close(recall, arrays["edgeacc/recall"].reshape([1]), relative=1e-6)
