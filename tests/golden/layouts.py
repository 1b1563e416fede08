"""From the layouts of the reference arrays to ours, and comparison relative to the size of the values."""

import numpy as np


def nhwc(array):
    """Activations `[B, C, H, W]` -> `[B, H, W, C]`."""
    return np.ascontiguousarray(np.transpose(array, (0, 2, 3, 1)))


def hwio(array):
    """Kernels `[O, I, H, W]` -> `[H, W, I, O]`."""
    return np.ascontiguousarray(np.transpose(array, (2, 3, 1, 0)))


def assert_close(actual, expected, *, relative=2e-5):
    """Asserts that no value is off by more than `relative` times the largest expected magnitude."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    error, scale = np.max(np.abs(actual - expected)), max(np.max(np.abs(expected)), 1e-12)
    assert error <= relative * scale, f"largest error {error:.3g} at values up to {scale:.3g}, allowed {relative * scale:.3g}"
