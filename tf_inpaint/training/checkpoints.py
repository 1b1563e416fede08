"""Checkpoints: everything a run needs to go on as if it had never stopped, whole or not there, and verified before use.

A checkpoint is a folder `ckpt-STEP` with the files of `tf.train.Checkpoint` and `SHA256SUMS` (`sha256sum -c` reads it). The folder is
made under another name, flushed to the disk and renamed, so that one that was killed, or found no space, while saving left nothing
under that name. The folders' names are the only index: there is no state file that could tear.
"""

import json
import math
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from tf_inpaint.errors import CheckpointError, NonFiniteError
from tf_inpaint.files import atomic_directory, sha256
from tf_inpaint.training import guards

_SUMS_FILE = "SHA256SUMS"
_PREFIX = "state"
_NAME = re.compile(r"ckpt-(\d+)")


class BestScore(tf.train.experimental.PythonState):
    """The best validation result so far, under the name of what was measured. Checkpoints hold both.

    Attributes:
        name: of the measure; `None` before the first result.
        value: its best value; larger is better.
    """

    def __init__(self):
        self.name: str | None = None
        self.value = -math.inf

    def offer(self, name: str, value: float) -> bool:
        """Takes a result if it is the best.

        Args:
            name: of the measure. The first result of another one is taken: the two cannot be compared.
            value: the result.

        Returns:
            Whether it was taken; never if it is not a number.
        """
        if not value > (self.value if name == self.name else -math.inf):
            return False
        self.name, self.value = name, value
        return True

    def serialize(self) -> str:
        """Returns the state as a checkpoint holds it."""
        return json.dumps({"name": self.name, "value": self.value})

    def deserialize(self, string_value: str) -> None:
        """Takes the state from a checkpoint.

        Args:
            string_value: as `serialize` returned it.
        """
        state = json.loads(string_value)
        self.name, self.value = state["name"], state["value"]


class TrainState:
    """Everything that changes while a run goes on: networks, optimizers, averaged weights, step, seed, best validation.

    Args:
        system: a compiled `InpaintingSystem`.
        seed: of the run; a checkpoint of another one is refused.

    Attributes:
        step: int64 variable, steps done = batches consumed. (An optimizer's own count leaves out skipped steps.)
        best: `BestScore`.
        validated_step: int64 variable, step of the last validation.
        seconds: float64 variable, time spent in training over all sessions.
        seed: int64 variable.
    """

    def __init__(self, system, *, seed: int):
        self.system = system
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self.best = BestScore()
        self.validated_step = tf.Variable(-1, dtype=tf.int64, trainable=False, name="validated_step")
        self.seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False, name="seconds")
        self.seed = tf.Variable(seed, dtype=tf.int64, trainable=False, name="seed")

    @property
    def _networks(self):
        return {name: self.system.networks[name] for name in self.system.active_networks}

    @property
    def variables(self) -> list:
        """All variables of the networks that the stage computes with, and of optimizers, and all averages."""
        networks = [weight for network in self._networks.values() for weight in network.weights]
        optimizers = [variable for optimizer in self.system.optimizers.values() for variable in _variables(optimizer)]
        average = self.system.average
        return [*networks, *optimizers, *(average.variables if average is not None else [])]

    def checkpoint(self) -> tf.train.Checkpoint:
        """Returns the object that writes and reads the state."""
        average = self.system.average
        return tf.train.Checkpoint(
            networks=self._networks,
            optimizers=dict(self.system.optimizers),
            average=list(average.variables) if average is not None else [],
            step=self.step,
            best=self.best,
            validated_step=self.validated_step,
            seconds=self.seconds,
            seed=self.seed,
        )


