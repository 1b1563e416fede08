"""Weights of the PyTorch peers of partial convolution: their names, their layouts, what is left out and what is an error."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.errors import WeightsError
from tf_inpaint.systems.loading import load_official
from tf_inpaint.systems.partial_conv import PartialConv

# Their name of a block -> number of our layer, and shape of its kernel as PyTorch has it, for three levels of 8, 16 and 32 channels.
BLOCKS = {
    "enc_1": (1, (8, 3, 7, 7)),
    "enc_2": (2, (16, 8, 5, 5)),
    "enc_3": (3, (32, 16, 5, 5)),
    "dec_3": (4, (16, 48, 3, 3)),
    "dec_2": (5, (8, 24, 3, 3)),
    "dec_1": (6, (3, 11, 3, 3)),
}
NORMALISED = ("enc_2", "enc_3", "dec_3", "dec_2")
# Part of the peer's module -> (name of ours, start of our layer's name).
PARTS = {
    "conv.weight": ("kernel", "partial_conv"),
    "conv.bias": ("bias", "partial_conv"),
    "bn.weight": ("gamma", "batch_norm"),
    "bn.bias": ("beta", "batch_norm"),
    "bn.running_mean": ("moving_mean", "batch_norm"),
    "bn.running_var": ("moving_variance", "batch_norm"),
}


@pytest.fixture
def system():
    keras.utils.set_random_seed(0)
    return PartialConv.tiny(convolution_bias=False, scale="inverse_sum", input_normalisation="imagenet", feature_network="none")


@pytest.fixture
def arrays():
    """Random weights under the names that both forms share: the peer's wraps its convolution, see `wrapped`."""
    generator = np.random.default_rng(0)
    made = {}
    for block, (_, shape) in BLOCKS.items():
        made[f"{block}.conv.weight"] = generator.normal(size=shape)
        if block in NORMALISED:
            for part in PARTS:
                if part.startswith("bn."):
                    made[f"{block}.{part}"] = generator.uniform(0.5, 1.5, shape[0])
            made[f"{block}.bn.num_batches_tracked"] = np.array(7)
    made["dec_1.conv.bias"] = generator.normal(size=3)
    return made


def wrapped(arrays):
    """As the published checkpoint has it: a convolution inside the layer, one of ones beside it, and what its optimizer remembers."""
    found = {f"model/{name.replace('.conv.', '.conv.input_conv.')}": array for name, array in arrays.items()}
    found |= {f"model/{block}.conv.mask_conv.weight": np.ones(shape) for block, (_, shape) in BLOCKS.items()}
    return found | {"optimizer/state/0/exp_avg": np.ones((8, 3, 7, 7)), "optimizer/state/0/exp_avg_sq": np.ones((8, 3, 7, 7))}


def assert_holds(system, arrays):
    for name, array in arrays.items():
        if name.endswith("num_batches_tracked"):
            continue
        block, part = name.split(".", 1)
        weight, layer = PARTS[part]
        network = system.encoder_network if block.startswith("enc") else system.decoder_network
        received = getattr(network.get_layer(f"{layer}_{BLOCKS[block][0]}"), weight)
        expected = np.moveaxis(array, (0, 1), (3, 2)) if array.ndim == 4 else array
        np.testing.assert_array_equal(tf.convert_to_tensor(received), expected.astype(np.float32), err_msg=name)


@pytest.mark.parametrize("form", [dict, wrapped], ids=["NVIDIA's layer", "the peer's checkpoint"])
def test_each_array_comes_to_its_layer(system, arrays, form):
    load_official(system, form(arrays))
    assert_holds(system, arrays)
    raw = system({"image": tf.zeros([1, 32, 32, 3]), "mask": tf.zeros([1, 32, 32, 1])})["raw"]
    assert np.all(np.isfinite(raw))


def test_a_file_is_read_as_the_dictionary_is(system, arrays, tmp_path):
    np.savez(tmp_path / "1000000.npz", **wrapped(arrays))
    load_official(system, tmp_path / "1000000.npz")
    assert_holds(system, arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("enc_2.bn.running_var"), "missing: enc_2.bn.running_var"),
        (lambda arrays: arrays.update({"enc_4.conv.weight": np.ones((32, 32, 3, 3))}), "left over: enc_4.conv.weight"),
        (lambda arrays: arrays.update({"enc_1.conv.bias": np.ones(8)}), "left over: enc_1.conv.bias"),
        (lambda arrays: arrays.update({"dec_1.conv.weight": np.ones((3, 8, 3, 3))}), r"dec_1.conv.weight \(expected the shape"),
        (lambda arrays: arrays["dec_2.bn.weight"].fill(np.nan), r"dec_2.bn.weight \(has values that are not finite"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_changes(system, arrays, change, message):
    before = [weight.numpy() for weight in system.generator_weights]
    change(arrays)
    with pytest.raises(WeightsError, match=message):
        load_official(system, arrays)
    for value, weight in zip(before, system.generator_weights, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_a_system_with_biases_misses_them(arrays):
    with pytest.raises(WeightsError, match="missing: enc_1.conv.bias, enc_2.conv.bias"):
        load_official(PartialConv.tiny(feature_network="none"), arrays)
