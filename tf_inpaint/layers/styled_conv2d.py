"""StyleGAN2's convolution: modulated by a style, with noise, bias and activation."""

import keras
import tensorflow as tf

from tf_inpaint import compat, ops
from tf_inpaint.layers.style_modulation import add_modulation, modulation_scales


@keras.saving.register_keras_serializable(package="tf_inpaint")
class StyledConv2D(keras.layers.Layer):
    """Modulated and demodulated convolution, plus scaled noise and a bias, then leaky ReLU with gain sqrt(2).

    The noise is drawn anew by training calls; other calls take the layer's own fixed map, a weight that is not trained. Scales and norms
    are computed in float32 under any precision policy.

    Args:
        filters: number of output channels.
        kernel_size: an odd number of pixels.
        style_index: which of the styles modulates the layer.
        upsample: whether height and width are doubled, see `ops.modulation.resampling_conv2d`.
        noise_salt: number that keeps the noise of this layer apart from that of others with the same seeds.

    Call arguments:
        inputs: list of features `[B, H, W, C]`, H and W known; styles `[B, N, S]`; seeds `[B, 2]` integers, of which the first row counts.
        training: whether the noise is drawn anew.

    Output shape: `[B, H', W', filters]`.

    Source: Karras et al. 2020, arXiv:1912.04958, figure 2 and equations 1 and 3.

    Example:
        >>> layer = StyledConv2D(8, 3, upsample=True)
        >>> layer([tf.zeros([1, 4, 4, 6]), tf.zeros([1, 2, 5]), tf.zeros([1, 2], tf.int32)]).shape
        TensorShape([1, 8, 8, 8])
    """

    def __init__(self, filters, kernel_size=3, *, style_index=0, upsample=False, noise_salt=0, **kwargs):
        super().__init__(autocast=False, **kwargs)  # styles stay float32
        if kernel_size % 2 == 0:
            raise ValueError(f"`kernel_size` must be odd. Received: kernel_size={kernel_size}.")
        self.filters = filters
        self.kernel_size = kernel_size
        self.style_index = style_index
        self.upsample = upsample
        self.noise_salt = noise_salt

    def build(self, input_shape):
        features, styles = (tuple(shape) for shape in input_shape[:2])
        _, height, width, _ = self.compute_output_shape(input_shape)
        add_modulation(self, channels=features[-1], filters=self.filters, kernel_size=self.kernel_size, style_size=styles[-1])
        self.noise_strength = self.add_weight(name="noise_strength", shape=(), initializer="zeros", **compat.keep_float32())
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros", **compat.keep_float32())
        self.noise = self.add_weight(
            name="noise",
            shape=(height, width),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
            **compat.keep_float32(),
        )
        self.built = True

    def call(self, inputs, training=False):
        features, styles, seeds = inputs
        gain = ops.activation.LEAKY_RELU_GAIN
        kernel, scales = modulation_scales(self, styles[:, self.style_index])
        features = ops.modulation.modulated_conv2d(
            tf.cast(features, self.compute_dtype), kernel, scales, resample="up" if self.upsample else None, gain=gain
        )
        if training:
            seed = tf.random.experimental.stateless_fold_in(seeds[0], self.noise_salt)
            noise = tf.random.stateless_normal([tf.shape(features)[0], *self.noise.shape], seed)
        else:
            noise = tf.convert_to_tensor(self.noise)[None]
        noise = noise[..., None] * (gain * tf.convert_to_tensor(self.noise_strength))
        features = features + tf.cast(noise, features.dtype)
        features = ops.convolution.add_bias(features, gain * tf.convert_to_tensor(self.bias))
        return ops.activation.scaled_leaky_relu(features, is_scaled=True)

    def compute_output_shape(self, input_shape):
        batch, *sizes, _ = input_shape[0]
        return (batch, *(2 * size if self.upsample else size for size in sizes), self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "style_index": self.style_index,
            "upsample": self.upsample,
            "noise_salt": self.noise_salt,
        }
