"""Losses between feature maps: of a fixed network (perceptual, style) or of the critic (feature matching)."""

from collections.abc import Sequence

import tensorflow as tf


def perceptual_loss(features_a: Sequence[tf.Tensor], features_b: Sequence[tf.Tensor]) -> tf.Tensor:
    """Sum over feature maps of their mean absolute difference.

    Args:
        features_a: maps `[B, H, W, C]` of any floating dtype, such as a feature network gives for the network's output. Weights of
            single maps are the caller's: multiply both maps of a pair.
        features_b: the maps of the truth, same number and shapes.

    Returns:
        Scalar float32, at least 0: each map's mean is over batch, pixels and channels; an empty list gives 0.

    Raises:
        ValueError: if the numbers of maps differ.

    Source: Liu et al. 2018, arXiv:1804.07723, section 3.3 (its two sums, of the output and of the composite, are two calls); Nazeri
    et al. 2019, arXiv:1901.00212, section 3.2.
    """
    return _sum_of_mean_differences([_as_float32(pair) for pair in _pairs(features_a, features_b)])


def style_loss(features_a: Sequence[tf.Tensor], features_b: Sequence[tf.Tensor]) -> tf.Tensor:
    """Sum over feature maps of the mean absolute difference of their Gram matrices.

    Args:
        features_a: maps `[B, H, W, C]` of any floating dtype; H and W may differ between the two lists, C may not.
        features_b: the maps of the truth, same number.

    Returns:
        Scalar float32, at least 0: the mean over batch and matrix elements divides by C^2, the Gram matrices by C H W; an empty
        list gives 0.

    Raises:
        ValueError: if the numbers of maps differ.

    Source: Liu et al. 2018, arXiv:1804.07723, section 3.3 (K_p is misprinted there: all codes divide by C H W); Nazeri et al. 2019,
    arXiv:1901.00212, section 3.2.
    """
    return _sum_of_mean_differences([(gram_matrix(a), gram_matrix(b)) for a, b in _pairs(features_a, features_b)])


def gram_matrix(features: tf.Tensor) -> tf.Tensor:
    """Correlations of all pairs of channels over the pixels, F^T F / (C H W).

    Args:
        features: `[B, H, W, C]`, any floating dtype.

    Returns:
        `[B, C, C]` float32, symmetric. Summed in float32 under every precision policy: products of features overflow float16, and
        sums over thousands of pixels stop growing in bfloat16.
    """
    features = tf.cast(features, tf.float32)
    shape = tf.shape(features)
    flat = tf.reshape(features, [shape[0], shape[1] * shape[2], features.shape[-1] or shape[3]])
    return tf.matmul(flat, flat, transpose_a=True) / tf.cast(shape[1] * shape[2] * shape[3], tf.float32)


def feature_matching_loss(real_features: Sequence[tf.Tensor], fake_features: Sequence[tf.Tensor]) -> tf.Tensor:
    """Sum over a critic's feature maps of the mean absolute difference; no gradient reaches the real ones.

    Args:
        real_features: maps of any shape and floating dtype, the critic's of the truth.
        fake_features: same number and shapes, the critic's of the generated pictures.

    Returns:
        Scalar float32, at least 0: each map's mean is over all its elements; an empty list gives 0.

    Raises:
        ValueError: if the numbers of maps differ.

    Source: Nazeri et al. 2019, arXiv:1901.00212, section 3.1; their code takes all five layers of the critic.
    """
    pairs = [_as_float32(pair) for pair in _pairs(real_features, fake_features)]
    return _sum_of_mean_differences([(tf.stop_gradient(real), fake) for real, fake in pairs])


def _pairs(features_a, features_b):
    if len(features_a) != len(features_b):
        raise ValueError(
            "Features are compared map by map: both lists must have the same length. Received: "
            f"{len(features_a)} and {len(features_b)} maps."
        )
    return list(zip(features_a, features_b, strict=True))


def _as_float32(pair):
    return tf.cast(pair[0], tf.float32), tf.cast(pair[1], tf.float32)


def _sum_of_mean_differences(pairs):
    terms = [tf.reduce_mean(tf.abs(a - b)) for a, b in pairs]
    return tf.add_n(terms) if terms else tf.constant(0.0)
