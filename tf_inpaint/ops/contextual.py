"""Attention between the patches of two feature maps, all scores held at once: what contextual attention in its published forms needs."""

import tensorflow as tf

from tf_inpaint.ops import patches


def attention_weights(
    queries: tf.Tensor,
    keys: tf.Tensor,
    mask: tf.Tensor,
    *,
    match_size: int = 3,
    softmax_scale: float = 10.0,
    normalize_query: bool = True,
    mask_mode: str = "strict",
    floor: float = 0.0,
    fuse: bool = False,
    hard: bool = False,
) -> tf.Tensor:
    """Compares each patch of a map with each known patch of another.

    Args:
        queries: `[B, h, w, C]`, floating point.
        keys: `[B, h', w', C]`, floating point.
        mask: `[B or 1, h', w', 1]`, above 0 where something is missing: patches that hold such a place are not used.
        match_size: height and width of the patches, odd; one around each place, with zeros outside the map.
        softmax_scale: factor on the scores, an inverse temperature.
        normalize_query: whether the scores are cosines, or cosines times the length of the query.
        mask_mode: "strict" or "published", see `patches.masked_softmax`.
        floor: see there.
        fuse: whether the scores are fused along diagonals before the softmax, see `fuse_diagonals`.
        hard: whether the best place takes all, see `patches.best_match`; scale, mode and floor have no influence then.

    Returns:
        `[B, h, w, h' w']` float32 in [0, 1]: for each place of `queries` the weights of all places of `keys`, row by row.

    Source: Yu et al. 2018, arXiv:1801.07892, section 4.1.
    """
    query_size, key_size = patches.spatial_size(queries), patches.spatial_size(keys)
    scores = patches.cosine_scores(_windows(queries, match_size), _windows(keys, match_size), normalize_query=normalize_query)
    if fuse:
        scores = fuse_diagonals(scores, query_size, key_size)
    valid = patches.valid_patches(mask, match_size)
    if hard:
        weights = patches.best_match(scores, valid)
    else:
        weights = patches.masked_softmax(scores, valid, mask_mode=mask_mode, scale=softmax_scale, floor=floor)
    return tf.reshape(weights, [-1, *query_size, key_size[0] * key_size[1]])


def fuse_diagonals(scores: tf.Tensor, query_size: tuple, key_size: tuple) -> tf.Tensor:
    """Adds to the score of two places those of their neighbours, so that neighbours prefer to be taken from neighbours.

    Once with the places counted row by row and once column by column, the scores of the places before and after both are added. The last
    place of a row and the first of the next count as neighbours, as in the published code; outside there are zeros.

    Args:
        scores: `[B, N, M]`, floating point, places row by row.
        query_size: (height, width) of the N places, numbers or scalar tensors.
        key_size: (height, width) of the M places.

    Returns:
        Same shape and dtype.

    Source: Yu et al. 2018, arXiv:1801.07892, section 4.1, "attention propagation"; released code.
    """
    (height, width), (key_height, key_width) = query_size, key_size
    fused = _add_diagonal_neighbours(scores)
    by_columns = tf.transpose(tf.reshape(fused, [-1, height, width, key_height, key_width]), [0, 2, 1, 4, 3])
    fused = _add_diagonal_neighbours(tf.reshape(by_columns, tf.shape(scores)))
    by_rows = tf.transpose(tf.reshape(fused, [-1, width, height, key_width, key_height]), [0, 2, 1, 4, 3])
    return tf.reshape(by_rows, tf.shape(scores))


def transfer_patches(features: tf.Tensor, weights: tf.Tensor, *, rate: int, windows: str = "overlap", overlap: str = "count") -> tf.Tensor:
    """Mixes, for each place j of a small map, the patches of a large one by the weights of j, and lays the mixture down at j.

    Args:
        features: `[B, rate h, rate w, C]`, floating point.
        weights: `[B, h, w, h w]`, as `attention_weights` gives them.
        rate: size of the large map over that of the small one.
        windows: "overlap": patches of twice the rate, each `rate` pixels one, so that neighbours overlap by half; "block": patches of
            `rate` x `rate` pixels side by side.
        overlap: what is done where patches meet, see `patches.fold_patches`.

    Returns:
        Shape and dtype of `features`.
    """
    height, width = patches.spatial_size(features)
    # In cells of rate x rate pixels: a window is one of them, or two by two.
    before = rate // 2 if windows == "overlap" else 0
    cells = features
    if windows == "overlap":
        cells = tf.pad(features, [[0, 0], *[[before, rate - before]] * 2, [0, 0]])
        weights = overlap_weights(weights, overlap=overlap)
    else:
        weights = patches.flatten_patches(weights)
    cells = cells if rate == 1 else tf.nn.space_to_depth(cells, rate)
    mixed = tf.reshape(tf.matmul(tf.cast(weights, features.dtype), patches.flatten_patches(cells)), tf.shape(cells))
    mixed = mixed if rate == 1 else tf.nn.depth_to_space(mixed, rate)
    return mixed[:, before : before + height, before : before + width]


def overlap_weights(weights: tf.Tensor, *, overlap: str = "count") -> tf.Tensor:
    """Turns weights of windows of 2 x 2 cells, that overlap by half, into weights of the cells themselves.

    Cutting such windows out of a map, mixing them and laying them over each other is linear in the cells: a cell of the result takes from
    a cell of the map what the four windows that hold it give, each at the same corner. So nothing four times as large is ever cut.

    Args:
        weights: `[B, h, w, h w]` floating point: for each window the weights of all windows.
        overlap: "count": cells are divided by the number of windows that hold them, 4 inside, 2 at an edge, 1 in a corner; "constant": by
            4 everywhere; "sum": not.

    Returns:
        `[B, (h + 1) (w + 1), (h + 1) (w + 1)]`, same dtype: for each cell the weights of all cells, row by row.
    """
    height, width = patches.spatial_size(weights)
    places = tf.reshape(weights, [-1, height, width, height, width])
    corners = [(i, j) for i in (0, 1) for j in (0, 1)]
    shifted = [tf.pad(places, [[0, 0], [i, 1 - i], [j, 1 - j], [i, 1 - i], [j, 1 - j]]) for i, j in corners]
    combined = tf.add_n(shifted)
    if overlap == "count":
        rows, columns = (tf.pad(tf.ones([size], combined.dtype), [[0, 1]]) for size in (height, width))
        rows, columns = (each + each[::-1] for each in (rows, columns))
        combined /= (rows[:, None] * columns)[:, :, None, None]
    elif overlap == "constant":
        combined /= 4
    number = (height + 1) * (width + 1)
    return tf.reshape(combined, [-1, number, number])


def _windows(features, size):
    return patches.flatten_patches(patches.extract_patches(features, size, padding=size // 2))


def _add_diagonal_neighbours(scores):
    padded = tf.pad(scores, [[0, 0], [1, 1], [1, 1]])
    return padded[:, :-2, :-2] + scores + padded[:, 2:, 2:]
