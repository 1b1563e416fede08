"""Activations: one whose gradient is fast in half precision, and one with a gain."""

import math

import keras
import tensorflow as tf

LEAKY_RELU_GAIN = math.sqrt(2.0)


@keras.saving.register_keras_serializable(package="tf_inpaint")
def elu(features: tf.Tensor) -> tf.Tensor:
    """Exponential linear unit with alpha = 1: `x` for x > 0, `exp(x) - 1` otherwise.

    The values are those of `tf.nn.elu`, and so is the node in the graph, so that TensorFlow still fuses convolution, bias and
    activation into one kernel. Only the gradient differs: it is computed in float32 (and from the output alone), because
    TensorFlow 2.15's bfloat16 kernel for it is not vectorised and costs more than the convolution beside it.

    Args:
        features: any shape, floating point.

    Returns:
        Same shape and dtype, in (-1, inf).

    Source: Clevert et al. 2016, arXiv:1511.07289, equation (15).
    """
    features = tf.convert_to_tensor(features)
    if features.dtype not in (tf.bfloat16, tf.float16):
        return tf.nn.elu(features)
    return _half_precision_elu(features)


@tf.custom_gradient
def _half_precision_elu(features):
    activated = tf.nn.elu(features)

    def gradient(upstream):
        grads = tf.raw_ops.EluGrad(gradients=tf.cast(upstream, tf.float32), outputs=tf.cast(activated, tf.float32))
        return tf.cast(grads, activated.dtype)

    return activated, gradient


def scaled_leaky_relu(features: tf.Tensor, *, is_scaled: bool = False) -> tf.Tensor:
    """Leaky ReLU with slope 0.2 and the gain sqrt(2), which keeps the variance of normally distributed features.

    Args:
        features: any shape, floating point.
        is_scaled: whether the gain is in the features already: it passes through the activation, and costs nothing where it was
            multiplied into something smaller.

    Returns:
        Same shape and dtype.

    Source: Karras et al. 2020, arXiv:1912.04958, released code (`fused_bias_act`).
    """
    return tf.nn.leaky_relu(features if is_scaled else features * LEAKY_RELU_GAIN, 0.2)
