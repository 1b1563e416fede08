"""A search of loss weights: what it trains, measures and writes, how it goes on, what it refuses."""

import csv
import json
import shutil
import signal
import sys

import numpy as np
import pytest
from PIL import Image

from tests.training.killed_process import run_until
from tests.training.weighted_system import WeightedConfig, WeightedSystem, search
from tf_inpaint import metrics, weights
from tf_inpaint.errors import CheckpointError, ConfigError, NonFiniteError, WeightsError
from tf_inpaint.ops import image as image_ops
from tf_inpaint.training import TrainConfig, TuneConfig, train, tuning_report
from tf_inpaint.training.trial import Trial


@pytest.fixture(scope="module")
def searched(pictures, tmp_path_factory):
    """A search of three trials: its folder and its result."""
    folder = tmp_path_factory.mktemp("searches") / "search"
    result = search(pictures, folder)
    assert result.finished and result.signal_number is None
    return folder, result.trials


def test_each_trial_has_its_own_weights_and_the_first_one_the_present_ones(searched):
    _, trials = searched
    assert [trial.number for trial in trials] == [1, 2, 3] and {trial.status for trial in trials} == {"completed"}
    assert trials[0].weights == {"reconstruction_weight": 1.0, "adversarial_weight": 0.01}
    for trial in trials[1:]:
        assert 0.1 <= trial.weights["reconstruction_weight"] <= 10 and 0.001 <= trial.weights["adversarial_weight"] <= 0.1
    assert len({trial.weights["reconstruction_weight"] for trial in trials}) == 3


def test_a_trial_is_the_training_with_its_weights_and_is_measured_on_pictures_it_never_saw(searched, pictures, tmp_path):
    folder, trials = searched
    trial = trials[1]
    run = weights.read(folder / "trials" / "0002")
    assert run.config == WeightedConfig(**trial.weights).to_dict()
    described = json.loads((folder / "trials" / "0002" / "config.json").read_text())["training"]
    assert described["held_out"] == 6 and described["steps"] == 2
    train(WeightedSystem, WeightedConfig(**trial.weights), TrainConfig(**described), tmp_path / "again")
    system = WeightedSystem(WeightedConfig(**trial.weights))
    weights.load_into(system, tmp_path / "again")
    # The last six pictures, one at a time.
    names = sorted(path.name for path in pictures.iterdir())[-6:]
    truth = np.stack([np.asarray(Image.open(pictures / name)) for name in names])
    mask = np.zeros([6, 16, 16, 1], "float32")
    mask[:, 4:12, 4:12] = 1
    result = image_ops.to_uint8(system.inpaint(image_ops.from_uint8(truth), mask))
    for name, function in (("psnr", metrics.psnr), ("ssim", metrics.ssim), ("l1", metrics.l1)):
        np.testing.assert_allclose(trial.measures[name], np.mean(function(truth, result)), rtol=1e-6)


