"""What the convolution layers of this folder have in common."""

import keras
import tensorflow as tf

from tf_inpaint import compat, ops


class ConvolutionLayer(keras.layers.Layer):
    """Base of convolution layers: number of channels, size of the kernel, bias and activation, and their part of the configuration.

    A subclass has an `__init__` of its own, which Keras 2.15 asks for, adds its own arguments to `get_config`, and makes and uses the
    kernel. Weights stay float32 under any policy.

    Args:
        filters: number of output channels.
        kernel_size: one number, or (height, width), in pixels; kept as (height, width).
        strides: kept as it is.
        use_bias: whether a bias is added.
        activation: name or function, as in Keras, or `None`.
        kernel_initializer, bias_initializer: as in Keras.
    """

    def __init__(self, *, filters, kernel_size, strides, use_bias, activation, kernel_initializer, bias_initializer, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        self.strides = strides
        self.use_bias = use_bias
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def _add_kernel(self, *channels):
        """Makes the kernel, called in `build`: input and output channels in the order in which the operation wants them."""
        shape = (*self.kernel_size, *channels)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=self.kernel_initializer, **compat.keep_float32())

    def _add_bias(self):
        """Makes the bias, if there is one, called in `build`."""
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer=self.bias_initializer, **compat.keep_float32())

    def _activated(self, outputs):
        """What has been convolved, with bias and activation."""
        if self.use_bias:
            outputs = ops.convolution.add_bias(outputs, tf.convert_to_tensor(self.bias))
        return outputs if self.activation is None else self.activation(outputs)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "use_bias": self.use_bias,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }
