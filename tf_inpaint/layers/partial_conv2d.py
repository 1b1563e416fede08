"""A convolution that looks at valid pixels only."""

import numbers

import keras
import tensorflow as tf

from tf_inpaint import compat, ops


@keras.saving.register_keras_serializable(package="tf_inpaint")
class PartialConv2D(keras.layers.Layer):
    """Partial convolution: a window's weighted sum over its valid pixels, scaled up for the missing ones.

    With features X, validity M (1 = valid), kernel W and bias b, in each window:

        X' = W . (X * M) * sum(1) / sum(M) + b   and M' = 1   where sum(M) > 0
        X' = 0                                   and M' = 0   elsewhere

    Where everything is valid this is an ordinary convolution, except at the border: the zeros of the padding count as missing.

    M has a value for each channel of X in the paper; but all channels that come from one source share it, so M is carried with one
    channel for each source. Two sources meet where features are concatenated: there M has two channels, and `source_channels` tells how
    many of the feature channels belong to each. The numbers are those of the full M, at a fraction of the cost.

    Args:
        filters: number of output channels.
        kernel_size: odd number of pixels, the same for height and width.
        strides: 1 or more.
        dilation_rate: 1 or more; above 1 it needs strides of 1.
        padding: "same" pads (kernel_size - 1) / 2 * dilation_rate zeros on all four sides, at any stride, as the published code does (and
            TensorFlow's "SAME" does not); "valid" pads nothing.
        source_channels: feature channels of each channel of M, in order; `None` for an M of one channel, or of as many as the features.
        scale: "window" for sum(1) / sum(M), "inverse_sum" for the 1 / sum(M) of the paper's first version, both with sums over all
            feature channels of a window.
        use_bias: whether there is a b.
        kernel_initializer: He's normal initialisation by default.
        **kwargs: of `keras.layers.Layer`.

    Call arguments:
        inputs: `(features [B, H, W, C], validity [B, H, W, S] in {0, 1})`, S the number of sources.

    Output: `(features [B, H', W', filters] in the compute dtype, validity [B, H', W', 1] float32)`. The sums over M and their ratio are
        computed in float32 under any policy. M has no gradient, and its window sums use a constant kernel, not a weight.

    Raises:
        ValueError: on an argument or a number of channels outside of this.

    Source: Liu et al. 2018, arXiv:1804.07723, equations (1) and (2); with the scale sum(1) / sum(M) of the published layer.

    Example:
        >>> features, validity = PartialConv2D(8, 3)((tf.ones([1, 4, 4, 2]), tf.zeros([1, 4, 4, 1])))
        >>> float(tf.reduce_max(tf.abs(features))), float(tf.reduce_max(validity))
        (0.0, 0.0)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        *,
        strides: int = 1,
        dilation_rate: int = 1,
        padding: str = "same",
        source_channels: tuple[int, ...] | None = None,
        scale: str = "window",
        use_bias: bool = True,
        kernel_initializer="he_normal",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if padding not in ("same", "valid"):
            raise ValueError(f"`padding` must be 'same' or 'valid'. Received: padding={padding!r}.")
        if scale not in ("window", "inverse_sum"):
            raise ValueError(f"`scale` must be 'window' or 'inverse_sum'. Received: scale={scale!r}.")
        for argument, value in {"filters": filters, "kernel_size": kernel_size, "strides": strides, "dilation_rate": dilation_rate}.items():
            if not isinstance(value, numbers.Integral) or value < 1:
                raise ValueError(f"`{argument}` must be a whole number, at least 1, not a pair. Received: {argument}={value!r}.")
        if kernel_size % 2 == 0:
            raise ValueError(f"`kernel_size` must be odd. Received: kernel_size={kernel_size}.")
        ops.convolution.check_strides(strides, dilation_rate)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.dilation_rate = dilation_rate
        self.padding = padding
        self.source_channels = None if source_channels is None else tuple(source_channels)
        self.scale = scale
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        features_shape, validity_shape = input_shape
        channels, num_sources = features_shape[-1], validity_shape[-1]
        self._counts = self.source_channels or ((channels,) if num_sources == 1 else (1,) * num_sources)
        if len(self._counts) != num_sources or sum(self._counts) != channels:
            raise ValueError(
                f"The validity has {num_sources} channels and the features {channels}; `source_channels` must have an entry for each of "
                f"the former, with the sum {channels}. Received: source_channels={self.source_channels}."
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, channels, self.filters),
            initializer=self.kernel_initializer,
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros", **compat.keep_float32())
        self.built = True

    def call(self, inputs):
        features, validity = inputs
        validity = tf.stop_gradient(tf.cast(validity, tf.float32))
        num_valid = self._convolve(validity, self._count_kernel())
        is_valid = num_valid > 0.5
        # Where nothing is valid the ratio is 0, not 1 / 0: no NaN reaches a gradient.
        size = self.kernel_size**2 * sum(self._counts) if self.scale == "window" else 1
        ratio = tf.math.divide_no_nan(tf.cast(size, tf.float32), num_valid)
        outputs = self._convolve(self._blank(features, validity), tf.cast(self.kernel, self.compute_dtype))
        outputs *= tf.cast(ratio, self.compute_dtype)
        if self.use_bias:
            with_bias = ops.convolution.add_bias(outputs, tf.convert_to_tensor(self.bias))
            outputs = tf.where(is_valid, with_bias, tf.zeros([], self.compute_dtype))
        return outputs, tf.cast(is_valid, tf.float32)

    def _count_kernel(self):
        """Kernel that counts the valid feature values of a window: each source as often as it has channels."""
        counts = tf.reshape(tf.constant(self._counts, tf.float32), [1, 1, -1, 1])
        return tf.tile(counts, [self.kernel_size, self.kernel_size, 1, 1])

    def _blank(self, features, validity):
        """X * M as a selection: what is behind M = 0 has no influence, be it NaN."""
        zero = tf.zeros([], self.compute_dtype)
        features = tf.cast(features, self.compute_dtype)
        is_valid = validity > 0.5
        if len(self._counts) in (1, features.shape[-1]):
            return tf.where(is_valid, features, zero)
        parts = zip(tf.split(features, self._counts, axis=-1), tf.split(is_valid, len(self._counts), axis=-1), strict=True)
        return tf.concat([tf.where(each_is_valid, part, zero) for part, each_is_valid in parts], axis=-1)

    def _convolve(self, inputs, kernel):
        return ops.convolution.conv2d(inputs, kernel, strides=self.strides, padding=self._margin(), dilation_rate=self.dilation_rate)

    def _margin(self):
        return (self.kernel_size - 1) // 2 * self.dilation_rate if self.padding == "same" else 0

    def compute_output_shape(self, input_shape):
        shape, margin = input_shape[0], self._margin()
        reach = (self.kernel_size - 1) * self.dilation_rate + 1
        sizes = [None if size is None else (size + 2 * margin - reach) // self.strides + 1 for size in shape[1:3]]
        return (shape[0], *sizes, self.filters), (shape[0], *sizes, 1)

    def compute_output_spec(self, inputs):
        features, _ = inputs
        outputs, validity = self.compute_output_shape([tuple(each.shape) for each in inputs])
        return keras.KerasTensor(outputs, self.compute_dtype), keras.KerasTensor(validity, "float32")

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "dilation_rate": self.dilation_rate,
            "padding": self.padding,
            "source_channels": self.source_channels,
            "scale": self.scale,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
