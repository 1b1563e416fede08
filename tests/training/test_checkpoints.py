"""Checkpoints: everything comes back, damage is seen, what cannot be written leaves the old ones whole."""

import os
import pathlib
import resource
import shutil
import subprocess

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.small_system import SmallSystem, all_values, make_batch
from tf_inpaint.errors import CheckpointError, NonFiniteError
from tf_inpaint.files import sha256
from tf_inpaint.training import train_steps
from tf_inpaint.training.checkpoints import BestScore, CheckpointFolder, TrainState


def make_state(*, seed=0, **settings):
    keras.utils.set_random_seed(seed)
    system = SmallSystem.tiny(**settings)
    system.compile()
    return TrainState(system, seed=5)


@pytest.fixture(scope="module")
def trained():
    """A state after two steps."""
    state = make_state()
    for step, _ in train_steps(state.system, [make_batch(seed=index) for index in range(2)]):
        state.step.assign(step)
    assert state.best.offer("psnr", 12.5)
    state.validated_step.assign(2)
    return state


@pytest.fixture
def saved(trained, tmp_path):
    """Checkpoints of the steps 1 and 2, with the same content but for the step."""
    folder = CheckpointFolder(tmp_path / "checkpoints", trained)
    for step in (1, 2):
        trained.step.assign(step)
        folder.save()
    return tmp_path / "checkpoints"


def test_everything_comes_back(trained, saved):
    fresh = make_state(seed=1)
    assert CheckpointFolder(saved, fresh).restore() == 2
    for expected, received in zip(all_values(trained.system), all_values(fresh.system), strict=True):
        np.testing.assert_array_equal(received, expected)
    for name in ("step", "validated_step", "seconds", "seed"):
        assert getattr(fresh, name).numpy() == getattr(trained, name).numpy()
    assert (fresh.best.name, fresh.best.value) == ("psnr", 12.5)


def test_the_best_score_is_the_largest_of_its_name():
    best = BestScore()
    assert not best.offer("psnr", float("nan"))
    assert best.offer("psnr", 20.0) and not best.offer("psnr", 20.0) and not best.offer("psnr", float("nan"))
    assert best.offer("psnr", 20.5)
    assert best.offer("edge_f1", 0.25)  # another measure has no better or worse than the first
    assert (best.name, best.value) == ("edge_f1", 0.25)


def test_a_checkpoint_of_an_earlier_version_is_an_error_that_says_what_to_do(saved, trained, tmp_path):
    earlier = tf.train.Checkpoint(step=trained.step, best_psnr=tf.Variable(12.5, dtype=tf.float64))
    for path in (saved / "ckpt-2").iterdir():
        path.unlink()
    earlier.write(str(saved / "ckpt-2" / "state"))
    sums = [f"{sha256(path)}  {path.name}\n" for path in (saved / "ckpt-2").iterdir()]
    (saved / "ckpt-2" / "SHA256SUMS").write_text("".join(sums))
    with pytest.raises(CheckpointError, match="does not fit this system, its settings and this version.*--init-weights"):
        CheckpointFolder(saved, make_state()).restore()


def test_a_new_folder_has_nothing_to_restore(tmp_path, trained):
    assert CheckpointFolder(tmp_path / "new", trained).restore() is None


def truncate(folder):
    data = next(folder.glob("*.data-*"))
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])


def flip_a_byte(folder):
    data = next(folder.glob("*.data-*"))
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)


