"""`tf-inpaint tune` from the command line: searches, goes on, and says in one sentence what is wrong."""

import json

import pytest

from tf_inpaint.cli.main import main
from tf_inpaint.systems import SYSTEMS

# The smallest three-stage system: the command is tested here, not its layers.
SMALL = ["--set", "width_multiplier=0.125", "--set", "res2net=false", "--set", "self_attention=false", "--image-size", "32"]


def tune(output, *options):
    return main(["tune", "--system", "three_stage", "--output", str(output), "--batch-size", "2", *SMALL, *options])


@pytest.mark.slow
def test_a_search_prints_its_table_and_goes_on_with_more_trials(tmp_path, capsys):
    options = ["--steps", "2", "--validation-pictures", "4", "--range", "hole_weight=1:20", "--range", "edge_weight", "--objective", "ssim"]
    assert tune(tmp_path / "search", *options, "--trials", "1") == 0
    said = capsys.readouterr().out
    assert "training on 10 pictures, 4 kept back" in said and "best: --set hole_weight=1.0 --set edge_weight=1.0  (ssim 0." in said
    assert tune(tmp_path / "search", *options, "--trials", "2") == 0
    said = capsys.readouterr().out
    table = said[said.index("trial  ") :].splitlines()
    assert table[0].split() == ["trial", "psnr", "ssim", "l1", "steps", "hole_weight", "edge_weight"]
    assert {line.split()[0] for line in table[1:3]} == {"1", "2"}
    best = json.loads((tmp_path / "search" / "best.json").read_text())
    assert f"best: {best['options']}  (ssim {best['value']:.4f}, trial {best['trial']})" in said
    config = SYSTEMS["three_stage"].Config().updated(best["options"].split()[1::2])
    assert 1 <= config.hole_weight <= 20 and 0.1 <= config.edge_weight <= 10
    assert tune(tmp_path / "search", *options, "--trials", "2", "--seed", "1") == 1
    assert "holds a search of other settings: seed (was 0, now 1)" in capsys.readouterr().err


@pytest.mark.slow
def test_time_that_is_up_is_no_failure(tmp_path, capsys):
    assert tune(tmp_path / "search", "--steps", "2", "--validation-pictures", "4", "--trials", "2", "--max-seconds", "0") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 of 2 trials are done; the same command goes on"


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--range", "hole_wieght=1:20"], 2, "There is no loss weight 'hole_wieght'. Did you mean 'hole_weight'?"),
        (["--range", "hole_weight=20:1"], 2, "0 < LOW < HIGH. Received: 'hole_weight=20:1'"),
        (["--range", "hole_weight=six:7"], 2, "0 < LOW < HIGH. Received: 'hole_weight=six:7'"),
        (["--set", "adversarial_weight=0", "--range", "adversarial_weight"], 2, "adversarial_weight is 0, so its range must be given"),
        (["--trials", "0"], 2, "`trials` must be at least 1"),
        (["--steps", "0"], 2, "`steps` must be at least 1"),
        (["--tuner", "grid"], 2, "invalid choice: 'grid'"),
        (["--objective", "beauty"], 2, "`objective` must be one of psnr, ssim, l1"),
        (["--stage", "edge"], 2, "three_stage has no stage 'edge'"),
        (["--data", "folder:no such folder"], 1, "'no such folder' does not exist"),
        ([], 2, "`validation_pictures` asks for 100 pictures and others to train on. Received: photos has 14"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_leaves_no_folder(tmp_path, capsys, options, status, message):
    assert tune(tmp_path / "search", *options) == status
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not (tmp_path / "search").exists()


def test_an_unknown_system_is_named(tmp_path, capsys):
    assert main(["tune", "--system", "four_stage", "--output", str(tmp_path)]) == 2
    assert "There is no system 'four_stage'. Available: three_stage" in capsys.readouterr().err


def test_the_help_warns_of_what_psnr_prefers(capsys):
    assert main(["tune", "--help"]) == 0
    said = capsys.readouterr().out
    assert "They prefer blurred pictures" in said and "without adversarial, perceptual or style terms" in said
