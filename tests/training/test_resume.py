"""A run that is killed again and again ends with the bits of one that was not."""

import signal

import numpy as np
import pytest
import tensorflow as tf

from tests.training.killed_process import run_until
from tf_inpaint.files import sha256


def start(data, run_dir, *arguments, end_at=None, with_signal=signal.SIGKILL):
    """Runs until the end, or until the line of step `end_at` is printed and the signal has ended it."""
    line_start = None if end_at is None else f"step {end_at}/"
    return run_until(line_start, "tests.training.run_small", data, run_dir, *arguments, with_signal=with_signal)


def tensors(run_dir, step):
    reader = tf.train.load_checkpoint(str(run_dir / "checkpoints" / f"ckpt-{step}" / "state"))
    names = [name for name in reader.get_variable_to_shape_map() if not name.startswith(("_CHECKPOINTABLE", "seconds"))]
    return {name: reader.get_tensor(name) for name in names}


@pytest.mark.slow
def test_kills_at_any_moment_change_no_bit(pictures, tmp_path):
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    status, lines = start(pictures, whole)
    assert status == 0, lines

    status, _ = start(pictures, torn, end_at=2)  # before the first checkpoint
    assert status == -signal.SIGKILL
    status, lines = start(pictures, torn, "--die-at", "6")  # in the midst of the save at step 6
    assert status == -signal.SIGKILL
    assert not any(line.startswith("resumed") for line in lines)
    assert any("ckpt-6.tmp-" in path.name for path in (torn / "checkpoints").iterdir())
    status, lines = start(pictures, torn, end_at=7, with_signal=signal.SIGTERM)
    assert lines[0] == "resumed from step 3"
    assert status == 143
    saved = int(lines[-1].split()[3])  # "saved at step N (stopped by a signal); weights in ..."
    assert 7 <= saved <= 12 and "stopped by a signal" in lines[-1]
    status, lines = start(pictures, torn, end_at=11)
    assert lines[0] == f"resumed from step {saved}"
    assert status in (-signal.SIGKILL, 0)
    status, lines = start(pictures, torn)
    assert status == 0 and lines[0].startswith("resumed from step ")

    expected, received = tensors(whole, 12), tensors(torn, 12)
    assert sorted(expected) == sorted(received) and len(expected) > 30
    for name, value in expected.items():
        np.testing.assert_array_equal(received[name], value, err_msg=name)
    for folder in ("weights", "best"):
        assert sha256(whole / folder / "weights.npz") == sha256(torn / folder / "weights.npz")
    assert not any(".tmp-" in path.name for path in torn.rglob("*"))
