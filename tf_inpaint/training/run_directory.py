"""The folder of a run, or of one of its stages: what lies where, which settings made it, and that one process at a time works in it.

    config.json    system and its settings, training settings, the runs that its first weights came from, versions, git commit
    checkpoints/   ckpt-STEP, to go on from
    weights/       latest averaged weights, half precision
    best/          the same of the step with the best validation
    logs/          TensorBoard
    samples/       grids of pictures: input, mask, what the system makes of them, result, truth

How the folders of stages lie in that of their run is told in `tf_inpaint.run_folders`.
"""

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from pathlib import Path

from tf_inpaint.errors import CheckpointError
from tf_inpaint.files import atomic_write
from tf_inpaint.run_folders import CONFIG_FILE, STAGES_FOLDER
from tf_inpaint.training.config import FREE_TO_CHANGE


def has_checkpoint(run_dir: Path) -> bool:
    """Returns whether a run has written a checkpoint, good or damaged: what is left of a kill while saving does not count.

    Args:
        run_dir: the folder of a run or of a stage; it need not exist.
    """
    return any(".tmp-" not in path.name for path in (run_dir / "checkpoints").glob("*ckpt-*"))


class RunDirectory:
    """Opens the folder of a new run, or of an earlier one with the same settings.

    Args:
        path: the folder; made where it does not exist.
        settings: `{"system": KEY, "config": {...}, "training": {...}, "pictures": {...}}`, JSON values; "pictures" is a fingerprint of
            the data.

    Attributes:
        earlier_runs: what is known of the training before this run, as `weights` files tell it; set it before entering a new run.
        path, checkpoints, weights, best, logs, samples: folders; see the module's text.
        is_new: whether there is no checkpoint yet: a run that ended before its first one may begin again with other settings.

    Raises:
        CheckpointError: if the folder holds other things or a run of other settings, naming each, or another process works in it.
        OSError: if the folder cannot be written.
    """

    def __init__(self, path: str | os.PathLike, settings: dict):
        self.path = Path(path).expanduser()
        self.checkpoints = self.path / "checkpoints"
        self.weights = self.path / "weights"
        self.best = self.path / "best"
        self.logs = self.path / "logs"
        self.samples = self.path / "samples"
        self._settings = settings
        self._config_file = self.path / CONFIG_FILE
        self._lock = None
        self.earlier_runs = []
        self.is_new = not has_checkpoint(self.path)
        if (self.path / STAGES_FOLDER).exists():
            raise CheckpointError(f"{self.path} holds a run with stages, which {settings['system']} has not. Choose another folder.")
        if self._config_file.exists():
            if not self.is_new:
                self._check_settings()
        elif self.path.exists() and (not self.path.is_dir() or any(_is_content(entry) for entry in self.path.iterdir())):
            raise CheckpointError(f"{self.path} holds other things and no {CONFIG_FILE} of a run. Choose an empty or a new folder.")

    def __enter__(self):
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = open(self.path / "lock", "a")
        try:
            _lock_file(self._lock)
        except BlockingIOError:
            self._lock.close()
            raise CheckpointError(f"Another process trains in {self.path}. End it, or choose another folder.") from None
        for folder in (self.checkpoints, self.logs, self.samples):
            folder.mkdir(exist_ok=True)
        for leftover in [*self.path.glob("*.tmp-*"), *self.checkpoints.glob("*.tmp-*")]:  # of a kill while saving
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        self._write_config()
        return self

    def __exit__(self, *error):
        self._lock.close()

    def _check_settings(self):
        try:
            found = json.loads(self._config_file.read_text(encoding="utf-8"))
            self.earlier_runs = found.get("earlier_runs", [])
            pictures = found.get("pictures", self._settings["pictures"])
            found = {name: found[name] for name in ("system", "config", "training")}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{self._config_file} does not describe a run ({type(error).__name__}: {error}).") from error
        differences = []
        if found["system"] != self._settings["system"]:
            differences.append(f"system (was {found['system']}, now {self._settings['system']})")
        for part in ("config", "training"):
            ours = self._settings[part]
            for name in sorted({*found[part], *ours}):
                # A setting that came into the library after the run began is missing there: it had what is now the default.
                before = found[part].get(name, ours.get(name))
                if before != ours.get(name) and name not in FREE_TO_CHANGE:
                    differences.append(f"{name} (was {before!r}, now {ours.get(name)!r})")
        if not differences and pictures != self._settings["pictures"]:
            counts = (each["number"] for each in (pictures, self._settings["pictures"]))
            differences.append("the pictures (were {}, now {}; other names or sizes)".format(*counts))
        if differences:
            raise CheckpointError(
                f"{self.path} holds a run of other settings: {', '.join(differences)}. Give the same settings to go on, or another "
                "--run-dir, and --init-weights to start from this run's weights."
            )

    def _write_config(self):
        description = {
            **self._settings,
            "earlier_runs": self.earlier_runs,
            "versions": {
                "python": platform.python_version(),
                **{name: importlib.metadata.version(name) for name in ("tensorflow", "keras", "numpy")},
            },
            "git_commit": _git_commit(),
        }
        with atomic_write(self._config_file, "w") as file:
            file.write(json.dumps(description, indent=2) + "\n")


def _is_content(entry: Path) -> bool:
    """Whether a file means that the folder is in use for something else: leftovers of our own first moments do not."""
    return entry.name not in ("lock", "checkpoints", "logs", "samples") and not entry.name.startswith(f"{CONFIG_FILE}.tmp-")


def _lock_file(file) -> None:
    """Locks a file until it is closed or the process ends, however it ends."""
    if os.name == "nt":
        return  # has no such lock; the only loss is that a second process is not told
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _git_commit() -> str | None:
    """The commit of the checkout that this package is imported from, or `None` for an installed package."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        answer = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
