"""Published encoders: pSp's whole checkpoint, ArcFace's trunk, and what does not fit. (Values: tests/golden/test_style_encoder.)"""

import numpy as np
import pytest

from tf_inpaint.errors import WeightsError
from tf_inpaint.systems.latent_attention import identity, official_names
from tf_inpaint.systems.latent_attention.encoder import build_encoder
from tf_inpaint.systems.latent_attention.official_names_encoder import ENCODER_PREFIX, published_variables

SMALL = {"image_size": 32, "num_styles": 8, "style_size": 6, "base_filters": 2, "units": (1, 1, 1, 1), "reduction": 2}


def torch_arrays(network, prefix):
    """Arrays as PyTorch would store them, of distinct numbers."""
    arrays = {}
    for index, (name, (variable, layout)) in enumerate(published_variables(network).items()):
        shape = tuple(variable.shape)
        if layout in ("conv", "dense"):
            shape = shape[::-1] if layout == "dense" else (shape[3], shape[2], shape[0], shape[1])
        elif callable(layout):
            shape = (variable.shape[-1],)
        arrays[prefix + name] = np.random.default_rng(index).normal(size=shape).astype(np.float32)
    return arrays


def test_psps_checkpoint_fills_the_whole_encoder():
    encoder = build_encoder(**SMALL)
    arrays = torch_arrays(encoder, ENCODER_PREFIX)
    official_names.assign({"encoder": encoder}, arrays)
    # pSp numbers the convolutions of a head by twos, an activation comes after each.
    expected = arrays[f"{ENCODER_PREFIX}styles.3.convs.2.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(encoder.get_layer("style_3_conv_2").kernel, expected)
    np.testing.assert_array_equal(encoder.get_layer("style_7_dense").kernel, arrays[f"{ENCODER_PREFIX}styles.7.linear.weight"].T)
    np.testing.assert_array_equal(np.ravel(encoder.get_layer("unit_1_prelu").alpha), arrays[f"{ENCODER_PREFIX}body.1.res_layer.2.weight"])
    np.testing.assert_array_equal(encoder.get_layer("fine_lateral").bias, arrays[f"{ENCODER_PREFIX}latlayer2.bias"])


@pytest.mark.parametrize("mask_channel", [False, True])
def test_arcfaces_file_fills_the_trunk_of_any_encoder_and_leaves_the_heads(mask_channel):
    encoder = build_encoder(**SMALL, shared_trunk=True, mask_channel=mask_channel)
    network = identity.build_identity_network(image_size=32, base_filters=2, units=SMALL["units"], reduction=2, embedding_size=3)
    arrays = torch_arrays(network, "")
    before = {name: np.array(encoder.get_layer(name).kernel) for name in ("input_conv", "coarse_styles_conv_1", "style_0_dense")}
    official_names.assign({"encoder": encoder}, arrays)
    np.testing.assert_array_equal(encoder.get_layer("unit_2_conv_2").kernel, arrays["body.2.res_layer.3.weight"].transpose(2, 3, 1, 0))
    changed = {name: bool(np.any(np.asarray(encoder.get_layer(name).kernel) != kernel)) for name, kernel in before.items()}
    # The stem of an encoder that sees the mask has another input.
    assert changed == {"input_conv": not mask_channel, "coarse_styles_conv_1": False, "style_0_dense": False}


@pytest.mark.parametrize("arguments", [{"shared_trunk": True}, {"mask_channel": True}])
def test_psps_arrays_are_refused_by_an_encoder_of_another_make(arguments):
    arrays = torch_arrays(build_encoder(**SMALL), ENCODER_PREFIX)
    with pytest.raises(WeightsError, match="shared_trunk=False"):
        official_names.assign({"encoder": build_encoder(**SMALL, **arguments)}, arrays)


def test_a_missing_array_leaves_the_encoder_as_it_was():
    encoder = build_encoder(**SMALL)
    arrays = torch_arrays(encoder, ENCODER_PREFIX)
    del arrays[f"{ENCODER_PREFIX}body.0.res_layer.1.weight"]
    before = [np.array(weight) for weight in encoder.weights]
    with pytest.raises(WeightsError, match=r"missing: state_dict/encoder.body.0.res_layer.1.weight"):
        official_names.assign({"encoder": encoder}, arrays)
    for weight, value in zip(encoder.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_other_arrays_are_refused():
    with pytest.raises(WeightsError, match="neither a StyleGAN2 nor an encoder"):
        official_names.assign({"encoder": build_encoder(**SMALL)}, {"enc_1.conv.weight": np.zeros([1])})
