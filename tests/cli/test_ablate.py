"""`tf-inpaint ablate` from the command line: compares, goes on, and says in one sentence what is wrong."""

import pytest

from tf_inpaint.cli.main import main

# The smallest three-stage system: the command is tested here, not its layers.
SMALL = ["--set", "width_multiplier=0.125", "--set", "res2net=false", "--image-size", "32"]


def ablate(output, *options):
    return main(["ablate", "--system", "three_stage", "--output", str(output), "--batch-size", "2", *SMALL, *options])


@pytest.mark.slow
def test_a_comparison_prints_its_table_and_goes_on_with_another_variant(tmp_path, capsys):
    options = ["--steps", "2", "--validation-pictures", "4", "--masks", "center_square"]
    assert ablate(tmp_path / "out", *options, "--variants", "without_both") == 0
    said = capsys.readouterr().out
    assert "training on 10 pictures, 4 kept back" in said and "| without_both | `res2net=false self_attention=false` |" in said
    assert ablate(tmp_path / "out", *options, "--variants", "without_both", "--variant", "bad: self_attention=0 coarse_weight=1e38") == 1
    said = capsys.readouterr().out
    table = said[said.index("| variant") :].splitlines()
    assert [line.split()[1] for line in table[2:4]] == ["without_both", "bad"] and "`bad`, seed 0: failed: " in table[-1]
    assert said.count("training on") == 1
    assert table[0] in (tmp_path / "out" / "ablation.md").read_text(encoding="utf-8")
    assert ablate(tmp_path / "out", *options, "--variants", "without_both", "--deterministic") == 1
    assert "holds an ablation of other settings: deterministic (was False, now True)" in capsys.readouterr().err


@pytest.mark.slow
def test_time_that_is_up_is_no_failure(tmp_path, capsys):
    options = ["--steps", "2", "--validation-pictures", "4", "--variants", "without_both", "--max-seconds", "0"]
    assert ablate(tmp_path / "out", *options) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 of 1 trainings are done; the same command goes on"


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--variants", "without_res2nets"], 2, "three_stage has no variant 'without_res2nets'. Did you mean 'without_res2net'?"),
        ([], 2, "The variants 'full' and 'without_res2net' have the same settings"),
        (["--variants", "full", "--variant", "mine hole_weight=6"], 2, "must read 'NAME: KEY=VALUE KEY=VALUE'"),
        (["--variants", "full", "--seeds", "one"], 2, "--seeds must read N,N. Received: 'one'"),
        (["--variants", "full", "--seeds", "0,0"], 2, "`seeds` must be different numbers"),
        (["--variants", "full", "--stage", "edge"], 2, "three_stage has no stage 'edge'"),
        (["--variants", "full", "--data", "folder:no such folder"], 1, "'no such folder' does not exist"),
        (["--variants", "full"], 2, "`validation_pictures` asks for 100 pictures and others to train on. Received: photos has 14"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_leaves_no_folder(tmp_path, capsys, options, status, message):
    assert ablate(tmp_path / "out", *options) == status
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_an_unknown_system_is_named(tmp_path, capsys):
    assert main(["ablate", "--system", "four_stage", "--output", str(tmp_path)]) == 2
    assert "There is no system 'four_stage'. Available: three_stage" in capsys.readouterr().err
