"""Attention transfer: a map is filled with its own patches, chosen by comparing patches of the deeper map above it."""

import keras
import tensorflow as tf

from tf_inpaint.ops import attention, contextual, patches, resampling

COMPOSES = ("everywhere", "hole", "inside")
OVERLAPS = ("constant", "count")
MASK_RESIZES = ("bilinear_align_corners", "nearest", "max")
# The deeper map has half the size of the one that is filled; a place in it stands for 4 x 4 pixels there, one each 2 pixels.
_RATE = 2
_PATCH = 2 * _RATE


@keras.saving.register_keras_serializable(package="tf_inpaint")
class AttentionTransfer(keras.layers.Layer):
    """Fills a feature map by an attention that is computed on the next deeper map; without weights.

    For each place j of the deeper map its `match_size` x `match_size` patch is compared with the patches around all places i: the cosine,
    times the length of patch j. A softmax over those i whose patch holds no missing pixel gives weights; the weighted sum of the 4 x 4
    patches that lie at these places in the lower map is laid down at j. The scores and the softmax are float32 under any policy. The N x N
    weights are never held at once: memory grows with N, see `ops.attention.attend`.

    The defaults are the published code's, side effects included: the border of the result is darker, invalid places keep a share of the
    weight, and where no place is valid next to nothing (1e-8 of each patch) is left.

    Args:
        match_size: height and width of the patches that are compared, odd; the published network has 3, and 1 on its deepest map.
        softmax_scale: factor on the scores.
        normalize_query: whether patch j is normalised too, as in equation (2); the published code leaves it.
        mask_mode: "published" or "strict", see `ops.patches.masked_softmax`. A picture without a valid place keeps its lower map
            unchanged with "strict".
        weight_floor: weights below it are raised to it; the published code has 1e-8, its TensorFlow 1 form 0.
        compose: "everywhere": the result replaces the whole map, as published. "hole": only what is missing, the paper's words, where the
            resized mask says so: with "max" a place at the rim of a hole loses the pixels that are known in it. "inside": only places
            without a known pixel, whatever `mask_resize` is, which then only says where patches are taken from.
        overlap: "constant" (as published) or "count", see `ops.patches.fold_patches`.
        mask_resize: how the mask comes to the size of a map: "bilinear_align_corners" or "nearest" (aligned corners too), which pick
            values, so that small holes vanish, as the two published codes do; "max": a place is missing if a pixel of it is.
        rescale: whether both maps are halved first and the result is doubled, by nearest neighbour: a 16th of the scores. With "hole" and
            "inside" the places that stay keep their full resolution; with "everywhere" the whole map is as coarse. (The released TensorFlow
            code, which replaces everywhere, refines before it doubles: there `AlignedSubsampling2D` in front of this layer, `UpSampling2D`
            behind the branches.)
        block_size: places handled at a time; `None` chooses.

    Call arguments:
        inputs: `(low, high, mask)`: `[B, 2h, 2w, C]`, `[B, h, w, C']`, and `[B, H, W, 1]` of the picture's size, 1 = hole; with
            "max" h and w divide H and W, with "inside" 2h and 2w do, with `rescale` h and w are even.

    Output shape: that of `low`.

    Raises:
        ValueError: if an argument is out of its range, `low` is known not to be twice as high and wide as `high`, or, with "max"
            or "inside", a map is known not to divide the mask.

    Source: Zeng et al. 2019 (PEN-Net), arXiv:1904.07475, equations (2) to (4); `AtnConv` of the released code without its convolutions.

    Example:
        >>> AttentionTransfer()((tf.zeros([1, 16, 16, 8]), tf.zeros([1, 8, 8, 16]), tf.zeros([1, 64, 64, 1]))).shape
        TensorShape([1, 16, 16, 8])
    """

    def __init__(
        self,
        *,
        match_size=3,
        softmax_scale=10.0,
        normalize_query=False,
        mask_mode="published",
        weight_floor=1e-8,
        compose="everywhere",
        overlap="constant",
        mask_resize="bilinear_align_corners",
        rescale=False,
        block_size=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if match_size < 1 or match_size % 2 == 0:
            raise ValueError(f"`match_size` must be odd and positive. Received: match_size={match_size}.")
        choices = {
            "mask_mode": (mask_mode, patches.MASK_MODES),
            "compose": (compose, COMPOSES),
            "overlap": (overlap, OVERLAPS),
            "mask_resize": (mask_resize, MASK_RESIZES),
        }
        for name, (value, allowed) in choices.items():
            if value not in allowed:
                raise ValueError(f"`{name}` must be one of {allowed}. Received: {name}={value!r}.")
        if block_size is not None and block_size < 1:
            raise ValueError(f"`block_size` must be at least 1 or None. Received: block_size={block_size}.")
        self.match_size = match_size
        self.softmax_scale = softmax_scale
        self.normalize_query = normalize_query
        self.mask_mode = mask_mode
        self.weight_floor = weight_floor
        self.compose = compose
        self.overlap = overlap
        self.mask_resize = mask_resize
        self.rescale = rescale
        self.block_size = block_size

    def build(self, input_shape):
        self.built = True

    def call(self, inputs):
        low, high, mask = inputs
        mask = tf.stop_gradient(tf.cast(mask, tf.float32))
        if self.rescale:
            coarse, has_valid = self._transfer(_halved(low), _halved(high), mask)
            filled = tf.repeat(tf.repeat(coarse, 2, axis=1), 2, axis=2)
        else:
            filled, has_valid = self._transfer(low, high, mask)
        if self.compose == "hole":
            filled = tf.where(self._resized(mask, low) > 0.0, filled, low)
        elif self.compose == "inside":
            holds_known = patches.block_max(1.0 - mask, patches.spatial_size(low)) > 0.0
            filled = tf.where(holds_known, low, filled)
        if self.mask_mode == "strict":
            filled = tf.where(has_valid[:, None, None, None], filled, low)
        return tf.ensure_shape(filled, low.shape)

    def _transfer(self, low, high, mask):
        """The map that is made of patches, as large as `low`, and whether there was a valid place to take them from, `[B]`."""
        _check_sizes(low, high)
        valid = patches.valid_patches(self._resized(mask, high), self.match_size)
        queries, keys = self._queries_and_keys(high)
        windows = patches.extract_patches(low, _PATCH, stride=_RATE, padding=(_PATCH - _RATE) // 2)
        values = patches.flatten_patches(windows)
        used_values = values * tf.cast(valid, values.dtype)[:, :, None]
        if self.mask_mode == "published":
            # A product with 0 in the keys is a score of 0 for each query.
            keys, key_bias = keys * valid[:, :, None], None
        else:
            key_bias = tf.where(valid > 0.5, 0.0, tf.float32.min)
        mixed = attention.attend(queries, keys, used_values, key_bias=key_bias, floor=self.weight_floor, block_size=self.block_size)
        if self.weight_floor:  # of the invalid places, whose values are not among the used ones
            mixed += tf.cast(self.weight_floor, mixed.dtype) * tf.reduce_sum(values - used_values, axis=1, keepdims=True)
        filled = patches.fold_patches(
            tf.reshape(mixed, tf.shape(windows)), _PATCH, stride=_RATE, padding=(_PATCH - _RATE) // 2, overlap=self.overlap
        )
        return filled, tf.reduce_any(valid > 0.5, axis=1)

    def attention_map(self, high: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Computes all weights at once, to look at them: memory grows with the square of the number of places.

        Args:
            high: `[B, h, w, C']`.
            mask: `[B, H, W, 1]`, 1 = hole.

        Returns:
            `[B, h, w, h w]` float32: for each place the weights of all places, row by row; with `rescale` h and w are those of the halved
            map.
        """
        high = _halved(high) if self.rescale else high
        return contextual.attention_weights(
            high,
            high,
            self._resized(tf.cast(mask, tf.float32), high),
            match_size=self.match_size,
            softmax_scale=self.softmax_scale,
            normalize_query=self.normalize_query,
            mask_mode=self.mask_mode,
            floor=self.weight_floor,
        )

    def _queries_and_keys(self, high):
        """Patches around all places, `[B, N, D]` float32; the scale of the softmax is in the keys."""
        windows = patches.flatten_patches(patches.extract_patches(high, self.match_size, padding=self.match_size // 2))
        normalised = patches.normalise_patches(windows)
        queries = normalised if self.normalize_query else tf.cast(windows, tf.float32)
        return queries, self.softmax_scale * normalised

    def _resized(self, mask, features):
        size = patches.spatial_size(features)
        if self.mask_resize == "max":
            return patches.block_max(mask, size)
        return resampling.sample_align_corners(mask, size, method=self.mask_resize.removesuffix("_align_corners"))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(tuple(inputs[0].shape), self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "match_size": self.match_size,
            "softmax_scale": self.softmax_scale,
            "normalize_query": self.normalize_query,
            "mask_mode": self.mask_mode,
            "weight_floor": self.weight_floor,
            "compose": self.compose,
            "overlap": self.overlap,
            "mask_resize": self.mask_resize,
            "rescale": self.rescale,
            "block_size": self.block_size,
        }


def _check_sizes(low, high):
    sizes = zip(low.shape[1:3], high.shape[1:3], strict=True)
    if any(None not in pair and pair[0] != _RATE * pair[1] for pair in sizes):
        raise ValueError(
            f"The lower map must be twice as high and wide as the deeper one. Received: low={tuple(low.shape)}, high={tuple(high.shape)}. "
            "Give pictures whose sizes can be halved down to the deeper map."
        )


def _halved(features):
    height, width = patches.spatial_size(features)
    return resampling.sample_align_corners(features, (height // 2, width // 2), method="nearest")
