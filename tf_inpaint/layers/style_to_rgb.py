"""StyleGAN2's output layer: from features to colours, added to the picture of the size before."""

import keras
import tensorflow as tf

from tf_inpaint import compat, ops
from tf_inpaint.layers.style_modulation import add_modulation, modulation_scales


@keras.saving.register_keras_serializable(package="tf_inpaint")
class StyleToRgb(keras.layers.Layer):
    """Modulated 1x1 convolution to three channels without demodulation, plus a bias and the picture so far at twice its size.

    Args:
        style_index: which of the styles modulates the layer.

    Call arguments:
        inputs: list of features `[B, H, W, C]`, styles `[B, N, S]`, and, for all but the first, the picture so far `[B, H/2, W/2, 3]`.

    Output shape: `[B, H, W, 3]`, float32 under any precision policy.

    Source: Karras et al. 2020, arXiv:1912.04958, section 4.1 (the "skip" generator).

    Example:
        >>> StyleToRgb()([tf.zeros([1, 8, 8, 6]), tf.zeros([1, 2, 5]), tf.zeros([1, 4, 4, 3])]).shape
        TensorShape([1, 8, 8, 3])
    """

    def __init__(self, *, style_index=0, **kwargs):
        super().__init__(autocast=False, **kwargs)  # styles and pictures stay float32
        self.style_index = style_index

    def build(self, input_shape):
        features, styles = (tuple(shape) for shape in input_shape[:2])
        add_modulation(self, channels=features[-1], filters=3, kernel_size=1, style_size=styles[-1])
        self.bias = self.add_weight(name="bias", shape=(3,), initializer="zeros", **compat.keep_float32())
        self.built = True

    def call(self, inputs):
        features, styles, *smaller = inputs
        kernel, scales = modulation_scales(self, styles[:, self.style_index])
        rgb = ops.modulation.modulated_conv2d(tf.cast(features, self.compute_dtype), kernel, scales, demodulate=False)
        rgb = tf.cast(rgb, tf.float32) + tf.convert_to_tensor(self.bias)
        return rgb + ops.filtering.upsample2d(tf.cast(smaller[0], tf.float32)) if smaller else rgb

    def compute_output_shape(self, input_shape):
        return (*tuple(input_shape[0])[:-1], 3)

    def get_config(self):
        return {**super().get_config(), "style_index": self.style_index}