def test_the_table_the_best_weights_and_the_plot_are_written(searched):
    folder, trials = searched
    best = max(trials, key=lambda trial: trial.measures["psnr"])
    with open(folder / "trials.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["psnr"]) for row in rows] == [trial.measures["psnr"] for trial in trials]
    assert [float(row["adversarial_weight"]) for row in rows] == [trial.weights["adversarial_weight"] for trial in trials]
    description = json.loads((folder / "best.json").read_text())
    assert description["trial"] == best.number and description["value"] == best.measures["psnr"]
    assert description["value_at_the_start"] == trials[0].measures["psnr"]
    assert description["settings"] == best.weights
    pasted = description["options"].split()
    assert pasted[::2] == ["--set", "--set"]
    assert WeightedConfig().updated(pasted[1::2]) == WeightedConfig(**best.weights)
    plot = np.asarray(Image.open(folder / "trials.png").convert("RGB"))
    assert plot.shape[0] > 200 and plot.shape[1] > 600 and len(np.unique(plot)) > 50


def test_checkpoints_go_once_a_trial_is_measured(searched):
    folder, _ = searched
    assert not list(folder.rglob("checkpoints")) and len(list(folder.rglob("weights.npz"))) == 3


def test_a_search_that_is_done_says_what_it_found_and_one_with_more_trials_goes_on(searched, pictures, capsys):
    folder, trials = searched
    again = search(pictures, folder)
    assert again.finished and again.trials == trials
    assert "training on" not in capsys.readouterr().out
    more = search(pictures, folder, trials=4, training={"log_steps": 2})
    said = capsys.readouterr().out
    assert more.trials[:3] == trials and more.trials[3].number == 4
    assert said.count("training on 14 pictures, 6 kept back") == 1 and "trial 4/4: --set reconstruction_weight=" in said
    assert search(pictures, folder).trials == trials  # fewer than there are


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"training": {"seed": 1}}, "seed (was 0, now 1)"),
        ({"training": {"steps": 3}}, "steps (was 2, now 3)"),
        ({"objective": "ssim"}, "objective (was 'psnr', now 'ssim')"),
        ({"tuner": "bayesian"}, "tuner (was 'random', now 'bayesian')"),
        ({"ranges": ("adversarial_weight",)}, "ranges (was"),
        ({"system_config": WeightedConfig(learning_rate=1e-2)}, "learning_rate (was 0.001, now 0.01)"),
    ],
)
def test_other_settings_are_refused_and_named(searched, pictures, change, named):
    folder, _ = searched
    before = (folder / "tuning.json").read_bytes()
    with pytest.raises(CheckpointError, match="holds a search of other settings") as caught:
        search(pictures, folder, **change)
    assert named in str(caught.value)
    assert (folder / "tuning.json").read_bytes() == before


def test_a_folder_of_other_things_is_refused_and_untouched(pictures, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="holds other things and no search"):
        search(pictures, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"validation_pictures": 20}, ConfigError, "20 pictures and others to train on. Received: folder:.* has 20"),
        ({"validation_data": "photos", "validation_pictures": 15}, ConfigError, "asks for 15 pictures. Received: photos has 14"),
        ({"objective": "fid"}, ConfigError, "`objective` must be one of psnr, ssim, l1. Received: 'fid'"),
        ({"training": {"init_weights": "no such weights"}}, WeightsError, "There are no weights 'no such weights'"),
    ],
)
def test_what_cannot_work_is_said_before_a_folder_is_made(pictures, tmp_path, change, error, message):
    with pytest.raises(error, match=message):
        search(pictures, tmp_path / "search", **change)
    assert not (tmp_path / "search").exists()


