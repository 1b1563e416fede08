"""Running statistics of styles, kept with the weights."""

import keras
import tensorflow as tf

from tf_inpaint import compat


@keras.saving.register_keras_serializable(package="tf_inpaint")
class StyleStatistics(keras.layers.Layer):
    """Passes styles on and keeps their running mean; has a place for the mean length of the paths that they take in the picture.

    Args:
        momentum: share of the old mean in the new one, in [0, 1).

    Call arguments:
        inputs: `[B, S]`.
        training: whether the mean is updated.

    Output shape: that of `inputs`.

    Attributes:
        mean: `[S]` float32, the mean style: with it truncation and the encoder begin.
        path_length: scalar float32, see `losses.path_length_penalty`; whoever computes that updates it.

    Source: Karras et al. 2019, arXiv:1812.04948, appendix B; 2020, arXiv:1912.04958, section 3.2.

    Example:
        >>> StyleStatistics()(tf.zeros([2, 8])).shape
        TensorShape([2, 8])
    """

    def __init__(self, *, momentum=0.995, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum

    def build(self, input_shape):
        # Replicas see different styles: the first one's mean is as good as any.
        arguments = {"initializer": "zeros", "trainable": False, **compat.only_first_replica(), **compat.keep_float32()}
        self.mean = self.add_weight(name="mean", shape=(input_shape[-1],), **arguments)
        self.path_length = self.add_weight(name="path_length", shape=(), **arguments)
        self.built = True

    def call(self, inputs, training=False):
        if training:
            mean = tf.reduce_mean(tf.cast(tf.stop_gradient(inputs), tf.float32), axis=0)
            old = tf.convert_to_tensor(self.mean)
            self.mean.assign(old + (1.0 - self.momentum) * (mean - old))
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum}
