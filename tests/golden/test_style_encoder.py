"""The encoder and its parts against the released code of pSp."""

import keras
import pytest
import tensorflow as tf

from tests.golden.layouts import assert_close, nhwc
from tf_inpaint.layers import EqualizedDense
from tf_inpaint.official_weights import OfficialWeights
from tf_inpaint.systems.latent_attention import ir_se
from tf_inpaint.systems.latent_attention.encoder import build_encoder, shrink
from tf_inpaint.systems.latent_attention.official_names_encoder import published_variables

# Case -> (output channels, strides).
UNITS = {"ir_same": (8, 1), "ir_stride": (8, 2), "ir_proj": (16, 2)}


def load(network, arrays, prefix, *, before=""):
    """Gives a network the arrays whose names start with `prefix`; `before` is what precedes these names in whole networks."""
    named = {before + name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    official = OfficialWeights(named, origin=prefix)
    for name, (variable, layout) in published_variables(network).items():
        official.assign(variable, name, layout)
    official.finish()


@pytest.mark.parametrize("kind", ["bottleneck_IR", "bottleneck_IR_SE"])
@pytest.mark.parametrize("case", UNITS)
def test_a_unit_is_the_published_one(golden, case, kind):
    arrays, prefix = golden("psp_blocks"), f"{case}_{kind}"
    filters, strides = UNITS[case]
    inputs = nhwc(arrays[f"{prefix}/x"])
    symbolic = keras.Input(inputs.shape[1:])
    reduction = 2 if kind.endswith("SE") else None
    unit = keras.Model(symbolic, ir_se.add_unit(symbolic, filters, "unit_0", strides=strides, reduction=reduction))
    load(unit, arrays, f"{prefix}/w/", before="body.0.")
    assert_close(unit(inputs), nhwc(arrays[f"{prefix}/y_eval"]))
    assert_close(unit(inputs, training=True), nhwc(arrays[f"{prefix}/y_train"]), relative=5e-5)


@pytest.mark.parametrize("case", ["s16", "s32", "s64"])
def test_a_head_is_the_published_one(golden, case):
    arrays = golden("psp_blocks")
    inputs, expected = nhwc(arrays[f"{case}/x"]), arrays[f"{case}/y"]
    symbolic = keras.Input(inputs.shape[1:])
    style = EqualizedDense(expected.shape[-1], name="style_0_dense")(shrink(symbolic, expected.shape[-1], "style_0"))
    head = keras.Model(symbolic, style)
    load(head, arrays, f"{case}/w/", before="styles.0.")
    assert_close(head(inputs), expected)


@pytest.mark.slow
def test_the_encoder_is_the_published_one(golden):
    arrays = golden("psp_encoder_w16")
    encoder = build_encoder(
        image_size=arrays["x"].shape[2],
        num_styles=arrays["styles14"].shape[1],
        style_size=arrays["styles14"].shape[2],
        base_filters=arrays["w/input_layer.0.weight"].shape[0],
        reduction=2,
    )
    load(encoder, arrays, "w/")
    names = {"c1": "unit_6_sum", "c2": "unit_20_sum", "c3": "unit_23_sum", "p2": "middle_map", "p1": "fine_map", "styles14": "offsets"}
    parts = keras.Model(encoder.inputs, {key: encoder.get_layer(name).output for key, name in names.items()})
    for key, result in parts(tf.constant(nhwc(arrays["x"]))).items():
        assert_close(result, arrays[key] if key == "styles14" else nhwc(arrays[key]), relative=5e-5)
