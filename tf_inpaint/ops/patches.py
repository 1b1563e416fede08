"""Feature maps as sets of patches: cutting them out, comparing them, and laying transferred ones over each other again.

What attention over patches (contextual attention, attention transfer) is made of. A patch is a vector whose values run over its rows,
then its columns, then the channels, as in `tf.image.extract_patches`; patches follow each other row by row. Nothing here loops over the
pictures of a batch. `tf.image.extract_patches` itself is not used: its gradient multiplies sparse matrices, many times slower than what is
here.
"""

import tensorflow as tf

MASK_MODES = ("published", "strict")
OVERLAPS = ("constant", "count", "sum")
# Lengths below this count as this when patches are normalised, as in the published codes: a patch of zeros stays one.
SMALLEST_NORM = 1e-4
# Added to the score that others are divided by, as in HiFill's code.
_SMALLEST_SCORE = 1e-4


def extract_patches(features: tf.Tensor, size: int, *, stride: int = 1, padding: int | tuple[int, int] = 0) -> tf.Tensor:
    """Cuts square patches out of feature maps.

    Args:
        features: `[B, H, W, C]`, any dtype.
        size: height and width of a patch, at least 1.
        stride: distance of two patches, at least 1.
        padding: zeros around the map: one number for all sides, or (above and left, below and right).

    Returns:
        `[B, rows, columns, size * size * C]`, same dtype; rows = floor((H + padding - size) / stride) + 1.

    Raises:
        ValueError: if `size` or `stride` is not positive, or a padding negative.
    """
    before, after = _checked_geometry(size, stride, padding)
    if before or after:
        features = tf.pad(features, [[0, 0], [before, after], [before, after], [0, 0]])
    return _cut(features, size, stride)


def spatial_size(features: tf.Tensor) -> list:
    """Returns height and width: numbers where they are known, scalar tensors where not.

    Args:
        features: `[B, H, W, C]`.
    """
    shape = tf.shape(features)
    return [shape[axis] if features.shape[axis] is None else features.shape[axis] for axis in (1, 2)]


def flatten_patches(patches: tf.Tensor) -> tf.Tensor:
    """Puts all patches of a picture in a row.

    Args:
        patches: `[B, rows, columns, D]`.

    Returns:
        `[B, rows * columns, D]`, row by row; what is known of the shape stays known.
    """
    rows, columns = spatial_size(patches)
    return tf.reshape(patches, [-1, rows * columns, patches.shape[-1]])


def fold_patches(
    patches: tf.Tensor, size: int, *, stride: int = 1, padding: int | tuple[int, int] = 0, overlap: str = "constant"
) -> tf.Tensor:
    """Lays square patches over each other at their places and combines them where they overlap: the way back of `extract_patches`.

    Args:
        patches: `[B, rows, columns, size * size * C]`, floating point.
        size: height and width of a patch, at least 1.
        stride: distance of two patches, at least 1.
        padding: pixels cut off the border of the result: what `extract_patches` added, if its patches reached the end of the padded map.
            One number for all sides, or (above and left, below and right).
        overlap: how values that meet in a pixel are combined. "constant": their sum is divided by (size / stride)^2, the number that meet
            inside the map; fewer do at its border, which comes out darker (so the published codes). "count": by the number that really
            meet, so that the result is their mean everywhere. "sum": not divided.

    Returns:
        `[B, (rows - 1) stride + size - padding, ..., C]`, same dtype.

    Raises:
        ValueError: if `overlap` is unknown, `size` or `stride` is not positive, or a padding negative.

    Source: with "constant", size 4, stride 2 and padding 1 the transposed convolution of the published codes of PEN-Net and DeepFill.
    """
    if overlap not in OVERLAPS:
        raise ValueError(f"`overlap` must be one of {OVERLAPS}. Received: overlap={overlap!r}.")
    before, after = _checked_geometry(size, stride, padding)
    folded = _lay(patches, size, stride)
    rows, columns = spatial_size(patches)
    height, width = ((number - 1) * stride + size for number in (rows, columns))
    folded = folded[:, before : height - after, before : width - after]
    if overlap == "constant":
        return folded * tf.cast((stride / size) ** 2, folded.dtype)
    if overlap == "count":
        counts = [_coverage(number, size, stride)[before : end - after] for number, end in ((rows, height), (columns, width))]
        return folded / tf.cast(counts[0][:, None, None] * counts[1][:, None], folded.dtype)
    return folded


def normalise_patches(patches: tf.Tensor) -> tf.Tensor:
    """Scales patches to the length 1; those shorter than `SMALLEST_NORM` are divided by that instead.

    Args:
        patches: `[..., D]`, floating point.

    Returns:
        Same shape, float32; the gradient is finite for patches of zeros too.
    """
    patches = tf.cast(patches, tf.float32)
    square = tf.reduce_sum(tf.square(patches), axis=-1, keepdims=True)
    return patches * tf.math.rsqrt(tf.maximum(square, SMALLEST_NORM**2))


