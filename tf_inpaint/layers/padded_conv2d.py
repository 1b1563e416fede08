"""Convolution with explicit symmetrical padding, by zeros or by reflection, and optional spectral normalisation."""

import keras
import tensorflow as tf

from tf_inpaint import ops
from tf_inpaint.layers.convolution_layer import ConvolutionLayer
from tf_inpaint.layers.spectral_state import add_spectral_state, spectrally_normalised

PAD_MODES = ("zero", "reflect")


@keras.saving.register_keras_serializable(package="tf_inpaint")
class PaddedConv2D(ConvolutionLayer):
    """Convolution as PyTorch networks have it: so many pixels of padding on each side, whatever stride and kernel are.

    TensorFlow's "same" pads strided and even kernels differently; published weights need the padding they were trained with. With
    spectral normalisation the kernel is divided by an estimate of its largest singular value, see `ops.spectral`: training calls make
    one power iteration and keep u and v, other calls use them as they are. The estimate is made in float32 under any policy.

    Args:
        filters: number of output channels.
        kernel_size: one number, or (height, width), in pixels.
        strides: one number, the same both ways.
        dilation_rate: one number; above 1 needs `strides=1`.
        padding: pixels on each side, at least 0.
        pad_mode: "zero", or "reflect": mirrored at the edge pixel, which is not repeated (`ops.image.reflect_pad`).
        spectral_norm: whether the kernel is normalised.
        use_bias: whether a bias is added.
        activation: name or function, as in Keras, or `None`.
        kernel_initializer, bias_initializer: as in Keras.

    Call arguments:
        inputs: `[B, H, W, C]`.
        training: whether u and v are updated.

    Output shape: `[B, H', W', filters]`, `H' = floor((H + 2 padding - dilation_rate (kernel - 1) - 1) / stride) + 1`.

    Raises:
        ValueError: if an argument is out of its range.

    Example:
        >>> PaddedConv2D(8, 4, strides=2, padding=1, spectral_norm=True)(tf.zeros([1, 16, 16, 3])).shape
        TensorShape([1, 8, 8, 8])
    """

    def __init__(
        self,
        filters,
        kernel_size,
        *,
        strides=1,
        dilation_rate=1,
        padding=0,
        pad_mode="zero",
        spectral_norm=False,
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
        if padding < 0 or pad_mode not in PAD_MODES:
            raise ValueError(
                f"`padding` must be at least 0 and `pad_mode` one of {PAD_MODES}. Received: padding={padding}, pad_mode={pad_mode!r}."
            )
        ops.convolution.check_strides(strides, dilation_rate)
        self.dilation_rate = dilation_rate
        self.padding = padding
        self.pad_mode = pad_mode
        self.spectral_norm = spectral_norm

    def build(self, input_shape):
        self._add_kernel(input_shape[-1], self.filters)
        if self.spectral_norm:
            add_spectral_state(self, output_axis=3)
        self._add_bias()
        self.built = True

    def call(self, inputs, training=False):
        kernel = tf.convert_to_tensor(self.kernel)
        if self.spectral_norm:
            kernel = spectrally_normalised(self, output_axis=3, update=bool(training))
        return self._activated(self._convolve(inputs, tf.cast(kernel, self.compute_dtype)))

    def _convolve(self, inputs, kernel):
        padding = self.padding
        if padding and self.pad_mode == "reflect":
            inputs, padding = ops.image.reflect_pad(inputs, padding), 0
        return ops.convolution.conv2d(inputs, kernel, strides=self.strides, padding=padding, dilation_rate=self.dilation_rate)

    def compute_output_shape(self, input_shape):
        sizes = []
        for size, kernel in zip(input_shape[1:3], self.kernel_size, strict=True):
            reach = self.dilation_rate * (kernel - 1) + 1
            sizes.append(None if size is None else (size + 2 * self.padding - reach) // self.strides + 1)
        return (input_shape[0], *sizes, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "dilation_rate": self.dilation_rate,
            "padding": self.padding,
            "pad_mode": self.pad_mode,
            "spectral_norm": self.spectral_norm,
        }
