"""A repaired photograph with what its system says about it."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from PIL import Image

ACCEPTED = "accepted"
REJECTED = "rejected"
NOT_JUDGED = "not judged"


@dataclasses.dataclass(frozen=True, eq=False)
class VerifiedResult:
    """What `Inpainter.inpaint_verified` returns. A rejected result is returned like any other.

    Attributes:
        image: as `Inpainter` returns it.
        verdict: `ACCEPTED`, `REJECTED`, or `NOT_JUDGED` where the weights have no thresholds.
        scores: name -> score of this result in [0, 1], larger is more like a true picture.
        candidate: name of the way in which it was made, one of the system's `verification.candidates`.
        num_tried: number of candidates that were made; this is the best of them.
    """

    image: np.ndarray | Image.Image
    verdict: str
    scores: Mapping[str, float]
    candidate: str
    num_tried: int

    def describe(self) -> str:
        """Returns the scores and the candidate in one line."""
        scores = ", ".join(f"{name} {score:.4f}" for name, score in self.scores.items())
        return f"{scores} ({self.candidate}{f', best of {self.num_tried}' if self.num_tried > 1 else ''})"
