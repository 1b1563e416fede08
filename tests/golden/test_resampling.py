"""Aligned bilinear resizing and adaptive pooling against PyTorch."""

import pytest
import tensorflow as tf

from tests.golden.layouts import assert_close, nhwc
from tf_inpaint.ops import resampling


@pytest.mark.parametrize("case", ["up2_bilinear_ac", "down2_bilinear_ac"])
def test_features_are_resized_as_in_pytorch(golden, case):
    arrays = golden("resize_ops")
    expected = nhwc(arrays[case])
    assert_close(resampling.resize_align_corners(tf.constant(nhwc(arrays["x"])), expected.shape[1:3]), expected)


@pytest.mark.parametrize("size", [128, 64, 32, 16, 8, 4])
def test_masks_are_resized_as_in_pytorch(golden, size):
    arrays = golden("resize_ops")
    for mask, prefix in (("mask256", "mask_ac"), ("mask256_b", "mask_b_ac")):
        resized = resampling.resize_align_corners(tf.constant(nhwc(arrays[mask])), (size, size))
        assert_close(resized, nhwc(arrays[f"{prefix}_{size}"]))


@pytest.mark.parametrize(("source", "case"), [("y188", "y188_adaptive112"), ("z64", "z64_adaptive16"), ("z64", "z64_adaptive7")])
def test_adaptive_pooling_is_pytorchs(golden, source, case):
    arrays = golden("resize_ops")
    expected = nhwc(arrays[case])
    assert_close(resampling.adaptive_average_pool(tf.constant(nhwc(arrays[source])), expected.shape[1:3]), expected)


def test_the_feature_pyramid_is_resized_as_in_psp(golden):
    arrays = golden("psp_blocks")
    lateral = nhwc(arrays["upsample_add/y"])
    resized = resampling.resize_align_corners(tf.constant(nhwc(arrays["upsample_add/x"])), lateral.shape[1:3])
    assert_close(resized + lateral, nhwc(arrays["upsample_add/out"]))
