"""Latent reconstruction and attention: settings, data flow, losses and stages."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import losses, ops, weights
from tf_inpaint.errors import ConfigError, WeightsError
from tf_inpaint.systems.latent_attention import LatentAttention, LatentAttentionConfig, generator_stage, identity

SEED = tf.constant([1, 2])


def make_batch(size=32, batch=2):
    image = tf.image.resize(tf.random.stateless_uniform([batch, 5, 5, 3], [1, 2], -1.0, 1.0), [size, size])
    mask = np.zeros([batch, size, size, 1], np.float32)
    mask[:, size // 4 : size // 2, size // 4 : 3 * size // 4] = 1.0
    return {"image": image, "mask": tf.constant(mask)}


def tiny(**settings):
    keras.utils.set_random_seed(0)
    system = LatentAttention.tiny(**settings)
    # Heads that start at 0 would hide what the encoder does.
    for layer in system.networks["encoder"].layers:
        if layer.name.startswith("style_") and layer.name.endswith("_dense"):
            layer.kernel.assign(tf.random.stateless_normal(layer.kernel.shape, SEED))
    return system


@pytest.fixture(scope="module")
def system():
    return tiny()


@pytest.fixture(scope="module")
def trained():
    """One for tests that compile it, and may change its weights."""
    return tiny()


def logs_of(system, batch):
    system.reset_metrics()
    return {name: float(value) for name, value in system.test_step(batch).items()}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"generator_size": 48}, "generator_size"),
        ({"level_sizes": (256, 64, 32, 16, 8, 4)}, "level_sizes"),
        ({"image_size": 128, "level_sizes": (256, 128, 64, 32, 16, 8)}, "level_sizes"),
        ({"score_levels": (6, 5, 3)}, "score_levels"),
        ({"attention_mode": "soft"}, "attention_mode"),
        ({"transfer": "whole"}, "transfer"),
        ({"augmentation": ("color", "rotation")}, "rotation"),
        ({"encoder_units": (3, 4, 14)}, "encoder_units"),
        ({"style_mixing": 1.5}, "style_mixing"),
        ({"hole_weight": -1.0}, "hole_weight"),
        ({"critic_steps": 0}, "critic_steps"),
        ({"texture_l1_hole_weight": 0.0}, "texture_l1_hole_weight"),
        ({"width_multiplier": 0.05}, "width_multiplier"),
        ({"encoder_beta_2": 1.0}, "encoder_beta_2"),
        ({"l2_weight": 0.0, "hole_weight": 0.0, "valid_weight": 0.0}, "hole_weight"),
        ({"texture_l1_weight": 0.0, "adversarial_weight": 0.0}, "texture_l1_weight"),
        ({"image_size": 40}, "image_size"),
    ],
)
def test_settings_out_of_their_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        LatentAttentionConfig(**settings)


def test_the_settings_of_attention_reach_the_texture_generator():
    network = tiny(attention_mode="hifill", transfer="block", score_levels=(6, 6, 6)).networks["texture"]
    transfers = [network.get_layer(f"transfer_{level}") for level in (1, 2, 3)]
    assert [(layer.windows, layer.overlap, layer.compose) for layer in transfers] == [("block", "sum", "everywhere")] * 3
    assert [layer.name for layer in network.layers if layer.name.startswith("scores_")] == ["scores_6"]


def test_the_defaults_are_the_published_sizes():
    config = LatentAttentionConfig()
    assert config.levels == (256, 128, 64, 32, 16, 8) and config.base_filters == 64
    assert config.generator_channels == {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64, 1024: 32}
    narrow = LatentAttentionConfig(image_size=128, generator_size=64, width_multiplier=0.25, channel_budget=6144)
    assert narrow.generator_channels == {4: 128, 8: 128, 16: 96, 32: 48, 64: 24}


def test_what_the_hole_holds_has_no_influence(system):
    batch = make_batch()
    other = tf.where(batch["mask"] > 0.5, np.float32("nan"), batch["image"])
    for name, value in system({**batch, "image": other}).items():
        np.testing.assert_array_equal(value, system(batch)[name], err_msg=name)


def test_the_parts_are_put_together_as_in_the_paper(system):
    batch = make_batch()
    image, mask = batch["image"], batch["mask"]
    offsets = system.networks["encoder"](image * (1.0 - mask))
    styles = system.mean_style + offsets
    assert styles.shape == (2, system.num_styles, 64) and np.ptp(np.asarray(offsets), axis=0).max() > 1e-3
    painted = system.networks["synthesis"]([styles, tf.zeros([2, 2], tf.int32)])
    structure = ops.resampling.resize_align_corners(painted, (32, 32))
    raw = system.networks["texture"]([mask * structure + (1.0 - mask) * image, mask])
    outputs = system(batch)
    np.testing.assert_allclose(outputs["structure"], structure, atol=1e-5)
    np.testing.assert_allclose(outputs["raw"], raw, atol=1e-4)
    np.testing.assert_array_equal(outputs["composite"], tf.where(mask > 0.5, outputs["raw"], image))


def test_without_refinement_stage_1_alone_paints():
    system, batch = tiny(refine=False), make_batch()
    outputs = system(batch)
    np.testing.assert_array_equal(outputs["raw"], tf.clip_by_value(outputs["structure"], -1.0, 1.0))


def test_variant_1_refines_an_empty_hole():
    system, batch = tiny(**LatentAttention.ABLATIONS["variant_1"]), make_batch()
    expected = system.networks["texture"]([ops.image.mask_image(batch["image"], batch["mask"]), batch["mask"]])
    np.testing.assert_allclose(system(batch)["raw"], expected, atol=1e-5)


@pytest.mark.parametrize(("generator_size", "resize"), [(32, lambda each: each), (64, lambda each: tf.nn.avg_pool2d(each, 2, 2, "VALID"))])
def test_larger_pictures_of_the_generator_are_averaged(generator_size, resize):
    system, batch = tiny(generator_size=generator_size), make_batch()
    painted = system.synthesise(system.encode(batch["image"], batch["mask"]))
    np.testing.assert_allclose(system.reconstruct(batch["image"], batch["mask"]), resize(painted), atol=1e-5)


def test_pictures_of_any_size_come_back_with_their_known_pixels(system):
    batch = make_batch(size=48, batch=1)
    image, mask = batch["image"][:, :41], batch["mask"][:, :41]
    composite = system.inpaint(image, mask)
    assert composite.shape == image.shape and np.isfinite(composite).all()
    np.testing.assert_array_equal(np.asarray(composite)[np.asarray(mask)[..., 0] == 0], np.asarray(image)[np.asarray(mask)[..., 0] == 0])


def test_the_hole_of_a_larger_picture_does_not_darken_what_is_beside_it(system):
    mask = np.zeros([1, 57, 71, 1], np.float32)
    mask[:, 20:31, 13:40] = 1.0
    image = tf.fill([1, 57, 71, 3], 0.7)
    known, hole = system._resized(ops.image.mask_image(image, mask), tf.constant(mask))
    np.testing.assert_allclose(known, tf.where(hole > 0.5, 0.0, 0.7) * tf.ones_like(known), rtol=1e-5)
    assert 0.05 < np.mean(hole) < 0.15


def test_equal_seeds_give_equal_samples_and_truncation_ends_at_the_mean_face(system):
    system.networks["mapping"].get_layer("statistics").mean.assign(tf.fill([64], 0.3))
    first, again, other = system.sample(3, SEED), system.sample(3, SEED), system.sample(3, SEED + 1)
    np.testing.assert_array_equal(first, again)
    assert np.max(np.abs(first - other)) > 0.1
    mean_face = system.synthesise(tf.fill([1, system.num_styles, 64], 0.3))
    np.testing.assert_allclose(system.sample(2, SEED, truncation=0.0), tf.tile(mean_face, [2, 1, 1, 1]), atol=1e-5)


def test_the_mean_style_is_that_of_many_styles(system):
    system.measure_mean_style(3000)
    styles = system.networks["mapping"](tf.random.stateless_normal([4000, 64], [7, 8]))
    np.testing.assert_allclose(system.mean_style, tf.reduce_mean(styles, axis=0), atol=0.12)


@pytest.mark.parametrize(("share", "different"), [(0.0, {1}), (1.0, {2})])
def test_mixed_pictures_have_two_styles_and_others_one(share, different):
    system = tiny(style_mixing=share)
    styles = generator_stage.draw_styles(system, 8, SEED).numpy()
    assert {len(np.unique(each, axis=0)) for each in styles} == different
    crossings = {int(np.argmax(np.any(each != each[:1], axis=1))) for each in styles}
    assert crossings == {0} if share == 0.0 else crossings <= {1, 2, 3} and len(crossings) > 1


def test_training_moves_the_running_mean_of_the_styles(system):
    statistics = system.networks["mapping"].get_layer("statistics")
    statistics.mean.assign(tf.zeros([64]))
    generator_stage.draw_styles(system, 4, SEED)
    assert not np.any(system.mean_style)
    generator_stage.draw_styles(system, 4, SEED, training=True)
    assert np.any(system.mean_style)


def test_regularisers_are_due_now_and_then_and_count_as_often():
    system, batch = tiny(r1_interval=2, path_length_interval=3, r1_weight=3.0), make_batch()
    system.compile(stage="generator", run_eagerly=True)
    critic = system.networks["critic"]
    real = generator_stage.downsized(system, batch["image"])
    expected = 2 * 0.5 * 3.0 * float(losses.r1_penalty(lambda image: critic(image)[-1], real))
    seen = []
    for _ in range(3):
        system.reset_metrics()
        logs = system.train_step(batch)
        seen.append((float(logs["r1_penalty"]), float(logs["path_length_penalty"])))
    assert [r1 > 0 for r1, _ in seen] == [True, False, True]
    assert [length > 0 for _, length in seen] == [True, False, False]
    assert seen[0][0] == pytest.approx(expected, rel=1e-4)
    assert float(system.networks["mapping"].get_layer("statistics").path_length) > 0


def test_a_lazy_regulariser_has_its_gradient_in_a_graph_too():
    variable = tf.Variable(3.0)

    @tf.function(autograph=False)
    def gradient(step):
        with tf.GradientTape() as tape:
            penalty = generator_stage.lazily(4, step, lambda: variable**2, otherwise=tf.constant(0.0))
        return penalty, tape.gradient(penalty, variable)

    np.testing.assert_allclose(gradient(tf.constant(8)), [9.0, 6.0])
    np.testing.assert_allclose(gradient(tf.constant(9)), [0.0, 0.0])


def check_slope(objective, variable):
    """The gradient of a scalar, itself made of gradients, against finite differences along a random direction.

    For last layers: of those before, a change moves features across the kink of the activation, where slopes jump.
    """
    with tf.GradientTape() as tape:
        value = objective()
    slope, start = tape.gradient(value, variable), tf.convert_to_tensor(variable)
    direction = tf.random.stateless_normal(start.shape, [9, 9])
    step, values = 1e-2, []
    for sign in (1.0, -1.0):
        variable.assign(start + sign * step * direction)
        values.append(float(objective()))
    variable.assign(start)
    assert float(tf.reduce_sum(slope * direction)) == pytest.approx((values[0] - values[1]) / (2 * step), rel=0.02)


def test_the_gradients_of_both_regularisers_agree_with_finite_differences(system):
    critic, synthesis = system.networks["critic"], system.networks["synthesis"]
    images = tf.random.stateless_normal([4, 8, 8, 3], SEED)
    check_slope(lambda: losses.r1_penalty(lambda image: critic(image)[-1], images), critic.get_layer("scores").kernel)
    styles, noise = tf.random.stateless_normal([2, 4, 64], SEED), tf.random.stateless_normal([2, 8, 8, 3], SEED + 1)
    paint = lambda styles: synthesis([styles, tf.zeros([2, 2], tf.int32)])  # noqa: E731
    check_slope(lambda: tf.reduce_mean(losses.path_lengths(paint, styles, noise) ** 2), synthesis.get_layer("to_rgb_8").kernel)


def test_the_encoder_has_the_five_losses_of_the_paper():
    settings = {"l2_weight": 2.0, "perceptual_weight": 0.0, "hole_weight": 5.0, "valid_weight": 7.0}
    system, batch = tiny(**settings, features="none"), make_batch()
    system.compile(stage="encoder", run_eagerly=True)
    logs = logs_of(system, batch)
    difference = np.float64(system(batch)["structure"]) - batch["image"]
    mask = batch["mask"].numpy()
    assert logs["l2_loss"] == pytest.approx(2 * np.mean(difference**2), rel=1e-4)
    assert logs["hole_loss"] == pytest.approx(5 * np.mean(mask * np.abs(difference)), rel=1e-4)
    assert logs["valid_loss"] == pytest.approx(7 * np.mean((1 - mask) * np.abs(difference)), rel=1e-4)
    assert logs["loss"] == pytest.approx(sum(value for name, value in logs.items() if name.endswith("_loss")), rel=1e-5)


def test_terms_of_weight_zero_are_left_out_with_their_networks(recwarn):
    settings = {"features": "lpips", "perceptual_weight": 0.0, "identity": "arcface", "identity_weight": 0.0, "valid_weight": 0.0}
    system, batch = tiny(**settings, adversarial_weight=0.0, texture_features="vgg16:x", texture_perceptual_weight=0.0), make_batch()
    system.compile(stage="encoder", run_eagerly=True)
    assert set(system.train_step(batch)) == {"loss", "l2_loss", "hole_loss"}
    system.compile(stage="texture", run_eagerly=True)
    critic = [weight.numpy() for weight in system.networks["texture_critic"].weights]
    assert set(system.train_step(batch)) == {"loss", "texture_l1_loss"}
    for value, weight in zip(critic, system.networks["texture_critic"].weights, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert not [warning for warning in recwarn if "Training goes on without" in str(warning.message)]  # nothing asks for their files


def test_an_own_identity_network_sees_faces_of_its_own_size(tmp_path):
    network = identity.build_identity_network(image_size=32, base_filters=2, units=(1, 1, 1, 1), embedding_size=6)
    np.savez(tmp_path / "own.npz", **identity.identity_arrays(network))
    system, batch = tiny(identity=f"own:{tmp_path / 'own.npz'}", features="none"), make_batch()
    system.compile(stage="encoder", run_eagerly=True)
    faces = [identity.crop_faces(each, 32) for each in (batch["image"], system(batch)["structure"])]
    true, painted = (network(each, training=False).numpy() for each in faces)
    assert logs_of(system, batch)["identity_loss"] == pytest.approx(0.1 * (1.0 - np.mean(np.sum(true * painted, axis=1))), abs=1e-5)


def test_the_critics_features_are_compared_by_their_directions(trained):
    system, batch = trained, make_batch()
    system.compile(stage="encoder", run_eagerly=True)
    logs, structure = logs_of(system, batch), system(batch)["structure"]
    maps = [system.networks["critic"](tf.nn.avg_pool2d(each, 4, 4, "VALID"))[:-1] for each in (structure, batch["image"])]
    differences = []
    for a, b in zip(*maps, strict=True):
        a, b = (each / np.linalg.norm(each, axis=-1, keepdims=True) for each in (np.asarray(a), np.asarray(b)))
        differences.append(np.mean((a - b) ** 2))
    assert logs["perceptual_loss"] == pytest.approx(0.8 * np.mean(differences), rel=1e-4)


def test_the_texture_generator_has_the_losses_of_the_paper():
    system, batch = tiny(texture_features="random", feature_layers=("pool1", "pool2")), make_batch()
    system.compile(stage="texture", run_eagerly=True)
    logs, outputs = logs_of(system, batch), system(batch)
    assert logs["texture_l1_loss"] == pytest.approx(100 * np.abs(outputs["raw"] - batch["image"]).mean(), rel=1e-4)
    scores = system.networks["texture_critic"](outputs["composite"])
    assert logs["adversarial_loss"] == pytest.approx(-float(tf.reduce_mean(scores)), rel=1e-4)
    assert logs["texture_perceptual_loss"] > 0


def test_hole_pixels_can_count_more_in_the_texture_generators_l1_term():
    only_l1 = {"texture_l1_weight": 1.0, "texture_perceptual_weight": 0.0, "adversarial_weight": 0.0}
    system, batch = tiny(texture_l1_hole_weight=5.0, **only_l1), make_batch()
    system.compile(stage="texture", run_eagerly=True)
    logs, outputs = logs_of(system, batch), system(batch)
    weights = np.broadcast_to(1 + 4 * batch["mask"], batch["image"].shape)
    assert logs["loss"] == pytest.approx(np.average(np.abs(outputs["raw"] - batch["image"]), weights=weights), rel=1e-4)


@pytest.mark.parametrize(("weight", "steps"), [(1.0, 3), (0.0, 0)])
def test_the_critic_of_the_texture_generator_takes_several_steps_with_a_penalty_or_none(weight, steps):
    system, batch = tiny(critic_steps=3, adversarial_weight=weight), make_batch()
    system.compile(stage="texture", run_eagerly=True)
    minimize, taken = system.minimize, []

    def count(name, *arguments):
        taken.append(name)
        minimize(name, *arguments)

    system.minimize = count
    logs = system.train_step(batch)
    assert taken == ["texture_critic"] * steps + ["generator"]
    if steps:
        assert float(logs["gradient_penalty"]) == pytest.approx(10.0, rel=0.2)  # the slope of a new critic is nearly 0


@pytest.mark.parametrize(("stage", "moving"), [("generator", {"mapping", "synthesis", "critic"}), ("encoder", {"encoder"})])
def test_a_stage_leaves_other_networks_alone(trained, stage, moving):
    system = trained
    system.compile(stage=stage, run_eagerly=True)
    before = {name: [weight.numpy() for weight in network.weights] for name, network in system.networks.items()}
    system.train_step(make_batch())
    moved = {
        name
        for name, network in system.networks.items()
        if any(not np.array_equal(value, weight) for value, weight in zip(before[name], network.weights, strict=True))
    }
    assert moved == moving


def test_the_stage_of_stylegan_shows_samples_and_is_judged_by_their_likeness(trained):
    system, batch = trained, make_batch(batch=4)
    system.compile(stage="generator", run_eagerly=True)
    assert list(system.validation_metrics(batch, system(batch))) == ["sample_likeness", "psnr"]
    columns = system.sample_columns(batch, system(batch))
    assert [tuple(column.shape) for column in columns] == [(4, 8, 8, 3)] * 8
    samples = tf.concat([tf.image.resize(system.sample(4, [0, seed]), [32, 32], "nearest") for seed in range(4)], axis=0)
    unlike = {"image": tf.random.stateless_uniform([16, 32, 32, 3], SEED, -1.0, 1.0)}
    like, other = (float(generator_stage.likeness(system, each)[0]) for each in (samples, unlike["image"]))
    assert like > other


def test_what_is_not_there_is_off_and_named():
    system = tiny(features="lpips", identity="arcface:nowhere.npz")
    with pytest.warns(UserWarning) as records:
        system.compile(stage="encoder", run_eagerly=True)
    messages = " ".join(str(record.message) for record in records)
    assert "LPIPS" in messages and "nowhere.npz" in messages
    logs = system.train_step(make_batch())
    assert {"l2_loss", "hole_loss", "valid_loss", "loss"} == set(logs)


def test_weights_from_before_a_network_came_leave_it_as_it_is():
    system, other = tiny(), tiny()
    arrays = {key: weight.numpy() for key, weight in weights._keyed_weights(system).items() if not key.startswith("texture")}
    arrays = {key: np.ones_like(array) for key, array in arrays.items()}
    texture = [weight.numpy() for weight in other.networks["texture"].weights]
    weights.assign(other, arrays, origin="here", may_lack_networks=True)
    for value, weight in zip(texture, other.networks["texture"].weights, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert np.all(other.networks["encoder"].weights[0].numpy() == 1.0)
    with pytest.raises(WeightsError, match="missing: texture/"):
        weights.assign(other, arrays, origin="here")
    del arrays[next(key for key in arrays if key.startswith("encoder"))]
    with pytest.raises(WeightsError, match="missing: encoder/"):
        weights.assign(other, arrays, origin="here", may_lack_networks=True)
