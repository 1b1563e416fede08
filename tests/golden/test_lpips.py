"""LPIPS' head beside the published one, on given features and weights."""

import itertools

import tensorflow as tf

from tests.golden.layouts import assert_close, nhwc
from tf_inpaint.metrics import lpips_distance


def test_each_layer_and_their_sum_are_those_of_the_published_head(golden):
    arrays = golden("lpips_id_parts")
    layers = list(itertools.takewhile(lambda index: f"fx{index}" in arrays, itertools.count()))
    assert layers
    maps_a = [nhwc(arrays[f"fx{index}"]) for index in layers]
    maps_b = [nhwc(arrays[f"fy{index}"]) for index in layers]
    weights = [arrays[f"lin{index}"].reshape(-1) for index in layers]
    for index in layers:
        alone = lpips_distance(maps_a[index : index + 1], maps_b[index : index + 1], weights[index : index + 1])
        assert_close(alone, arrays[f"per_layer{index}"].reshape(-1))
    # The published loss is the sum of the layers over the batch, divided by its size.
    assert_close(tf.reduce_mean(lpips_distance(maps_a, maps_b, weights)), arrays["lpips"])


def test_pictures_are_scaled_as_the_published_ones(golden):
    from tf_inpaint.networks import alexnet

    arrays = golden("lpips_id_parts")
    scaled = (nhwc(arrays["zscore_in"]) - alexnet.SHIFT) / alexnet.SCALE
    assert_close(scaled, nhwc(arrays["zscore_out"]))
