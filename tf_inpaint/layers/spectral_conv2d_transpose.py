"""Transposed convolution with spectral normalisation."""

import keras
import tensorflow as tf

from tf_inpaint.layers.convolution_layer import ConvolutionLayer
from tf_inpaint.layers.spectral_state import add_spectral_state, spectrally_normalised


@keras.saving.register_keras_serializable(package="tf_inpaint")
class SpectralConv2DTranspose(ConvolutionLayer):
    """Transposed convolution ("same") whose kernel is divided by an estimate of its largest singular value.

    The matrix has one column per output channel, as with a convolution. Training calls make one power iteration and keep u and v,
    other calls use them as they are; see `ops.spectral`. The estimate is made in float32 under any policy.

    Args:
        filters: number of output channels.
        kernel_size: one number, or (height, width), in pixels. With 4 and `strides=2` "same" is PyTorch's `padding=1`.
        strides: factor on height and width.
        use_bias: whether a bias is added.
        activation: name or function, as in Keras, or `None`.
        kernel_initializer, bias_initializer: as in Keras.

    Call arguments:
        inputs: `[B, H, W, C]`.
        training: whether u and v are updated.

    Output shape: `[B, strides H, strides W, filters]`.

    Source: Miyato et al. 2018, arXiv:1802.05957, in the form of `torch.nn.utils.spectral_norm`.

    Example:
        >>> SpectralConv2DTranspose(8, 4, strides=2)(tf.zeros([1, 16, 16, 3])).shape
        TensorShape([1, 32, 32, 8])
    """

    def __init__(
        self,
        filters,
        kernel_size,
        *,
        strides=1,
        use_bias=True,
        activation=None,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            use_bias=use_bias,
            activation=activation,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            **kwargs,
        )

    def build(self, input_shape):
        self._add_kernel(self.filters, input_shape[-1])
        add_spectral_state(self, output_axis=2)
        self._add_bias()
        self.built = True

    def call(self, inputs, training=False):
        kernel = spectrally_normalised(self, output_axis=2, update=bool(training))
        batch, height, width, _ = tf.unstack(tf.shape(inputs))
        outputs = tf.nn.conv2d_transpose(
            inputs,
            tf.cast(kernel, self.compute_dtype),
            output_shape=tf.stack([batch, height * self.strides, width * self.strides, self.filters]),
            strides=self.strides,
            padding="SAME",
        )
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return self._activated(outputs)

    def compute_output_shape(self, input_shape):
        sizes = [None if size is None else size * self.strides for size in input_shape[1:3]]
        return (input_shape[0], *sizes, self.filters)
