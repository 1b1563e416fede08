"""One trial of a search: which weights it has, and what came of it."""

import dataclasses
import json
from pathlib import Path

from tf_inpaint.errors import CheckpointError
from tf_inpaint.files import atomic_write

STATUSES = ("running", "completed", "failed")


@dataclasses.dataclass(frozen=True)
class Trial:
    """A training with its own loss weights.

    Attributes:
        number: from 1.
        weights: name of the setting -> value.
        steps: of its training.
        goes_on_from: number of the trial whose training it continues, or `None`.
        status: one of `STATUSES`.
        measures: name -> mean over the validation pictures, once completed.
        reason: why it failed.
    """

    number: int
    weights: dict[str, float]
    steps: int
    goes_on_from: int | None = None
    status: str = "running"
    measures: dict[str, float] = dataclasses.field(default_factory=dict)
    reason: str = ""

    @classmethod
    def read(cls, path: Path) -> "Trial":
        """Reads a trial.

        Args:
            path: of its JSON file.

        Returns:
            The trial.

        Raises:
            CheckpointError: if the file does not describe one.
        """
        try:
            trial = cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointError(f"{path} does not describe a trial ({type(error).__name__}: {error}).") from error
        if trial.status not in STATUSES:
            raise CheckpointError(f"{path} does not describe a trial (status {trial.status!r}).")
        return trial

    def write(self, path: Path) -> None:
        """Writes the trial, whole or not at all.

        Args:
            path: of its JSON file.

        Raises:
            OSError: if it cannot be written.
        """
        with atomic_write(path, "w") as file:
            file.write(json.dumps(dataclasses.asdict(self), indent=2) + "\n")
