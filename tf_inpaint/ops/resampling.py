"""Resizing as published PyTorch networks do it inside: bilinear with aligned corners, and adaptive average pooling.

Both are two matrix products, one for the rows and one for the columns: exact, with a plain gradient, and of core operations alone. Masks,
for which it matters whether a pixel counts by a rounding error or not at all, have a function of their own.
Pictures and masks are resized by `ops.image.resize`, whose pixel centres are those of Pillow and OpenCV; for other runtimes it takes
`resize_by_matrices` from here.
"""

import tensorflow as tf


def resize_align_corners(features: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Resizes bilinearly so that the centres of the corner pixels stay corner pixels.

    Args:
        features: `[B, H, W, C]`, floating point.
        size: (height, width) of the result, numbers or scalar tensors.

    Returns:
        `[B, height, width, C]`, same dtype; computed in float32.

    Source: `torch.nn.functional.interpolate(mode="bilinear", align_corners=True)`.
    """
    return _resample(features, size, _aligned_matrix)


def sample_align_corners(features: tf.Tensor, size: tuple[int, int], *, method: str = "bilinear") -> tf.Tensor:
    """Resizes masks, or picks places of maps, with aligned corners: the same places stay free of holes as in PyTorch and TensorFlow 1.

    Which pixels a place touches is decided in single precision: matrices made in double precision decide otherwise here and there.
    Shrinking picks values and does not average: small holes vanish.

    Args:
        features: `[B, H, W, C]`, floating point.
        size: (height, width) of the result, numbers or scalar tensors.
        method: "bilinear" or "nearest" (halves are rounded up).

    Returns:
        `[B, height, width, C]`; float32 with "bilinear", the input's dtype with "nearest".

    Raises:
        ValueError: if `method` is neither of the two.

    Source: `torch.nn.functional.interpolate(align_corners=True)`; `tf.image.resize_nearest_neighbor(align_corners=True)` of TensorFlow 1.
    """
    if method not in ("bilinear", "nearest"):
        raise ValueError(f"`method` must be 'bilinear' or 'nearest'. Received: method={method!r}.")
    operation = tf.raw_ops.ResizeBilinear if method == "bilinear" else tf.raw_ops.ResizeNearestNeighbor
    return operation(images=features, size=tf.stack(size), align_corners=True, half_pixel_centers=False)


def adaptive_average_pool(features: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Averages over bins that cover the map; bins overlap by a pixel where the sizes do not divide.

    Args:
        features: `[B, H, W, C]`, floating point.
        size: (height, width) of the result: bin i of n covers the pixels `floor(i H / n)` to `ceil((i + 1) H / n) - 1`.

    Returns:
        `[B, height, width, C]`, same dtype; computed in float32.

    Source: `torch.nn.AdaptiveAvgPool2d`.
    """
    return _resample(features, size, _pooling_matrix)


def resize_by_matrices(image: tf.Tensor, size: tuple[int, int], *, method: str) -> tf.Tensor:
    """Resizes pictures as `tf.image.resize(antialias=True)` does, by operations that other runtimes have, too (see `portable`).

    Args:
        image: `[B, H, W, C]`, any dtype but bool.
        size: (height, width) of the result, numbers or scalar tensors.
        method: "bilinear" or "area".

    Returns:
        `[B, height, width, C]` float32, up to rounding the same numbers. With "area" the same ones are zero.

    Raises:
        ValueError: if `method` is neither of the two.

    Source: TensorFlow's kernels `ScaleAndTranslate` (triangle kernel) and `ResizeArea`, whose order of operations in float32 is kept.
    """
    matrices = {"bilinear": _triangle_matrix, "area": _area_matrix}
    if method not in matrices:
        raise ValueError(f"`method` must be 'bilinear' or 'area'. Received: method={method!r}.")
    new_height, new_width = (size[axis] for axis in (0, 1))
    # Indices, for `size` may be a tensor, which a graph cannot unpack.
    return _resample(tf.cast(image, tf.float32), (size[0], size[1]), matrices[method])


def _resample(features, size, matrix):
    shape, channels = tf.shape(features), features.shape[-1]
    height, width = (shape[axis] if features.shape[axis] is None else features.shape[axis] for axis in (1, 2))
    new_height, new_width = size
    x = tf.reshape(tf.cast(features, tf.float32), [-1, height, width * channels])
    x = tf.matmul(matrix(height, new_height), x)
    x = tf.matmul(matrix(width, new_width), tf.reshape(x, [-1, width, channels]))
    return tf.cast(tf.reshape(x, [-1, new_height, new_width, channels]), features.dtype)


def _aligned_matrix(old, new):
    """`[new, old]` float32: how much each old place has in each new one."""
    # In float64: of two numbers in the hundreds only the small difference counts. A single new place takes the first old one, as PyTorch.
    step = tf.cast(old - 1, tf.float64) / tf.cast(tf.maximum(new - 1, 1), tf.float64)
    place = step * tf.cast(tf.range(new), tf.float64)
    distance = tf.abs(place[:, None] - tf.cast(tf.range(old), tf.float64))
    return tf.cast(tf.maximum(1.0 - distance, 0.0), tf.float32)


def _pooling_matrix(old, new):
    """`[new, old]` float32: 1 over the size of the bin, where the old place lies in it."""
    index, place = tf.range(new)[:, None], tf.range(old)
    # Dividends stay positive: ONNX rounds negative quotients towards zero.
    start, stop = index * old // new, ((index + 1) * old + new - 1) // new
    return tf.where((place >= start) & (place < stop), 1.0 / tf.cast(stop - start, tf.float32), 0.0)


def _triangle_matrix(old, new):
    """`[new, old]` float32: a triangle around each new place, as wide as the larger of an old pixel and a new one."""
    old_size, new_size = tf.cast(old, tf.float32), tf.cast(new, tf.float32)
    step = 1.0 / (new_size / old_size)
    centre = (tf.cast(tf.range(new), tf.float32) + 0.5) * step
    distance = tf.abs(tf.cast(tf.range(old), tf.float32) + 0.5 - centre[:, None]) / tf.maximum(step, 1.0)
    weights = tf.maximum(1.0 - distance, 0.0)
    return weights / tf.reduce_sum(weights, axis=1, keepdims=True)


def _area_matrix(old, new):
    """`[new, old]` float32: the share of each new pixel that an old one covers."""
    step = tf.cast(old, tf.float32) / tf.cast(new, tf.float32)
    first, last = (tf.cast(tf.range(new) + end, tf.float32)[:, None] * step for end in (0, 1))
    place = tf.cast(tf.range(old), tf.float32)
    return tf.maximum(tf.minimum(place + 1.0, last) - tf.maximum(place, first), 0.0) / step
