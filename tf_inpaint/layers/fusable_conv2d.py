"""A convolution that TensorFlow can fuse with its bias and activation."""

import keras
import tensorflow as tf

from tf_inpaint import ops


@keras.saving.register_keras_serializable(package="tf_inpaint")
class FusableConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` whose graph is convolution, bias, activation: the pattern that TensorFlow runs as one kernel.

    Keras 3 adds the bias by a reshape and a broadcast sum, which keeps TensorFlow from fusing the three; on a CPU in bfloat16 the
    unfused bias and activation cost as much as the convolution. Values, weights and arguments are those of the base class,
    restricted to `data_format="channels_last"`, `groups=1` and padding "same" or "valid".

    Call arguments:
        training: `True` sums the bias' gradient in float32 (see `ops.convolution.add_bias`), and leaves the activation by itself.

    Input shape: `[B, H, W, C]`. Output shape: `[B, H', W', filters]`, as of the base class.

    Raises:
        ValueError: on an argument outside the restriction.

    Example:
        >>> FusableConv2D(8, 3, padding="same", activation="relu")(tf.zeros([1, 4, 4, 2])).shape
        TensorShape([1, 4, 4, 8])
    """

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(filters, kernel_size, **kwargs)
        if self.groups != 1 or self.data_format != "channels_last" or self.padding not in ("same", "valid"):
            raise ValueError(
                "`FusableConv2D` takes groups=1, data_format='channels_last' and padding 'same' or 'valid'. Received: "
                f"groups={self.groups}, data_format={self.data_format!r}, padding={self.padding!r}. Use `keras.layers.Conv2D`."
            )

    def call(self, inputs, training=False):
        outputs = ops.convolution.conv2d(
            tf.cast(inputs, self.compute_dtype),
            tf.cast(self.kernel, self.compute_dtype),
            strides=self.strides,
            padding=self.padding.upper(),
            dilation_rate=self.dilation_rate,
        )
        if self.use_bias:
            # The exact sum of the bias' gradient keeps bias and activation from being fused: only where there is a gradient.
            add_bias = ops.convolution.add_bias if training else tf.nn.bias_add
            outputs = add_bias(outputs, tf.cast(self.bias, self.compute_dtype))
        return outputs if self.activation is None else self.activation(outputs)
