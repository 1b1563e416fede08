"""What scores must reach for a result to be accepted."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tf_inpaint.errors import ConfigError, WeightsError


@dataclasses.dataclass(frozen=True)
class VerificationThresholds:
    """Thresholds of some scores, and where they come from.

    Attributes:
        values: name of the score -> threshold, in (0, 1]. Scores that are not named are reported and not judged.
        percentile: so many percent of the real pictures are below each threshold.
        num_pictures: number of real pictures that were measured.

    Raises:
        ConfigError: if there is no threshold, or a number is out of its range.
    """

    values: Mapping[str, float]
    percentile: float
    num_pictures: int

    def __post_init__(self):
        if not 0 <= self.percentile <= 100:  # so written, NaN is refused too
            raise ConfigError(f"`percentile` must lie in 0 to 100. Received: percentile={self.percentile}.")
        if not self.values or not all(0 < value <= 1 for value in self.values.values()) or self.num_pictures < 1:
            raise ConfigError(
                "Thresholds must lie in (0, 1] and come from one real picture at least. Received: "
                f"{dict(self.values)} from {self.num_pictures} pictures."
            )

    @classmethod
    def from_scores(cls, scores: Mapping[str, np.ndarray], *, percentile: float) -> "VerificationThresholds":
        """Takes a percentile of the scores of real pictures, each score for itself.

        Args:
            scores: name -> `[N]` scores in [0, 1]; NaN where a picture has no hole, such pictures do not count.
            percentile: 0 to 100.

        Returns:
            The thresholds.

        Raises:
            ConfigError: if the percentile is out of its range, no picture counts, or a threshold would be 0.
        """
        scores = {name: np.asarray(values, np.float64) for name, values in scores.items()}
        scores = {name: values[~np.isnan(values)] for name, values in scores.items()}
        num_pictures = min((len(values) for values in scores.values()), default=0)
        if not num_pictures:
            raise ConfigError("There is no picture with a hole to measure thresholds on.")
        if not 0 <= percentile <= 100:
            raise ConfigError(f"`percentile` must lie in 0 to 100. Received: percentile={percentile}.")
        values = {name: float(np.percentile(each, percentile)) for name, each in scores.items()}
        return cls(values, float(percentile), num_pictures)

    @classmethod
    def from_dict(cls, description: dict) -> "VerificationThresholds":
        """Reads what `to_dict` gave, as stored with weights.

        Args:
            description: JSON values.

        Returns:
            The thresholds.

        Raises:
            WeightsError: if they are not what `to_dict` gives.
        """
        try:
            values = {name: float(value) for name, value in description["thresholds"].items()}
            return cls(values, float(description["percentile"]), int(description["num_pictures"]))
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise WeightsError(f"The stored thresholds cannot be used ({type(error).__name__}: {error}).") from error

    def to_dict(self) -> dict:
        """Returns JSON values, for `from_dict`."""
        return {"thresholds": dict(self.values), "percentile": self.percentile, "num_pictures": self.num_pictures}

    def describe(self) -> str:
        """Returns the thresholds in one line."""
        values = ", ".join(f"{name} {value:.4f}" for name, value in self.values.items())
        return f"thresholds {values}: percentile {self.percentile:g} of {self.num_pictures} pictures"

    def margin(self, scores: Mapping[str, float]) -> float:
        """Says how far a result is above the thresholds.

        Args:
            scores: name -> score of one result, all that are judged among them.

        Returns:
            The least ratio of score and threshold: 1 and more is accepted. NaN counts as 0.
        """
        ratios = [scores[name] / threshold for name, threshold in self.values.items()]
        return min(0.0 if np.isnan(ratio) else ratio for ratio in ratios)
