"""Attention scores between the patches of one feature map, to be used by `PatchTransfer` on others."""

import keras
import tensorflow as tf

from tf_inpaint.ops import contextual, patches


@keras.saving.register_keras_serializable(package="tf_inpaint")
class PatchAttention(keras.layers.Layer):
    """For each place of a feature map, weights of all places whose patch is known; without variables.

    The defaults are the strict reading of the latent attention paper. HiFill's code is `normalize_query=False, mask_mode="published",
    fuse=True`: scores grow with the length of the query, invalid places keep a share of the weight that is then lost, and neighbours prefer
    to be taken from neighbours. Scores and softmax are float32 under any policy, and all held at once: memory grows with the square of the
    number of places.

    Args:
        match_size: height and width of the patches that are compared, odd; 1 for maps of 4 x 4 places and fewer, where patches of 3 x 3
            leave hardly a known one.
        softmax_scale: factor on the scores, an inverse temperature.
        normalize_query: whether the scores are cosines, or cosines times the length of the query.
        mask_mode: "strict" or "published", see `ops.patches.masked_softmax`.
        fuse: whether the scores are fused along diagonals, see `ops.contextual.fuse_diagonals`.
        hard: whether the best place takes all, see `ops.patches.best_match`: HiFill's code has that as a switch. `softmax_scale` and
            `mask_mode` have no influence then.
        rate: every so manieth place of the map is taken, from the first; `rate` divides its sizes.

    Call arguments:
        inputs: `(features, mask)`: `[B, h, w, C]` and `[B, H, W, 1]`, 1 = hole. A place is missing if one of its pixels is: `h / rate` and
            `w / rate` divide H and W.

    Output shape: `[B, h / rate, w / rate, h w / rate^2]`: the last axis runs over the places row by row. Where nothing is known all weights
    are 0.

    Raises:
        ValueError: if an argument is out of its range.

    Source: the paper's attention computing module, with the open points of its reading chosen in this system's README; Yi et al. 2020
    (HiFill), arXiv:2005.09704, equations (1) and (2), and released code.

    Example:
        >>> PatchAttention()((tf.zeros([1, 8, 8, 16]), tf.zeros([1, 64, 64, 1]))).shape
        TensorShape([1, 8, 8, 64])
    """

    def __init__(
        self,
        *,
        match_size=3,
        softmax_scale=10.0,
        normalize_query=True,
        mask_mode="strict",
        fuse=False,
        hard=False,
        rate=1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if match_size < 1 or match_size % 2 == 0 or rate < 1:
            raise ValueError(f"`match_size` must be odd, `rate` at least 1. Received: match_size={match_size}, rate={rate}.")
        if mask_mode not in patches.MASK_MODES:
            raise ValueError(f"`mask_mode` must be one of {patches.MASK_MODES}. Received: mask_mode={mask_mode!r}.")
        self.match_size = match_size
        self.softmax_scale = softmax_scale
        self.normalize_query = normalize_query
        self.mask_mode = mask_mode
        self.fuse = fuse
        self.hard = hard
        self.rate = rate

    def build(self, input_shape):
        self.built = True

    def call(self, inputs):
        features, mask = inputs
        # Layers cast all their inputs; a mask of 0 and 1 comes back whole.
        mask = tf.stop_gradient(tf.cast(mask, tf.float32))
        features = features[:, :: self.rate, :: self.rate]
        weights = contextual.attention_weights(
            features,
            features,
            patches.block_max(mask, patches.spatial_size(features)),
            match_size=self.match_size,
            softmax_scale=self.softmax_scale,
            normalize_query=self.normalize_query,
            mask_mode=self.mask_mode,
            fuse=self.fuse,
            hard=self.hard,
        )
        return tf.cast(weights, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        batch, *size = input_shape[0][:3]
        height, width = (None if each is None else each // self.rate for each in size)
        return (batch, height, width, None if height is None or width is None else height * width)

    def get_config(self):
        return {
            **super().get_config(),
            "match_size": self.match_size,
            "softmax_scale": self.softmax_scale,
            "normalize_query": self.normalize_query,
            "mask_mode": self.mask_mode,
            "fuse": self.fuse,
            "hard": self.hard,
            "rate": self.rate,
        }
