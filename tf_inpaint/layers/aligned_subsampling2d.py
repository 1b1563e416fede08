"""Halving by picking pixels with aligned corners."""

import keras
import tensorflow as tf

from tf_inpaint.ops import resampling


@keras.saving.register_keras_serializable(package="tf_inpaint")
class AlignedSubsampling2D(keras.layers.Layer):
    """Halves feature maps by picking pixels, corner pixels on corner pixels: TensorFlow 1's nearest neighbour with `align_corners=True`.

    Call arguments:
        inputs: `[B, H, W, C]`, H and W even.

    Output shape: `[B, H / 2, W / 2, C]`.

    Example:
        >>> AlignedSubsampling2D()(tf.zeros([1, 4, 4, 3])).shape
        TensorShape([1, 2, 2, 3])
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def call(self, inputs):
        shape = tf.shape(inputs)
        sizes = [shape[axis] if inputs.shape[axis] is None else inputs.shape[axis] for axis in (1, 2)]
        outputs = resampling.sample_align_corners(inputs, [size // 2 for size in sizes], method="nearest")
        return tf.ensure_shape(outputs, self.compute_output_shape(inputs.shape))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *(None if size is None else size // 2 for size in input_shape[1:3]), input_shape[3])
