"""Activations whose gradients are fast in half precision."""

import keras
import tensorflow as tf


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
