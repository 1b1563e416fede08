"""Partial convolution through the commands: both stages in one run folder, then a report, a picture and a model to serve."""

import json

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.tools import saved_model_utils

from tests.picture_files import random_rgb, save
from tf_inpaint import pictures
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

    photo = random_rgb(37, 52)
    hole = np.zeros((37, 52), np.uint8)
    hole[10:20, 20:40] = 255
    save(tmp_path / "photo.png", photo)
    save(tmp_path / "hole.png", hole)
    arguments = ["--weights", run, "--masks", "center_square", "--image-size", "32", "--data", "photos", "--limit", "1"]
    assert main(["evaluate", *arguments, "--report", str(tmp_path / "report")]) == 0
    rows = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["rows"]
    assert {row["method"] for row in rows} == {run} and all(np.isfinite(row["psnr"]) for row in rows if row["num_images"])

    words = ["inpaint", str(tmp_path / "photo.png"), str(tmp_path / "hole.png"), "-o", str(tmp_path / "result.png")]
    assert main([*words, "--weights", run, "--strategy", "original"]) == 0
    result = pictures.read_rgb(tmp_path / "result.png")
    np.testing.assert_array_equal(result[hole == 0], photo[hole == 0])
    assert np.any(result[hole > 0] != photo[hole > 0])

    exported = tmp_path / "models/inpaint/1"
    assert main(["export", "--weights", run, "--output", str(exported)]) == 0
    served = tf.saved_model.load(str(exported)).signatures["inpaint"]
    tensors = {"image": tf.constant(photo[np.newaxis]), "mask": tf.constant(hole[np.newaxis, ..., np.newaxis])}
    np.testing.assert_array_equal(served(**tensors)["inpainted"][0], result)
    (meta_graph,) = saved_model_utils.read_saved_model(str(exported)).meta_graphs
    graph = meta_graph.graph_def
    types = {node.op for nodes in (graph.node, *(f.node_def for f in graph.library.function)) for node in nodes}
    assert "Conv2D" in types
    assert [name for name in types if ">" in name or "PyFunc" in name or "NumpyFunction" in name] == []
