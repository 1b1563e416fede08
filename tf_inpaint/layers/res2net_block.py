"""Res2Net block: a residual block with several receptive fields inside."""

import keras
import tensorflow as tf

from tf_inpaint.layers.fusable_conv2d import FusableConv2D

NORMS = (None, "batch")


@keras.saving.register_keras_serializable(package="tf_inpaint")
class Res2NetBlock(keras.layers.Layer):
    """Splits the channels into groups that see more and more of each other, inside a residual block.

    A 1x1 convolution to `scale * width` channels is split into groups x_1 ... x_s; y_1 = K_1(x_1), y_i = K_i(x_i + y_{i-1}) for
    2 <= i < s with 3x3 convolutions K_i, y_s = x_s; the groups are concatenated, projected back by a 1x1 convolution, added to the input
    and activated. Every convolution but the last is followed by the activation.

    Args:
        scale: number of groups s, at least 2.
        width: channels of a group; `None` for a quarter of the input's channels, which with `scale=4` keeps all channels.
        activation: name or function, as in Keras.
        norm: `None` (convolutions have biases), or "batch": batch normalisation after each convolution, and no biases, as in the
            published classification networks.

    Call arguments:
        inputs: `[B, H, W, C]`.
        training: whether batch statistics are used, with `norm="batch"`.

    Output shape: that of the input.

    Raises:
        ValueError: if `scale` is below 2 or `norm` unknown.

    Source: Gao et al. 2021, arXiv:1904.01169, figure 2 and equation (1). Like the released code, and unlike the figure, the last group and
    not the first stays unconvolved: the same up to the order of channels. `width=26, norm="batch", activation="relu"` is the released
    block; its variant for the first block of a stage is not offered.

    Example:
        >>> Res2NetBlock()(tf.zeros([1, 8, 8, 64])).shape
        TensorShape([1, 8, 8, 64])
    """

    def __init__(self, *, scale=4, width=None, activation="elu", norm=None, **kwargs):
        super().__init__(**kwargs)
        if scale < 2:
            raise ValueError(f"`scale` must be at least 2. Received: scale={scale}.")
        if norm not in NORMS:
            raise ValueError(f"`norm` must be one of {NORMS}. Received: norm={norm!r}.")
        self.scale = scale
        self.width = width
        self.activation = keras.activations.get(activation)
        self.norm = norm

    def build(self, input_shape):
        channels = input_shape[-1]
        self.group_width = channels // 4 if self.width is None else self.width
        self.reduce = self._convolution(self.scale * self.group_width, 1, activated=True, name="reduce")
        self.group_convolutions = [
            self._convolution(self.group_width, 3, activated=True, name=f"group_{i + 1}") for i in range(self.scale - 1)
        ]
        self.restore = self._convolution(channels, 1, activated=False, name="restore")
        inner_shape = (*input_shape[:-1], self.scale * self.group_width)
        self.reduce.build(input_shape)
        for convolution in self.group_convolutions:
            convolution.build((*input_shape[:-1], self.group_width))
        self.restore.build(inner_shape)
        self.built = True

    def _convolution(self, filters, kernel_size, *, activated, name):
        activation = self.activation if activated else None
        # Parts take the block's own dtype policy: the global one may be another.
        return _NormalisedConvolution(filters, kernel_size, norm=self.norm, activation=activation, dtype=self.dtype_policy, name=name)

    def call(self, inputs, training=False):
        groups = tf.split(self.reduce(inputs, training=training), self.scale, axis=-1)
        outputs = [self.group_convolutions[0](groups[0], training=training)]
        for group, convolution in zip(groups[1:-1], self.group_convolutions[1:], strict=True):
            outputs.append(convolution(group + outputs[-1], training=training))
        outputs.append(groups[-1])
        return self.activation(inputs + self.restore(tf.concat(outputs, axis=-1), training=training))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "scale": self.scale,
            "width": self.width,
            "activation": keras.activations.serialize(self.activation),
            "norm": self.norm,
        }


class _NormalisedConvolution(keras.layers.Layer):
    """Convolution, optional batch normalisation, optional activation; a part of `Res2NetBlock` with no life of its own."""

    def __init__(self, filters, kernel_size, *, norm, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = activation if norm else None
        self.convolution = FusableConv2D(
            filters,
            kernel_size,
            padding="same",
            use_bias=not norm,
            activation=None if norm else activation,
            dtype=self.dtype_policy,
            name="convolution",
        )
        # Momentum 0.9 and epsilon 1e-5 are the values of the released networks.
        self.batch_norm = None
        if norm:
            self.batch_norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=self.dtype_policy, name="batch_norm")

    def build(self, input_shape):
        self.convolution.build(input_shape)
        if self.batch_norm is not None:
            self.batch_norm.build((*input_shape[:-1], self.convolution.filters))
        self.built = True

    def call(self, inputs, training=False):
        outputs = self.convolution(inputs)
        if self.batch_norm is not None:
            outputs = self.batch_norm(outputs, training=training)
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.convolution.filters)
