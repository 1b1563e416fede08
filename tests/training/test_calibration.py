"""Thresholds of finished weights: measured when a training ends or by `tf-inpaint calibrate`, stored beside the arrays."""

import json

import keras
import numpy as np
import pytest

from tests.judging_system import JudgingSystem
from tests.picture_files import random_rgb, save
from tests.training.small_system import small_config
from tf_inpaint import data, weights
from tf_inpaint.cli.main import main
from tf_inpaint.files import sha256
from tf_inpaint.systems import SYSTEMS
from tf_inpaint.systems.loading import load
from tf_inpaint.training import TrainConfig, train


@pytest.fixture(autouse=True)
def judging(monkeypatch):
    monkeypatch.setitem(SYSTEMS, "judging", JudgingSystem)


def run(pictures, run_dir, **overrides):
    settings = {"data": f"folder:{pictures}", "masks": "center_square", "batch_size": 4, "steps": 3, "validation_steps": 1}
    max_seconds = overrides.pop("max_seconds", None)
    config = TrainConfig(**{**settings, "checkpoint_steps": 1, "log_steps": 1, **overrides})
    return train(JudgingSystem, small_config(), config, run_dir, max_seconds=max_seconds)


def thresholds_by_hand(pictures, number, percentile, image_size=16):
    """Of the last pictures by name: the percentile of the mean grey level in the hole."""
    held_out = data.dataset(
        f"folder:{pictures}", image_size=image_size, batch_size=1, masks="center_square", shuffle=False, flip=False, crop="center"
    )
    means = [float(np.mean(batch["image"].numpy()[batch["mask"].numpy()[..., 0] > 0.5])) / 2 + 0.5 for batch in held_out]
    return pytest.approx(np.percentile(means[-number:], percentile), rel=1e-5)


def test_a_finished_training_stores_thresholds_of_the_pictures_kept_back(pictures, tmp_path, capsys):
    assert run(pictures, tmp_path / "run", held_out=6).finished
    for name in ("best", "weights"):
        stored = load(tmp_path / "run" / name).verification.thresholds
        assert stored.values == {"brightness": thresholds_by_hand(pictures, 6, 5.0)}
        assert (stored.percentile, stored.num_pictures) == (5.0, 6)
    assert capsys.readouterr().out.count("percentile 5 of 6 pictures") == 2


def test_an_unfinished_one_and_one_without_pictures_kept_back_store_none(pictures, tmp_path):
    assert not run(pictures, tmp_path / "run", max_seconds=0.0).finished
    assert load(tmp_path / "run").extras == {}
    assert run(pictures, tmp_path / "run").finished  # goes on
    assert load(tmp_path / "run").extras != {}
    assert run(pictures, tmp_path / "other", validation_steps=0).finished
    assert load(tmp_path / "other").extras == {}


def test_thresholds_are_of_the_weights_in_float32_whatever_they_were_trained_in(pictures, tmp_path):
    assert run(pictures, tmp_path / "run", precision="mixed_bfloat16").finished
    assert keras.mixed_precision.global_policy().name == "mixed_bfloat16"
    assert load(tmp_path / "run").extras != {}


# --- the command


@pytest.fixture
def stored(tmp_path):
    return weights.save(JudgingSystem.tiny(), tmp_path / "judging")


def test_the_command_stores_a_percentile_and_leaves_the_arrays(pictures, stored, capsys):
    digest = sha256(stored / "weights.npz")
    command = ["calibrate", "--weights", str(stored), "--data", f"folder:{pictures}", "--masks", "center_square"]
    for words, number, percentile in (([], 20, 5.0), (["--limit", "7", "--percentile", "30", "--batch-size", "2"], 7, 30.0)):
        assert main([*command, *words]) == 0
        system = load(stored)
        assert system.verification.thresholds.values == {"brightness": thresholds_by_hand(pictures, number, percentile)}
        printed = capsys.readouterr().out.splitlines()[-1]
        assert printed == f"{stored}: {system.verification.thresholds.describe()}"
    assert sha256(stored / "weights.npz") == digest


def test_the_same_arguments_store_the_same_bytes(pictures, stored):
    written = []
    for _ in range(2):
        assert main(["calibrate", "--weights", str(stored), "--data", f"folder:{pictures}", "--seed", "3"]) == 0
        written.append((stored / "config.json").read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--percentile", "101"], 2, "`percentile` must lie in 0 to 100"),
        (["--limit", "0"], 2, "`limit` must be at least 1"),
        (["--image-size", "4"], 2, "Pictures can be scored from 8 x 8 pixels on. Received: 4 x 4"),
        (["--masks", "free_from"], 2, "`masks` must begin with one of"),
        (["--data", "folder:nowhere"], 1, "nowhere"),
        (["--weights", "judging.nowhere"], 1, "judging.nowhere"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_stored(pictures, stored, capsys, words, status, message):
    before = (stored / "config.json").read_bytes()
    assert main(["calibrate", "--weights", str(stored), "--data", f"folder:{pictures}", *words]) == status
    assert message in capsys.readouterr().err
    assert (stored / "config.json").read_bytes() == before


def test_a_system_that_cannot_judge_is_wrong_usage(pictures, tmp_path, capsys):
    weights.save(SYSTEMS["three_stage"].tiny(), tmp_path / "plain")
    assert main(["calibrate", "--weights", str(tmp_path / "plain"), "--data", f"folder:{pictures}"]) == 2
    assert "three_stage cannot verify its results" in capsys.readouterr().err


# --- edge_connect


@pytest.mark.slow
def test_edge_connect_is_calibrated_when_its_completion_is_finished_and_judges_from_then_on(tmp_path, capsys):
    (tmp_path / "pictures").mkdir()
    for number in range(10):
        save(tmp_path / "pictures" / f"{number}.png", random_rgb(32, 32, number))
    system_class = SYSTEMS["edge_connect"]
    for stage in ("edges", "completion_true_edges"):
        config = TrainConfig(
            data=f"folder:{tmp_path / 'pictures'}",
            masks="center_square",
            batch_size=2,
            steps=1,
            stage=stage,
            held_out=4,
            validation_steps=1,
        )
        assert train(system_class, system_class.tiny().config, config, tmp_path / "run").finished
        description = json.loads((tmp_path / "run" / "stages" / stage / "best" / "config.json").read_text())
        assert ("extras" in description) == (stage != "edges")
    stored = load(tmp_path / "run").verification.thresholds
    assert set(stored.values) == {"edges", "picture"} and stored.num_pictures == 4
    mask = np.zeros((32, 32), np.uint8)
    mask[8:20, 8:20] = 255
    save(tmp_path / "mask.png", mask)
    capsys.readouterr()
    words = [tmp_path / "pictures", tmp_path / "mask.png", "-o", tmp_path / "out", "--weights", tmp_path / "run", "--retries", "1"]
    assert main(["inpaint", *map(str, words)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11 and all(line.split(": ")[0] in ("accepted", "rejected") for line in lines[:-1])
