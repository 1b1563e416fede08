"""Bilinear enlargement with aligned corners."""

import keras
import tensorflow as tf

from tf_inpaint.ops import resampling


@keras.saving.register_keras_serializable(package="tf_inpaint")
class AlignedUpsampling2D(keras.layers.Layer):
    """Enlarges feature maps bilinearly, corner pixels on corner pixels, as `torch`'s `align_corners=True`.

    Args:
        factor: whole number, at least 1.

    Call arguments:
        inputs: `[B, H, W, C]`.

    Output shape: `[B, factor H, factor W, C]`.

    Raises:
        ValueError: if the factor is not a whole number of at least 1.

    Example:
        >>> AlignedUpsampling2D(2)(tf.zeros([1, 4, 4, 3])).shape
        TensorShape([1, 8, 8, 3])
    """

    def __init__(self, factor=2, **kwargs):
        super().__init__(**kwargs)
        if factor != int(factor) or factor < 1:
            raise ValueError(f"`factor` must be a whole number of at least 1. Received: factor={factor!r}.")
        self.factor = int(factor)

    def call(self, inputs):
        shape = tf.shape(inputs)
        sizes = [shape[axis] if inputs.shape[axis] is None else inputs.shape[axis] for axis in (1, 2)]
        outputs = resampling.resize_align_corners(inputs, [self.factor * size for size in sizes])
        return tf.ensure_shape(outputs, self.compute_output_shape(inputs.shape))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *(None if size is None else self.factor * size for size in input_shape[1:3]), input_shape[3])

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
