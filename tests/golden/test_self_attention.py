"""Self-attention against the three published forms (arrays of part A, `sagan_*.npz`)."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.layouts import assert_close, hwio, nhwc
from tf_inpaint.layers import SelfAttention2D

# Our sub-layer -> its name in the arrays, per form.
ARXIV_NAMES = {"query": "query_conv", "key": "key_conv", "value": "value_conv"}
ICML_NAMES = {"query": "query", "key": "key", "value": "value", "output_projection": "out"}
METHODS = [{"method": "dense"}, {"method": "blockwise"}, {"method": "blockwise", "block_size": 37}]


def build_layer(arrays, case, names, **arguments):
    layer = SelfAttention2D(**arguments)
    inputs = nhwc(arrays[f"{case}/x"])
    layer.build(inputs.shape)
    for ours, theirs in names.items():
        convolution = getattr(layer, ours)
        convolution.kernel.assign(hwio(arrays[f"{case}/w/{theirs}.weight"]))
        convolution.bias.assign(arrays[f"{case}/w/{theirs}.bias"])
    layer.gamma.assign(np.reshape(arrays[f"{case}/w/gamma"], ()))
    return layer, tf.constant(inputs)


def check_values_and_gradients(arrays, case, layer, inputs, names):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs)
    assert_close(outputs, nhwc(arrays[f"{case}/y"]))
    watched = {"dx": inputs, "gamma": layer.gamma}
    for ours in names:
        watched[f"{ours}.kernel"] = getattr(layer, ours).kernel
        watched[f"{ours}.bias"] = getattr(layer, ours).bias
    upstream = nhwc(arrays[f"{case}/gy"])
    upstream = tf.constant(upstream / upstream.size)  # the arrays hold the gradients of mean(y * gy)
    values = tape.gradient(outputs, list(watched.values()), output_gradients=upstream)
    gradients = dict(zip(watched, values, strict=True))
    assert_close(gradients["dx"], nhwc(arrays[f"{case}/dx"]), relative=1e-4)
    assert_close(gradients["gamma"], np.reshape(arrays[f"{case}/grad/gamma"], ()), relative=1e-4)
    # A bias of the keys adds the same to all scores of a query, so that its true gradient is 0 and what is there is rounding:
    # every kernel and bias gradient is compared on the scale of its layer.
    for ours, theirs in names.items():
        kernel_gradient = hwio(arrays[f"{case}/grad/{theirs}.weight"])
        scale = np.max(np.abs(kernel_gradient))
        assert_close(gradients[f"{ours}.kernel"], kernel_gradient, relative=1e-4)
        error = np.max(np.abs(np.asarray(gradients[f"{ours}.bias"]) - arrays[f"{case}/grad/{theirs}.bias"]))
        bias_scale = max(scale, np.max(np.abs(arrays[f"{case}/grad/{theirs}.bias"])))
        assert error <= 2e-4 * bias_scale, f"{ours}.bias: {error} on {bias_scale}"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", ["c64_16x16", "c64_16x16_kvpool2", "c32_8x12"])
def test_the_icml_form_gives_the_reference_values_and_gradients(golden, case, method):
    arrays = golden("sagan_icml_form")
    kv_pool = 2 if case.endswith("kvpool2") else 1
    layer, inputs = build_layer(arrays, case, ICML_NAMES, form="icml", kv_pool=kv_pool, **method)
    check_values_and_gradients(arrays, case, layer, inputs, ICML_NAMES)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", ["c64_16x16", "c32_8x12_rect", "c64_gamma0"])
def test_the_arxiv_form_gives_the_published_values_and_gradients(golden, case, method):
    arrays = golden("sagan_attention")
    layer, inputs = build_layer(arrays, case, ARXIV_NAMES, form="arxiv", **method)
    check_values_and_gradients(arrays, case, layer, inputs, ARXIV_NAMES)


@pytest.mark.parametrize("method", METHODS)
def test_the_arxiv_form_with_pooled_keys_and_values_gives_the_reference_values(golden, method):
    arrays = golden("sagan_attention")
    layer, inputs = build_layer(arrays, "pooled_sagan", ARXIV_NAMES, form="arxiv", kv_pool=2, **method)
    assert_close(layer(inputs), nhwc(arrays["pooled_sagan/y"]))


@pytest.mark.parametrize("method", METHODS)
def test_the_released_form_without_spectral_norm_gives_the_reference_values(golden, method):
    arrays = golden("sagan_attention")
    layer = SelfAttention2D(form="released", kv_pool=2, use_bias=False, **method)
    inputs = nhwc(arrays["pooled/x"])
    layer.build(inputs.shape)
    names = {"query": "theta_w", "key": "phi_w", "value": "g_w", "output_projection": "out_w"}
    for ours, theirs in names.items():
        getattr(layer, ours).kernel.assign(arrays[f"pooled/{theirs}"].T[None, None])
    layer.gamma.assign(arrays["pooled/sigma"])
    assert_close(layer(tf.constant(inputs)), nhwc(arrays["pooled/y"]))


@pytest.mark.parametrize("method", METHODS)
def test_the_released_form_gives_the_published_values_call_after_call(golden, method):
    arrays = golden("sagan_official_pooled")
    layer = SelfAttention2D(form="released", kv_pool=2, use_bias=False, spectral_norm=True, **method)
    layer.build(arrays["x"].shape)
    names = {"query": "theta", "key": "phi", "value": "g", "output_projection": "attn"}
    for ours, theirs in names.items():
        getattr(layer, ours).kernel.assign(arrays[f"w/sn_nonlocal/sn_conv_{theirs}/w:0"])
        getattr(layer, ours).u.assign(arrays[f"w/sn_nonlocal/sn_conv_{theirs}/u:0"])
    layer.gamma.assign(arrays["w/sn_nonlocal/sigma_ratio:0"])
    inputs = tf.constant(arrays["x"])
    assert_close(layer(inputs, training=True), arrays["y_first_call"], relative=5e-5)
    for ours, theirs in names.items():
        expected = arrays[f"u_after_1_call/sn_nonlocal/sn_conv_{theirs}/u:0"]
        assert_close(getattr(layer, ours).u, expected)
    assert_close(layer(inputs, training=True), arrays["y_second_call"], relative=5e-5)
