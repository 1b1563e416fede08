"""What follows a training in the command line, with what must be true of it: a report, a repaired picture, a model to serve."""

import json

import numpy as np
import tensorflow as tf
from tensorflow.python.tools import saved_model_utils

from tests.picture_files import random_rgb, save
from tf_inpaint import pictures
from tf_inpaint.cli.main import main

PHOTO = random_rgb(37, 52)
HOLE = np.zeros((37, 52), np.uint8)
HOLE[10:20, 20:40] = 255


def evaluate(run, folder, *, image_size):
    """Measures the weights of a run on one picture; every bin that has a picture has a finite number."""
    words = ["evaluate", "--weights", run, "--masks", "center_square", "--image-size", str(image_size), "--data", "photos", "--limit", "1"]
    assert main([*words, "--report", str(folder / "report")]) == 0
    rows = json.loads((folder / "report" / "report.json").read_text(encoding="utf-8"))["rows"]
    assert {row["method"] for row in rows} == {run} and all(np.isfinite(row["psnr"]) for row in rows if row["num_images"])


def inpaint(run, folder, *options):
    """Repairs `PHOTO` and returns the result, whose known pixels are as they were and whose hole is filled with something else."""
    save(folder / "photo.png", PHOTO)
    save(folder / "hole.png", HOLE)
    words = ["inpaint", str(folder / "photo.png"), str(folder / "hole.png"), "-o", str(folder / "result.png"), "--weights", run]
    assert main([*words, *options]) == 0
    result = pictures.read_rgb(folder / "result.png")
    np.testing.assert_array_equal(result[HOLE == 0], PHOTO[HOLE == 0])
    assert np.any(result[HOLE > 0] != PHOTO[HOLE > 0])
    return result


def export(run, folder, *, result):
    """Exports a model of core operations alone that gives `result` for `PHOTO`; returns the kinds of its operations."""
    exported = folder / "models/inpaint/1"
    assert main(["export", "--weights", run, "--output", str(exported)]) == 0
    served = tf.saved_model.load(str(exported)).signatures["inpaint"]
    tensors = {"image": tf.constant(PHOTO[np.newaxis]), "mask": tf.constant(HOLE[np.newaxis, ..., np.newaxis])}
    np.testing.assert_array_equal(served(**tensors)["inpainted"][0], result)
    (meta_graph,) = saved_model_utils.read_saved_model(str(exported)).meta_graphs
    graph = meta_graph.graph_def
    kinds = {node.op for nodes in (graph.node, *(f.node_def for f in graph.library.function)) for node in nodes}
    assert [kind for kind in kinds if ">" in kind or "PyFunc" in kind or "NumpyFunction" in kind] == []
    return kinds
