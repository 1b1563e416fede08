"""Canny edge detector of TensorFlow operations: on a GPU, in `tf.data` and in exported graphs alike.

It follows `skimage.feature.canny` (constant border): its smoothing, Sobel scale, interpolated thinning and ties, so that
its thresholds mean the same.
"""

import numpy as np
import tensorflow as tf

from tf_inpaint.ops import gaussian, portable

# Pixels in a word of the packed planes that hysteresis works on: int64, the widest type whose `Roll` has a GPU kernel.
WORD_BITS = 64
# Dilations between two looks at whether anything changed; one of them crosses the borders of words.
DILATIONS_PER_LOOK = 8


def canny(
    gray: tf.Tensor,
    *,
    sigma: float = 2.0,
    low_threshold: float = 0.1,
    high_threshold: float = 0.2,
    mask: tf.Tensor | None = None,
) -> tf.Tensor:
    """Edge maps of grey pictures.

    Args:
        gray: `[B, H, W, 1]`, floating point, in [0, 1]; computed in float32. Sizes may be unknown while a graph is built.
        sigma: standard deviation of the Gaussian smoothing in pixels, finite and >= 0.
        low_threshold: a thinned pixel belongs to an edge if its gradient magnitude reaches this and it is connected ...
        high_threshold: ... to a thinned pixel whose magnitude reaches this. 0 <= low <= high, finite. The magnitude is that
            of the unnormalised Sobel operator: a step from 0 to 1 without smoothing has 4.
        mask: `[B, H, W, 1]`, any dtype, nonzero = usable pixel. What the other pixels hold, NaN included, has no
            influence, and they and their eight neighbours are never edges. `None`: every pixel is usable.

    Returns:
        `[B, H, W, 1]` float32 in {0, 1}, 1 = edge. The outermost pixels of a picture are never edges. No gradient.

    Raises:
        ValueError: if `gray` is not a floating point tensor of rank 4 with one channel, `mask` has another static shape, or
            `sigma` or a threshold is out of its range.

    Source: Canny 1986, IEEE PAMI 8:679-714; choices of `skimage.feature.canny`.
    """
    gray = tf.convert_to_tensor(gray)
    if mask is not None:
        mask = tf.convert_to_tensor(mask)
    _check_arguments(gray, low_threshold, high_threshold, mask)
    smoothed = gaussian.gaussian_smooth_usable(gray, sigma=sigma, usable=mask)[..., 0]
    down, right = _sobel(smoothed)
    magnitude = tf.sqrt(down * down + right * right)
    # The border is never an edge, so from here on only the inner pixels are looked at.
    candidate = _is_local_maximum(down, right, magnitude)
    if mask is not None:
        candidate &= _all_neighbours(tf.cast(mask[..., 0], tf.bool))
    inner = _neighbour(magnitude, 0, 0)
    # Thinned pixels must have a gradient at all, also where a threshold is 0.
    weak = candidate & (inner >= low_threshold) & (inner > 0.0)
    strong = weak & (inner >= high_threshold)
    height, width = tf.unstack(tf.shape(smoothed))[1:]
    hysteresis = _hysteresis_of_planes if portable.are_wanted() else _hysteresis_of_words
    edges = hysteresis(strong, weak, height, width)
    edges.set_shape(gray.shape)
    return edges


def _check_arguments(gray: tf.Tensor, low_threshold: float, high_threshold: float, mask: tf.Tensor | None) -> None:
    if not gray.dtype.is_floating:
        raise ValueError(
            f"`gray` must be floating point in [0, 1]. Received: dtype={gray.dtype.name}. "
            "Convert with `tf.image.convert_image_dtype(gray, tf.float32)`."
        )
    for name, tensor in (("gray", gray), ("mask", mask)):
        if tensor is not None and not tensor.shape.is_compatible_with([None, None, None, 1]):
            raise ValueError(f"`{name}` must have the shape [B, H, W, 1]. Received: shape={tensor.shape}.")
    if mask is not None and not mask.shape.is_compatible_with(gray.shape):
        raise ValueError(f"`mask` must have the shape of `gray`, {gray.shape}. Received: shape={mask.shape}.")
    if not 0.0 <= low_threshold <= high_threshold < float("inf"):
        raise ValueError(
            "Thresholds must be finite with 0 <= low_threshold <= high_threshold. "
            f"Received: low_threshold={low_threshold!r}, high_threshold={high_threshold!r}."
        )


