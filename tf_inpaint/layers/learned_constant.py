"""The start of StyleGAN2's generator: features that depend on nothing."""

import keras
import tensorflow as tf

from tf_inpaint import compat


@keras.saving.register_keras_serializable(package="tf_inpaint")
class LearnedConstant(keras.layers.Layer):
    """The same learned features for each member of a batch.

    Args:
        size: height and width.
        channels: number of channels.

    Call arguments:
        inputs: any tensor `[B, ...]`, of which only the size of the batch counts.

    Output shape: `[B, size, size, channels]`.

    Source: Karras et al. 2019, arXiv:1812.04948, section 2.

    Example:
        >>> LearnedConstant(4, 8)(tf.zeros([2, 3])).shape
        TensorShape([2, 4, 4, 8])
    """

    def __init__(self, size, channels, **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self.channels = channels

    def build(self, input_shape):
        self.constant = self.add_weight(
            name="constant",
            shape=(self.size, self.size, self.channels),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            **compat.keep_float32(),
        )
        self.built = True

    def call(self, inputs):
        constant = tf.cast(tf.convert_to_tensor(self.constant), self.compute_dtype)
        return tf.tile(constant[None], [tf.shape(inputs)[0], 1, 1, 1])

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.size, self.size, self.channels)

    def get_config(self):
        return {**super().get_config(), "size": self.size, "channels": self.channels}
