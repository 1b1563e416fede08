"""Dense layer with an equalised learning rate."""

import keras
import tensorflow as tf

from tf_inpaint import compat, ops


@keras.saving.register_keras_serializable(package="tf_inpaint")
class EqualizedDense(keras.layers.Layer):
    """Dense layer whose kernel is drawn with deviation 1 and scaled when it is used, so that Adam moves all layers alike.

    `y = x W m / sqrt(C) + b m`, m the `learning_rate_multiplier`; the kernel is drawn with deviation 1 / m.

    Args:
        units: number of output features.
        learning_rate_multiplier: how much slower than others the layer learns, positive.
        use_bias: whether a bias is added.
        bias_initializer: number that the biases start with (times `learning_rate_multiplier` it is what they add).
        kernel_deviation: of the initial kernel, times `1 / learning_rate_multiplier`; 0 lets the layer start with its bias alone.
        activation: `None`, or "scaled_leaky_relu", see `ops.activation`.

    Call arguments:
        inputs: `[..., C]`.

    Output shape: `[..., units]`.

    Source: Karras et al. 2018, arXiv:1710.10196, section 4.1; 2020, arXiv:1912.04958, released code.

    Example:
        >>> EqualizedDense(8)(tf.zeros([2, 4])).shape
        TensorShape([2, 8])
    """

    def __init__(
        self,
        units,
        *,
        learning_rate_multiplier=1.0,
        use_bias=True,
        bias_initializer=0.0,
        kernel_deviation=1.0,
        activation=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if activation not in (None, "scaled_leaky_relu"):
            raise ValueError(f"`activation` must be None or 'scaled_leaky_relu'. Received: activation={activation!r}.")
        self.units = units
        self.learning_rate_multiplier = learning_rate_multiplier
        self.use_bias = use_bias
        self.bias_initializer = bias_initializer
        self.kernel_deviation = kernel_deviation
        self.activation = activation

    def build(self, input_shape):
        deviation = self.kernel_deviation / self.learning_rate_multiplier
        initializer = keras.initializers.RandomNormal(stddev=deviation) if deviation else "zeros"
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units), initializer=initializer, **compat.keep_float32())
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=keras.initializers.Constant(self.bias_initializer),
                **compat.keep_float32(),
            )
        self.built = True

    def call(self, inputs):
        gain = self.learning_rate_multiplier * self.kernel.shape[0] ** -0.5
        kernel = tf.cast(tf.convert_to_tensor(self.kernel) * gain, inputs.dtype)
        outputs = tf.tensordot(inputs, kernel, axes=1)
        if self.use_bias:
            outputs = outputs + tf.cast(tf.convert_to_tensor(self.bias) * self.learning_rate_multiplier, outputs.dtype)
        return ops.activation.scaled_leaky_relu(outputs) if self.activation else outputs

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "learning_rate_multiplier": self.learning_rate_multiplier,
            "use_bias": self.use_bias,
            "bias_initializer": self.bias_initializer,
            "kernel_deviation": self.kernel_deviation,
            "activation": self.activation,
        }
