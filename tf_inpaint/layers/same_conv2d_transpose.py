"""A transposed convolution that learns its bias in half precision too."""

import keras
import tensorflow as tf

from tf_inpaint import ops


@keras.saving.register_keras_serializable(package="tf_inpaint")
class SameConv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` with padding "same", whose bias' gradient is summed in float32.

    Keras sums it in the dtype of the pictures, and a bfloat16 sum over the pixels of a few pictures stops growing: see
    `ops.convolution.add_bias`. Values, weights and arguments are those of the base class, restricted to
    `data_format="channels_last"`, `dilation_rate=1`, `output_padding=None` and padding "same", which is the default here.

    Call arguments:
        inputs: `[B, H, W, C]`.

    Output shape: `[B, strides H, strides W, filters]`.

    Raises:
        ValueError: on an argument outside the restriction.

    Example:
        >>> SameConv2DTranspose(8, 3, strides=2)(tf.zeros([1, 4, 4, 2])).shape
        TensorShape([1, 8, 8, 8])
    """

    def __init__(self, filters, kernel_size, *, padding="same", **kwargs):
        super().__init__(filters, kernel_size, padding=padding, **kwargs)
        is_known = self.data_format == "channels_last" and self.padding == "same" and self.output_padding is None
        if not is_known or set(self.dilation_rate) != {1}:
            raise ValueError(
                "`SameConv2DTranspose` takes data_format='channels_last', padding='same', output_padding=None and dilation_rate=1. "
                f"Received: data_format={self.data_format!r}, padding={self.padding!r}, output_padding={self.output_padding}, "
                f"dilation_rate={self.dilation_rate}. Use `keras.layers.Conv2DTranspose`."
            )

    def call(self, inputs):
        batch, height, width, _ = tf.unstack(tf.shape(inputs))
        outputs = tf.nn.conv2d_transpose(
            tf.cast(inputs, self.compute_dtype),
            tf.cast(self.kernel, self.compute_dtype),
            output_shape=tf.stack([batch, height * self.strides[0], width * self.strides[1], self.filters]),
            strides=self.strides,
            padding="SAME",
        )
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        if self.use_bias:
            outputs = ops.convolution.add_bias(outputs, tf.cast(self.bias, self.compute_dtype))
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape):
        sizes = [None if size is None else size * stride for size, stride in zip(input_shape[1:3], self.strides, strict=True)]
        return (input_shape[0], *sizes, self.filters)
