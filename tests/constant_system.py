"""A system that fills holes with one colour without running its networks, for tests of what goes on around them."""

import tensorflow as tf

from tf_inpaint.systems.three_stage import ThreeStage


class ConstantSystem(ThreeStage):
    """Fills every hole with `level`, in [-1, 1]; its graph is traced and loaded in a moment."""

    KEY = "constant"
    level = 0.5

    def call(self, inputs, training=False):
        return {"raw": tf.fill(tf.shape(inputs["image"]), self.level)}