def _sobel(plane: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Derivatives of `[B, H, W]` downwards and to the right; the border pixel is repeated beyond the border."""
    padded = tf.pad(plane, [[0, 0], [1, 1], [1, 1]], "SYMMETRIC")
    difference = padded[:, 2:] - padded[:, :-2]
    down = (difference[:, :, 2:] + difference[:, :, :-2]) + 2.0 * difference[:, :, 1:-1]
    difference = padded[:, :, 2:] - padded[:, :, :-2]
    right = (difference[:, 2:] + difference[:, :-2]) + 2.0 * difference[:, 1:-1]
    return down, right


def _neighbour(plane: tf.Tensor, down: int, right: int) -> tf.Tensor:
    """`[B, H - 2, W - 2]`: for each inner pixel of `[B, H, W]` the value `down` rows and `right` columns from it."""
    return plane[:, 1 + down : down - 1 or None, 1 + right : right - 1 or None]


def _is_local_maximum(down: tf.Tensor, right: tf.Tensor, magnitude: tf.Tensor) -> tf.Tensor:
    """`[B, H - 2, W - 2]` bool: inner pixels whose magnitude no interpolated value across the edge exceeds.

    The line through the pixel along its gradient meets the ring of its eight neighbours between a straight and a diagonal
    neighbour, on either side; the magnitude there is interpolated linearly. Equal magnitudes are kept.
    """
    down, right, inner = (_neighbour(plane, 0, 0) for plane in (down, right, magnitude))
    # Falling: the gradient points down-right or up-left, so the diagonal neighbours are those.
    falling = down * right >= 0.0
    down, right = tf.abs(down), tf.abs(right)
    steep = down > right
    diagonal_weight = tf.math.divide_no_nan(tf.minimum(down, right), tf.maximum(down, right))
    straight_weight = 1.0 - diagonal_weight

    def select(condition: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        # `tf.where` broadcasts, which costs twice the time on a CPU.
        return tf.raw_ops.Select(condition=condition, x=x, y=y)

    def interpolated(side: int) -> tf.Tensor:
        diagonal = select(falling, _neighbour(magnitude, side, side), _neighbour(magnitude, -side, side))
        # Of a steep gradient the straight neighbour lies in the row of the diagonal one.
        vertical = select(falling, _neighbour(magnitude, side, 0), _neighbour(magnitude, -side, 0))
        straight = select(steep, vertical, _neighbour(magnitude, 0, side))
        return diagonal * diagonal_weight + straight * straight_weight

    return (interpolated(1) <= inner) & (interpolated(-1) <= inner)


def _all_neighbours(usable: tf.Tensor) -> tf.Tensor:
    """`[B, H - 2, W - 2]` bool: inner pixels of `[B, H, W]` that are usable with all their eight neighbours."""
    rows = usable[:, :-2] & usable[:, 1:-1] & usable[:, 2:]
    return rows[:, :, :-2] & rows[:, :, 1:-1] & rows[:, :, 2:]


def _hysteresis_of_words(strong: tf.Tensor, weak: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """`[B, H, W, 1]` float32 in {0, 1}: the weak pixels that an 8-connected path of weak pixels joins to a strong one.

    Both are inner pixels, `[B, H - 2, W - 2]` bool; what is strong is weak. Here 64 pixels are handled at a time.
    """
    strong, weak = _pack(strong, height, width), _pack(weak, height, width)
    return tf.cast(_unpack(_connected(strong, weak), width), tf.float32)[..., tf.newaxis]


def _hysteresis_of_planes(strong: tf.Tensor, weak: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """The same without operations on bits, which other runtimes lack: see `portable`. Several times slower."""
    shape = tf.shape(weak)
    paddings = [[0, 0], [1, height - 1 - shape[1]], [1, width - 1 - shape[2]], [0, 0]]
    strong, weak = (tf.pad(tf.cast(inner, tf.float32)[..., tf.newaxis], paddings) for inner in (strong, weak))

    def look(_: tf.Tensor, edges: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        grown = edges
        for _ in range(DILATIONS_PER_LOOK):
            grown = tf.nn.max_pool2d(grown, 3, 1, "SAME") * weak
        return tf.reduce_any(tf.not_equal(grown, edges)), grown

    unknown = tf.TensorShape([None, None, None, 1])
    _, edges = tf.while_loop(lambda changed, _: changed, look, (tf.constant(True), strong), shape_invariants=(tf.TensorShape([]), unknown))
    return edges


def _pack(inner: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Packs the inner pixels `[B, H - 2, W - 2]` of bool planes into `[B, H, words]` int64, with a border of zeros.

    Bit k of word j is column `64 * j + k`. Columns are added on the right up to a whole number of words.
    """
    shape = tf.shape(inner)
    words = -(-width // WORD_BITS)
    # A picture one pixel high or wide has a border on one side only.
    paddings = [[0, 0], [1, height - 1 - shape[1]], [1, words * WORD_BITS - 1 - shape[2]]]
    # Sums of powers of two below 256: exact in every precision that a device may multiply matrices in.
    octets = tf.reshape(tf.pad(tf.cast(inner, tf.float32), paddings), [-1, 8])
    octets = tf.linalg.matvec(octets, tf.constant([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]))
    return tf.bitcast(tf.reshape(tf.cast(octets, tf.uint8), [shape[0], height, words, 8]), tf.int64)


def _unpack(packed: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """The bool planes `[B, H, W]` of packed planes."""
    shape = tf.shape(packed)
    bits = tf.constant(2 ** np.arange(8, dtype=np.uint8))
    octets = tf.bitcast(packed, tf.uint8)[..., tf.newaxis]
    planes = tf.not_equal(tf.bitwise.bitwise_and(octets, bits), tf.zeros([], tf.uint8))
    return tf.reshape(planes, [shape[0], shape[1], shape[2] * WORD_BITS])[:, :, :width]


def _connected(strong: tf.Tensor, weak: tf.Tensor) -> tf.Tensor:
    """Weak pixels that an 8-connected path of weak pixels joins to a strong one; all packed planes.

    Dilates within the weak pixels until nothing changes. The border of every picture is zero in `weak`: so the words
    can be shifted as one long row through the batch, and what leaks from one row or picture into the next
    falls on a border and is cleared.
    """
    shape = tf.shape(weak)
    words_per_row = shape[2]
    weak = tf.reshape(weak, [-1])
    either, both = tf.bitwise.bitwise_or, tf.bitwise.bitwise_and

    def moved_right(words: tf.Tensor, bits: int) -> tf.Tensor:
        return tf.bitwise.right_shift(words, tf.constant(bits, tf.int64))

    def row_within_words(edges: tf.Tensor) -> tf.Tensor:
        # Doubling is the left shift, but several times faster on a CPU. The right shift of a signed word repeats the top bit,
        # which does no harm: `edges` has it.
        return either(edges, either(edges + edges, moved_right(edges, 1)))

    def row_across_words(edges: tf.Tensor) -> tf.Tensor:
        first_bit = both(moved_right(tf.roll(edges, 1, 0), WORD_BITS - 1), tf.constant(1, tf.int64))
        last_bit = tf.bitwise.left_shift(tf.roll(edges, -1, 0), tf.constant(WORD_BITS - 1, tf.int64))
        return either(first_bit, last_bit)

    def spread(row: tf.Tensor) -> tf.Tensor:
        column = either(tf.roll(row, words_per_row, 0), tf.roll(row, -words_per_row, 0))
        return both(either(row, column), weak)

    def look(_: tf.Tensor, edges: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # Long paths cross few words: the neighbours in other words are looked at in the first dilation only.
        grown = spread(either(row_within_words(edges), row_across_words(edges)))
        for _ in range(DILATIONS_PER_LOOK - 1):
            grown = spread(row_within_words(grown))
        return tf.reduce_any(tf.not_equal(grown, edges)), grown

    start = (tf.constant(True), tf.reshape(strong, [-1]))
    _, edges = tf.while_loop(lambda changed, _: changed, look, start)
    return tf.reshape(edges, shape)
