"""Distances between features: of two pictures (LPIPS), and of two sets of pictures (FID, KID). The features come from elsewhere."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

# Added to the length of a feature vector before dividing by it, as in the authors' code.
_LENGTH_EPSILON = 1e-10


def lpips_distance(features_a: Sequence[tf.Tensor], features_b: Sequence[tf.Tensor], weights: Sequence[tf.Tensor]) -> tf.Tensor:
    """Weighted squared difference of features of length 1, mean over the pixels, sum over the layers.

    Args:
        features_a: a map `[B, H, W, C]` float32 for each layer, of one picture.
        features_b: of the other, same shapes.
        weights: `[C]` float32 for each layer, at least 0.

    Returns:
        `[B]` float32, at least 0; 0 for equal features.

    Source: Zhang et al. 2018, arXiv:1801.03924, equation 1, with the weights inside the square as the code has them.
    """
    distances = []
    for a, b, weight in zip(features_a, features_b, weights, strict=True):
        a, b = (each / (tf.norm(each, axis=-1, keepdims=True) + _LENGTH_EPSILON) for each in (a, b))
        distances.append(tf.reduce_mean(tf.reduce_sum(weight * (a - b) ** 2, axis=-1), axis=[1, 2]))
    return tf.add_n(distances)


def frechet_distance(features_a: np.ndarray, features_b: np.ndarray) -> float:
    """Frechet distance between two normal distributions with the means and covariances of two sets of features: FID.

    The trace of the root of the product of the covariances is the sum of the singular values of R_a R_b^T, where R^T R is a
    covariance: no root of a matrix is taken, and covariances without full rank need no care.

    Args:
        features_a: `[N, D]`, N at least 2.
        features_b: `[M, D]`, M at least 2.

    Returns:
        The distance, at least 0 but for rounding; computed in float64 with covariances over N - 1.

    Raises:
        ValueError: if a set has fewer than two members, or the numbers of features differ.

    Source: Heusel et al. 2017, arXiv:1706.08500, equation 6.
    """
    a, b = _checked(features_a, features_b)
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    root_a, root_b = (np.linalg.qr((each - mean) / np.sqrt(len(each) - 1), mode="r") for each, mean in ((a, mean_a), (b, mean_b)))
    trace_of_root = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    return float(np.sum((mean_a - mean_b) ** 2) + np.sum(root_a**2) + np.sum(root_b**2) - 2.0 * trace_of_root)


def kernel_distance(
    features_a: np.ndarray, features_b: np.ndarray, *, subset_size: int = 1000, num_subsets: int = 100, seed: int = 0
) -> float:
    """Squared maximum mean discrepancy with the kernel (x y / D + 1)^3, unbiased: KID.

    Args:
        features_a: `[N, D]`, N at least 2.
        features_b: `[M, D]`, M at least 2.
        subset_size: sets larger than this are compared by subsets of this size, drawn without putting back.
        num_subsets: whose mean is taken then. Where neither set is larger all of both is compared, once.
        seed: chooses the subsets.

    Returns:
        The distance; unbiased, so that it is also below 0 for sets of the same distribution.

    Raises:
        ValueError: if a set has fewer than two members, or the numbers of features differ.

    Source: Binkowski et al. 2018, arXiv:1801.01401, section 4.
    """
    a, b = _checked(features_a, features_b)
    if max(len(a), len(b)) <= subset_size:
        return _squared_discrepancy(a, b)
    random = np.random.RandomState(seed)
    estimates = []
    for _ in range(num_subsets):
        parts = (each[random.permutation(len(each))[:subset_size]] for each in (a, b))
        estimates.append(_squared_discrepancy(*parts))
    return float(np.mean(estimates))


def _squared_discrepancy(a, b):
    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1.0) ** 3

    def mean_of_pairs(x):  # of different members: this makes it unbiased
        values = kernel(x, x)
        return (values.sum() - np.trace(values)) / (len(x) * (len(x) - 1))

    return float(mean_of_pairs(a) + mean_of_pairs(b) - 2.0 * kernel(a, b).mean())


def _checked(features_a, features_b):
    a, b = np.asarray(features_a, np.float64), np.asarray(features_b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(f"Two sets of at least two features of one length are compared. Received the shapes {a.shape} and {b.shape}.")
    return a, b
