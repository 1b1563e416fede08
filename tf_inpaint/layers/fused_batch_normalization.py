"""Batch normalisation in one kernel, with the published codes' running variance."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_inpaint")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the channels of pictures, by TensorFlow's fused kernel on both stacks.

    Differs from Keras 3's own in the running variance, which is made of the batches' unbiased variances (n - 1 in the denominator), as in
    PyTorch and Keras 2.15, and in speed. Statistics are float32 under any policy, and the same on all replicas of a strategy: each
    normalises its own part of the batch, and the means of their statistics count for the running ones. Weights and arguments are those of
    the base class, with the last axis, centre and scale.

    Args:
        momentum: of the running statistics; 0.9 is PyTorch's 0.1.
        epsilon: added to the variance.
        **kwargs: of `keras.layers.BatchNormalization`.

    Call arguments:
        inputs: `[B, H, W, C]`.
        training: `True` normalises by the batch's statistics and updates the running ones, `False` normalises by the running ones.

    Output shape: that of the input.
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)

    def call(self, inputs, training=False):
        statistics = [tf.convert_to_tensor(each) for each in (self.gamma, self.beta, self.moving_mean, self.moving_variance)]
        gamma, beta, moving_mean, moving_variance = (tf.cast(each, tf.float32) for each in statistics)
        inputs = tf.cast(inputs, self.compute_dtype)
        arguments = {"x": inputs, "scale": gamma, "offset": beta, "epsilon": self.epsilon}
        if not (training and self.trainable):
            return tf.raw_ops.FusedBatchNormV3(**arguments, mean=moving_mean, variance=moving_variance, is_training=False).y
        # The kernel wants no running statistics here; it would only mix them with those of the batch.
        batch = tf.raw_ops.FusedBatchNormV3(**arguments, mean=[], variance=[], is_training=True)
        for moving, now in ((self.moving_mean, batch.batch_mean), (self.moving_variance, batch.batch_variance)):
            now = _mean_over_replicas(tf.stop_gradient(now))
            moving.assign(self.momentum * tf.cast(moving, tf.float32) + (1.0 - self.momentum) * now)
        return batch.y


def _mean_over_replicas(value):
    """So that all replicas have the same running statistics: Keras 3 leaves each its own, and stores the first one's."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, value)
