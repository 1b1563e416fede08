"""`tf-inpaint train` from the command line: runs, goes on, and says in one sentence what is wrong."""

import pytest

from tf_inpaint import weights
from tf_inpaint.cli.main import main
from tf_inpaint.systems import loading

# The smallest three-stage system: the command is tested here, not its layers.
SMALL = ["--set", "width_multiplier=0.125", "--set", "res2net=false", "--set", "self_attention=false", "--image-size", "32"]


def train(run_dir, *options):
    return main(["train", "--system", "three_stage", "--run-dir", str(run_dir), "--batch-size", "2", *SMALL, *options])


@pytest.mark.slow
def test_a_run_is_begun_ended_early_and_gone_on_with(tmp_path, capsys):
    options = ["--steps", "3", "--validation-steps", "3", "--masks", "center_square", "--log-steps", "1"]
    assert train(tmp_path / "run", *options, "--max-seconds", "0") == 0
    said = capsys.readouterr().out
    assert "photos: 14 pictures, 14 readable, 0 broken" in said
    assert "training on 13 pictures, 1 kept back for validation" in said
    assert "saved at step 1 (time is up)" in said
    assert train(tmp_path / "run", *options) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "resumed from step 1"
    assert "step 3/3  loss" in said and "validation at step 3: psnr " in said and "finished at step 3" in said
    system = loading.load(tmp_path / "run")
    assert system.config.image_size == 32 and system.config.res2net is False
    assert weights.read(tmp_path / "run").training["runs"][0]["masks"] == "center_square"
    assert train(tmp_path / "run", *options, "--seed", "1") == 1
    assert "holds a run of other settings: seed (was 0, now 1)" in capsys.readouterr().err


@pytest.mark.slow
def test_the_stages_of_a_system_follow_each_other_in_one_folder(tmp_path, capsys):
    options = ["--system", "partial_conv", "--run-dir", str(tmp_path / "run"), "--image-size", "32", "--batch-size", "2", "--steps", "2"]
    options += ["--validation-steps", "2", "--masks", "center_square", "--set", "width_multiplier=0.125", "--set", "levels=3"]
    options += ["--set", "feature_network=none"]
    assert main(["train", *options, "--stage", "fine_tuning"]) == 1
    error = capsys.readouterr().err
    assert "The stage fine_tuning of partial_conv starts from the stage initial, which has no weights" in error
    assert main(["train", *options]) == 0
    assert "stage initial of partial_conv" in capsys.readouterr().out
    assert main(["train", *options, "--stage", "fine_tuning"]) == 0
    assert f"starts from the weights {tmp_path / 'run' / 'stages' / 'initial' / 'best'}" in capsys.readouterr().out
    assert loading.load(tmp_path / "run").config.levels == 3
    assert [run["stage"] for run in weights.read(tmp_path / "run").training["runs"]] == ["initial", "fine_tuning"]


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--data", "folder:no such folder"], 1, "'no such folder' does not exist"),
        (["--data", "no such source"], 2, "Unknown data source"),
        (["--masks", "no such mask"], 2, "`masks` must begin with one of"),
        (["--masks", "irregular:no such folder"], 1, "no such folder of masks"),
        (["--set", "width_multiplier=0.3"], 2, "`width_multiplier` must keep"),
        (["--set", "hole_wieght=6"], 2, "Did you mean 'hole_weight'?"),
        (["--set", "image_size=31"], 2, "`image_size` must be a positive multiple of 4"),
        (["--stage", "edge"], 2, "three_stage has no stage 'edge'. Available: joint"),
        (["--init-weights", "no such weights"], 1, "There are no weights 'no such weights'"),
        (["--batch-size", "0"], 2, "`batch_size` must be at least 1"),
        (["--precision", "float64"], 2, "invalid choice: 'float64'"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_leaves_no_run(tmp_path, capsys, options, status, message):
    run_dir = tmp_path / "run"
    small = SMALL if "image_size=31" not in options else []  # --image-size would win
    assert main(["train", "--system", "three_stage", "--run-dir", str(run_dir), *small, *options]) == status
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not list(run_dir.glob("checkpoints/*"))


def test_an_unknown_system_is_named(tmp_path, capsys):
    assert main(["train", "--system", "four_stage", "--run-dir", str(tmp_path)]) == 2
    assert "There is no system 'four_stage'. Available: three_stage" in capsys.readouterr().err
