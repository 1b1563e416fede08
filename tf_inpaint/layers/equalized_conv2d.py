"""Convolution with an equalised learning rate, which may halve pictures through a filter."""

import keras
import tensorflow as tf

from tf_inpaint import compat, ops


@keras.saving.register_keras_serializable(package="tf_inpaint")
class EqualizedConv2D(keras.layers.Layer):
    """Convolution whose kernel is drawn with deviation 1 and scaled by `1 / sqrt(C k^2)` when it is used.

    Args:
        filters: number of output channels.
        kernel_size: an odd number of pixels.
        downsample: whether height and width are halved, see `ops.modulation.resampling_conv2d`.
        use_bias: whether a bias is added.
        activation: `None`, or "scaled_leaky_relu", see `ops.activation`.
        output_gain: factor of the result, positive; it costs nothing here.

    Call arguments:
        inputs: `[B, H, W, C]`; H and W even where they are halved.

    Output shape: `[B, H', W', filters]`.

    Source: Karras et al. 2020, arXiv:1912.04958, released code.

    Example:
        >>> EqualizedConv2D(8, 3, downsample=True)(tf.zeros([1, 16, 16, 4])).shape
        TensorShape([1, 8, 8, 8])
    """

    def __init__(self, filters, kernel_size, *, downsample=False, use_bias=True, activation=None, output_gain=1.0, **kwargs):
        super().__init__(**kwargs)
        if activation not in (None, "scaled_leaky_relu"):
            raise ValueError(f"`activation` must be None or 'scaled_leaky_relu'. Received: activation={activation!r}.")
        if kernel_size % 2 == 0:
            raise ValueError(f"`kernel_size` must be odd. Received: kernel_size={kernel_size}.")
        self.filters = filters
        self.kernel_size = kernel_size
        self.downsample = downsample
        self.use_bias = use_bias
        self.activation = activation
        self.output_gain = output_gain

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, input_shape[-1], self.filters),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            **compat.keep_float32(),
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros", **compat.keep_float32())
        self.built = True

    def call(self, inputs):
        size, _, channels, _ = self.kernel.shape
        # The gains go into kernel and bias, which are smaller than the features.
        gain = self.output_gain * (ops.activation.LEAKY_RELU_GAIN if self.activation else 1.0)
        kernel = tf.cast(tf.convert_to_tensor(self.kernel) * (gain / (channels * size**2) ** 0.5), inputs.dtype)
        outputs = ops.modulation.resampling_conv2d(inputs, kernel, resample="down" if self.downsample else None)
        if self.use_bias:
            outputs = ops.convolution.add_bias(outputs, gain * tf.convert_to_tensor(self.bias))
        return ops.activation.scaled_leaky_relu(outputs, is_scaled=True) if self.activation else outputs

    def compute_output_shape(self, input_shape):
        factor = 2 if self.downsample else 1
        sizes = (None if size is None else size // factor for size in input_shape[1:3])
        return (input_shape[0], *sizes, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "downsample": self.downsample,
            "use_bias": self.use_bias,
            "activation": self.activation,
            "output_gain": self.output_gain,
        }
