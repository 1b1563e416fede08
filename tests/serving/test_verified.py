"""Verified inpainting: verdicts, retries, the best candidate, and what is refused."""

import keras
import numpy as np
import pytest
from PIL import Image

from tests.judging_system import LEVELS, JudgingSystem
from tests.picture_files import random_rgb, save
from tf_inpaint.errors import ConfigError, MaskError, NonFiniteError, PictureError
from tf_inpaint.serving import Inpainter, batch
from tf_inpaint.systems import SYSTEMS

HOLE = np.zeros((12, 15), bool)
HOLE[3:8, 4:11] = True
PHOTO = random_rgb(12, 15)


def inpainter(threshold=None):
    keras.utils.set_random_seed(0)  # the network's own result has a brightness of about 0.5
    return Inpainter(JudgingSystem.tiny() if threshold is None else JudgingSystem.with_threshold(threshold))


def level_in_hole(image):
    return np.mean(np.asarray(image)[HOLE]) / 255


@pytest.mark.parametrize(
    ("threshold", "retries", "verdict", "candidate", "num_tried"),
    [
        (0.01, 3, "accepted", "plain", 1),
        (0.9, 0, "rejected", "plain", 1),
        (0.9, 1, "rejected", "middle", 2),
        (0.9, 2, "accepted", "bright", 3),
        (0.8, 3, "accepted", "middle", 2),  # the first that is accepted ends the search
        (0.99, 3, "rejected", "bright", 4),  # the best, not the last
        (0.99, 99, "rejected", "bright", 4),
    ],
)
def test_the_first_accepted_or_else_the_best_scored_candidate_wins(threshold, retries, verdict, candidate, num_tried):
    result = inpainter(threshold).inpaint_verified(PHOTO, HOLE, retries=retries)
    assert (result.verdict, result.candidate, result.num_tried) == (verdict, candidate, num_tried)
    assert np.array_equal(result.image[~HOLE], PHOTO[~HOLE])
    assert result.scores["brightness"] == pytest.approx(level_in_hole(result.image), abs=0.01)
    if candidate != "plain":
        assert level_in_hole(result.image) == pytest.approx(LEVELS[candidate], abs=0.005)


def test_of_equal_candidates_the_first_wins(monkeypatch):
    monkeypatch.setitem(LEVELS, "dark", LEVELS["bright"])
    assert inpainter(0.99).inpaint_verified(PHOTO, HOLE, retries=3).candidate == "bright"


def test_without_thresholds_scores_are_reported_and_nothing_is_judged():
    painter = inpainter()
    result = painter.inpaint_verified(PHOTO, HOLE)
    assert (result.verdict, result.candidate, result.num_tried) == ("not judged", "plain", 1)
    assert 0 < result.scores["brightness"] < 1
    assert np.array_equal(result.image, painter(PHOTO, HOLE))


def test_the_result_is_of_the_kind_of_the_photo(tmp_path):
    painter = inpainter(0.8)
    expected = painter.inpaint_verified(PHOTO, HOLE, retries=1).image
    image = Image.fromarray(PHOTO)
    path = save(tmp_path / "a.png", PHOTO)
    assert isinstance(expected, np.ndarray) and expected.flags.writeable
    for photo in (image, path, str(path)):
        result = painter.inpaint_verified(photo, HOLE, retries=1).image
        assert isinstance(result, Image.Image) and np.array_equal(np.asarray(result), expected)


def test_a_result_describes_itself_in_a_line():
    assert inpainter(0.9).inpaint_verified(PHOTO, HOLE, retries=2).describe() == "brightness 0.9500 (bright, best of 3)"
    assert inpainter(0.9).inpaint_verified(PHOTO, HOLE).describe().endswith(" (plain)")


# --- a real system


