"""What came of one of several trainings, in a JSON file that is whole or not there."""

import dataclasses
import json
from pathlib import Path
from typing import ClassVar

from tf_inpaint.errors import CheckpointError
from tf_inpaint.files import atomic_write

STATUSES = ("running", "completed", "failed")


class Record:
    """Base of frozen dataclasses of JSON values with a field `status`, one of `STATUSES`.

    Class attributes:
        NOUN: what an error calls it, such as "a trial".
    """

    NOUN: ClassVar[str] = "a record"

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Reads a record.

        Args:
            path: of its JSON file.

        Returns:
            The record, of this class.

        Raises:
            CheckpointError: if the file does not describe one.
        """
        try:
            record = cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointError(f"{path} does not describe {cls.NOUN} ({type(error).__name__}: {error}).") from error
        if record.status not in STATUSES:
            raise CheckpointError(f"{path} does not describe {cls.NOUN} (status {record.status!r}).")
        return record

    def write(self, path: Path) -> None:
        """Writes the record, whole or not at all.

        Args:
            path: of its JSON file.

        Raises:
            OSError: if it cannot be written.
        """
        with atomic_write(path, "w") as file:
            file.write(json.dumps(dataclasses.asdict(self), indent=2) + "\n")
