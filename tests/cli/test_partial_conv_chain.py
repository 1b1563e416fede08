"""Partial convolution through the commands: both stages in one run folder, then a report, a picture and a model to serve."""

import pytest

from tests.cli import chain
from tf_inpaint.cli.main import main
from tf_inpaint.systems import loading

SETTINGS = ("width_multiplier=0.125", "levels=3", "feature_network=random", "feature_layers=relu1_1,pool1")


@pytest.mark.slow
def test_two_stages_are_trained_measured_used_and_exported(tmp_path, capsys):
    run = str(tmp_path / "run")
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    train = ["train", "--system", "partial_conv", "--run-dir", run, "--image-size", "32", "--batch-size", "2", "--steps", "2"]
    train += ["--masks", "center_square", "--validation-steps", "2", "--log-steps", "1", *settings]
    assert main([*train, "--stage", "fine_tuning"]) != 0  # there is nothing to tune yet
    assert "initial" in capsys.readouterr().err
    assert main([*train, "--stage", "initial"]) == 0
    assert main([*train, "--stage", "fine_tuning"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in ("valid_loss", "hole_loss", "perceptual_loss", "style_loss", "total_variation_loss"))
    assert loading.load(run).config.feature_layers == ("relu1_1", "pool1")

    chain.evaluate(run, tmp_path, image_size=32)
    result = chain.inpaint(run, tmp_path, "--strategy", "original")
    kinds = chain.export(run, tmp_path, result=result)
    assert "Conv2D" in kinds
