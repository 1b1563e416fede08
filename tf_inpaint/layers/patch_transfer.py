"""Attention transfer: a feature map is filled with its own patches, mixed by weights that were computed on another map."""

import keras
import tensorflow as tf

from tf_inpaint.ops import contextual, patches

WINDOWS = ("overlap", "block")
COMPOSES = ("hole", "everywhere")


@keras.saving.register_keras_serializable(package="tf_inpaint")
class PatchTransfer(keras.layers.Layer):
    """Mixes, for each place j of a small map, the patches of a large one by the weights of j, and lays the mixture down at j.

    Without variables. The defaults are the strict reading of the latent attention paper. HiFill's code is `overlap="sum",
    compose="everywhere"`: the result is four times as large inside the map, and less at its border.

    Args:
        rate: size of the large map over that of the small one.
        windows: "overlap" or "block", see `ops.contextual.transfer_patches`.
        overlap: what is done where patches meet, see `ops.patches.fold_patches`.
        compose: "hole": missing pixels take the mixture, the others stay; "everywhere": all take it.

    Call arguments:
        inputs: `(low, weights, mask)`: `[B, rate h, rate w, C]`; `[B, h, w, h w]` as `PatchAttention` gives them; `[B, H, W, 1]` with
            `rate h` and `rate w` dividing H and W, 1 = hole. A pixel of `low` is missing if one of the mask's in it is. Pictures whose
            weights are all 0, because nothing is known, stay as they are.

    Output shape: that of `low`.

    Raises:
        ValueError: if an argument is out of its range.

    Source: the paper's attention transfer module; Yi et al. 2020 (HiFill), arXiv:2005.09704, equation (3), and released code
    (`apply_attention` without its convolutions; with "block" `apply_attention2`).

    Example:
        >>> PatchTransfer(4)((tf.zeros([1, 32, 32, 8]), tf.zeros([1, 8, 8, 64]), tf.zeros([1, 64, 64, 1]))).shape
        TensorShape([1, 32, 32, 8])
    """

    def __init__(self, rate, *, windows="overlap", overlap="count", compose="hole", **kwargs):
        super().__init__(**kwargs)
        for name, value, allowed in (("windows", windows, WINDOWS), ("overlap", overlap, patches.OVERLAPS), ("compose", compose, COMPOSES)):
            if value not in allowed:
                raise ValueError(f"`{name}` must be one of {allowed}. Received: {name}={value!r}.")
        if rate < 1:
            raise ValueError(f"`rate` must be at least 1. Received: rate={rate}.")
        self.rate = rate
        self.windows = windows
        self.overlap = overlap
        self.compose = compose

    def build(self, input_shape):
        self.built = True

    def call(self, inputs):
        low, weights, mask = inputs
        filled = contextual.transfer_patches(low, weights, rate=self.rate, windows=self.windows, overlap=self.overlap)
        takes = tf.reduce_any(weights > 0.0, axis=[1, 2, 3])[:, None, None, None]
        if self.compose == "hole":
            takes = tf.logical_and(takes, patches.block_max(mask, patches.spatial_size(low)) > 0.5)
        return tf.ensure_shape(tf.where(takes, filled, low), low.shape)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def get_config(self):
        return {
            **super().get_config(),
            "rate": self.rate,
            "windows": self.windows,
            "overlap": self.overlap,
            "compose": self.compose,
        }