def test_a_stage_needs_the_weights_of_the_one_before(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(WeightedSystem, "PREDECESSORS", {"joint": "edges"})
    with pytest.raises(ConfigError, match="The stage joint starts from the stage edges. Give the weights of that with --init-weights"):
        search(pictures, tmp_path / "search", training={"stage": "joint"})
    assert not (tmp_path / "search").exists()


def test_weights_of_other_stages_are_not_searched(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(WeightedSystem, "STAGE_WEIGHTS", {"joint": ("adversarial_weight",)})
    with pytest.raises(ConfigError, match="reconstruction_weight changes nothing in this stage. Known: adversarial_weight."):
        search(pictures, tmp_path / "search", ranges=("reconstruction_weight",))
    assert not (tmp_path / "search").exists()


def test_a_missing_package_is_named(pictures, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_tuner", None)
    with pytest.raises(ConfigError, match=r"A random search needs keras_tuner: `pip install 'tf_inpaint\[tune\]'`"):
        search(pictures, tmp_path / "search")


@pytest.mark.slow
def test_a_trial_that_diverges_has_failed_and_the_search_goes_on(pictures, tmp_path, capsys):
    huge = {"ranges": ("reconstruction_weight=1:1e38",), "trials": 2}  # by chance 2e36, whose gradients have no norm
    result = search(pictures, tmp_path / "search", **huge)
    assert result.finished and [trial.status for trial in result.trials] == ["completed", "failed"]
    failed = result.trials[1]
    assert "gradients are not finite" in failed.reason and failed.measures == {}
    assert "trial 2/2: failed: Training stopped at step 1" in capsys.readouterr().out
    assert json.loads((tmp_path / "search" / "best.json").read_text())["trial"] == 1
    assert search(pictures, tmp_path / "search", **huge).trials == result.trials
    assert "training on" not in capsys.readouterr().out  # it is not tried again


def test_a_first_trial_that_diverges_ends_the_search(pictures, tmp_path):
    with pytest.raises(NonFiniteError, match="Training stopped at step"):
        search(pictures, tmp_path / "search", system_config=WeightedConfig(reconstruction_weight=1e30))


@pytest.mark.slow
def test_time_that_is_up_ends_a_session_and_the_next_one_goes_on(pictures, tmp_path, capsys):
    result = search(pictures, tmp_path / "search", trials=2, max_seconds=0)
    assert not result.finished and result.signal_number is None and result.trials == []
    assert "saved at step 1 (time is up)" in capsys.readouterr().out
    result = search(pictures, tmp_path / "search", trials=2)
    assert result.finished and len(result.trials) == 2
    assert capsys.readouterr().out.splitlines()[1] == "resumed from step 1"


def test_a_broken_record_is_named(searched, pictures, tmp_path):
    folder = shutil.copytree(searched[0], tmp_path / "search")
    (folder / "trials" / "0001.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"0001\.json does not describe a trial"):
        search(pictures, folder)


def test_trials_with_fewer_steps_are_no_match_and_failed_ones_come_last():
    def trial(number, steps, psnr=None):
        measured = {} if psnr is None else {"psnr": psnr, "l1": -psnr}
        return Trial(number, {"a_weight": number}, steps, status="failed" if psnr is None else "completed", measures=measured)

    trials = [trial(1, 9, 20.0), trial(2, 9), trial(3, 3, 30.0), trial(4, 9, 21.0), trial(5, 9, 21.0)]
    for objective in ("psnr", "l1"):
        assert [each.number for each in tuning_report.ranked(trials, TuneConfig(objective=objective))] == [4, 5, 1, 3, 2]
    lines = tuning_report.format_table(trials, TuneConfig()).splitlines()
    assert lines[0].split() == ["trial", "psnr", "l1", "steps", "a_weight"]
    assert [line.split()[0] for line in lines[1:]] == ["4", "5", "1", "3", "2"]
    assert lines[3].split()[:3] == ["1", "(start)", "20.0000"] and lines[5].split()[1:3] == ["failed", "failed"]


@pytest.mark.slow
def test_hyperband_goes_on_from_the_checkpoints_of_shorter_trials(pictures, tmp_path, capsys):
    result = search(pictures, tmp_path / "search", trials=10, tuner="hyperband", training={"steps": 9})
    said = capsys.readouterr().out
    assert [trial.steps for trial in result.trials] == [1] * 9 + [3]
    last = result.trials[9]
    best = max(result.trials[:9], key=lambda trial: trial.measures["psnr"])
    assert last.goes_on_from == best.number and last.weights == best.weights
    assert said.count("resumed from step 1") == 1
    assert (tmp_path / "search" / "trials" / "0010" / "checkpoints" / "ckpt-3").is_dir()


def start(data, folder, *, end_at=None, with_signal=signal.SIGKILL):
    """Searches until the end, or until the line that begins with `end_at` is printed and the signal has ended it."""
    return run_until(end_at, "tests.training.weighted_system", data, folder, with_signal=with_signal)


@pytest.mark.slow
def test_a_search_that_is_killed_again_and_again_finds_what_one_finds_that_was_not(pictures, tmp_path):
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    status, lines = start(pictures, whole)
    assert status == 0, lines
    assert start(pictures, torn, end_at="step 1/6")[0] == -signal.SIGKILL  # before there is anything
    assert start(pictures, torn, end_at="trial 2/3: --set")[0] == -signal.SIGKILL
    status, lines = start(pictures, torn, end_at="step 3/6", with_signal=signal.SIGTERM)
    assert status == 143 and lines[0].startswith("trial 1/3: psnr")
    status, lines = start(pictures, torn)
    assert status == 0 and any(line.startswith("resumed from step ") for line in lines)
    for number in (1, 2, 3):
        ours, theirs = (Trial.read(folder / "trials" / f"{number:04d}.json") for folder in (torn, whole))
        assert ours == theirs and ours.status == "completed"
    assert (torn / "trials.csv").read_bytes() == (whole / "trials.csv").read_bytes()
    assert (torn / "best.json").read_bytes() == (whole / "best.json").read_bytes()
    assert not list(torn.rglob("*.tmp-*"))
