"""Dense layer with an equalised learning rate."""

import math

import keras
import tensorflow as tf

from tf_inpaint import compat


@keras.saving.register_keras_serializable(package="tf_inpaint")
class EqualizedDense(keras.layers.Layer):
    """`activation(learning_rate_multiplier * (inputs kernel / sqrt(fan_in) + bias))`: weights of deviation 1, scaled when used.

    An optimizer that normalises its steps, such as Adam, then changes each layer's effective weights at the same relative speed,
    `learning_rate_multiplier` times as fast. Computed in float32 under any policy, and cast to its compute dtype.

    Args:
        units: number of outputs.
        learning_rate_multiplier: factor on kernel and bias when used; the kernel starts with the deviation 1 over it.
        bias_init: what the used bias starts at.
        kernel_init: "normal", or "zeros": the layer then starts as its bias.
        activation: name or function, as in Keras, or `None`.

    Call arguments:
        inputs: `[..., C]`.

    Output shape: `[..., units]`.

    Raises:
        ValueError: if `kernel_init` is neither of the two.

    Source: Karras et al. 2018, arXiv:1710.10196, section 4.1; `EqualLinear` of the PyTorch codes of StyleGAN2.

    Example:
        >>> EqualizedDense(8)(tf.zeros([2, 4])).shape
        TensorShape([2, 8])
    """

    def __init__(self, units, *, learning_rate_multiplier=1.0, bias_init=0.0, kernel_init="normal", activation=None, **kwargs):
        super().__init__(**kwargs)
        if kernel_init not in ("normal", "zeros"):
            raise ValueError(f"`kernel_init` must be 'normal' or 'zeros'. Received: kernel_init={kernel_init!r}.")
        self.units = units
        self.learning_rate_multiplier = learning_rate_multiplier
        self.bias_init = bias_init
        self.kernel_init = kernel_init
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        multiplier = self.learning_rate_multiplier
        normal = keras.initializers.RandomNormal(stddev=1.0 / multiplier)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.units),
            initializer=normal if self.kernel_init == "normal" else "zeros",
            **compat.keep_float32(),
        )
        bias = keras.initializers.Constant(self.bias_init / multiplier)
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer=bias, **compat.keep_float32())
        self.built = True

    def call(self, inputs):
        kernel, bias = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        scale = self.learning_rate_multiplier / math.sqrt(kernel.shape[0])
        outputs = tf.tensordot(tf.cast(inputs, tf.float32), kernel * scale, 1) + bias * self.learning_rate_multiplier
        outputs = outputs if self.activation is None else self.activation(outputs)
        return tf.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "learning_rate_multiplier": self.learning_rate_multiplier,
            "bias_init": self.bias_init,
            "kernel_init": self.kernel_init,
            "activation": keras.activations.serialize(self.activation),
        }
