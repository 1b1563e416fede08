"""PEN-Net through the commands: a run folder, a report, a picture and a model to serve."""

import pytest

from tests.cli import chain
from tf_inpaint.cli.main import main
from tf_inpaint.systems import loading

SETTINGS = {
    "width_multiplier": "0.125",
    "kernel_initializer": "he_normal",
    "mask_mode": "strict",
    "mask_resize": "max",
    "compose": "inside",
    "rescale_levels": "1",
    "learning_rate_drop_steps": "2",
}


@pytest.mark.slow
def test_it_is_trained_measured_used_and_exported(tmp_path, capsys):
    run = str(tmp_path / "run")
    settings = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
    train = ["train", "--system", "pen_net", "--run-dir", run, "--image-size", "64", "--batch-size", "2", "--steps", "2"]
    train += ["--masks", "random_square", "--validation-steps", "2", "--log-steps", "1", *settings]
    assert main(train) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in ("hole_loss", "valid_loss", "pyramid_loss", "adversarial_loss", "critic_loss"))
    config = loading.load(run).config
    assert (config.mask_mode, config.rescale_levels, config.learning_rate_drop_steps) == ("strict", 1, 2)

    chain.evaluate(run, tmp_path, image_size=64)
    result = chain.inpaint(run, tmp_path)
    kinds = chain.export(run, tmp_path, result=result)
    assert {"Conv2D", "Softmax"} <= kinds
