"""Canny against edge maps of scikit-image 0.26, the arrays of canny.npz.

Made from the double precision grey of the 8-bit pictures in the file; packed eight pixels a byte.
"""

import numpy as np
import pytest
import skimage.color
import tensorflow as tf

from tf_inpaint.ops import canny, image

PICTURE_AGREEMENT = 0.998
MEAN_AGREEMENT = 0.9995


@pytest.fixture(scope="module")
def arrays(golden):
    return golden("canny")


@pytest.fixture(scope="module")
def names(arrays):
    return sorted(key.split("/")[0] for key in arrays if key.endswith("/rgb_u8"))


def batch_of_gray(arrays, names):
    """`[B, H, W, 1]` float64, recomputed from the colours."""
    return np.stack([skimage.color.rgb2gray(arrays[f"{name}/rgb_u8"]) for name in names])[..., np.newaxis]


def edge_maps(arrays, names, kind):
    """`[B, H, W]` of 0 and 1, unpacked."""
    shape = [arrays[f"{name}/gray_f32"].shape for name in names]
    return np.stack(
        [
            np.unpackbits(arrays[f"{name}/{kind}"])[: height * width].reshape(height, width)
            for name, (height, width) in zip(names, shape, strict=True)
        ]
    )


def assert_agreement(edges, expected):
    agreement = np.mean(edges.numpy()[..., 0] == expected, axis=(1, 2))
    assert agreement.min() >= PICTURE_AGREEMENT
    assert agreement.mean() >= MEAN_AGREEMENT


@pytest.mark.parametrize("sigma", [1, 2, 3])
def test_edges_of_whole_pictures_agree(arrays, names, sigma):
    edges = canny.canny(batch_of_gray(arrays, names), sigma=float(sigma))
    assert_agreement(edges, edge_maps(arrays, names, f"sk_canny_sigma{sigma}"))


@pytest.mark.parametrize("sigma", [1, 2, 3])
def test_edges_of_the_stored_single_precision_grey_agree(arrays, names, sigma):
    gray = np.stack([arrays[f"{name}/gray_f32"] for name in names])[..., np.newaxis]
    assert_agreement(canny.canny(gray, sigma=float(sigma)), edge_maps(arrays, names, f"sk_canny_sigma{sigma}"))


def test_edges_from_the_grey_of_the_library_agree(arrays, names):
    pictures = np.stack([arrays[f"{name}/rgb_u8"] for name in names])
    edges = canny.canny(image.to_gray(image.from_uint8(pictures)))
    assert_agreement(edges, edge_maps(arrays, names, "sk_canny_sigma2"))


@pytest.mark.parametrize("filling", [None, 0.0, 1.0, np.nan, np.inf])
def test_masked_edges_agree_whatever_fills_the_hole(arrays, names, filling):
    gray = batch_of_gray(arrays, names)
    usable = np.broadcast_to(~arrays["hole_mask"][np.newaxis, ..., np.newaxis], gray.shape)
    expected = edge_maps(arrays, names, "sk_canny_sigma2_validmask")
    np.testing.assert_array_equal(expected, edge_maps(arrays, names, "sk_canny_sigma2_hole_filled1_validmask"))
    if filling is not None:
        gray = np.where(usable, gray, filling)
    edges = canny.canny(gray, mask=usable)
    assert_agreement(edges, expected)
    # The same bits as with the true pixels in the hole.
    np.testing.assert_array_equal(edges, canny.canny(batch_of_gray(arrays, names), mask=usable))


def test_a_compiled_function_of_unknown_sizes_gives_the_same_edges(arrays, names):
    compiled = tf.function(canny.canny, input_signature=[tf.TensorSpec([None, None, None, 1], tf.float32)])
    gray = batch_of_gray(arrays, names).astype(np.float32)
    np.testing.assert_array_equal(compiled(gray), canny.canny(gray))