def cosine_scores(queries: tf.Tensor, keys: tf.Tensor, *, normalize_query: bool = True) -> tf.Tensor:
    """Compares each query patch with each key patch.

    Args:
        queries: `[B, N, D]`, floating point.
        keys: `[B, M, D]`, floating point.
        normalize_query: whether the queries are normalised as the keys are. Published codes leave them as they are, so that the scores of a
            query are its cosines times its length.

    Returns:
        `[B, N, M]` float32; cosines in [-1, 1] if both are normalised.
    """
    queries = normalise_patches(queries) if normalize_query else tf.cast(queries, tf.float32)
    return tf.matmul(queries, normalise_patches(keys), transpose_b=True)


def masked_softmax(scores: tf.Tensor, valid: tf.Tensor, *, mask_mode: str = "strict", scale: float = 1.0, floor: float = 0.0) -> tf.Tensor:
    """Turns scores into weights of the valid keys.

    Args:
        scores: `[B, ..., M]`, floating point.
        valid: `[B, M]` in {0, 1}, 1 = the key may be used.
        mask_mode: "strict": invalid keys do not take part, the weights of the others add up to 1 (and are all 0 where no key is
            valid). "published": scores of invalid keys are set to 0, take part in the softmax, and their weights are removed after it, so
            that the others add up to less than 1.
        scale: factor on the scores, an inverse temperature.
        floor: weights below it, those of invalid keys too, are raised to it; 0 for none. PEN-Net's code has 1e-8.

    Returns:
        `[B, ..., M]` float32 in [0, 1].

    Raises:
        ValueError: if `mask_mode` is neither of the two.
    """
    if mask_mode not in MASK_MODES:
        raise ValueError(f"`mask_mode` must be one of {MASK_MODES}. Received: mask_mode={mask_mode!r}.")
    scores = tf.cast(scores, tf.float32) * scale
    valid = _for_each_query(valid, scores)
    if mask_mode == "published":
        weights = tf.nn.softmax(scores * valid) * valid
    else:
        # Where all keys are invalid the softmax is one of equal numbers, and removed by the factor.
        weights = tf.nn.softmax(tf.where(valid > 0.5, scores, scores.dtype.min)) * valid
    return tf.maximum(weights, floor) if floor else weights


