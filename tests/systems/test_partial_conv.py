"""The partial-convolution system: its network, its two stages, equation (7) in NumPy, what a hole may and may not do."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import ops
from tf_inpaint.errors import ConfigError
from tf_inpaint.networks import build_feature_network
from tf_inpaint.systems.partial_conv import PartialConv, PartialConvConfig
from tf_inpaint.systems.partial_conv.networks import level_filters

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


def make(**settings):
    """The tiny system from seed 0, without feature network."""
    keras.utils.set_random_seed(0)
    return PartialConv.tiny(**{"feature_network": "none", **settings})


def make_batch(size=32, batch=2):
    image = tf.random.stateless_uniform([batch, size, size, 3], [1, 2], -1.0, 1.0)
    mask = np.zeros([batch, size, size, 1], np.float32)
    mask[:, size // 4 : 3 * size // 4, size // 4 : size // 2] = 1.0
    return {"image": image, "mask": tf.constant(mask)}


def randomise(system):
    """Biases, gamma, beta and running statistics that are not 0 or 1."""
    generator = np.random.default_rng(0)
    for weight in system.generator_weights:
        if len(weight.shape) == 1:
            weight.assign(generator.uniform(0.5, 1.5, weight.shape))


def statistics(network):
    """What training changes without a gradient: the running means and variances."""
    return [weight.numpy() for weight in network.non_trainable_weights]


@pytest.fixture(scope="module")
def system():
    system = make()
    randomise(system)
    return system


# --- the network


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 32_865_236),
        ({"convolution_bias": False}, 32_859_732),
        ({"convolution_bias": False, "levels": 7}, 25_779_796),
    ],
)
def test_the_u_net_has_the_published_number_of_parameters(settings, expected):
    system = PartialConv(PartialConvConfig(**settings))
    assert sum(int(np.prod(weight.shape)) for weight in system.trainable_variables) == expected
    # The trainable ones are all but running statistics: nothing of a mask is a weight.
    not_trainable = {weight.name.split("/")[-1].split(":")[0] for weight in system.non_trainable_weights}
    assert not_trainable == {"moving_mean", "moving_variance"}


def test_the_weights_of_the_losses_are_those_of_the_paper_by_default():
    config = PartialConvConfig()
    names = ("valid", "hole", "perceptual", "style", "total_variation")
    assert [getattr(config, f"{name}_weight") for name in names] == [1.0, 6.0, 0.05, 120.0, 0.1]
    assert config.feature_layers == ("pool1", "pool2", "pool3")


def test_levels_get_wider_and_then_stay():
    assert level_filters((64, 128, 256, 512), levels=8) == [64, 128, 256, 512, 512, 512, 512, 512]
    assert level_filters((64, 128, 256, 512), levels=2, width_multiplier=0.5) == [32, 64]
    assert level_filters((8,), levels=3, width_multiplier=0.01) == [1, 1, 1]


def test_the_validity_of_each_level_follows_the_rule_of_the_masks():
    """A window is valid as soon as one of its pixels is; kernels 7, 5, 5, stride 2, as much padding on the left as on the right."""
    system = make()
    validity = (np.random.default_rng(3).random((2, 4, 4, 1)) < 0.2).astype(np.float32).repeat(8, axis=1).repeat(8, axis=2)
    *_, one, two, three = system.encoder_network([np.zeros((2, 32, 32, 3), np.float32), validity])
    for kernel_size, level in ((7, one), (5, two), (5, three)):
        margin = kernel_size // 2
        padded = np.pad(validity, [(0, 0), (margin, margin), (margin, margin), (0, 0)])
        windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel_size, kernel_size), axis=(1, 2))[:, ::2, ::2]
        validity = windows.max(axis=(-1, -2))
        np.testing.assert_array_equal(level, validity)
    assert one.numpy().mean() < 1  # the rule had something to do


@pytest.mark.parametrize("size", [(8, 8), (19, 45), (40, 24)])
def test_pictures_of_any_size_come_back_with_their_known_pixels(system, size):
    image = tf.random.stateless_uniform([2, *size, 3], [1, 2], -1.0, 1.0)
    mask = tf.cast(tf.random.stateless_uniform([2, *size, 1], [3, 4]) < 0.4, tf.float32)
    result = system.inpaint(image, mask)
    hole = np.broadcast_to(mask > 0.5, result.shape)
    np.testing.assert_array_equal(result.numpy()[~hole], image.numpy()[~hole])
    assert np.all(np.abs(result) <= 1) and np.any(result.numpy()[hole] != image.numpy()[hole])


@pytest.mark.parametrize("partial", [True, False])
def test_what_the_hole_holds_has_no_influence(partial):
    system, batch = make(partial=partial), make_batch()
    other = tf.where(batch["mask"] > 0.5, np.float32("nan"), batch["image"])
    np.testing.assert_array_equal(system({**batch, "image": other})["raw"], system(batch)["raw"])


@pytest.mark.parametrize(("normalisation", "level"), [("unit", [0, 0, 0]), ("imagenet", IMAGENET_MEAN)])
def test_a_picture_that_is_all_hole_gets_zeros_and_leaves_its_neighbour_alone(normalisation, level):
    """Zeros of the network: black, or ImageNet's mean. In evaluation a picture's result does not depend on the others."""
    system, batch = make(input_normalisation=normalisation), make_batch()
    randomise(system)
    mask = tf.concat([batch["mask"][:1], tf.ones_like(batch["mask"][1:])], axis=0)
    raw = system({**batch, "mask": mask})["raw"].numpy()
    np.testing.assert_allclose(raw[1], np.broadcast_to(2 * np.asarray(level, np.float32) - 1, raw[1].shape), atol=1e-6)
    alone = system({name: value[:1] for name, value in batch.items()})["raw"].numpy()
    np.testing.assert_allclose(raw[:1], alone, atol=1e-5)
    system.compile()
    assert all(np.isfinite(value) for value in system.train_step({**batch, "mask": tf.ones_like(mask)}).values())


def test_without_partial_convolutions_the_blanked_picture_is_all_that_the_network_sees():
    """The ablation is the same U-Net, fed with the picture whose hole is black and with a mask that says nothing is missing."""
    partial, ordinary = make(), make(partial=False)
    batch = make_batch()
    black = tf.where(batch["mask"] > 0.5, -1.0, batch["image"])
    expected = partial({"image": black, "mask": tf.zeros_like(batch["mask"])})["raw"]
    np.testing.assert_array_equal(ordinary(batch)["raw"], expected)
    assert np.max(np.abs(partial(batch)["raw"] - expected)) > 0.1


def test_normalised_pictures_go_in_and_come_out_by_imagenets_numbers():
    system, batch = make(input_normalisation="imagenet"), make_batch()
    image, mask = batch["image"].numpy(), batch["mask"].numpy()
    masked = tf.constant(((image + 1) / 2 - IMAGENET_MEAN) / IMAGENET_DEVIATION * (1 - mask))
    validity = tf.constant(1 - mask)
    encoded = system.encoder_network([masked, validity])
    output, _ = system.decoder_network([masked, *encoded[:3], validity, *encoded[3:]])
    expected = np.clip(2 * (output * IMAGENET_DEVIATION + IMAGENET_MEAN) - 1, -1, 1)
    np.testing.assert_allclose(system(batch)["raw"], expected, atol=1e-5)


# --- equation (7)


def gram(features):
    flat = features.reshape(features.shape[0], -1, features.shape[-1]).astype(np.float64)
    return np.einsum("bnc,bnd->bcd", flat, flat) / (flat.shape[1] * flat.shape[2])


def test_the_losses_are_those_of_equation_7():
    """All five, written out pixel by pixel for a picture of 8 x 8; the feature network's maps are taken as they are."""
    weights = {"valid": 2.0, "hole": 3.0, "perceptual": 5.0, "style": 7.0, "total_variation": 11.0}
    system = make(**{f"{name}_weight": weight for name, weight in weights.items()})
    network = build_feature_network("random", ("relu1_1", "pool1"))
    system.compile(feature_network=network)
    generator = np.random.default_rng(0)
    image, output = generator.uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32), generator.random((2, 8, 8, 3)).astype(np.float32)
    mask = np.zeros((2, 8, 8, 1), np.float32)
    mask[0, 2:4, 3:6] = mask[1, 0:2, 7:8] = 1
    terms = {name: float(value) for name, value in system.loss_terms(*map(tf.constant, (output, image, mask))).items()}

    truth = (image + 1) / 2
    composite = np.where(mask > 0, output, truth)
    true, painted, pasted = ([each.numpy() for each in network(tf.constant(2 * x - 1))] for x in (truth, output, composite))
    pairs = [*zip(painted, true, strict=True), *zip(pasted, true, strict=True)]
    region = np.zeros((2, 8, 8), bool)  # a pixel wider than the hole, corners too
    region[0, 1:5, 2:7] = region[1, 0:3, 6:8] = True
    variation = 0.0
    for b, y, x in np.argwhere(region):
        for other in ((b, y, x + 1), (b, y + 1, x)):
            if max(other[1:]) < 8 and region[other]:
                variation += np.abs(composite[b, y, x] - composite[other]).sum()
    expected = {
        "valid_loss": weights["valid"] * np.mean((1 - mask) * np.abs(output - truth)),
        "hole_loss": weights["hole"] * np.mean(mask * np.abs(output - truth)),
        "perceptual_loss": weights["perceptual"] * sum(np.mean(np.abs(a - b)) for a, b in pairs),
        "style_loss": weights["style"] * sum(np.mean(np.abs(gram(a) - gram(b))) for a, b in pairs),
        "total_variation_loss": weights["total_variation"] * variation / composite.size,
    }
    assert terms == pytest.approx(expected, rel=1e-4)


