"""Gated convolution: a convolution that learns, pixel by pixel, how much of itself to let through."""

import keras
import tensorflow as tf

from tf_inpaint import compat, ops

GATES = ("regular", "slice", "pointwise")


@keras.saving.register_keras_serializable(package="tf_inpaint")
class GatedConv2D(keras.layers.Layer):
    """`activation(features) * sigmoid(gate)`, both convolutions of the same input with "same" padding.

    Features and gate of one kernel size are computed by one convolution. HiFill's three forms are the three gates; DeepFill v2's form,
    one convolution whose output is split into features and gate, is "regular" with the two halves of its kernel.

    Args:
        filters: number of output channels.
        kernel_size: one number, in pixels.
        strides: one number, the same both ways.
        dilation_rate: one number; above 1 needs `strides=1`.
        gate: "regular": a gate for each channel, of the same kernel size; "slice": one gate for all channels, of the same kernel
            size; "pointwise": a gate for each channel, by a 1x1 convolution (HiFill's "ds").
        activation: of the features: name or function, as in Keras, or `None`.
        kernel_initializer, bias_initializer: of both kernels and both biases, as in Keras.

    Call arguments:
        inputs: `[B, H, W, C]`.

    Output shape: `[B, H / strides, W / strides, filters]`, rounded up.

    Raises:
        ValueError: if `gate` is unknown, or strides and dilation are both above 1.

    Source: Yu et al. 2019, arXiv:1806.03589, equation (2); Yi et al. 2020, arXiv:2005.09704, section 3.3.

    Example:
        >>> GatedConv2D(8, 3, strides=2)(tf.zeros([1, 16, 16, 4])).shape
        TensorShape([1, 8, 8, 8])
    """

    def __init__(
        self,
        filters,
        kernel_size,
        *,
        strides=1,
        dilation_rate=1,
        gate="regular",
        activation="elu",
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if gate not in GATES:
            raise ValueError(f"`gate` must be one of {GATES}. Received: gate={gate!r}.")
        ops.convolution.check_strides(strides, dilation_rate)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.dilation_rate = dilation_rate
        self.gate = gate
        # Ours has the same values; its gradient is fast in half precision.
        self.activation = ops.activation.elu if activation == "elu" else keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, input_shape):
        channels = input_shape[-1]
        gate_filters = 1 if self.gate == "slice" else self.filters
        gate_size = 1 if self.gate == "pointwise" else self.kernel_size
        self.kernel = self._add_kernel("kernel", self.kernel_size, channels, self.filters)
        self.bias = self._add_bias("bias", self.filters)
        self.gate_kernel = self._add_kernel("gate_kernel", gate_size, channels, gate_filters)
        self.gate_bias = self._add_bias("gate_bias", gate_filters)
        self.built = True

    def _add_kernel(self, name, size, channels, filters):
        # A new one for each kernel: an initializer that is asked twice gives the same numbers.
        initializer = keras.initializers.get(keras.initializers.serialize(self.kernel_initializer))
        shape = (size, size, channels, filters)
        return self.add_weight(name=name, shape=shape, initializer=initializer, **compat.keep_float32())

    def _add_bias(self, name, filters):
        return self.add_weight(name=name, shape=(filters,), initializer=self.bias_initializer, **compat.keep_float32())

    def call(self, inputs):
        kernel, bias, gate_kernel, gate_bias = (
            tf.convert_to_tensor(weight) for weight in (self.kernel, self.bias, self.gate_kernel, self.gate_bias)
        )
        if self.gate == "pointwise":
            features = self._convolve(inputs, kernel, bias, dilation_rate=self.dilation_rate)
            gate = self._convolve(inputs, gate_kernel, gate_bias, dilation_rate=1)
        else:
            kernel, bias = tf.concat([kernel, gate_kernel], axis=3), tf.concat([bias, gate_bias], axis=0)
            both = self._convolve(inputs, kernel, bias, dilation_rate=self.dilation_rate)
            # Not by slices: each slice's gradient would be padded to the whole map, and both then added.
            features, gate = tf.split(both, [self.filters, gate_kernel.shape[3]], axis=3)
        features = features if self.activation is None else self.activation(features)
        return features * tf.sigmoid(gate)

    def _convolve(self, inputs, kernel, bias, *, dilation_rate):
        kernel = tf.cast(kernel, self.compute_dtype)
        outputs = ops.convolution.conv2d(inputs, kernel, strides=self.strides, padding="SAME", dilation_rate=dilation_rate)
        return ops.convolution.add_bias(outputs, bias)

    def compute_output_shape(self, input_shape):
        sizes = [None if size is None else -(-size // self.strides) for size in input_shape[1:3]]
        return (input_shape[0], *sizes, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "dilation_rate": self.dilation_rate,
            "gate": self.gate,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }
