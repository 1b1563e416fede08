"""One training of an ablation: which variant and seed, and what came of it."""

import dataclasses
from typing import ClassVar

from tf_inpaint.training.record import Record


@dataclasses.dataclass(frozen=True)
class AblationRun(Record):
    """A training of a variant.

    Attributes:
        variant: its name.
        seed: of the training.
        settings: name -> JSON value of what the variant switches.
        status: one of `record.STATUSES`; one that is running may be continued, one that failed is tried again.
        measures: name -> mean over the held-out pictures, once completed.
        parameters: trained numbers that inpainting needs, once completed.
        seconds_per_step: of the latest session that took more than one step; `None` where none did.
        reason: why it failed.
    """

    NOUN: ClassVar[str] = "a training of an ablation"

    variant: str
    seed: int
    settings: dict
    status: str = "running"
    measures: dict[str, float] = dataclasses.field(default_factory=dict)
    parameters: int | None = None
    seconds_per_step: float | None = None
    reason: str = ""