def test_a_perfect_picture_costs_nothing_but_the_variation_of_the_truth():
    system, batch = make(feature_network="random"), make_batch()
    system.compile()
    truth = ops.image.to_unit(batch["image"])
    terms = {name: float(value) for name, value in system.loss_terms(truth, batch["image"], batch["mask"]).items()}
    assert terms.pop("total_variation_loss") > 0
    assert terms == pytest.approx(dict.fromkeys(("valid_loss", "hole_loss", "perceptual_loss", "style_loss"), 0), abs=1e-4)


def test_without_a_hole_neither_hole_nor_variation_count():
    system, batch = make(), make_batch()
    system.compile()
    terms = system.loss_terms(tf.zeros_like(batch["image"]), batch["image"], tf.zeros_like(batch["mask"]))
    assert float(terms["hole_loss"]) == float(terms["total_variation_loss"]) == 0 and float(terms["valid_loss"]) > 0


def test_the_logged_losses_are_weighted_and_add_up():
    system, batch = make(feature_network="random"), make_batch()
    system.compile()
    logs = {name: float(value) for name, value in system.test_step(batch).items()}
    assert set(logs) == set(system.LOGS)
    assert logs["loss"] == pytest.approx(sum(value for name, value in logs.items() if name.endswith("_loss")), rel=1e-5)


