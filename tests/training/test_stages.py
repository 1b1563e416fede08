"""Stages in one run folder: their order, what each starts from, and what is found there afterwards."""

import json
import shutil
import signal

import numpy as np
import pytest

from tests.training.small_system import SmallSystem, make_batch, small_config
from tests.training.staged_system import StagedSystem
from tests.training.test_resume import start, tensors
from tf_inpaint import run_folders, weights
from tf_inpaint.errors import CheckpointError, ConfigError, WeightsError
from tf_inpaint.files import sha256
from tf_inpaint.systems import SYSTEMS, loading
from tf_inpaint.training import TrainConfig, train


def run(data, run_dir, stage=None, *, system_class=StagedSystem, system_config=None, max_seconds=None, **overrides):
    settings = {"data": f"folder:{data}", "masks": "center_square", "batch_size": 4, "steps": 2, "stage": stage}
    config = TrainConfig(**{**settings, "checkpoint_steps": 1, "validation_steps": 1, "log_steps": 1, **overrides})
    return train(system_class, system_config or small_config(), config, run_dir, max_seconds=max_seconds)


@pytest.fixture(scope="module")
def two_stages(pictures, tmp_path_factory):
    """A run whose first two stages are finished; tests that go on with it take a copy."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert run(pictures, folder, "sketch").finished
    # So large steps make it worse: the best weights are not the latest.
    assert run(pictures, folder, "paint", steps=3, system_config=small_config(learning_rate=0.5, average_momentum=0.0)).finished
    return folder


@pytest.fixture
def copy_of_two_stages(two_stages, tmp_path):
    shutil.copytree(two_stages, tmp_path / "copy")
    return tmp_path / "copy"


def make_run(folder, *, stages=StagedSystem.STAGES, begun):
    """The files that describe a run: `begun` is name -> (steps, steps done)."""
    for name, (steps, steps_done) in begun.items():
        (folder / "stages" / name / "weights").mkdir(parents=True)
        (folder / "stages" / name / "config.json").write_text(json.dumps({"training": {"steps": steps}}))
        training = {"runs": [{"steps": 99}, {"steps": steps_done}]}
        (folder / "stages" / name / "weights" / "config.json").write_text(json.dumps({"training": training}))
    (folder / "config.json").write_text(json.dumps({"system": "staged", "stages": stages}))
    return folder


def describe(folder):
    return json.loads((folder / "config.json").read_text())


def test_each_stage_has_a_run_folder_and_the_top_names_them_in_their_order(two_stages):
    assert {path.name for path in two_stages.iterdir()} == {"config.json", "stages"}
    assert describe(two_stages) == {"system": "staged", "stages": ["sketch", "paint", "joint"]}
    assert {path.name for path in (two_stages / "stages").iterdir()} == {"sketch", "paint"}
    for stage in ("sketch", "paint"):
        folder = two_stages / "stages" / stage
        names = {path.name for path in folder.iterdir()}
        assert names == {"config.json", "checkpoints", "weights", "best", "logs", "samples", "lock"}
        assert describe(folder)["training"]["stage"] == stage


def test_a_stage_that_is_too_early_is_refused_and_leaves_nothing_behind(pictures, tmp_path):
    with pytest.raises(CheckpointError) as caught:
        run(pictures, tmp_path / "run", "paint")
    assert str(caught.value) == (
        f"The stage paint of staged starts from the stage sketch, which has no weights in {tmp_path / 'run'}. "
        "Train that first, with --stage sketch and the same --run-dir, or give --init-weights."
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("begun", "stage", "message"),
    [
        ({"sketch": (5, 4)}, "paint", "paint of staged starts from the stage sketch, which has only 4 of its 5 steps"),
        ({"sketch": (5, 5)}, "joint", "joint of staged starts from the stage paint, which has no weights"),
        ({"sketch": (5, 5), "paint": (5, 0)}, "joint", "joint of staged starts from the stage paint, which has no weights"),
        # In a folder in which stages were trained the default stage keeps to their order.
        ({"sketch": (5, 5)}, None, "joint of staged starts from the stage paint, which has no weights"),
    ],
)
def test_a_stage_waits_until_all_steps_of_the_one_before_it_are_done(pictures, tmp_path, begun, stage, message):
    with pytest.raises(CheckpointError, match=message):
        run(pictures, make_run(tmp_path, begun=begun), stage)


def test_an_unknown_stage_is_named(pictures, tmp_path):
    with pytest.raises(ConfigError, match="staged has no stage 'ink'. Available: sketch, paint, joint"):
        run(pictures, tmp_path / "run", "ink")


def test_all_networks_start_from_the_best_weights_of_the_stage_before(copy_of_two_stages, pictures, capsys):
    best, latest = (weights.read(copy_of_two_stages / "stages" / "paint" / name) for name in ("best", "weights"))
    assert best.training["runs"][-1]["steps"] < 3
    slow = small_config(learning_rate=1e-12)
    assert run(pictures, copy_of_two_stages, "joint", steps=1, validation_steps=0, system_config=slow).finished
    assert f"starts from the weights {best.path}" in capsys.readouterr().out
    end = weights.read(copy_of_two_stages / "stages" / "joint").arrays
    assert {key.split("/")[0] for key in end} == {"sketcher", "painter", "critic"}
    kernels = [key for key in end if key.endswith(":kernel")]
    assert len(kernels) == 6
    for key in kernels:
        np.testing.assert_allclose(end[key].astype("float32"), best.arrays[key].astype("float32"), atol=1e-6, err_msg=key)
    assert any((best.arrays[key] != latest.arrays[key]).any() for key in kernels)
    # Without validation there is no best; the last finished stage stands for the run.
    assert weights.find(copy_of_two_stages) == copy_of_two_stages / "stages" / "joint" / "weights"


def test_the_weights_tell_of_all_stages_before_them(two_stages):
    for name in ("best", "weights"):
        training = weights.read(two_stages / "stages" / "paint" / name).training
        assert [each["stage"] for each in training["runs"]] == ["sketch", "paint"]
        assert training["pictures_over_all_runs"] == 4 * sum(each["steps"] for each in training["runs"])
    assert describe(two_stages / "stages" / "paint")["earlier_runs"] == training["runs"][:1]


def test_validation_measures_what_the_stage_is_about(two_stages):
    sketch, paint = weights.read(two_stages).training["runs"]
    assert [name for name in sketch if name.startswith("validation")] == ["validation_likeness", "validation_psnr"]
    assert [name for name in paint if name.startswith("validation")] == ["validation_psnr", "validation_likeness"]
    assert 0 < sketch["validation_likeness"] < 1 < paint["validation_psnr"]


def test_a_run_stands_for_its_last_finished_stage_and_a_path_for_its_own(two_stages, monkeypatch):
    monkeypatch.setitem(SYSTEMS, "staged", StagedSystem)
    assert weights.find(two_stages) == two_stages / "stages" / "paint" / "best"
    assert weights.find(two_stages / "stages" / "sketch") == two_stages / "stages" / "sketch" / "best"
    system, stored = loading.load(two_stages), weights.read(two_stages / "stages" / "paint" / "best")
    for name in ("painter", "sketcher"):
        kernel = system.networks[name].get_layer("inner").kernel.numpy()
        np.testing.assert_array_equal(kernel, stored.arrays[f"{name}/inner/0:kernel"].astype("float32"))


def test_a_stage_goes_on_whatever_became_of_the_one_before(copy_of_two_stages, pictures, capsys):
    config_file = copy_of_two_stages / "stages" / "sketch" / "config.json"
    config_file.write_text(config_file.read_text().replace('"steps": 2', '"steps": 9'))  # being trained further
    longer = {"steps": 4, "system_config": small_config(learning_rate=0.5, average_momentum=0.0)}
    assert run(pictures, copy_of_two_stages, "paint", **longer).step == 4
    said = capsys.readouterr().out
    assert said.startswith("resumed from step 3\n")
    assert f"stage paint of staged, in {copy_of_two_stages / 'stages' / 'paint'}" in said
    assert "validation at step 4: psnr" in said and "  likeness " in said


def test_given_weights_take_the_place_of_the_stage_before(two_stages, pictures, tmp_path, capsys):
    assert run(pictures, tmp_path / "run", "paint", steps=1, init_weights=str(two_stages / "stages" / "sketch")).finished
    assert f"starts from the weights {two_stages / 'stages' / 'sketch'}" in capsys.readouterr().out
    runs = weights.read(tmp_path / "run").training["runs"]
    assert [each["stage"] for each in runs] == ["sketch", "paint"]


def test_without_a_stage_the_whole_system_is_trained_from_the_start(pictures, tmp_path, capsys):
    folder = tmp_path / "run"
    assert run(pictures, folder, max_seconds=0).step == 1
    said = capsys.readouterr().out
    assert "stage joint of staged" in said and "starts from" not in said
    assert run(pictures, folder).finished
    assert capsys.readouterr().out.startswith("resumed from step 1\n")
    assert [each["stage"] for each in weights.read(folder).training["runs"]] == ["joint"]


def test_a_folder_of_something_else_is_refused(two_stages, pictures, tmp_path):
    with pytest.raises(CheckpointError, match="holds a run with stages, which small has not"):
        run(pictures, two_stages, system_class=SmallSystem)
    with pytest.raises(CheckpointError, match="holds a run of staged without stages, or one stage. Give the folder that carries"):
        run(pictures, two_stages / "stages" / "sketch", "paint")
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(CheckpointError, match="holds other things"):
        run(pictures, tmp_path, "sketch")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    (tmp_path / "config.json").write_text('{"system": "small"}')
    with pytest.raises(CheckpointError, match="holds a run of small without stages"):
        run(pictures, tmp_path, "sketch")


def test_finished_stages_come_first_and_the_later_before_the_earlier(tmp_path):
    folder = make_run(tmp_path, stages=["a", "b", "c", "d"], begun={"d": (5, 4), "b": (5, 5), "a": (5, 6), "c": (5, 0)})
    found = run_folders.stage_folders(folder)
    assert list(found) == ["a", "b", "c", "d"]
    assert [stage.is_finished for stage in found.values()] == [True, True, False, False]
    paths = [path for path in run_folders.weights_folders(folder) if path.name == "best"]
    assert paths == [folder / "best", *(folder / "stages" / name / "best" for name in "badc")]


@pytest.mark.parametrize("name", ["../../elsewhere", "..", ".", "", "/", "no such stage"])
def test_a_name_in_a_foreign_file_leads_nowhere_else(tmp_path, name):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "config.json").write_text(json.dumps({"training": {"steps": 1}}))
    (tmp_path / "run").mkdir()
    folder = make_run(tmp_path / "run", stages=[name, "a"], begun={"a": (1, 1)})
    assert list(run_folders.stage_folders(folder)) == ["a"]


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"stages": 3}', "null"])
def test_a_damaged_description_is_named(tmp_path, text):
    folder = make_run(tmp_path, stages=["a"], begun={"a": (1, 1)})
    for damaged in (folder / "config.json", folder / "stages" / "a" / "config.json", folder / "stages" / "a" / "weights" / "config.json"):
        before = damaged.read_text()
        damaged.write_text(text)
        with pytest.raises(CheckpointError, match="config.json does not describe a run"):
            weights.find(folder)
        damaged.write_text(before)


def test_verifiers_come_back_with_the_weights_bit_for_bit(tmp_path):
    system = StagedSystem.tiny()
    system.compile()
    for index, average in enumerate(system.average.variables):
        average.assign(np.random.RandomState(index).randn(*average.shape))
    image = make_batch()["image"]
    system.critic_network(image, training=True)  # moves the state of its spectral norm away from the start
    weights.save(system, tmp_path / "saved", dtype="float32")
    fresh = StagedSystem.tiny()
    weights.load_into(fresh, tmp_path / "saved")
    for expected, received in zip(system.critic_network.weights, fresh.critic_network.weights, strict=True):
        np.testing.assert_array_equal(received.numpy(), expected.numpy())
    np.testing.assert_array_equal(fresh.critic_network(image), system.critic_network(image))
    for average, weight in zip(system.average.variables, fresh.generator_weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), average.numpy())


def test_weights_without_their_verifiers_do_not_fit(tmp_path):
    weights.save(StagedSystem.tiny(), tmp_path / "saved")
    arrays = {key: array for key, array in weights.read(tmp_path / "saved").arrays.items() if not key.startswith("critic/")}
    with pytest.raises(WeightsError, match="do not fit this staged: missing: critic/"):
        weights.assign(StagedSystem.tiny(), arrays, origin="here")


@pytest.mark.slow
def test_kills_in_the_second_stage_change_no_bit(pictures, tmp_path):
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    for folder in (whole, torn):
        status, lines = start(pictures, folder, "--stage", "sketch")
        assert status == 0, lines
    status, lines = start(pictures, whole, "--stage", "paint")
    assert status == 0, lines

    status, lines = start(pictures, torn, "--stage", "paint", end_at=2)  # before the first checkpoint
    assert status == -signal.SIGKILL
    status, lines = start(pictures, torn, "--stage", "paint", "--die-at", "6")  # in the midst of the save at step 6
    assert status == -signal.SIGKILL
    assert lines[0].startswith("starts from the weights")
    status, lines = start(pictures, torn, "--stage", "paint", end_at=7, with_signal=signal.SIGTERM)
    assert lines[0] == "resumed from step 3"
    assert status == 143
    status, lines = start(pictures, torn, "--stage", "paint")
    assert status == 0 and lines[0].startswith("resumed from step ")

    expected, received = (tensors(folder / "stages" / "paint", 12) for folder in (whole, torn))
    assert sorted(expected) == sorted(received) and len(expected) > 30
    for name, value in expected.items():
        np.testing.assert_array_equal(received[name], value, err_msg=name)
    for stage in ("sketch", "paint"):
        for name in ("weights", "best"):
            one, other = (sha256(folder / "stages" / stage / name / "weights.npz") for folder in (whole, torn))
            assert one == other
    assert not any(".tmp-" in path.name for path in torn.rglob("*"))


@pytest.mark.parametrize("key", SYSTEMS)
def test_every_system_names_its_stages_in_an_order_that_can_be_trained(key):
    stages = SYSTEMS[key].STAGES
    assert SYSTEMS[key].stage_or_default(None) in stages
    assert set(SYSTEMS[key].PREDECESSORS) <= set(stages)
    assert all(stages.index(before) < stages.index(stage) for stage, before in SYSTEMS[key].PREDECESSORS.items())
