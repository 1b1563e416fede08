"""Instance normalisation."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_inpaint")
class InstanceNormalization(keras.layers.Layer):
    """Brings each channel of each picture to mean 0 and variance 1: (x - mean) / sqrt(variance + epsilon).

    Without weights and without running statistics: the same in training and evaluation. The variance is the biased one. Statistics
    and division are float32 under any policy.

    Args:
        epsilon: added to the variance, positive.

    Call arguments:
        inputs: `[B, H, W, C]`.

    Output shape: that of the input.

    Raises:
        ValueError: if `epsilon` is not positive.

    Source: Ulyanov et al. 2016, arXiv:1607.08022; epsilon as in PyTorch.

    Example:
        >>> InstanceNormalization()(tf.zeros([1, 4, 4, 2])).shape
        TensorShape([1, 4, 4, 2])
    """

    def __init__(self, *, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        if not epsilon > 0:
            raise ValueError(f"`epsilon` must be positive. Received: epsilon={epsilon}.")
        self.epsilon = epsilon

    def build(self, input_shape):
        self.built = True

    def call(self, inputs):
        values = tf.cast(inputs, tf.float32)
        mean, variance = tf.nn.moments(values, axes=[1, 2], keepdims=True)
        return tf.cast((values - mean) * tf.math.rsqrt(variance + self.epsilon), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
