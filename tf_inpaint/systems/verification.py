"""Judging results: what serving, training and the command line ask of a system that can tell its good results from bad ones."""

import abc
import collections

import numpy as np
import tensorflow as tf

from tf_inpaint.errors import ConfigError, WeightsError
from tf_inpaint.systems.verification_thresholds import VerificationThresholds


class Verification(abc.ABC):
    """Scores the results of a system, makes others where one is not good enough, and knows which scores are. One for each system.

    A score lies in [0, 1] and belongs to one picture; larger means more like a true one. A result is accepted if each judged score
    reaches its threshold. Without thresholds scores are reported and nothing is judged.

    Subclasses name the class attributes and write `candidates`, `inpaint` and `score_truth`.

    Class attributes:
        SCORES: names of the scores.
        STAGES: the stages of the system's training at whose end thresholds can be measured.
        SMALLEST_SIZE: least height and width, in pixels, of pictures that can be scored.

    Attributes:
        thresholds: `VerificationThresholds`, or `None`.
    """

    SCORES = ()
    STAGES = ()
    SMALLEST_SIZE = 1

    def __init__(self):
        self.thresholds = None

    @property
    @abc.abstractmethod
    def candidates(self) -> tuple[str, ...]:
        """Names of the ways to make a result, in the order in which they are worth a try; the first is that of the system's `inpaint`."""

    @property
    def judged_scores(self) -> tuple[str, ...]:
        """Those of `SCORES` that mean something for this system, and get a threshold; all of them unless a subclass knows better."""
        return self.SCORES

    @abc.abstractmethod
    def inpaint(self, image: tf.Tensor, mask: tf.Tensor, *, candidate: str) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Repairs pictures in one of the ways, and scores the results.

        Args:
            image: `[B, H, W, 3]` float32 in [-1, 1], H and W at least `SMALLEST_SIZE`; what it holds inside the hole has no influence.
            mask: `[B, H, W, 1]` float32 in {0, 1}, 1 = hole.
            candidate: one of `candidates`.

        Returns:
            The composites `[B, H, W, 3]`, float32 in [-1, 1], known pixels bit-identical to `image`; and name of the score -> `[B]`
            float32, NaN where there is no hole.
        """

    @abc.abstractmethod
    def score_truth(self, image: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores true pictures as if their hole had been repaired.

        Args:
            image: `[B, H, W, 3]` float32 in [-1, 1], H and W at least `SMALLEST_SIZE`.
            mask: `[B, H, W, 1]` float32 in {0, 1}, 1 = hole.

        Returns:
            As the scores of `inpaint`.
        """

    def calibrate(self, batches: tf.data.Dataset, *, percentile: float = 5.0) -> None:
        """Measures the thresholds on real pictures that training has not seen: a percentile of the scores of the true pictures.

        Args:
            batches: one finite pass of `{"image", "mask"}` batches as in `score_truth`; their masks say which patches count.
            percentile: 0 to 100: so many percent of true pictures would be rejected.

        Raises:
            ConfigError: if the percentile is out of its range, the pictures are smaller than `SMALLEST_SIZE`, none has a hole, no score
                means anything, or those of the true pictures are 0.
        """
        if not self.judged_scores:
            raise ConfigError("None of the critics was trained with these settings, so their scores mean nothing.")
        score = tf.function(self.score_truth, [tf.TensorSpec([None, None, None, channels]) for channels in (3, 1)])
        measured = collections.defaultdict(list)
        for batch in batches:
            height, width = batch["image"].shape[1:3]
            if min(height, width) < self.SMALLEST_SIZE:
                raise ConfigError(
                    f"Pictures can be scored from {self.SMALLEST_SIZE} x {self.SMALLEST_SIZE} pixels on. Received: {width} x {height} "
                    "pixels (width x height)."
                )
            for name, values in score(batch["image"], batch["mask"]).items():
                measured[name].append(values.numpy())
        scores = {name: np.concatenate(measured[name]) for name in self.judged_scores if measured[name]}
        self.thresholds = VerificationThresholds.from_scores(scores, percentile=percentile)

    def to_dict(self) -> dict:
        """Returns JSON values to be stored with the weights: the thresholds; empty without."""
        return {} if self.thresholds is None else self.thresholds.to_dict()

    def restore(self, description: dict) -> None:
        """Takes over what `to_dict` gave.

        Args:
            description: JSON values; empty for no thresholds.

        Raises:
            WeightsError: if they do not fit this system's scores.
        """
        thresholds = VerificationThresholds.from_dict(description) if description else None
        if thresholds is not None and (unknown := sorted(set(thresholds.values) - set(self.SCORES))):
            raise WeightsError(f"There are thresholds for {', '.join(unknown)}. Known scores: {', '.join(self.SCORES)}.")
        self.thresholds = thresholds
