"""A small system that judges its results by how bright they are, for tests of what goes on around a verification."""

import tensorflow as tf

from tests.training.small_system import SmallSystem
from tf_inpaint import ops
from tf_inpaint.systems.verification import Verification

# Candidate -> grey level in [0, 1] with which it fills the hole; the first is what the system's network paints.
LEVELS = {"plain": None, "middle": 0.85, "bright": 0.95, "dark": 0.1}


class BrightnessVerification(Verification):
    """One score: the mean grey level in the hole."""

    SCORES = ("brightness",)
    STAGES = ("joint",)
    SMALLEST_SIZE = 8

    def __init__(self, system):
        super().__init__()
        self._system = system

    @property
    def candidates(self):
        return tuple(LEVELS)

    def inpaint(self, image, mask, *, candidate):
        level = LEVELS[candidate]
        if level is None:
            composite = self._system.inpaint(image, mask)
        else:
            composite = ops.image.composite(tf.fill(tf.shape(image), 2.0 * level - 1.0), image, mask)
        return composite, self.score_truth(composite, mask)

    def score_truth(self, image, mask):
        gray = tf.reduce_mean(ops.image.to_unit(image), axis=-1, keepdims=True)
        return {"brightness": tf.reduce_sum(gray * mask, axis=[1, 2, 3]) / tf.reduce_sum(mask, axis=[1, 2, 3])}


class JudgingSystem(SmallSystem):
    """Prefers bright results."""

    KEY = "judging"

    def __init__(self, config=None, *, name=None):
        super().__init__(config, name=name)
        self._verification = BrightnessVerification(self)

    @property
    def verification(self):
        return self._verification

    @classmethod
    def with_threshold(cls, value):
        """A tiny system that accepts what is at least so bright."""
        system = cls.tiny()
        system.set_extras(thresholds(value))
        return system


def thresholds(value):
    return {"verification": {"thresholds": {"brightness": value}, "percentile": 5.0, "num_pictures": 10}}
