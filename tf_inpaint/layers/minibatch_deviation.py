"""How much the members of a batch differ, told to a critic."""

import keras
import tensorflow as tf

_EPSILON = 1e-8


@keras.saving.register_keras_serializable(package="tf_inpaint")
class MinibatchDeviation(keras.layers.Layer):
    """Adds a channel: the standard deviation of the features over a group of the batch, averaged over pixels and channels.

    A generator that paints few pictures over and over is betrayed by it.

    Args:
        group_size: members of a group, at most. It is the largest number up to this that divides the batch (the released code stops where
            it does not divide it). Member b of a batch of B belongs to the group b modulo B / size.

    Call arguments:
        inputs: `[B, H, W, C]`.

    Output shape: `[B, H, W, C + 1]`.

    Source: Karras et al. 2018, arXiv:1710.10196, section 3, in the form of 2020, arXiv:1912.04958.

    Example:
        >>> MinibatchDeviation()(tf.zeros([4, 2, 2, 3])).shape
        TensorShape([4, 2, 2, 4])
    """

    def __init__(self, *, group_size=4, **kwargs):
        super().__init__(**kwargs)
        self.group_size = group_size

    def call(self, inputs):
        shape = tf.shape(inputs)
        batch, candidates = shape[0], tf.range(1, self.group_size + 1)
        size = tf.reduce_max(tf.where(batch % candidates == 0, candidates, 1))
        groups = tf.reshape(tf.cast(inputs, tf.float32), [size, batch // size, shape[1], shape[2], inputs.shape[-1]])
        deviation = tf.sqrt(tf.math.reduce_variance(groups, axis=0) + _EPSILON)
        deviation = tf.reduce_mean(deviation, axis=[1, 2, 3], keepdims=True)
        channel = tf.tile(deviation, [size, shape[1], shape[2], 1])
        return tf.concat([inputs, tf.cast(channel, inputs.dtype)], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self):
        return {**super().get_config(), "group_size": self.group_size}