@pytest.mark.slow
def test_edge_connect_says_how_real_its_critics_find_a_result():
    system = SYSTEMS["edge_connect"].tiny()
    painter = Inpainter(system)
    photo, hole = random_rgb(30, 41), np.pad(HOLE, ((10, 8), (20, 6)))
    plain = painter(photo, hole)
    result = painter.inpaint_verified(photo, hole)
    assert np.abs(result.image.astype(int) - plain).max() <= 1 and set(result.scores) == {"edges", "picture"}
    near = {name: min(1.0, 1.001 * score) for name, score in result.scores.items()}
    system.set_extras({"verification": {"thresholds": near, "percentile": 5.0, "num_pictures": 10}})
    best = painter.inpaint_verified(photo, hole, retries=2)
    assert best.num_tried in (2, 3) or best.verdict == "rejected"
    margins = [min(each.scores[name] / near[name] for name in near) for each in (result, best)]
    assert margins[1] >= margins[0] - 1e-6
    assert np.array_equal(best.image[~hole], photo[~hole])
    # A critic that says nothing does not accept.
    kernel = system.networks["completion_critic"].trainable_weights[-1]
    kernel.assign(np.full(kernel.shape, np.nan, np.float32))
    silent = painter.inpaint_verified(photo, hole)
    assert np.isnan(silent.scores["picture"]) and silent.verdict == "rejected"


# --- errors


@pytest.mark.parametrize(
    ("threshold", "retries", "message"),
    [(None, 1, "have no thresholds, so no result is ever rejected"), (0.5, -1, "must not be negative. Received: retries=-1")],
)
def test_retries_that_cannot_be_judged_are_refused(threshold, retries, message):
    with pytest.raises(ConfigError, match=message):
        inpainter(threshold).inpaint_verified(PHOTO, HOLE, retries=retries)


def test_a_system_without_scores_refuses():
    with pytest.raises(ConfigError, match="three_stage cannot verify its results"):
        Inpainter(SYSTEMS["three_stage"].tiny()).inpaint_verified(PHOTO, HOLE)


def test_pictures_too_small_for_the_scores_are_refused_by_their_size():
    with pytest.raises(PictureError, match="can be scored from 8 x 8 pixels on. Received: a picture of 15 x 7"):
        inpainter(0.5).inpaint_verified(PHOTO[:7], HOLE[:7])


def test_wrong_masks_and_unusable_weights_are_the_errors_of_plain_inpainting():
    painter = inpainter(0.5)
    with pytest.raises(MaskError, match="empty"):
        painter.inpaint_verified(PHOTO, HOLE & False)
    with pytest.raises(MaskError, match="shape of the picture"):
        painter.inpaint_verified(PHOTO, HOLE.T)
    weight = painter.system.generator_weights[-1]
    weight.assign(np.full_like(weight.numpy(), np.nan))
    with pytest.raises(NonFiniteError, match="not finite"):
        painter.inpaint_verified(PHOTO, HOLE)


# --- files


def test_files_are_repaired_with_a_verdict_each_and_a_broken_one_stops_none(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        save(tmp_path / "in" / name, PHOTO)
    (tmp_path / "in" / "broken.png").write_bytes(b"broken")
    save(tmp_path / "m.png", HOLE)
    jobs = batch.plan(tmp_path / "in", tmp_path / "m.png", tmp_path / "out")
    outcome = batch.repair_files(inpainter(0.99), jobs, retries=2)
    assert [job.image.name for job, _ in outcome.failures] == ["broken.png"] and outcome.notes == []
    told = [(job.image.name, verdict, text) for job, verdict, text in outcome.verdicts]
    assert told == [(name, "rejected", "brightness 0.9500 (bright, best of 3)") for name in ("a.png", "b.png")]
    for name in ("a.png", "b.png"):  # rejected, and written all the same
        assert level_in_hole(Image.open(tmp_path / "out" / name)) == pytest.approx(0.95, abs=0.005)
    assert batch.repair_files(inpainter(0.99), jobs[:1]) == batch.Outcome(num_done=1)
    with pytest.raises(ConfigError, match="no thresholds"):
        batch.repair_files(inpainter(), jobs, retries=1)
