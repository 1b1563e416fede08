"""Latent reconstruction and attention from the command line: all stages in one run folder, then a repair."""

import numpy as np
import pytest

from tests.cli import chain
from tf_inpaint import run_folders
from tf_inpaint.cli.main import main
from tf_inpaint.systems import loading
from tf_inpaint.systems.latent_attention import LatentAttention

TINY = LatentAttention.tiny().config.to_dict()


@pytest.mark.slow
def test_stages_follow_each_other_and_the_result_repairs(tmp_path, capsys):
    run = str(tmp_path / "run")
    changed = {name: value for name, value in TINY.items() if value != LatentAttention.Config().to_dict()[name]}
    settings = []
    for name, value in changed.items():
        if name != "image_size":
            settings += ["--set", f"{name}={','.join(map(str, value)) if isinstance(value, list) else value}"]
    words = ["--system", "latent_attention", "--data", "photos", "--masks", "ten_squares", "--run-dir", run, "--image-size", "32"]
    words += ["--batch-size", "4", "--steps", "2", "--validation-steps", "2", "--held-out", "2", *settings]
    assert main(["train", *words, "--stage", "encoder"]) == 1  # before its predecessor
    assert "starts from the stage generator" in capsys.readouterr().err
    for stage in LatentAttention.STAGES:
        assert main(["train", *words, "--stage", stage]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in ("r1_penalty", "hole_loss", "gradient_penalty", "sample_likeness"))
    folders = run_folders.stage_folders(run)
    assert [name for name in LatentAttention.STAGES if name in folders and folders[name].is_finished] == list(LatentAttention.STAGES)
    system = loading.load(run)
    assert system.config.to_dict() == TINY and np.any(system.mean_style)
    chain.inpaint(run, tmp_path)
