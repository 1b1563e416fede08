"""One trial of a search: which weights it has, and what came of it."""

import dataclasses
from typing import ClassVar

from tf_inpaint.training.record import Record


@dataclasses.dataclass(frozen=True)
class Trial(Record):
    """A training with its own loss weights.

    Attributes:
        number: from 1.
        weights: name of the setting -> value.
        steps: of its training.
        goes_on_from: number of the trial whose training it continues, or `None`.
        status: one of `record.STATUSES`.
        measures: name -> mean over the validation pictures, once completed.
        reason: why it failed.
    """

    NOUN: ClassVar[str] = "a trial"

    number: int
    weights: dict[str, float]
    steps: int
    goes_on_from: int | None = None
    status: str = "running"
    measures: dict[str, float] = dataclasses.field(default_factory=dict)
    reason: str = ""
