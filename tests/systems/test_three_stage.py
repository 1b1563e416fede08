"""The three-stage system: tables 1 to 3, equations (1) to (11), switches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import metrics, ops
from tf_inpaint.errors import ConfigError, PictureError
from tf_inpaint.systems.three_stage import ThreeStage, ThreeStageConfig
from tf_inpaint.systems.three_stage.networks import (
    build_coarse_network,
    build_edge_network,
    build_refinement_network,
)

BLOCKS = {"res2net": {}, "attention": {}}


def count(network):
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


def make_batch(size=32, batch=2):
    image = tf.random.stateless_uniform([batch, size, size, 3], [1, 2], -1.0, 1.0)
    mask = np.zeros([batch, size, size, 1], np.float32)
    mask[:, size // 4 : size // 2, size // 4 : size // 2] = 1.0
    return {"image": image, "mask": tf.constant(mask)}


@pytest.fixture(scope="module")
def system():
    return ThreeStage.tiny()


@pytest.mark.parametrize(
    ("build", "arguments", "expected"),
    [
        (build_coarse_network, {}, 6_066_179),
        (build_edge_network, BLOCKS, 4_467_813),
        (build_refinement_network, BLOCKS, 5_727_447),
        (build_edge_network, {}, 3_415_361),
        (build_refinement_network, {}, 4_452_931),
        (build_edge_network, {"res2net": {}, "attention": {"form": "arxiv"}}, 4_590_597),
        (build_refinement_network, {"res2net": {}, "attention": {"form": "arxiv"}}, 6_181_927),
        (
            build_edge_network,
            {"res2net": {"width": 26, "norm": "batch", "activation": "relu"}, "attention": {"form": "arxiv"}},
            3_910_629,
        ),
    ],
)
def test_the_networks_have_the_number_of_parameters_of_the_tables(build, arguments, expected):
    assert count(build(**arguments)) == expected


@pytest.mark.parametrize("upsample", ["transpose", "resize"])
@pytest.mark.parametrize("size", [(8, 8), (12, 20)])
def test_any_size_divisible_by_four_comes_back(size, upsample):
    system = ThreeStage.tiny(upsample=upsample)
    image = tf.random.stateless_uniform([1, *size, 3], [1, 2], -1.0, 1.0)
    outputs = system({"image": image, "mask": tf.ones([1, *size, 1])})
    assert {name: tuple(value.shape[1:]) for name, value in outputs.items() if name != "predicted_edges"} == {
        "raw": (*size, 3),
        "composite": (*size, 3),
        "coarse": (*size, 3),
        "edge_map": (*size, 1),
    }


def test_pooled_keys_need_sizes_that_leave_no_row_out():
    assert ThreeStage.tiny().size_multiple == 4
    assert ThreeStage.tiny(attention_kv_pool=2).size_multiple == 8
    assert ThreeStage.tiny(attention_kv_pool=2, self_attention=False).size_multiple == 4


def test_what_the_hole_holds_has_no_influence(system):
    batch = make_batch()
    other = tf.where(batch["mask"] > 0.5, np.float32("nan"), batch["image"])
    for name, value in system(batch).items():
        if name != "composite":
            np.testing.assert_array_equal(system({**batch, "image": other})[name], value, err_msg=name)


def test_the_edge_map_is_cannys_outside_the_hole_and_the_networks_inside(system):
    """Equation (4), with -1 / +1 for edges."""
    batch = make_batch()
    outputs = system(batch)
    known = system.find_edges(batch["image"], usable=1.0 - batch["mask"])
    outside = batch["mask"].numpy()[..., 0] < 0.5
    np.testing.assert_array_equal(outputs["edge_map"].numpy()[outside], 2.0 * known.numpy()[outside] - 1.0)
    np.testing.assert_array_equal(outputs["edge_map"].numpy()[~outside], outputs["predicted_edges"].numpy()[~outside])


def test_each_stage_feeds_the_next(system):
    """Equations (1), (2), (3) and (5), put together by hand."""
    batch = make_batch()
    image, mask = batch["image"], batch["mask"]
    outputs = system(batch)
    coarse = system.networks["coarse"](tf.concat([image * (1 - mask), mask], axis=-1))
    edges = 2.0 * system.find_edges(tf.clip_by_value(coarse, -1.0, 1.0)) - 1.0
    predicted = system.networks["edge"](tf.concat([edges, mask], axis=-1))
    coarse_composite = coarse * mask + image * (1 - mask)
    raw = system.networks["refinement"](tf.concat([coarse_composite, outputs["edge_map"], mask], axis=-1))
    for name, value in {"coarse": coarse, "predicted_edges": predicted, "raw": raw}.items():
        np.testing.assert_allclose(outputs[name], value, atol=1e-6, err_msg=name)


def test_the_losses_are_equations_6_to_11():
    system = ThreeStage.tiny(coarse_weight=2.0, edge_weight=3.0, refinement_weight=5.0, adversarial_weight=7.0)
    system.compile()
    batch = make_batch()
    logs = {name: float(value) for name, value in system.test_step(batch).items()}
    outputs, image = system(batch), batch["image"]
    true_edges = 2.0 * system.find_edges(image) - 1.0
    scores = system.networks["critic"](outputs["raw"])

    def mean_absolute(a, b):
        return float(tf.reduce_mean(tf.abs(a - b)))

    assert logs["coarse_loss"] == pytest.approx(2 * mean_absolute(outputs["coarse"], image), rel=1e-5)
    assert logs["edge_loss"] == pytest.approx(3 * mean_absolute(outputs["predicted_edges"], true_edges), rel=1e-5)
    assert logs["refinement_loss"] == pytest.approx(5 * mean_absolute(outputs["raw"], image), rel=1e-5)
    assert logs["adversarial_loss"] == pytest.approx(-7 * float(tf.reduce_mean(scores)), rel=1e-4)
    terms = [value for name, value in logs.items() if name.endswith("_loss")]
    assert logs["loss"] == pytest.approx(sum(terms), rel=1e-5)


def test_the_psnr_is_that_of_the_8_bit_composites_and_finite_without_a_hole():
    system = ThreeStage.tiny()
    system.compile()
    batch = make_batch()
    composite, image = (ops.image.to_uint8(each) for each in (system(batch)["composite"], batch["image"]))
    expected = float(tf.reduce_mean(tf.image.psnr(composite, image, 255)))
    assert float(system.test_step(batch)["psnr"]) == pytest.approx(expected, rel=1e-5)
    system.reset_metrics()
    assert float(system.test_step({**batch, "mask": tf.zeros_like(batch["mask"])})["psnr"]) == metrics.MAXIMAL_PSNR


def test_the_losses_of_the_refinement_stage_reach_the_coarse_and_the_edge_network():
    """Equations (3) and (4) leave both paths open; Canny cuts the one from the edge stage to the coarse stage."""
    system = ThreeStage.tiny()
    batch = make_batch()
    with tf.GradientTape(persistent=True) as tape:
        outputs = system.run_stages(batch["image"], batch["mask"], tf.zeros_like(batch["mask"]), training=True)
        refinement, edge = (tf.reduce_sum(outputs[name] ** 2) for name in ("raw", "predicted_edges"))
    coarse_weight = system.networks["coarse"].trainable_variables[0]
    edge_weight = system.networks["edge"].trainable_variables[0]
    assert np.any(tape.gradient(refinement, coarse_weight) != 0)
    assert np.any(tape.gradient(refinement, edge_weight) != 0)
    assert tape.gradient(edge, coarse_weight) is None


def test_the_adversarial_term_waits_for_the_warm_up():
    system = ThreeStage.tiny(warmup_steps=1)
    system.compile()
    first = system.train_step(make_batch())
    assert float(first["adversarial_loss"]) == 0.0
    for metric in system.metrics:
        metric.reset_state()
    assert float(system.train_step(make_batch())["adversarial_loss"]) != 0.0


def test_without_an_adversarial_weight_there_is_no_critic_step():
    system = ThreeStage.tiny(adversarial_weight=0.0)
    system.compile()
    before = [weight.numpy() for weight in system.networks["critic"].weights]
    logs = system.train_step(make_batch())
    assert set(logs) == {"loss", "coarse_loss", "edge_loss", "refinement_loss"}
    for value, weight in zip(before, system.networks["critic"].weights, strict=True):
        np.testing.assert_array_equal(weight, value)


@pytest.mark.parametrize(("switch", "layer"), [("res2net", "res2net_1"), ("self_attention", "self_attention_1")])
def test_the_ablation_switches_leave_their_layers_out(switch, layer):
    full, ablated = ThreeStage.tiny(), ThreeStage.tiny(**{switch: False})
    for name in ("edge", "refinement"):
        assert layer in [part.name for part in full.networks[name].layers]
        assert layer not in [part.name for part in ablated.networks[name].layers]
    assert ablated(make_batch())["raw"].shape == (2, 32, 32, 3)


def test_the_critic_can_see_composite_and_mask():
    system = ThreeStage.tiny(critic_input="composite", critic_with_mask=True)
    system.compile()
    assert system.networks["critic"].input_shape[-1] == 4
    assert np.isfinite(float(system.train_step(make_batch())["critic_loss"]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_size": 30}, "`image_size` must be a positive multiple of 4"),
        ({"width_multiplier": 0.3}, "`width_multiplier` must keep"),
        ({"width_multiplier": 0.005}, "`width_multiplier` must keep"),
        ({"hole_weight": 0.0}, "`hole_weight` must be positive"),
        ({"res2net_norm": "layer"}, "`res2net_norm` must be one of"),
        ({"res2net_scale": 1}, "`res2net_scale` must be at least 2"),
        ({"attention_kv_pool": 0}, "`attention_kv_pool` must be at least 1"),
        ({"canny_low_threshold": 0.3}, "canny_low_threshold <= canny_high_threshold"),
        ({"edge_range": "01"}, "`edge_range` must be one of"),
        ({"adversarial_weight": -1.0}, "`adversarial_weight` must be at least 0"),
        ({"learning_rate": 0.0}, "must be positive"),
        ({"learning_rate": float("nan")}, "must be positive"),
        ({"adversarial_weight": float("nan")}, "`adversarial_weight` must be at least 0"),
        ({"beta_1": 1.0}, r"`beta_1` must be in \[0, 1\)"),
    ],
)
def test_a_wrong_setting_is_named(settings, message):
    # The command line turns errors of this kind, and no other, into one sentence.
    with pytest.raises(ConfigError, match=message):
        ThreeStageConfig(**settings)


def test_settings_come_from_texts_and_unknown_names_get_a_hint():
    config = ThreeStageConfig().updated(["hole_weight=6", "res2net=false", "res2net_width=None", "image_size=128"])
    assert (config.hole_weight, config.res2net, config.res2net_width, config.image_size) == (6.0, False, None, 128)
    assert ThreeStageConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ValueError, match="Did you mean 'hole_weight'"):
        ThreeStageConfig().updated(["hole_wieght=6"])
    with pytest.raises(ValueError, match="expected a value of type int"):
        ThreeStageConfig().updated(["image_size=big"])
    with pytest.raises(ValueError, match="must read name=value"):
        ThreeStageConfig().updated(["hole_weight"])


def test_stored_pictures_are_not_taken_for_pictures_in_the_librarys_range(system):
    batch = make_batch()
    with pytest.raises(PictureError, match="`image` must be floating point in"):
        system.inpaint(np.zeros([2, 32, 32, 3], np.uint8), batch["mask"])


def test_a_wrong_text_for_masks_is_named_by_compile(system):
    with pytest.raises(ConfigError, match="`masks` must begin with one of"):
        system.compile(masks="free_from")


def test_networks_in_float16_are_trained_with_loss_scaling_whatever_the_policy_is_by_then():
    keras.mixed_precision.set_global_policy("mixed_float16")
    half = ThreeStage.tiny(res2net=False, self_attention=False)
    keras.mixed_precision.set_global_policy("float32")
    single = ThreeStage.tiny(res2net=False, self_attention=False)
    for system, scaled in ((half, True), (single, False)):
        system.compile()
        for optimizer in system.optimizers.values():
            assert isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer) is scaled
