"""`tf-inpaint export`: from weights to a folder that a model server loads; what goes wrong is told in one line."""

import numpy as np
import pytest
import tensorflow as tf

from tests.constant_system import ConstantSystem
from tf_inpaint import SYSTEMS, weights
from tf_inpaint.cli.main import main


@pytest.fixture
def weights_folder(tmp_path, monkeypatch):
    monkeypatch.setitem(SYSTEMS, ConstantSystem.KEY, ConstantSystem)
    return weights.save(ConstantSystem.tiny(), tmp_path / "weights")


def test_weights_become_a_model_that_repairs(tmp_path, weights_folder, capsys):
    output = tmp_path / "models/inpaint/1"
    assert main(["export", "--weights", str(weights_folder), "--output", str(output), "--max-pixels", "400"]) == 0
    shown = capsys.readouterr().out
    assert f"Wrote {output}" in shown and "up to 400 pixels" in shown
    assert "image_bytes, mask_bytes" in shown and "inpainted_bytes" in shown

    signature = tf.saved_model.load(str(output)).signatures["inpaint"]
    image, mask = np.full((1, 5, 6, 3), 7, np.uint8), np.zeros((1, 5, 6, 1), np.uint8)
    mask[0, 2, 3] = 255
    inpainted = signature(image=tf.constant(image), mask=tf.constant(mask))["inpainted"]
    np.testing.assert_array_equal(inpainted, np.where(mask > 0, np.uint8(191), image))
    with pytest.raises(tf.errors.InvalidArgumentError, match="1 to 400 pixels"):
        signature(image=tf.zeros([1, 21, 20, 3], tf.uint8), mask=tf.ones([1, 21, 20, 1], tf.uint8))


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"--output": "."}, 2, "exists"),
        ({"--weights": "no_such.weights"}, 1, "no weights 'no_such.weights'"),
        ({"--max-pixels": "0"}, 2, "max_pixels=0"),
    ],
)
def test_what_goes_wrong_is_one_line_and_nothing_is_written(tmp_path, weights_folder, monkeypatch, capsys, changes, status, message):
    monkeypatch.chdir(tmp_path)
    words = {"--weights": str(weights_folder), "--output": "1", **changes}
    assert main(["export", *(word for pair in words.items() for word in pair)]) == status
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and message in shown.err
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


def test_missing_words_end_with_status_2(capsys):
    assert main(["export", "--output", "1"]) == 2
    assert "--weights" in capsys.readouterr().err
