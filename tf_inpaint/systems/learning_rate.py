"""The schedules of the learning rate: a warm-up, a cosine, steps."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_inpaint")
class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """Product of three factors and a peak: a linear rise from 0, a fall to 0 along a cosine, and a tenth each so many steps.

    Computed in float32 under any policy.

    Args:
        peak: the rate that the factors are of, positive.
        warmup_steps: steps of the rise; 0 for none.
        decay_steps: steps, after the warm-up, of the cosine; 0 for none.
        drop_steps: after so many steps, and again after each so many, the rate is a tenth of what it was; 0 for never.
        steady_steps: after so many steps no further drop is made; 0 for no such end.
    """

    def __init__(self, peak, *, warmup_steps=0, decay_steps=0, drop_steps=0, steady_steps=0):
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.decay_steps = decay_steps
        self.drop_steps = drop_steps
        self.steady_steps = steady_steps

    def __call__(self, step):
        rate = tf.constant(self.peak, tf.float32)
        if self.drop_steps:
            # Counted in whole numbers: float32 knows no step above 2^24 exactly.
            whole_step = tf.cast(step, tf.int64)
            counted = tf.minimum(whole_step, self.steady_steps) if self.steady_steps else whole_step
            rate *= tf.pow(0.1, tf.cast(counted // self.drop_steps, tf.float32))
        step = tf.cast(step, tf.float32)
        rise = tf.minimum((step + 1.0) / max(self.warmup_steps, 1), 1.0)
        progress = tf.clip_by_value((step - self.warmup_steps) / max(self.decay_steps, 1), 0.0, 1.0)
        fall = 0.5 * (1.0 + tf.cos(3.14159265 * progress)) if self.decay_steps else 1.0
        return rate * rise * fall

    def get_config(self):
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "decay_steps": self.decay_steps,
            "drop_steps": self.drop_steps,
            "steady_steps": self.steady_steps,
        }
