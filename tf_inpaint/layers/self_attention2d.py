"""Self-attention over the pixels of a feature map, in the three published forms."""

import keras
import tensorflow as tf

from tf_inpaint.layers.fusable_conv2d import FusableConv2D
from tf_inpaint.layers.spectral_conv2d import SpectralConv2D
from tf_inpaint.ops import attention

# form -> (channels of the values are C divided by this, whether a 1x1 convolution leads back to C).
FORMS = {"icml": (8, True), "arxiv": (1, False), "released": (2, True)}
METHODS = ("blockwise", "dense")


@keras.saving.register_keras_serializable(package="tf_inpaint")
class SelfAttention2D(keras.layers.Layer):
    """Adds to each pixel a mixture of all pixels, weighted by the softmax of query-key products.

    With q = f(x), k = g(x) of C/8 channels and values h(x): `outputs = inputs + gamma * v(softmax(q k^T) h(x))`, the softmax over the
    keys for each query, without scaling of the scores; gamma starts at 0, so that the layer starts as the identity.

    Args:
        form: "icml": values of C/8 channels and an output convolution (the text of the conference paper; our default);
            "arxiv": values of C channels, no output convolution (first preprint, and most re-implementations);
            "released": values of C/2 channels and an output convolution (the authors' code, which also sets
            `kv_pool=2, use_bias=False, spectral_norm=True`).
        kv_pool: factor of max-pooling of keys and values; 2 makes the maps 4 times smaller.
        use_bias: whether the 1x1 convolutions have biases.
        spectral_norm: whether their kernels are spectrally normalised.
        method: "blockwise" (exact, memory grows with N), or "dense" (the whole N x N map; for comparison).
        block_size: queries per block; `None` chooses.

    Call arguments:
        inputs: `[B, H, W, C]`, C at least 8; H and W divisible by `kv_pool`.
        training: passed to the spectral normalisation.

    Output shape: that of the input.

    Raises:
        ValueError: if `form` or `method` is unknown, `kv_pool` not positive, or the input has fewer than 8 channels.

    Source: Zhang et al. 2019 (SAGAN), PMLR 97, section 3, and arXiv:1805.08318.

    Example:
        >>> SelfAttention2D()(tf.zeros([1, 8, 8, 16])).shape
        TensorShape([1, 8, 8, 16])
    """

    def __init__(
        self,
        *,
        form="icml",
        kv_pool=1,
        use_bias=True,
        spectral_norm=False,
        method="blockwise",
        block_size=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if form not in FORMS:
            raise ValueError(f"`form` must be one of {sorted(FORMS)}. Received: form={form!r}.")
        if method not in METHODS:
            raise ValueError(f"`method` must be one of {METHODS}. Received: method={method!r}.")
        if kv_pool < 1:
            raise ValueError(f"`kv_pool` must be at least 1. Received: kv_pool={kv_pool}.")
        self.form = form
        self.kv_pool = kv_pool
        self.use_bias = use_bias
        self.spectral_norm = spectral_norm
        self.method = method
        self.block_size = block_size

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels < 8:
            raise ValueError(f"`SelfAttention2D` needs at least 8 input channels. Received: {channels}.")
        value_divisor, projects = FORMS[self.form]
        value_channels = channels // value_divisor
        self.query = self._projection(channels // 8, "query")
        self.key = self._projection(channels // 8, "key")
        self.value = self._projection(value_channels, "value")
        self.output_projection = self._projection(channels, "output_projection") if projects else None
        for projection in (self.query, self.key, self.value):
            projection.build(input_shape)
        if self.output_projection is not None:
            self.output_projection.build((*input_shape[:-1], value_channels))
        self.gamma = self.add_weight(name="gamma", shape=(), initializer="zeros")
        self.built = True

    def _projection(self, filters, name):
        convolution = SpectralConv2D if self.spectral_norm else FusableConv2D
        # Parts take the layer's own dtype policy: the global one may be another.
        return convolution(filters, 1, padding="same", use_bias=self.use_bias, dtype=self.dtype_policy, name=name)

    def call(self, inputs, training=False):
        project = (lambda layer, x: layer(x, training=training)) if self.spectral_norm else (lambda layer, x: layer(x))
        queries, keys, values = (project(layer, inputs) for layer in (self.query, self.key, self.value))
        if self.kv_pool > 1:
            keys = tf.nn.max_pool2d(keys, self.kv_pool, self.kv_pool, "VALID")
            values = tf.nn.max_pool2d(values, self.kv_pool, self.kv_pool, "VALID")
        arguments = [_flatten_pixels(tensor) for tensor in (queries, keys, values)]
        if self.method == "dense":
            attended = attention.attend_densely(*arguments)
        else:
            attended = attention.attend(*arguments, block_size=self.block_size)
        shape = tf.shape(inputs)
        attended = tf.reshape(attended, [shape[0], shape[1], shape[2], values.shape[-1]])
        if self.output_projection is not None:
            attended = project(self.output_projection, attended)
        return inputs + tf.cast(self.gamma, attended.dtype) * attended

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "form": self.form,
            "kv_pool": self.kv_pool,
            "use_bias": self.use_bias,
            "spectral_norm": self.spectral_norm,
            "method": self.method,
            "block_size": self.block_size,
        }


def _flatten_pixels(features):
    """`[B, H, W, C]` -> `[B, H W, C]`, row by row, keeping what is known of the shape."""
    height, width, channels = features.shape[1:]
    pixels = None if height is None or width is None else height * width
    shape = tf.shape(features)
    flat = tf.reshape(features, [shape[0], shape[1] * shape[2], channels])
    return tf.ensure_shape(flat, [features.shape[0], pixels, channels])
