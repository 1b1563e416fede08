"""A run in its folder: what it writes, how it goes on, what it refuses."""

import dataclasses
import json
import signal

import numpy as np
import pytest
import tensorflow as tf

from tests.training.conftest import write_pictures
from tests.training.small_system import SmallSystem, small_config
from tf_inpaint import data, weights
from tf_inpaint import pictures as picture_files
from tf_inpaint.errors import CheckpointError, ConfigError, DataError, WeightsError
from tf_inpaint.training import TrainConfig, train
from tf_inpaint.training.loop import train_steps
from tf_inpaint.training.run_directory import RunDirectory


def make_config(data, **overrides):
    settings = {"data": data if isinstance(data, str) else f"folder:{data}", "masks": "center_square", "batch_size": 4, "steps": 4}
    return TrainConfig(**{**settings, "checkpoint_steps": 2, "validation_steps": 2, "log_steps": 1, **overrides})


def run(data, run_dir, *, system_config=None, max_seconds=None, **overrides):
    return train(SmallSystem, system_config or small_config(), make_config(data, **overrides), run_dir, max_seconds=max_seconds)


@pytest.fixture(scope="module")
def finished(pictures, tmp_path_factory):
    """A run of four steps: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    result = run(pictures, folder)
    assert result.finished and result.step == 4 and result.signal_number is None
    return folder


def test_the_folder_holds_all_that_it_should(finished):
    names = {path.name for path in finished.iterdir()}
    assert names == {"config.json", "checkpoints", "weights", "best", "logs", "samples", "lock"}
    assert {path.name for path in (finished / "checkpoints").iterdir()} == {"ckpt-2", "ckpt-4"}
    description = json.loads((finished / "config.json").read_text())
    assert description["system"] == "small"
    assert description["config"] == small_config().to_dict()
    assert description["training"]["batch_size"] == 4
    assert description["versions"]["tensorflow"] == tf.__version__


def test_the_logs_hold_the_losses_and_the_validation(finished):
    values = {}
    for path in (finished / "logs").iterdir():
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                values.setdefault(value.tag, {})[event.step] = tf.make_ndarray(value.tensor)
    assert sorted(values["train/l1_loss"]) == [1, 2, 3, 4]
    assert all(0 < loss < 2 for loss in values["train/l1_loss"].values())
    assert sorted(values["validation/psnr"]) == [2, 4]
    assert sorted(values["samples"]) == [2, 4]


def test_the_sample_grid_shows_the_pictures_kept_back(finished, pictures):
    grid = picture_files.read_rgb(finished / "samples" / "step-0000004.png")
    # Columns: input, mask, result, truth; rows: the last two pictures by name; two pixels between them.
    assert grid.shape == (2 * 16 + 2, 4 * 16 + 3 * 2, 3)
    for row, name in enumerate(("018.png", "019.png")):
        truth = picture_files.read_rgb(pictures / name)
        cells = [grid[18 * row : 18 * row + 16, 18 * column : 18 * column + 16] for column in range(4)]
        np.testing.assert_array_equal(cells[3], truth)
        hole = cells[1][..., 0] == 255
        assert hole.mean() == 0.25
        np.testing.assert_array_equal(cells[2][~hole], truth[~hole])
        np.testing.assert_array_equal(cells[0][~hole], truth[~hole])


def test_the_weights_are_the_averages_and_say_how_they_were_made(finished, pictures):
    system = SmallSystem.tiny()
    file = weights.load_into(system, finished / "weights")
    assert file.training["runs"][0]["steps"] == 4
    assert file.training["runs"][0]["terms"] == ["l1_loss", "adversarial_loss", "critic_loss"]
    assert file.training["pictures_over_all_runs"] == 16
    best = weights.read(finished)
    assert best.path == finished / "best"
    assert 5 < best.training["runs"][0]["validation_psnr"] < 40


def test_a_finished_run_does_nothing_and_a_longer_one_goes_on(finished, pictures, capsys):
    before = (finished / "weights" / "weights.npz").read_bytes()
    assert run(pictures, finished).finished
    said = capsys.readouterr().out
    assert "resumed from step 4" in said and "step 5" not in said
    assert (finished / "weights" / "weights.npz").read_bytes() == before
    assert run(pictures, finished, steps=5).step == 5
    assert "step 5/5" in capsys.readouterr().out


def test_other_settings_for_the_same_folder_are_named(finished, pictures):
    with pytest.raises(CheckpointError, match=r"batch_size \(was 4, now 2\), seed \(was 0, now 3\)"):
        run(pictures, finished, batch_size=2, seed=3)
    with pytest.raises(CheckpointError, match=r"learning_rate \(was 0.001, now 0.5\)"):
        run(pictures, finished, system_config=small_config(learning_rate=0.5))


def test_a_run_does_not_go_on_with_other_losses(pictures, tmp_path):
    """As where a feature network was there in the first session, and is not in the second."""
    run(pictures, tmp_path / "run", steps=2)
    path = tmp_path / "run" / "weights" / "config.json"
    description = json.loads(path.read_text())
    description["training"]["runs"][-1]["terms"].insert(1, "style_loss")
    path.write_text(json.dumps(description))
    before = sorted(each.name for each in (tmp_path / "run" / "checkpoints").iterdir())
    with pytest.raises(ConfigError, match="l1_loss, style_loss, adversarial_loss, critic_loss; its steps would go on with l1_loss, adv"):
        run(pictures, tmp_path / "run")
    assert sorted(each.name for each in (tmp_path / "run" / "checkpoints").iterdir()) == before


def test_a_run_on_jittered_records_says_so_and_goes_on(pictures, tmp_path, capsys):
    data.write_records(f"folder:{pictures}", tmp_path / "records", image_size=16)
    source = f"tfrecord:{tmp_path / 'records'}"
    assert run(source, tmp_path / "run", steps=1, validation_steps=0, colour_jitter=0.05).finished
    assert json.loads((tmp_path / "run" / "config.json").read_text())["training"]["colour_jitter"] == 0.05
    assert weights.read(tmp_path / "run").training["runs"][0]["colour_jitter"] == 0.05
    with pytest.raises(CheckpointError, match=r"colour_jitter \(was 0.05, now 0.0\)"):
        run(source, tmp_path / "run", steps=2, validation_steps=0)
    capsys.readouterr()
    assert run(source, tmp_path / "run", steps=2, validation_steps=0, colour_jitter=0.05).step == 2
    assert "resumed from step 1" in capsys.readouterr().out


def test_a_record_damaged_while_training_is_one_sentence(pictures, tmp_path):
    data.write_records(f"folder:{pictures}", tmp_path, image_size=16)
    shard = tmp_path / "pictures-00000-of-00001.tfrecord"
    content = bytearray(shard.read_bytes())
    content[100] ^= 1
    shard.write_bytes(bytes(content))
    batches = data.dataset(f"tfrecord:{tmp_path}", image_size=16, batch_size=4, masks="center_square", memory_limit=0)
    system = SmallSystem.tiny()
    system.compile()
    with pytest.raises(DataError, match=r"wrong checksum.*check-data"):
        list(train_steps(system, batches))


def test_a_run_does_not_go_on_with_other_pictures(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    write_pictures(data, 8)
    assert run(data, tmp_path / "run", steps=1, validation_steps=0).finished
    (data / "003.png").rename(data / "333.png")
    with pytest.raises(CheckpointError, match=r"the pictures \(were 8, now 8; other names or sizes\)"):
        run(data, tmp_path / "run", steps=2, validation_steps=0)


def test_a_run_that_failed_before_its_first_checkpoint_can_be_begun_with_other_settings(finished, pictures, tmp_path):
    wide = small_config(width_multiplier=2.0)
    with pytest.raises(WeightsError):
        run(pictures, tmp_path / "run", system_config=wide, init_weights=str(finished / "weights"))
    assert run(pictures, tmp_path / "run", steps=1, batch_size=2).finished
    assert json.loads((tmp_path / "run" / "config.json").read_text())["training"]["batch_size"] == 2


def test_a_folder_with_other_things_is_not_touched(pictures, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(CheckpointError, match="holds other things"):
        run(pictures, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_processes_cannot_train_in_one_folder(tmp_path):
    settings = {"system": "small", "config": {}, "training": {}, "pictures": {}}
    with RunDirectory(tmp_path / "run", settings):
        with pytest.raises(CheckpointError, match="Another process trains in"):
            RunDirectory(tmp_path / "run", settings).__enter__()
    with RunDirectory(tmp_path / "run", settings):
        pass  # after the first one has ended


def test_when_the_time_is_up_the_run_saves_and_the_next_session_goes_on(pictures, tmp_path, capsys):
    result = run(pictures, tmp_path / "run", max_seconds=0)
    assert (result.step, result.finished) == (1, False)
    assert (tmp_path / "run" / "checkpoints" / "ckpt-1").is_dir()
    assert "time is up" in capsys.readouterr().out
    assert run(pictures, tmp_path / "run", validation_steps=2).finished
    assert "resumed from step 1" in capsys.readouterr().out


def test_a_new_run_starts_from_the_weights_of_another(finished, pictures, tmp_path, capsys):
    start = weights.read(finished / "weights").arrays
    result = run(
        pictures,
        tmp_path / "run",
        system_config=small_config(image_size=12, learning_rate=1e-12),
        steps=1,
        init_weights=str(finished / "weights"),
        validation_steps=0,
    )
    assert result.finished
    assert "starts from the weights" in capsys.readouterr().out
    end = weights.read(tmp_path / "run" / "weights")
    for key, value in start.items():
        np.testing.assert_allclose(end.arrays[key].astype("float32"), value.astype("float32"), atol=1e-6)
    steps = [earlier["steps"] for earlier in end.training["runs"]]
    assert steps[-1] == 1 and len(steps) == 2
    assert end.training["pictures_over_all_runs"] == 4 * sum(steps)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["earlier_runs"] == end.training["runs"][:1]


def test_weights_of_another_width_do_not_start_a_run(finished, pictures, tmp_path):
    with pytest.raises(WeightsError, match="do not fit this small: other shape: painter/inner/0:kernel"):
        run(
            pictures,
            tmp_path / "run",
            system_config=small_config(width_multiplier=2.0),
            init_weights=str(finished / "weights"),
        )


def test_a_run_without_validation_has_no_best(pictures, tmp_path):
    assert run(pictures, tmp_path / "run", steps=1, validation_steps=0).finished
    assert not (tmp_path / "run" / "best").exists()
    assert weights.find(tmp_path / "run") == tmp_path / "run" / "weights"


def break_files(folder, number):
    for path in sorted(folder.iterdir())[:number]:
        path.write_bytes(path.read_bytes()[:60])


def test_a_few_broken_pictures_are_counted_and_left_out(tmp_path, capsys):
    data = tmp_path / "data"
    data.mkdir()
    write_pictures(data, 20)
    break_files(data, 1)
    assert run(data, tmp_path / "run", steps=2).finished
    said = capsys.readouterr().out
    assert "20 pictures, 19 readable, 1 broken" in said and "000.png" in said
    assert "training on 18 pictures, 1 kept back" in said


def test_a_number_of_pictures_is_kept_back_with_or_without_a_validation(pictures, tmp_path, capsys):
    assert run(pictures, tmp_path / "run", steps=1, held_out=5).finished
    said = capsys.readouterr().out
    assert "training on 15 pictures, 5 kept back for validation" in said and "validation at step 1" in said
    assert run(pictures, tmp_path / "silent", steps=1, held_out=5, validation_steps=0).finished
    said = capsys.readouterr().out
    assert "training on 15 pictures, 5 kept back for validation" in said and "validation at step" not in said
    with pytest.raises(ConfigError, match="`held_out` must leave pictures to train on. Received: held_out=20 of 20 pictures"):
        run(pictures, tmp_path / "none", held_out=20)


def test_mostly_broken_pictures_and_wrong_folders_are_errors(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    write_pictures(data, 20)
    break_files(data, 12)
    with pytest.raises(DataError, match="20 pictures, 8 readable, 12 broken"):
        run(data, tmp_path / "run")
    with pytest.raises(DataError, match="no such folder' does not exist"):
        run(tmp_path / "no such folder", tmp_path / "other run")


@pytest.mark.parametrize(
    "setting",
    [
        {"precision": "float64"},
        {"batch_size": 0},
        {"steps": 0},
        {"seed": -1},
        {"seed": 2**31},
        {"validation_steps": -1},
        {"checkpoint_steps": 0},
        {"log_steps": 0},
        {"held_out": -1},
        {"colour_jitter": 0.7},
    ],
)
def test_a_setting_out_of_range_is_named(setting):
    with pytest.raises(ConfigError, match=f"`{next(iter(setting))}` must"):
        TrainConfig(**setting)


def test_the_signal_handlers_are_put_back(pictures, finished):
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    run(pictures, finished, steps=5)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_another_seed_gives_other_weights(pictures, tmp_path, finished):
    run(pictures, tmp_path / "run", seed=1)
    ours, other = weights.read(tmp_path / "run" / "weights").arrays, weights.read(finished / "best").arrays
    assert all((ours[key] != other[key]).any() for key in ours if "kernel" in key)


def test_every_field_of_the_config_is_an_option_of_the_command():
    import argparse

    from tf_inpaint.cli import train as command

    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    options = vars(parser.parse_args(["train", "--system", "small", "--run-dir", "run"]))
    fields = {field.name: field.default for field in dataclasses.fields(TrainConfig)}
    assert {name: options[name] for name in fields} == fields