DAMAGES = {
    "truncated data": truncate,
    "one bit flipped": flip_a_byte,
    "no index": lambda folder: (folder / "state.index").unlink(),
    "empty index": lambda folder: (folder / "state.index").write_bytes(b""),
    "no fingerprints": lambda folder: (folder / "SHA256SUMS").unlink(),
    "empty fingerprints": lambda folder: (folder / "SHA256SUMS").write_bytes(b""),
    "fingerprints of something else": lambda folder: (folder / "SHA256SUMS").write_bytes(os.urandom(99)),
    "empty folder": lambda folder: [path.unlink() for path in folder.iterdir()],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_taken(saved, trained, damage):
    DAMAGES[damage](saved / "ckpt-2")
    said = []
    folder = CheckpointFolder(saved, trained, report=said.append)
    trained.step.assign(99)
    assert folder.restore() == 1
    assert int(trained.step) == 1
    assert len(said) == 1 and "step 2 is damaged" in said[0]
    assert folder.steps() == [1]


def test_where_all_are_damaged_nothing_is_trained_from_scratch_silently(saved, trained):
    for step in (1, 2):
        truncate(saved / f"ckpt-{step}")
    with pytest.raises(CheckpointError, match="None of the 2 checkpoints"):
        CheckpointFolder(saved, trained, report=lambda text: None).restore()


@pytest.mark.parametrize("owner", ["network", "optimizer", "average"])
def test_what_is_not_finite_is_never_saved(tmp_path, owner):
    state = make_state()
    folder = CheckpointFolder(tmp_path, state)
    system = state.system
    variables = {
        "network": system.networks["critic"].weights,
        "optimizer": state.variables[-1 - len(system.average.variables) :],
        "average": system.average.variables,
    }
    bad = variables[owner][0]
    bad.assign(tf.fill(bad.shape, float("nan")))
    with pytest.raises(NonFiniteError, match="Nothing was saved at step 0: not finite are"):
        folder.save()
    assert list(tmp_path.iterdir()) == []


def test_only_the_last_ones_are_kept(trained, tmp_path):
    folder = CheckpointFolder(tmp_path, trained, max_to_keep=2)
    for step in (5, 10, 20, 100):
        trained.step.assign(step)
        folder.save()
    assert folder.steps() == [20, 100]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ckpt-100", "ckpt-20"]


def test_the_fingerprints_are_those_of_sha256sum(saved):
    if shutil.which("sha256sum") is None:
        pytest.skip("no sha256sum on this machine")
    english = {**os.environ, "LC_ALL": "C"}
    checked = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=saved / "ckpt-2", env=english, capture_output=True, text=True)
    files = {path.name for path in (saved / "ckpt-2").iterdir()} - {"SHA256SUMS"}
    assert checked.returncode == 0 and set(checked.stdout.splitlines()) == {f"{name}: OK" for name in files}


def test_a_checkpoint_of_another_width_does_not_fit(saved):
    with pytest.raises(CheckpointError, match="does not fit"):
        CheckpointFolder(saved, make_state(width_multiplier=2.0)).restore()


def test_a_checkpoint_of_another_seed_is_refused(saved, trained):
    other = TrainState(trained.system, seed=6)
    with pytest.raises(CheckpointError, match="has the seed 5"):
        CheckpointFolder(saved, other).restore()


def test_leftovers_of_a_killed_save_are_no_checkpoints(saved, trained):
    shutil.copytree(saved / "ckpt-2", saved / "ckpt-3.tmp-123-0")
    folder = CheckpointFolder(saved, trained)
    assert folder.steps() == [1, 2]
    assert folder.restore() == 2


def test_a_file_that_grows_too_large_leaves_the_old_checkpoint(saved, trained):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        trained.step.assign(3)
        with pytest.raises(CheckpointError, match="step 3 could not be written.*can go on from step 2"):
            CheckpointFolder(saved, trained).save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_old_ones_are_good(saved, trained)


def test_a_full_disk_leaves_the_old_checkpoint(saved, trained, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        folder = disk / "checkpoints"
        shutil.copytree(saved, folder)
        ballast = disk / "ballast"
        with pytest.raises(OSError), open(ballast, "wb", buffering=0) as file:
            while file.write(bytes(4096)) == 4096:
                pass
            os.write(file.fileno(), bytes(4096))
        os.truncate(ballast, ballast.stat().st_size - 8192)  # room to begin, but not to end
        trained.step.assign(3)
        with pytest.raises(CheckpointError, match="step 3 could not be written.*can go on from step 2"):
            CheckpointFolder(folder, trained).save()
        assert_old_ones_are_good(folder, trained)
    finally:
        subprocess.run(["umount", disk], check=True)


def assert_old_ones_are_good(folder, state):
    assert sorted(path.name for path in pathlib.Path(folder).iterdir()) == ["ckpt-1", "ckpt-2"]
    assert CheckpointFolder(folder, state).restore() == 2


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(trained, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        CheckpointFolder(tmp_path / "file" / "checkpoints", trained)