def best_match(scores: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """Gives all weight to the valid key of the highest score.

    Args:
        scores: `[B, ..., M]`, floating point.
        valid: `[B, M]` in {0, 1}, 1 = the key may be used.

    Returns:
        `[B, ..., M]` float32: at the key of the highest score (at each, where several have it) the square of that score over the highest
        of all keys, valid or not; 0 elsewhere, and everywhere where no valid key has a score above 0.

    Source: Yi et al. 2020 (HiFill), arXiv:2005.09704, released code, `method="HARD"`.
    """
    scores = tf.cast(scores, tf.float32)
    highest = tf.abs(tf.reduce_max(scores, axis=-1, keepdims=True))  # below 0 the quotient would not be finite everywhere
    scores = scores * _for_each_query(valid, scores)
    is_best = tf.cast(scores >= tf.reduce_max(scores, axis=-1, keepdims=True), tf.float32)
    return tf.square(is_best * scores / (highest + _SMALLEST_SCORE))


def valid_patches(mask: tf.Tensor, size: int) -> tf.Tensor:
    """Finds the patches in which nothing is missing; what lies outside the map counts as known.

    Args:
        mask: `[B, H, W, 1]`, floating point; above 0 where something is missing.
        size: height and width of a patch, odd.

    Returns:
        `[B, H W]` float32 in {0, 1}, 1 = the patch around this place has no missing pixel.

    Raises:
        ValueError: if `size` is not odd.
    """
    if size < 1 or size % 2 == 0:
        raise ValueError(f"`size` must be odd: patches have a middle. Received: size={size}.")
    missing = tf.cast(mask > 0.0, tf.float32)
    if size > 1:
        missing = tf.nn.max_pool2d(missing, size, strides=1, padding="SAME")
    height, width = spatial_size(mask)
    return tf.reshape(1.0 - missing, [-1, height * width])


def block_max(mask: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Shrinks masks so that no hole is lost: a block with a missing pixel is missing.

    Args:
        mask: `[B, H, W, 1]`, floating point in {0, 1}, 1 = hole.
        size: (height, width) of the result, which divide H and W; numbers or scalar tensors.

    Returns:
        `[B, height, width, 1]`, same dtype.

    Raises:
        ValueError: if the sizes are known and do not divide.
    """
    height, width = spatial_size(mask)
    new_height, new_width = size
    for old, new in ((height, new_height), (width, new_width)):
        if isinstance(old, int) and isinstance(new, int) and old % new:
            raise ValueError(f"`size` must divide the mask's. Received: size={tuple(size)} for a mask of {height}x{width}.")
    blocks = tf.reshape(mask, [-1, new_height, height // new_height, new_width, width // new_width])
    return tf.reduce_max(blocks, axis=[2, 4])[..., None]


def _for_each_query(valid, scores):
    """`[B, M]` -> `[B, 1, ..., M]`, as many axes as the scores have."""
    shape = tf.concat([tf.shape(valid)[:1], tf.ones([tf.rank(scores) - 2], tf.int32), tf.shape(valid)[1:]], axis=0)
    return tf.reshape(tf.cast(valid, tf.float32), shape)


def _cut(features, size, stride):
    """Patches of maps that are already padded. Its gradient is `_lay`: that of slices, which TensorFlow would take, is slow."""

    @tf.custom_gradient
    def cut(features):
        def gradient(upstream):
            height, width = spatial_size(features)
            laid = _lay(upstream, size, stride)
            laid_height, laid_width = spatial_size(laid)
            # What no patch reaches has no gradient.
            return tf.pad(laid, [[0, 0], [0, height - laid_height], [0, width - laid_width], [0, 0]])

        return _cut_forward(features, size, stride), gradient

    return cut(features)


def _cut_forward(features, size, stride):
    height, width = spatial_size(features)
    channels = features.shape[-1]
    rows, columns = (height - size) // stride + 1, (width - size) // stride + 1
    # A patch is made of cells of stride x stride pixels, which lie on the grid of the patches' corners: all slices below are dense ones.
    cells = -(-size // stride)
    surplus = cells * stride - size
    if surplus:
        features = tf.pad(features, [[0, 0], [0, surplus], [0, surplus], [0, 0]])
    grid_rows, grid_columns = rows + cells - 1, columns + cells - 1
    features = features[:, : grid_rows * stride, : grid_columns * stride]
    strips = tf.reshape(features, [-1, grid_rows * stride, grid_columns, stride * channels])
    strips = _concat([strips[:, :, j : j + columns] for j in range(cells)])[..., : size * channels]
    strips = tf.reshape(strips, [-1, grid_rows, stride, columns, size * channels])
    return _concat([strips[:, i // stride : i // stride + rows, i % stride] for i in range(size)])


def _lay(patches, size, stride):
    """The sum of patches laid at their places, without cutting anything off. Its gradient is `_cut`."""

    @tf.custom_gradient
    def lay(patches):
        return _lay_forward(patches, size, stride), lambda upstream: _cut(upstream, size, stride)

    return lay(patches)


def _lay_forward(patches, size, stride):
    rows, columns = spatial_size(patches)
    channels = patches.shape[-1] // size**2
    cells = -(-size // stride)
    surplus = cells * stride - size
    strips = tf.reshape(patches, [-1, rows, columns, size, size * channels])
    if surplus:
        strips = tf.pad(strips, [[0, 0], [0, 0], [0, 0], [0, surplus], [0, surplus * channels]])
    wide = stride * channels
    shifted = [tf.pad(strips[..., j * wide : (j + 1) * wide], [[0, 0], [0, 0], [j, cells - 1 - j], [0, 0], [0, 0]]) for j in range(cells)]
    grid_rows, grid_columns = rows + cells - 1, columns + cells - 1
    strips = tf.reshape(tf.add_n(shifted), [-1, rows, grid_columns, cells, wide * stride])
    shifted = [tf.pad(strips[:, :, :, i], [[0, 0], [i, cells - 1 - i], [0, 0], [0, 0]]) for i in range(cells)]
    grid = tf.reshape(tf.add_n(shifted), [-1, grid_rows, grid_columns, stride, wide])
    laid = tf.reshape(tf.transpose(grid, [0, 1, 3, 2, 4]), [-1, grid_rows * stride, grid_columns * stride, channels])
    return laid[:, : (rows - 1) * stride + size, : (columns - 1) * stride + size]


def _concat(parts):
    return parts[0] if len(parts) == 1 else tf.concat(parts, axis=-1)


def _checked_geometry(size, stride, padding):
    before, after = (padding, padding) if isinstance(padding, int) else padding
    if size < 1 or stride < 1 or before < 0 or after < 0:
        raise ValueError(
            f"`size` and `stride` must be at least 1, `padding` at least 0. Received: size={size}, stride={stride}, padding={padding}."
        )
    return before, after


def _coverage(number, size, stride):
    """How many of `number` intervals of length `size`, one each `stride`, hold each of the places that they span together; at least 1."""
    place = tf.range((number - 1) * stride + size)
    last = tf.minimum(place // stride, number - 1)
    # Quotients below 0 do not matter: ONNX rounds them towards zero.
    first = tf.maximum((place - size + stride) // stride, 0)
    return tf.cast(tf.maximum(last - first + 1, 1), tf.float32)
