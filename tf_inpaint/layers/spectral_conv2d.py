"""Convolution with a differentiable spectral normalisation of its kernel."""

import keras
import tensorflow as tf

from tf_inpaint import compat
from tf_inpaint.layers.convolution_layer import ConvolutionLayer

# Added to norms before dividing, as in the published code.
NORM_EPSILON = 1e-12


@keras.saving.register_keras_serializable(package="tf_inpaint")
class SpectralConv2D(ConvolutionLayer):
    """Convolution whose kernel is divided by an estimate of its largest singular value.

    The kernel `[kh, kw, C_in, C_out]` is read as the matrix W of shape `[kh kw C_in, C_out]`. A persistent row vector u estimates its
    first right singular vector: each call makes one power iteration, v = normalise(u W^T), u' = normalise(v W), and sigma = v W u'^T.
    Only training calls keep u'; a call with `training=False` iterates from the stored u and forgets the result. The division is
    part of the forward pass and the gradient flows through sigma, u' and v to the kernel, which itself is never overwritten
    (the layers of Keras 2.15 and tensorflow-addons overwrite it, which changes the gradient).

    The estimate is made in float32 under any precision policy.

    Args:
        filters: number of output channels.
        kernel_size: one number, or (height, width), in pixels.
        strides: one number, or (height, width).
        padding: "same" or "valid".
        use_bias: whether a bias is added.
        activation: name or function, as in Keras, or `None`.
        kernel_initializer, bias_initializer: as in Keras.

    Call arguments:
        inputs: `[B, H, W, C]`.
        training: whether u is updated.

    Output shape: `[B, H', W', filters]`, `H' = ceil(H / stride)` with padding "same".

    Source: Miyato et al. 2018, arXiv:1802.05957, algorithm 1; the matrix form and the flow of the gradient follow the released code of
    Yu et al. 2019, arXiv:1806.03589.

    Example:
        >>> SpectralConv2D(8, 5, strides=2)(tf.zeros([1, 16, 16, 3])).shape
        TensorShape([1, 8, 8, 8])
    """

    def __init__(
        self,
        filters,
        kernel_size,
        *,
        strides=1,
        padding="same",
        use_bias=True,
        activation=None,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(
            filters=filters,
            kernel_size=kernel_size,
            strides=(strides, strides) if isinstance(strides, int) else tuple(strides),
            use_bias=use_bias,
            activation=activation,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            **kwargs,
        )
        self.padding = padding
        if padding not in ("same", "valid"):
            raise ValueError(f"`padding` must be 'same' or 'valid'. Received: padding={padding!r}.")

    def build(self, input_shape):
        self._add_kernel(input_shape[-1], self.filters)
        self.u = self.add_weight(
            name="u",
            shape=(1, self.filters),
            initializer=keras.initializers.TruncatedNormal(stddev=1.0),
            trainable=False,
            # Every replica computes the same u' from the same kernel: taking the first one's keeps them in step.
            **compat.only_first_replica(),
            **compat.keep_float32(),
        )
        self._add_bias()
        self.built = True

    def call(self, inputs, training=False):
        kernel = self._normalised_kernel(update=bool(training))
        outputs = tf.nn.conv2d(inputs, tf.cast(kernel, self.compute_dtype), strides=self.strides, padding=self.padding.upper())
        return self._activated(outputs)

    def _normalised_kernel(self, *, update):
        kernel = tf.convert_to_tensor(self.kernel)
        matrix = tf.reshape(kernel, [-1, self.filters])
        v = _normalise(tf.matmul(tf.convert_to_tensor(self.u), matrix, transpose_b=True))
        u = _normalise(tf.matmul(v, matrix))
        if update:
            self.u.assign(tf.stop_gradient(u))
        sigma = tf.matmul(tf.matmul(v, matrix), u, transpose_b=True)
        return kernel / tf.reshape(sigma, [])

    def compute_output_shape(self, input_shape):
        sizes = []
        for size, kernel, stride in zip(input_shape[1:3], self.kernel_size, self.strides, strict=True):
            reach = 1 if self.padding == "same" else kernel
            sizes.append(None if size is None else (size - reach) // stride + 1)
        return (input_shape[0], *sizes, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "padding": self.padding,
        }


def _normalise(vector):
    return vector / (tf.norm(vector) + NORM_EPSILON)
