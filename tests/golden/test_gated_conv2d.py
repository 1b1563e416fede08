"""Gated convolutions against the released code of HiFill (three gates) and of DeepFill v2 (one convolution, split)."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.layouts import assert_close
from tf_inpaint.layers import GatedConv2D

# Case -> its name in the weights, arguments of the layer.
FORMS = {
    "k3": ("k3", {}),
    "k3_s2": ("k3s2", {"strides": 2}),
    "k3_rate4": ("k3r4", {"dilation_rate": 4}),
    "k5_s2": ("k5s2", {"strides": 2}),
    "deconv": ("dc/{gate}_dc_conv", {}),
}
GATES = {"regular": "regular", "slice": "slice", "ds": "pointwise"}
# Case -> name in the weights, arguments, whether the output is doubled before.
DEEPFILL_CASES = {
    "gen_conv_k5": ("a", {}),
    "gen_conv_k3_s2": ("b", {"strides": 2}),
    "gen_conv_k3_rate2": ("c", {"dilation_rate": 2}),
    "gen_deconv": ("dd/dd_conv", {}),
    "gen_conv_relu": ("f", {"activation": "relu"}),
}


def run_layer(inputs, kernel, bias, gate_kernel, gate_bias, **arguments):
    layer = GatedConv2D(kernel.shape[-1], kernel.shape[0], **arguments)
    layer.build(inputs.shape)
    for variable, value in ((layer.kernel, kernel), (layer.bias, bias), (layer.gate_kernel, gate_kernel), (layer.gate_bias, gate_bias)):
        variable.assign(value)
    return layer(tf.constant(inputs))


def doubled_linearly(x):
    """TensorFlow 1's bilinear doubling: each pixel, then the mean of it and the next; the last is repeated."""
    for axis in (1, 2):
        following = np.take(x, np.minimum(np.arange(x.shape[axis]) + 1, x.shape[axis] - 1), axis=axis)
        pairs = np.stack([x, (x + following) / 2], axis=axis + 1)
        x = pairs.reshape([size * (2 if index == axis else 1) for index, size in enumerate(x.shape)])
    return x


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("gate", GATES)
def test_the_layer_is_hifills(golden, gate, form):
    arrays = golden("gated_conv_hifill")
    name, arguments = FORMS[form]
    prefix = f"w/{gate}_{name.format(gate=gate)}"
    if gate == "ds":
        weights = [arrays[f"{prefix}/{part}"] for part in ("w", "biases", "pw", "ds_biases")]
    else:
        weights = [arrays[f"{prefix}_{part}"] for part in ("feat/w", "feat/biases", "gate/w", "gate/biases")]
    inputs = doubled_linearly(arrays["x"]) if form == "deconv" else arrays["x"]
    assert_close(run_layer(inputs, *weights, gate=GATES[gate], **arguments), arrays[f"y/{gate}_{form}"])


@pytest.mark.parametrize("case", DEEPFILL_CASES)
def test_the_layer_is_deepfills(golden, case):
    arrays = golden("gated_conv_deepfill_v2")
    name, arguments = DEEPFILL_CASES[case]
    kernel, gate_kernel = np.split(arrays[f"w/{name}/kernel"], 2, axis=3)
    bias, gate_bias = np.split(arrays[f"w/{name}/bias"], 2)
    inputs = arrays["x"].repeat(2, axis=1).repeat(2, axis=2) if case == "gen_deconv" else arrays["x"]
    assert_close(run_layer(inputs, kernel, bias, gate_kernel, gate_bias, **arguments), arrays[f"y/{case}"])