def test_a_term_of_weight_0_is_left_out():
    system, batch = make(feature_network="random", perceptual_weight=0.0, total_variation_weight=0.0), make_batch()
    system.compile()
    assert set(system.test_step(batch)) == {"loss", "valid_loss", "hole_loss", "style_loss", "psnr"}


def test_a_feature_network_that_is_missing_is_said_once_and_its_losses_are_left_out():
    system = make(feature_network="vgg16:no such file.npz")
    with pytest.warns(UserWarning, match="without the perceptual and the style loss of partial_conv") as said:
        system.compile()
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert set(system.test_step(make_batch())) == {"loss", "valid_loss", "hole_loss", "total_variation_loss", "psnr"}
        make(feature_network="none").compile()
        make(feature_network="vgg16:no such file.npz", perceptual_weight=0.0, style_weight=0.0).compile()


# --- the two stages


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_fine_tuning_leaves_the_encoders_statistics_while_its_gamma_and_beta_learn(precision):
    keras.mixed_precision.set_global_policy(precision)
    system = make(fine_tuning_learning_rate=1e-3)
    system.compile(stage="fine_tuning")
    encoder, decoder = statistics(system.encoder_network), statistics(system.decoder_network)
    learned = [weight.numpy() for weight in system.encoder_network.trainable_weights]
    assert np.isfinite(float(system.train_step(make_batch())["loss"]))
    for before, after in zip(encoder, statistics(system.encoder_network), strict=True):
        np.testing.assert_array_equal(after, before)
    for before, after in zip(decoder, statistics(system.decoder_network), strict=True):
        assert np.any(after != before)
    for before, weight in zip(learned, system.encoder_network.trainable_weights, strict=True):
        assert np.any(weight.numpy() != before), weight.name


def test_the_initial_stage_moves_all_running_statistics():
    system = make()
    system.compile()
    before = statistics(system.encoder_network) + statistics(system.decoder_network)
    system.train_step(make_batch())
    for old, new in zip(before, statistics(system.encoder_network) + statistics(system.decoder_network), strict=True):
        assert np.any(new != old)


@pytest.mark.parametrize(("stage", "expected"), [("initial", 2e-4), ("fine_tuning", 5e-5)])
def test_each_stage_has_its_learning_rate(stage, expected):
    """Adam's first step moves a weight by the learning rate, whatever its gradient."""
    system = make()
    system.compile(stage=stage)
    kernel = system.decoder_network.get_layer("partial_conv_6").trainable_weights[0]
    before = kernel.numpy()
    system.train_step(make_batch())
    assert np.median(np.abs(kernel.numpy() - before)) == pytest.approx(expected, rel=1e-2)


def test_in_half_precision_the_network_computes_and_everything_else_does_not():
    logs = {}
    for precision in ("float32", "mixed_bfloat16"):
        keras.mixed_precision.set_global_policy(precision)
        system = make(feature_network="random")
        system.compile()
        assert {weight.dtype for weight in system.weights} <= {"float32", tf.float32}
        outputs = system(make_batch())
        assert {value.dtype for value in outputs.values()} == {tf.float32}
        logs[precision] = {name: float(value) for name, value in system.train_step(make_batch()).items()}
    assert logs["mixed_bfloat16"] == pytest.approx(logs["float32"], rel=0.05)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"levels": 1}, "`levels` must be 2 to 8"),
        ({"levels": 9, "image_size": 1024}, "`levels` must be 2 to 8"),
        ({"image_size": 128}, "`image_size` must be a positive multiple of 256"),
        ({"scale": "sum"}, "`scale` must be one of"),
        ({"input_normalisation": "mean"}, "`input_normalisation` must be one of"),
        ({"style_weight": -1.0}, "`style_weight` must be at least 0"),
        ({"hole_weight": float("nan")}, "`hole_weight` must be at least 0"),
        ({"fine_tuning_learning_rate": 0.0}, "`fine_tuning_learning_rate` must be positive"),
        ({"filters": ()}, "`filters` must hold positive numbers"),
        ({"filters": (64, 0)}, "`filters` must hold positive numbers"),
    ],
)
def test_a_wrong_setting_is_named(settings, message):
    with pytest.raises(ConfigError, match=message):
        PartialConvConfig(**settings)
