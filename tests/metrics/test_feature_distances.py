"""Distances of features beside SciPy's and by the definitions; what they are of equal and of shifted sets."""

import numpy as np
import pytest
import scipy.linalg

from tf_inpaint.metrics import frechet_distance, kernel_distance, lpips_distance


def two_sets(num_a, num_b, features, seed=0):
    rng = np.random.RandomState(seed)
    mixing = rng.normal(size=(features, features))
    return rng.normal(size=(num_a, features)) @ mixing, 1.3 * rng.normal(size=(num_b, features)) @ mixing + rng.normal(size=features)


@pytest.mark.parametrize(("num_a", "num_b"), [(60, 60), (200, 50), (12, 30)])
def test_the_frechet_distance_is_that_of_scipys_matrix_root(num_a, num_b):
    a, b = two_sets(num_a, num_b, 10)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(cov_a @ cov_b).real
    expected = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2) + np.trace(cov_a + cov_b - 2 * root)
    np.testing.assert_allclose(frechet_distance(a, b), expected, rtol=1e-8)
    np.testing.assert_allclose(frechet_distance(b, a), expected, rtol=1e-8)
    np.testing.assert_allclose(frechet_distance(a.astype(np.float32), b.astype(np.float32)), expected, rtol=1e-4)


def test_the_frechet_distance_needs_no_full_rank():
    a, b = two_sets(7, 5, 30)  # fewer members than features: the eigenvalues say it without a root of the product
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(cov_a)
    half = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    trace = np.sqrt(np.clip(np.linalg.eigvalsh(half @ cov_b @ half), 0, None)).sum()
    expected = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2) + np.trace(cov_a + cov_b) - 2 * trace
    np.testing.assert_allclose(frechet_distance(a, b), expected, rtol=1e-6)


def test_the_frechet_distance_of_a_set_moved_as_a_whole_is_the_square_of_the_way():
    a, _ = two_sets(50, 2, 6)
    np.testing.assert_allclose(frechet_distance(a, a + 3.0), 6 * 3.0**2, rtol=1e-9)
    assert abs(frechet_distance(a, a)) < 1e-9 * np.trace(np.cov(a, rowvar=False))


def kernel_distance_by_loops(a, b):
    def kernel(x, y):
        return (np.dot(x, y) / len(x) + 1) ** 3

    def pairs(x):
        return np.mean([kernel(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j])

    return pairs(a) + pairs(b) - 2 * np.mean([kernel(x, y) for x in a for y in b])


def test_the_kernel_distance_is_that_of_its_definition():
    a, b = two_sets(14, 9, 5)
    np.testing.assert_allclose(kernel_distance(a, b), kernel_distance_by_loops(a, b), rtol=1e-9)


def test_large_sets_are_compared_by_subsets_that_the_seed_chooses():
    a, b = (each / 5 for each in two_sets(60, 50, 5))  # the third power makes the mean of large features a matter of a few pairs
    options = {"subset_size": 20, "num_subsets": 30}
    first = kernel_distance(a, b, **options)
    assert first == kernel_distance(a, b, **options)
    assert first != kernel_distance(a, b, **options, seed=1)
    np.testing.assert_allclose(first, kernel_distance(a, b), rtol=0.3)


def test_the_kernel_distance_is_unbiased_also_for_small_sets():
    rng = np.random.RandomState(0)
    estimates = [kernel_distance(*rng.normal(size=(2, 6, 8))) for _ in range(400)]
    assert abs(np.mean(estimates)) < 4 * np.std(estimates) / np.sqrt(len(estimates))
    shifted = kernel_distance(rng.normal(size=(40, 8)), rng.normal(size=(40, 8)) + 1)
    assert shifted > 10 * np.std(estimates) / np.sqrt(len(estimates))


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
@pytest.mark.parametrize("shapes", [((1, 4), (5, 4)), ((5, 4), (5, 3)), ((5,), (5,))])
def test_sets_that_cannot_be_compared_are_refused(distance, shapes):
    with pytest.raises(ValueError, match="shapes"):
        distance(*(np.zeros(shape) for shape in shapes))


def test_lpips_is_the_weighted_difference_of_directions():
    rng = np.random.RandomState(0)
    maps_a, maps_b = ([rng.normal(size=(2, size, size, 3)).astype(np.float32) for size in (4, 2)] for _ in range(2))
    weights = [rng.uniform(size=3).astype(np.float32) for _ in range(2)]
    expected = np.zeros(2)
    for a, b, weight in zip(maps_a, maps_b, weights):
        unit_a, unit_b = (each / np.linalg.norm(each, axis=-1, keepdims=True) for each in (a, b))
        expected += (weight * (unit_a - unit_b) ** 2).sum(axis=-1).mean(axis=(1, 2))
    np.testing.assert_allclose(lpips_distance(maps_a, maps_b, weights), expected, rtol=1e-5)
    np.testing.assert_array_equal(lpips_distance(maps_a, maps_a, weights), 0)
    scaled = [5 * each for each in maps_b]  # only directions count
    np.testing.assert_allclose(lpips_distance(maps_a, scaled, weights), expected, rtol=1e-5)


def test_lpips_of_features_that_are_0_is_a_number():
    zeros = [np.zeros([1, 2, 2, 3], np.float32)]
    assert lpips_distance(zeros, zeros, [np.ones(3, np.float32)]) == 0
