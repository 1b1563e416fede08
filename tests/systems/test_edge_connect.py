"""EdgeConnect: sizes, data flow, losses and stages."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import losses, ops
from tf_inpaint.errors import ConfigError
from tf_inpaint.systems.edge_connect import EdgeConnect, EdgeConnectConfig
from tf_inpaint.systems.edge_connect.adversarial import critic_loss, generator_loss
from tf_inpaint.systems.edge_connect.networks import (
    SMALLEST_CRITIC_INPUT,
    build_completion_generator,
    build_edge_generator,
    build_patch_critic,
)

NETWORKS = {"edge_generator", "completion_generator", "edge_critic", "completion_critic"}


def make_batch(size=32, batch=2):
    image = tf.image.resize(tf.random.stateless_uniform([batch, 5, 5, 3], [1, 2], -1.0, 1.0), [size, size])
    mask = np.zeros([batch, size, size, 1], np.float32)
    mask[:, size // 4 : size // 2, size // 4 : 3 * size // 4] = 1.0
    return {"image": image, "mask": tf.constant(mask)}


def tiny(**settings):
    keras.utils.set_random_seed(0)
    return EdgeConnect.tiny(**settings)


@pytest.fixture(scope="module")
def system():
    return tiny()


def logs_of(system, batch):
    system.reset_metrics()
    return {name: float(value) for name, value in system.test_step(batch).items()}


@pytest.mark.parametrize(
    ("build", "arguments", "expected"),
    [
        (build_edge_generator, {}, 10_761_089),
        (build_completion_generator, {}, 10_774_595),
        (build_patch_critic, {"channels": 2, "name": "critic"}, 2_762_752),
        (build_patch_critic, {"channels": 3, "name": "critic"}, 2_763_776),
    ],
)
def test_the_networks_have_the_published_number_of_parameters(build, arguments, expected):
    assert sum(int(np.prod(weight.shape)) for weight in build(**arguments).trainable_weights) == expected


def test_the_weights_of_the_losses_are_those_of_the_paper_by_default():
    config = EdgeConnectConfig()
    assert (config.edge_adversarial_weight, config.feature_matching_weight, config.edge_cross_entropy_weight) == (1.0, 10.0, 0.0)
    expected = {"l1": 1.0, "adversarial": 0.1, "perceptual": 0.1, "style": 250.0, "total_variation": 0.0}
    assert config.completion_weights == expected and config.adversarial_loss == "nsgan"


def test_kernels_start_with_the_published_deviation_and_biases_at_0(system):
    for network in system.networks.values():
        for weight in network.trainable_weights:
            values = np.asarray(weight)
            if values.ndim == 1:
                assert not values.any()
            elif values.size > 4000:
                assert values.std() == pytest.approx(0.02, rel=0.05) and abs(values.mean()) < 2e-3


def test_a_critic_judges_the_smallest_picture_by_one_patch_and_halves_larger_ones_three_times():
    critic = build_patch_critic(channels=2, filters=(2, 4, 4, 4), name="critic")
    smallest = critic(tf.zeros([1, SMALLEST_CRITIC_INPUT, SMALLEST_CRITIC_INPUT, 2]))
    assert [tuple(feature.shape[1:3]) for feature in smallest] == [(12, 12), (6, 6), (3, 3), (2, 2), (1, 1)]
    assert [tuple(feature.shape[1:3]) for feature in critic(tf.zeros([1, 64, 48, 2]))] == [(32, 24), (16, 12), (8, 6), (7, 5), (6, 4)]


@pytest.mark.parametrize("size", [(4, 4), (8, 12), (44, 28)])
def test_any_size_divisible_by_four_comes_back(system, size):
    image = tf.random.stateless_uniform([1, *size, 3], [1, 2], -1.0, 1.0)
    outputs = system({"image": image, "mask": tf.ones([1, *size, 1])})
    assert {name: tuple(value.shape[1:]) for name, value in outputs.items()} == {
        "raw": (*size, 3),
        "composite": (*size, 3),
        "edge_map": (*size, 1),
        "predicted_edges": (*size, 1),
    }


def test_what_the_hole_holds_has_no_influence(system):
    batch = make_batch()
    other = tf.where(batch["mask"] > 0.5, np.float32("nan"), batch["image"])
    for name, value in system({**batch, "image": other}).items():
        np.testing.assert_array_equal(value, system(batch)[name], err_msg=name)


def test_the_networks_see_white_holes_without_edges_and_the_completed_edge_map(system):
    """S_pred, S_comp and I_pred, put together by hand in [0, 1]."""
    batch = make_batch()
    mask, unit = batch["mask"].numpy(), (batch["image"].numpy() + 1.0) / 2.0
    known = system.find_edges(batch["image"], usable=1.0 - batch["mask"]).numpy()
    assert known.any() and not (known * mask).any()
    gray = unit @ np.array([0.2125, 0.7154, 0.0721], np.float32)[:, None]
    edge_inputs = np.concatenate([gray * (1 - mask) + mask, known, mask], axis=-1)
    predicted = system.networks["edge_generator"](edge_inputs).numpy()
    edge_map = predicted * mask + known * (1 - mask)
    raw = system.networks["completion_generator"](np.concatenate([unit * (1 - mask) + mask, edge_map], axis=-1)).numpy()
    outputs = system(batch)
    expected = {"predicted_edges": predicted, "edge_map": edge_map, "raw": 2.0 * raw - 1.0}
    for name, value in expected.items():
        np.testing.assert_allclose(outputs[name], value, atol=1e-5, err_msg=name)
    np.testing.assert_array_equal(outputs["composite"].numpy()[mask[..., 0] == 0], batch["image"].numpy()[mask[..., 0] == 0])


def test_the_losses_are_those_of_the_paper():
    settings = {"edge_adversarial_weight": 2.0, "feature_matching_weight": 3.0, "edge_cross_entropy_weight": 5.0}
    settings |= {"l1_weight": 7.0, "adversarial_weight": 11.0, "tv_weight": 13.0}
    system, batch = tiny(**settings), make_batch()
    system.compile()
    logs, outputs = logs_of(system, batch), system(batch)
    edges, gray = system.find_edges(batch["image"]), ops.image.to_gray(batch["image"])
    critic = system.networks["edge_critic"]
    true, fake = (critic(tf.concat([gray, each], axis=-1)) for each in (edges, outputs["predicted_edges"]))
    probability = 1.0 / (1.0 + np.exp(-np.float64(fake[-1])))
    assert logs["edge_adversarial_loss"] == pytest.approx(-2 * np.log(probability).mean(), rel=1e-4)
    matching = sum(np.abs(np.subtract(a, b)).mean() for a, b in zip(true, fake, strict=True))
    assert logs["feature_matching_loss"] == pytest.approx(3 * matching, rel=1e-4)
    predicted = np.float64(outputs["predicted_edges"])
    cross_entropy = -np.where(edges == 1, np.log(predicted), np.log(1 - predicted)).mean()
    assert logs["edge_cross_entropy_loss"] == pytest.approx(5 * cross_entropy, rel=1e-4)
    unit, truth = ((each.numpy() + 1) / 2 for each in (outputs["raw"], batch["image"]))
    assert logs["l1_loss"] == pytest.approx(7 * np.abs(unit - truth).mean() / batch["mask"].numpy().mean(), rel=1e-4)
    scores = np.float64(system.networks["completion_critic"](unit)[-1])
    assert logs["adversarial_loss"] == pytest.approx(11 * np.log1p(np.exp(-scores)).mean(), rel=1e-4)
    composite = (outputs["composite"].numpy() + 1) / 2
    variation = sum(np.abs(np.diff(composite, axis=axis)).mean() for axis in (1, 2))
    assert logs["total_variation_loss"] == pytest.approx(13 * variation, rel=1e-4)
    terms = [value for name, value in logs.items() if name.endswith("_loss")]
    assert logs["loss"] == pytest.approx(sum(terms), rel=1e-5)


def test_the_perceptual_loss_sees_pictures_and_the_style_loss_their_holes():
    seen = []

    def record(image, training):
        seen.append(image)
        return [image, tf.square(image)]

    system, batch = tiny(perceptual_layers=("relu1_1",), style_layers=("relu1_2",)), make_batch()
    system.compile(feature_network=record)
    logs, raw, image = logs_of(system, batch), system(batch)["raw"], batch["image"]
    assert logs["perceptual_loss"] == pytest.approx(0.1 * float(tf.reduce_mean(tf.abs(raw - image))), rel=1e-4)
    holes = [tf.where(batch["mask"] == 1, each, -1.0) for each in (raw, image)]  # -1 is black
    expected = 250.0 * losses.style_loss([tf.square(holes[0])], [tf.square(holes[1])])
    assert logs["style_loss"] == pytest.approx(float(expected), rel=1e-4)
    for received, expected in zip(seen, [raw, image, *holes], strict=True):
        np.testing.assert_allclose(received, expected, atol=1e-6)


def test_the_l1_term_can_count_hole_pixels_more_and_leave_out_the_division():
    batch = make_batch()
    plain, weighted = tiny(l1_normalisation="picture"), tiny(l1_normalisation="picture", l1_hole_weight=3.0)
    for system in (plain, weighted):
        system.compile()
    raw, image, mask = plain(batch)["raw"], batch["image"], batch["mask"]
    for system, weight in ((plain, 1.0), (weighted, 3.0)):
        expected = 0.5 * losses.l1_loss(raw, image, mask, hole_weight=weight)
        assert logs_of(system, batch)["l1_loss"] == pytest.approx(float(expected), rel=1e-4)


def test_without_a_hole_the_losses_are_finite(system):
    system.compile()
    batch = make_batch()
    logs = logs_of(system, {**batch, "mask": tf.zeros_like(batch["mask"])})
    assert all(np.isfinite(value) for value in logs.values())
    assert logs["l1_loss"] == 0.0 and logs["style_loss"] == 0.0


@pytest.mark.parametrize("kind", ["nsgan", "lsgan", "hinge"])
def test_each_kind_of_adversarial_loss_falls_as_its_side_does_better(kind):
    good, bad = tf.fill([2, 3], 2.0), tf.fill([2, 3], -2.0)
    assert generator_loss(kind, good) < generator_loss(kind, bad)
    assert critic_loss(kind, good, bad) < critic_loss(kind, bad, good)
    even = {"nsgan": np.log(2.0), "lsgan": 0.25, "hinge": 1.0}[kind]  # half of the sum at scores of 0
    assert float(critic_loss(kind, tf.zeros([2]), tf.zeros([2]))) == pytest.approx(even, rel=1e-6)


def test_the_patents_objective_has_the_adversarial_and_the_perceptual_term_only():
    system = tiny(objective="patent")
    system.compile(stage="completion_true_edges")
    logs = system.train_step(make_batch())
    assert set(logs) == {"loss", "adversarial_loss", "perceptual_loss", "completion_critic_loss"}
    assert system.config.feature_layers == list(system.config.perceptual_layers)


def networks_moved_by_a_step(system, batch):
    before = {name: [np.array(weight) for weight in network.weights] for name, network in system.networks.items()}
    system.train_step(batch)
    return {
        name
        for name, network in system.networks.items()
        if any(not np.array_equal(value, weight) for value, weight in zip(before[name], network.weights, strict=True))
    }


@pytest.mark.parametrize(
    ("stage", "settings", "expected"),
    [
        ("edges", {}, {"edge_generator", "edge_critic"}),
        ("completion_true_edges", {}, {"completion_generator", "completion_critic"}),
        ("completion_predicted_edges", {}, {"completion_generator", "completion_critic"}),
        ("joint", {}, NETWORKS),
        ("completion_true_edges", {"adversarial_weight": 0.0}, {"completion_generator"}),
        ("edges", {"edge_adversarial_weight": 0.0}, {"edge_generator", "edge_critic"}),
        (
            "edges",
            {"edge_adversarial_weight": 0.0, "feature_matching_weight": 0.0, "edge_cross_entropy_weight": 1.0},
            {"edge_generator"},
        ),
        ("joint", {"adversarial_weight": 0.0}, NETWORKS - {"completion_critic"}),
    ],
)
def test_a_stage_moves_its_networks_and_their_states_alone(stage, settings, expected):
    system = tiny(**settings)
    system.compile(stage=stage)
    assert networks_moved_by_a_step(system, make_batch()) == expected


def test_the_completion_network_gets_the_edges_of_its_stage():
    batch = make_batch()
    system = tiny(adversarial_weight=0.0, perceptual_weight=0.0, style_weight=0.0)
    edges = system.find_edges(batch["image"])
    predicted = system.predict_edges(batch["image"], batch["mask"], edges)
    maps = {"completion_true_edges": edges, "completion_predicted_edges": ops.image.composite(predicted, edges, batch["mask"])}
    for stage, edge_map in maps.items():
        fresh = tiny(adversarial_weight=0.0, perceptual_weight=0.0, style_weight=0.0)
        fresh.compile(stage=stage)
        raw = fresh.complete(batch["image"], batch["mask"], edge_map)
        expected = 0.5 * losses.l1_loss(raw, batch["image"]) / tf.reduce_mean(batch["mask"])
        assert float(fresh.train_step(batch)["l1_loss"]) == pytest.approx(float(expected), rel=1e-4)


def test_in_the_joint_stage_the_pictures_loss_reaches_the_edge_generator():
    batch = make_batch()
    system = tiny(edge_adversarial_weight=0.0, feature_matching_weight=0.0, edge_cross_entropy_weight=1e-30)
    system.compile()
    with tf.GradientTape() as tape:
        total = tf.add_n(list(system._generator_losses(*run_joint(system, batch), training=True).values()))
    gradients = tape.gradient(total, system.networks["edge_generator"].trainable_variables)
    # The last layer is not followed by a norm, which would hide a gradient of the bias.
    assert all(gradient is not None for gradient in gradients) and np.abs(gradients[-1]).max() > 1e-6


def run_joint(system, batch):
    batch = system._with_edges(batch)
    return batch, system._run_stage(batch), None


def test_the_critic_of_pictures_can_be_given_the_edges():
    system = tiny(d2_edge_condition=True)
    assert system.networks["completion_critic"].inputs[0].shape[-1] == 4
    system.compile()
    assert networks_moved_by_a_step(system, make_batch()) == NETWORKS


def test_critics_learn_at_a_tenth_of_the_rate_and_adam_is_the_released_codes():
    system = tiny(learning_rate=4e-4)
    system.compile()
    generator, critic = system.optimizers["generator"], system.optimizers["critic"]
    assert float(generator.learning_rate) == pytest.approx(4e-4) and float(critic.learning_rate) == pytest.approx(4e-5)
    for optimizer in (generator, critic):
        assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == (0.0, 0.9, 1e-8)


def test_while_edges_are_trained_their_f1_decides_and_later_the_psnr(system):
    batch = make_batch()
    for stage in EdgeConnect.STAGES:
        system.compile(stage=stage)
        measured = system.validation_metrics(batch, system(batch))
        assert next(iter(measured)) == ("edge_f1" if stage == "edges" else "psnr")
        assert set(measured) == {"edge_f1", "edge_precision", "edge_recall", "psnr"}


@pytest.mark.parametrize("stage", ["edges", "joint"])
def test_a_stage_without_any_loss_is_named(stage):
    with pytest.raises(ConfigError, match="all its losses have the weight 0"):
        tiny(edge_adversarial_weight=0.0, feature_matching_weight=0.0).compile(stage=stage)
    weights = {"l1_weight": 0.0, "adversarial_weight": 0.0, "perceptual_weight": 0.0, "style_weight": 0.0}
    with pytest.raises(ConfigError, match="trains the completion network"):
        tiny(**weights).compile(stage="completion_true_edges")
    with pytest.raises(ConfigError, match="or need a feature network, which is not there"):
        tiny(objective="patent", adversarial_weight=0.0, feature_network="none").compile(stage="completion_true_edges")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_size": 30}, "`image_size` must be a positive multiple of 4"),
        ({"image_size": 20}, "`image_size` must be at least 24"),
        ({"adversarial_loss": "wgan"}, "`adversarial_loss` must be one of"),
        ({"objective": "thesis"}, "`objective` must be one of"),
        ({"l1_normalisation": "hole"}, "`l1_normalisation` must be one of"),
        ({"style_weight": -1.0}, "`style_weight` must be at least 0"),
        ({"l1_hole_weight": 0.0}, "`l1_hole_weight` must be positive"),
        ({"l1_hole_weight": -1.0}, "`l1_hole_weight` must be positive"),
        ({"adam_epsilon": float("nan")}, "`adam_epsilon` must be positive"),
        ({"canny_low_threshold": 0.3}, "Canny needs"),
        ({"width_multiplier": 0.001}, "must leave 64 x width_multiplier at least 1"),
    ],
)
def test_a_wrong_setting_is_named(settings, message):
    with pytest.raises(ConfigError, match=message):
        EdgeConnectConfig(**settings)
