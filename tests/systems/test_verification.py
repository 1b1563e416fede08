"""Verification: which patches count, what their scores say, thresholds, candidates, and what is stored."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import ops, weights
from tf_inpaint.errors import ConfigError, WeightsError
from tf_inpaint.systems import SYSTEMS
from tf_inpaint.systems.edge_connect import EdgeConnect, EdgeConnectConfig
from tf_inpaint.systems.edge_connect.verification import patches_on_hole
from tf_inpaint.systems.loading import load
from tf_inpaint.systems.verification_thresholds import VerificationThresholds


def make_image(batch, height, width, seed=0):
    return tf.random.stateless_uniform([batch, height, width, 3], [seed, 1], -1.0, 1.0)


def make_mask(batch, height, width):
    mask = np.zeros([batch, height, width, 1], np.float32)
    mask[:, height // 4 : height // 2, width // 3 : width // 2] = 1.0
    return tf.constant(mask)


def tiny(**settings):
    keras.utils.set_random_seed(0)
    return EdgeConnect.tiny(**settings)


@pytest.fixture(scope="module")
def system():
    return tiny()


def let_critic_measure(network, channel_weights):
    """Sets a critic's kernels so that its scores grow with the weighted sum of the channels' means: red minus blue, for example."""
    for number, layer in enumerate([layer for layer in network.layers if layer.weights]):
        kernel = np.zeros(layer.kernel.shape, np.float32)
        kernel[:, :, : len(channel_weights) if number == 0 else 1, 0] = np.float32(channel_weights if number == 0 else [1.0]) / 16
        layer.kernel.assign(kernel)
        # Spectral normalisation divides by u^T W v: by 1 here.
        column = kernel[..., 0].ravel()
        layer.u.assign(np.eye(layer.u.shape[0], dtype=np.float32)[0])
        layer.v.assign(column / np.sum(column**2))
    layer.kernel.assign(100.0 * kernel)


@pytest.fixture(scope="module")
def judge():
    """A system whose critics know something: edges are good, red is better than blue."""
    system = tiny()
    let_critic_measure(system.networks["edge_critic"], [0.0, 1.0])
    let_critic_measure(system.networks["completion_critic"], [1.0, 0.0, -1.0])
    return system


# --- patches


@pytest.mark.parametrize("size", [(24, 24), (28, 44), (36, 25), (33, 80)], ids=str)
def test_a_patch_counts_if_and_only_if_its_score_depends_on_the_hole(system, size):
    """Every mask of one pixel, against the gradients of the critic itself."""
    height, width = size
    picture = tf.random.stateless_uniform([1, height, width, 3], [0, 1])
    with tf.GradientTape() as tape:
        tape.watch(picture)
        scores = tf.reshape(system.networks["completion_critic"](picture)[-1], [-1])
    gradients = tape.jacobian(scores, picture)  # [patches, 1, H, W, 3]
    sees = np.any(gradients.numpy() != 0, axis=(1, 4)).reshape(len(scores), -1).T
    one_pixel = np.eye(height * width, dtype=np.float32).reshape(-1, height, width, 1)
    counts = patches_on_hole(tf.constant(one_pixel)).numpy()
    assert counts.shape[1:] == (height // 8 - 2, width // 8 - 2, 1)
    np.testing.assert_array_equal(counts.reshape(height * width, -1) > 0, sees)


def test_of_larger_pictures_a_patch_sees_70_pixels(system):
    picture = tf.random.stateless_uniform([1, 128, 128, 3], [0, 1])
    with tf.GradientTape() as tape:
        tape.watch(picture)
        score = system.networks["completion_critic"](picture)[-1][0, 6, 7, 0]
    sees = np.any(tape.gradient(score, picture).numpy() != 0, axis=(0, 3))
    rows, columns = np.flatnonzero(sees.any(axis=1)), np.flatnonzero(sees.any(axis=0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (48 - 23, 48 + 46, 56 - 23, 56 + 46) and len(rows) == len(columns) == 70
    for row, column, touches in ((25, 33, 1), (24, 33, 0), (25, 32, 0), (94, 102, 1), (95, 102, 0), (94, 103, 0)):
        mask = np.zeros([1, 128, 128, 1], np.float32)
        mask[0, row, column] = 1.0
        assert patches_on_hole(tf.constant(mask))[0, 6, 7, 0] == touches


# --- scores


@pytest.mark.parametrize("condition", [False, True])
def test_scores_are_mean_probabilities_over_the_patches_that_touch_the_hole(condition):
    system = tiny(d2_edge_condition=condition)
    image, edge_map = make_image(2, 128, 104), tf.random.stateless_uniform([2, 128, 104, 1], [3, 1])
    mask = np.zeros([2, 128, 104, 1], np.float32)
    mask[0, :5, :5] = mask[1, 60:100, 20:40] = 1.0
    scores = system.verification.score(image, edge_map, tf.constant(mask))
    touching = patches_on_hole(tf.constant(mask)).numpy() > 0
    assert 0 < touching[0].sum() < touching[1].sum() < touching[0].size
    unit = (image + 1.0) / 2.0
    inputs = {
        "edges": ("edge_critic", [ops.image.to_gray(image), edge_map]),
        "picture": ("completion_critic", [unit, edge_map] if condition else [unit]),
    }
    assert list(scores) == list(inputs)
    for name, (critic, parts) in inputs.items():
        probabilities = 1.0 / (1.0 + np.exp(-system.networks[critic](tf.concat(parts, axis=-1))[-1].numpy()))
        expected = [each[where].mean() for each, where in zip(probabilities, touching, strict=True)]
        np.testing.assert_allclose(scores[name], expected, rtol=1e-6)


def test_without_a_hole_there_is_no_score(system):
    mask = np.zeros([2, 32, 32, 1], np.float32)
    mask[1, 3, 4] = 1.0
    for values in system.verification.score_truth(make_image(2, 32, 32), tf.constant(mask)).values():
        assert np.isnan(values[0]) and 0 < values[1] < 1


def test_the_truth_is_scored_with_its_true_edges(judge):
    image, mask = make_image(2, 48, 48), make_mask(2, 48, 48)
    expected = judge.verification.score(image, judge.find_edges(image), mask)
    for name, values in judge.verification.score_truth(image, mask).items():
        np.testing.assert_array_equal(values, expected[name])


def test_results_are_scored_with_the_completed_edge_map(judge):
    image, mask = make_image(2, 48, 48), make_mask(2, 48, 48)
    outputs = judge({"image": image, "mask": mask})
    expected = judge.verification.score(outputs["composite"], outputs["edge_map"], mask)
    _, scores = judge.verification.inpaint(image, mask, candidate="plain")
    for name, values in scores.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-6)


# --- candidates


def test_the_first_candidate_is_what_inpaint_makes(system):
    image, mask = make_image(2, 30, 41), make_mask(2, 30, 41)
    first = system.verification.candidates[0]
    composite, _ = system.verification.inpaint(image, mask, candidate=first)
    np.testing.assert_array_equal(composite, system.inpaint(image, mask))


@pytest.mark.slow
def test_no_candidate_touches_known_pixels_and_each_is_another_picture(system):
    # Contrast that grows from left to right: all that thresholds and smoothing can tell apart occurs.
    image = make_image(1, 62, 51) * tf.linspace(0.0, 1.0, 51)[:, None]
    mask = make_mask(1, 62, 51)
    known = mask.numpy()[..., 0] < 0.5
    composites = {}
    for candidate in system.verification.candidates:
        composite, scores = system.verification.inpaint(image, mask, candidate=candidate)
        np.testing.assert_array_equal(composite.numpy()[known], image.numpy()[known])
        assert all(values.shape == [1] for values in scores.values())
        composites[candidate] = composite.numpy()[~known].tobytes()
    assert len(set(composites.values())) == len(composites) == 10


def test_the_flipped_candidate_is_the_mirror_image_of_what_the_mirrored_picture_gives(system):
    image, mask = make_image(1, 32, 40), make_mask(1, 32, 40)
    composite, _ = system.verification.inpaint(image, mask, candidate="flipped")
    expected = system.inpaint(image[:, :, ::-1], mask[:, :, ::-1])[:, :, ::-1]
    np.testing.assert_allclose(composite, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("candidate", "settings"),
    [
        ("more edges", {"canny_low_threshold": 0.05, "canny_high_threshold": 0.1}),
        ("fewer edges", {"canny_low_threshold": 0.15, "canny_high_threshold": 0.3}),
        ("finer edges", {"canny_sigma": 1.5}),
        ("coarser edges", {"canny_sigma": 3.0}),
    ],
)
def test_a_candidate_is_what_other_settings_give_judged_on_the_same_known_edges(judge, candidate, settings):
    image, mask = make_image(1, 48, 64), make_mask(1, 48, 64)
    other = tiny(**settings)
    other.set_weights(judge.get_weights())
    outputs = other({"image": image, "mask": mask})
    composite, scores = judge.verification.inpaint(image, mask, candidate=candidate)
    np.testing.assert_allclose(composite, outputs["composite"], atol=1e-6)
    known_edges = judge.find_edges(image, usable=1.0 - mask)
    assert np.any(other.find_edges(image, usable=1.0 - mask) != known_edges)
    judged_map = tf.where(mask > 0.5, outputs["predicted_edges"], known_edges)
    expected = judge.verification.score(outputs["composite"], judged_map, mask)
    for name, values in scores.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-5)


def test_an_unknown_candidate_is_an_error_that_names_the_known_ones(system):
    with pytest.raises(ConfigError, match="no candidate 'best'. Available: plain, flipped"):
        system.verification.inpaint(make_image(1, 32, 32), make_mask(1, 32, 32), candidate="best")


# --- thresholds


def batches_of(image, mask, batch_size=3):
    return tf.data.Dataset.from_tensor_slices({"image": image, "mask": mask}).batch(batch_size)


def test_thresholds_are_the_percentile_of_the_scores_of_true_pictures_with_a_hole(judge):
    image, mask = make_image(8, 32, 32), np.array(make_mask(8, 32, 32))
    image *= tf.linspace(0.2, 1.0, 8)[:, None, None, None]
    mask[5] = 0.0
    scores = {name: np.delete(values, 5) for name, values in judge.verification.score_truth(image, tf.constant(mask)).items()}
    for percentile in (5.0, 50.0):
        judge.verification.calibrate(batches_of(image, mask), percentile=percentile)
        thresholds = judge.verification.thresholds
        assert (thresholds.percentile, thresholds.num_pictures) == (percentile, 7)
        assert thresholds.values == pytest.approx({name: np.percentile(values, percentile) for name, values in scores.items()}, rel=1e-5)
    judge.verification.restore({})


def test_the_percentile_is_the_share_of_true_pictures_that_would_be_rejected():
    scores = {"edges": np.random.RandomState(0).uniform(0.2, 0.9, 1000), "picture": np.linspace(0.5, 0.6, 1000)}
    thresholds = VerificationThresholds.from_scores(scores, percentile=5.0)
    for name, values in scores.items():
        assert np.mean(values < thresholds.values[name]) == pytest.approx(0.05, abs=0.001)


@pytest.mark.slow
def test_only_critics_that_are_trained_are_judged_by():
    image, mask = make_image(2, 32, 32), make_mask(2, 32, 32)
    for settings, names in (
        ({}, {"edges", "picture"}),
        ({"adversarial_weight": 0.0}, {"edges"}),
        ({"edge_adversarial_weight": 0.0}, {"edges", "picture"}),
        ({"edge_adversarial_weight": 0.0, "feature_matching_weight": 0.0}, {"picture"}),
    ):
        system = tiny(**settings)
        system.verification.calibrate(batches_of(image, mask))
        assert set(system.verification.thresholds.values) == names
    untrained = tiny(adversarial_weight=0.0, edge_adversarial_weight=0.0, feature_matching_weight=0.0)
    with pytest.raises(ConfigError, match="None of the critics was trained"):
        untrained.verification.calibrate(batches_of(image, mask))


@pytest.mark.parametrize(
    ("scores", "margin"),
    [
        ({"edges": 0.4, "picture": 0.6}, 1.0),
        ({"edges": 0.8, "picture": 0.9}, 1.5),
        ({"edges": 0.3, "picture": 0.9}, 0.75),
        ({"edges": 0.8, "picture": 0.3}, 0.5),
        ({"edges": float("nan"), "picture": 0.9}, 0.0),
        ({"edges": 0.8, "picture": float("nan")}, 0.0),
    ],
)
def test_the_margin_is_the_least_ratio_of_score_and_threshold(scores, margin):
    thresholds = VerificationThresholds({"edges": 0.4, "picture": 0.6}, percentile=5.0, num_pictures=9)
    assert thresholds.margin(scores) == pytest.approx(margin)


def test_a_score_without_a_threshold_has_no_say():
    thresholds = VerificationThresholds({"picture": 0.5}, percentile=5.0, num_pictures=9)
    assert thresholds.margin({"edges": 0.0, "picture": 0.75}) == pytest.approx(1.5)


def test_critics_that_know_red_from_blue_accept_the_one_and_reject_the_other(judge):
    """All steps together: thresholds from true pictures, reddish ones, then a hole filled with either colour."""
    mask = make_mask(12, 32, 32)
    texture = 0.2 * make_image(12, 32, 32)
    red, blue = (texture + tf.constant(colour) for colour in ([0.4, 0.0, -0.4], [-0.4, 0.0, 0.4]))
    judge.verification.calibrate(batches_of(red, mask), percentile=5.0)
    edges = judge.find_edges(red)
    margins = {}
    for name, filled in (("red", red), ("blue", tf.where(mask > 0.5, blue, red))):
        scores = judge.verification.score(filled, edges, mask)
        pictures = ({score: float(values[number]) for score, values in scores.items()} for number in range(12))
        margins[name] = [judge.verification.thresholds.margin(scores) for scores in pictures]
    judge.verification.restore({})
    assert sum(margin >= 1.0 for margin in margins["red"]) >= 10
    assert max(margins["blue"]) < 1.0


@pytest.mark.parametrize(
    ("scores", "percentile", "message"),
    [
        ({"edges": [0.5]}, -1.0, "`percentile` must lie in 0 to 100"),
        ({"edges": [0.5]}, float("nan"), "`percentile` must lie in 0 to 100"),
        ({"edges": [np.nan]}, 5.0, "no picture with a hole"),
        ({"edges": [0.0, 0.0], "picture": [0.5, 0.5]}, 5.0, r"must lie in \(0, 1\]"),
    ],
)
def test_thresholds_that_could_not_judge_are_refused(scores, percentile, message):
    with pytest.raises(ConfigError, match=message):
        VerificationThresholds.from_scores({name: np.array(values) for name, values in scores.items()}, percentile=percentile)


# --- what is stored


STORED = {"verification": {"thresholds": {"edges": 0.25, "picture": 0.5}, "percentile": 5.0, "num_pictures": 500}}


def test_thresholds_are_stored_with_the_weights_and_come_back_with_them(tmp_path):
    system = tiny()
    assert system.extras == {}
    system.set_extras(json.loads(json.dumps(STORED)))
    assert system.extras == STORED
    assert system.verification.thresholds == VerificationThresholds({"edges": 0.25, "picture": 0.5}, 5.0, 500)
    weights.save(system, tmp_path / "saved")
    assert load(tmp_path / "saved").extras == STORED
    system.set_extras({})
    assert system.verification.thresholds is None


def test_training_forgets_what_was_measured_before():
    system = tiny()
    system.set_extras(STORED)
    system.compile(stage="edges")
    assert system.extras == {}


@pytest.mark.parametrize(
    ("extras", "message"),
    [
        ({"verifications": {}}, "does not know what to do with 'verifications'"),
        ({"verification": {"thresholds": {"sharpness": 0.5}, "percentile": 5, "num_pictures": 9}}, "thresholds for sharpness"),
        ({"verification": {"thresholds": {"edges": 0.5}}}, "KeyError"),
        ({"verification": {"thresholds": {"edges": "high"}, "percentile": 5, "num_pictures": 9}}, "cannot be used"),
        ({"verification": {"thresholds": {"edges": 2.0}, "percentile": 5, "num_pictures": 9}}, "cannot be used"),
        ({"verification": {"thresholds": [0.5], "percentile": 5, "num_pictures": 9}}, "cannot be used"),
        ({"verification": [1]}, "cannot be used"),
    ],
)
def test_extras_that_do_not_fit_are_errors(system, extras, message):
    with pytest.raises(WeightsError, match=message):
        system.set_extras(extras)
    assert system.extras == {}


@pytest.mark.parametrize("key", [key for key in SYSTEMS if key != "edge_connect"])
def test_systems_that_cannot_judge_have_no_verification_and_know_no_extras(key):
    system = SYSTEMS[key].tiny()
    assert system.verification is None and system.extras == {}
    with pytest.raises(WeightsError, match="does not know what to do with 'verification'"):
        system.set_extras(STORED)


def test_the_stages_of_the_verification_are_stages_of_the_system():
    verification = tiny().verification
    assert set(verification.STAGES) == set(EdgeConnect.STAGES) - {"edges"}
    assert EdgeConnectConfig().image_size >= verification.SMALLEST_SIZE