class CheckpointFolder:
    """Saves a `TrainState`, keeps the last few checkpoints, and restores the newest that is good.

    Args:
        folder: where checkpoints lie; made where it does not exist.
        state: what is saved and restored.
        max_to_keep: number of checkpoints kept, at least 2, so that there is one to fall back to.
        report: called with a sentence for the user when a damaged checkpoint is passed over.
    """

    def __init__(self, folder: str | os.PathLike, state: TrainState, *, max_to_keep: int = 3, report: Callable[[str], None] = print):
        if max_to_keep < 2:
            raise ValueError(f"`max_to_keep` must be at least 2. Received: max_to_keep={max_to_keep}.")
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._state = state
        self._max_to_keep = max_to_keep
        self._report = report

    def steps(self) -> list[int]:
        """Returns the steps of the checkpoints that are there, good or not, in ascending order."""
        matches = [_NAME.fullmatch(path.name) for path in self._folder.iterdir()]
        return sorted(int(match.group(1)) for match in matches if match)

    def path(self, step: int) -> Path:
        """Returns the folder of a step's checkpoint.

        Args:
            step: number of steps done.
        """
        return self._folder / f"ckpt-{step}"

    def save(self) -> Path:
        """Writes the state. Nothing is written if it is there already: a step is the same whenever it is computed.

        Returns:
            The folder of the checkpoint.

        Raises:
            NonFiniteError: if a variable is not finite, naming it; nothing is written then.
            CheckpointError: if it cannot be written (full disk, no permission); earlier checkpoints are untouched then.
        """
        step = int(self._state.step.numpy())
        target = self.path(step)
        if target.exists() and self.find_fault(step) is None:
            return target
        if broken := guards.find_nonfinite(self._state.variables):
            raise NonFiniteError(
                f"Nothing was saved at step {step}: not finite are {', '.join(broken[:5])}"
                f"{f' and {len(broken) - 5} more variables' if len(broken) > 5 else ''}."
            )
        try:
            with atomic_directory(target, overwrite=True) as temporary:
                self._state.checkpoint().write(str(temporary / _PREFIX))
                sums = [f"{sha256(path)}  {path.name}\n" for path in sorted(temporary.iterdir())]
                (temporary / _SUMS_FILE).write_text("".join(sums), encoding="utf-8")
        except (OSError, tf.errors.OpError) as error:
            kept = self.steps()
            raise CheckpointError(
                f"The checkpoint of step {step} could not be written to {self._folder}: {_first_line(error)}. "
                f"{f'The run can go on from step {kept[-1]}.' if kept else 'There is no earlier checkpoint.'}"
            ) from error
        for old in self.steps()[: -self._max_to_keep]:
            shutil.rmtree(self.path(old))
        return target

    def restore(self) -> int | None:
        """Reads the newest good checkpoint into the state.

        A damaged one is named, and put aside under `damaged-ckpt-STEP`.

        Returns:
            Its step, or `None` if no checkpoint was ever written.

        Raises:
            CheckpointError: if there are checkpoints but none is good, or the good one belongs to another architecture or seed.
        """
        steps = self.steps()
        for step in reversed(steps):
            fault = self.find_fault(step)
            if fault is None:
                self._read(step)
                return step
            self._report(f"checkpoint of step {step} is damaged ({fault}); it is put aside, an earlier one is taken")
            aside = self.path(step).with_name(f"damaged-ckpt-{step}")
            shutil.rmtree(aside, ignore_errors=True)
            os.replace(self.path(step), aside)
        if steps:
            raise CheckpointError(
                f"None of the {len(steps)} checkpoints in {self._folder} is good. Begin a new run folder; its training can start from "
                "these weights with --init-weights, if the run folder holds some."
            )
        return None

    def find_fault(self, step: int) -> str | None:
        """Compares a checkpoint with its fingerprints.

        Args:
            step: the step of the checkpoint.

        Returns:
            What is wrong with it, or `None`.
        """
        folder = self.path(step)
        try:
            lines = (folder / _SUMS_FILE).read_text(encoding="utf-8").splitlines()
            expected = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        except (OSError, UnicodeDecodeError):
            return f"{_SUMS_FILE} cannot be read"
        if f"{_PREFIX}.index" not in expected:
            return f"{_SUMS_FILE} is incomplete"
        for name, digest in expected.items():
            if not (folder / name).is_file():
                return f"{name} is missing"
            if sha256(folder / name) != digest:
                return f"{name} does not have its SHA-256"
        return None

    def _read(self, step: int) -> None:
        seed = int(self._state.seed.numpy())
        try:
            status = self._state.checkpoint().read(str(self.path(step) / _PREFIX))
            status.assert_consumed()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            raise CheckpointError(
                f"The checkpoint {self.path(step)} does not fit this system, its settings and this version of tf_inpaint: "
                f"{_first_line(error)}. Begin a new run folder; its training can start from the weights of this one with --init-weights."
            ) from error
        if int(self._state.seed.numpy()) != seed:
            raise CheckpointError(f"The checkpoint {self.path(step)} has the seed {int(self._state.seed.numpy())}. Received: seed={seed}.")


def _variables(optimizer) -> list:
    variables = optimizer.variables
    return variables() if callable(variables) else variables


def _first_line(error: Exception) -> str:
    text = getattr(error, "message", None) or str(error)
    return text.strip().splitlines()[0].rstrip(".") if text.strip() else type(error).__name__
