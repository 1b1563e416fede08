"""Feature vectors of length sqrt(C)."""

import keras
import tensorflow as tf

_EPSILON = 1e-8


@keras.saving.register_keras_serializable(package="tf_inpaint")
class PixelNormalization(keras.layers.Layer):
    """Divides each feature vector by the root of the mean of its squares.

    Call arguments:
        inputs: `[..., C]`.

    Output shape: that of `inputs`.

    Source: Karras et al. 2018, arXiv:1710.10196, section 4.2.

    Example:
        >>> PixelNormalization()(tf.ones([1, 4]) * 3.0)
        <tf.Tensor: shape=(1, 4), dtype=float32, numpy=array([[1., 1., 1., 1.]], dtype=float32)>
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def call(self, inputs):
        features = tf.cast(inputs, tf.float32)
        energy = tf.reduce_mean(tf.square(features), axis=-1, keepdims=True)
        return tf.cast(features * tf.math.rsqrt(energy + _EPSILON), inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape
