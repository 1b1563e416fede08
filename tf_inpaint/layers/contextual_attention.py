"""Contextual attention of DeepFill."""

import keras
import tensorflow as tf

from tf_inpaint.ops import contextual, patches, resampling

_MATCH_SIZE = 3


@keras.saving.register_keras_serializable(package="tf_inpaint")
class ContextualAttention(keras.layers.Layer):
    """Builds a foreground map anew from the known patches of a background map; without variables.

    Both maps are made smaller by `rate`; each patch of 3 x 3 of the foreground is compared with the known ones of the background, the
    scores are fused along diagonals, and patches of `2 rate` pixels of the background, mixed by the weights, are laid over each other and
    divided by 4. Scores and softmax are float32 under any policy, and all held at once.

    The released code's side effects are kept: scores grow with the length of the foreground's patch, unknown patches keep a share of the
    weight that is then lost, the result is darker at its border for `rate` 2 and more.

    Args:
        rate: factor by which both maps shrink for the comparison; it divides their sizes.
        softmax_scale: factor on the scores, an inverse temperature.
        fuse: whether the scores are fused, see `ops.contextual.fuse_diagonals`.

    Call arguments:
        inputs: `(foreground, background, mask)`: `[B, h, w, C]` twice, and `[B or 1, h, w, 1]`, 1 = hole. Every `rate`-th place of the
            mask counts, so that a hole of fewer pixels can get lost, as in the released code; unlike it, each picture has its own mask.

    Output shape: that of `foreground`.

    Raises:
        ValueError: if `rate` is not positive.

    Source: Yu et al. 2018 (DeepFill v1), arXiv:1801.07892, section 4.1, and released code, version 1.0.0.

    Example:
        >>> ContextualAttention()((tf.zeros([1, 16, 16, 8]), tf.zeros([1, 16, 16, 8]), tf.zeros([1, 16, 16, 1]))).shape
        TensorShape([1, 16, 16, 8])
    """

    def __init__(self, *, rate=2, softmax_scale=10.0, fuse=True, **kwargs):
        super().__init__(**kwargs)
        if rate < 1:
            raise ValueError(f"`rate` must be at least 1. Received: rate={rate}.")
        self.rate = rate
        self.softmax_scale = softmax_scale
        self.fuse = fuse

    def build(self, input_shape):
        self.built = True

    def attention_map(self, foreground: tf.Tensor, background: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Computes the weights alone.

        Args:
            foreground, background, mask: as the call's inputs.

        Returns:
            `[B, h / rate, w / rate, h w / rate^2]` float32: for each place the weights of all places of the background, row by row.
        """
        sizes = [size // self.rate for size in patches.spatial_size(foreground)]
        small = [
            resampling.sample_align_corners(tf.cast(each, tf.float32), sizes, method="nearest") for each in (foreground, background, mask)
        ]
        return contextual.attention_weights(
            *small,
            match_size=_MATCH_SIZE,
            softmax_scale=self.softmax_scale,
            normalize_query=False,
            mask_mode="published",
            fuse=self.fuse,
        )

    def call(self, inputs):
        foreground, background, mask = inputs
        weights = self.attention_map(foreground, background, tf.stop_gradient(mask))
        filled = contextual.transfer_patches(background, weights, rate=self.rate, overlap="constant")
        return tf.ensure_shape(filled, foreground.shape)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "softmax_scale": self.softmax_scale, "fuse": self.fuse}
