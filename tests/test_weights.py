"""Weight files: round trip, fingerprint, fit, names; loading of systems."""

import json
import os

import numpy as np
import pytest

from tests.judging_system import JudgingSystem
from tests.training.small_system import SmallSystem
from tf_inpaint import weights
from tf_inpaint.errors import WeightsError
from tf_inpaint.systems import SYSTEMS, loading

# Number of arrays of the tiny systems, and some of their keys: the same on both stacks, or weights would not travel.
KEYS = {
    "three_stage": (
        238,
        {
            "coarse/conv_1/0:kernel",
            "edge/res2net_4/9:bias",
            "refinement/self_attention_1/0:gamma",
            "refinement/conv_13/1:bias",
        },
    ),
    "partial_conv": (28, {"encoder/partial_conv_1/0:kernel", "decoder/batch_norm_5/3:moving_variance"}),
    "latent_attention": (
        255,
        {
            "mapping/statistics/0:mean",
            "synthesis/conv_8_up/5:noise",
            "encoder/style_0_dense/0:kernel",
            "texture/decoder_1_conv_1/2:gate_kernel",
            "critic/block_8_skip/0:kernel",
        },
    ),
    "edge_connect": (144, {"edge_generator/conv_1/2:u", "completion_generator/block_4_conv_1/1:bias", "completion_critic/conv_5/2:v"}),
    "pen_net": (68, {"generator/encoder_1/0:kernel", "generator/attention_1_dilation_8/1:bias", "generator/picture_0/0:kernel"}),
}


@pytest.fixture
def system():
    system = SmallSystem.tiny()
    system.compile()
    for index, average in enumerate(system.average.variables):
        average.assign(np.random.RandomState(index).randn(*average.shape))
    return system


@pytest.fixture
def saved(system, tmp_path):
    return weights.save(system, tmp_path / "small.noise_16", training={"steps": 3})


def test_the_averages_come_back_in_half_precision(system, saved):
    fresh = SmallSystem.tiny()
    file = weights.load_into(fresh, saved)
    assert (file.system, file.training, file.config) == ("small", {"steps": 3}, system.config.to_dict())
    assert {array.dtype for array in file.arrays.values()} == {np.dtype("float16")}
    for average, weight in zip(system.average.variables, fresh.generator_weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), average.numpy().astype("float16").astype("float32"))


def test_float32_and_the_present_weights_come_back_bit_for_bit(system, tmp_path):
    weights.save(system, tmp_path / "now", averaged=False, dtype="float32")
    fresh = SmallSystem.tiny()
    fresh.compile()
    weights.load_into(fresh, tmp_path / "now")
    for expected, weight, average in zip(system.generator_weights, fresh.generator_weights, fresh.average.variables, strict=True):
        np.testing.assert_array_equal(weight.numpy(), expected.numpy())
        np.testing.assert_array_equal(average.numpy(), expected.numpy())  # averages begin with what was loaded


def test_the_same_weights_give_the_same_file(system, saved, tmp_path):
    again = weights.save(system, tmp_path / "again")
    assert (again / "weights.npz").read_bytes() == (saved / "weights.npz").read_bytes()


def test_a_value_that_half_precision_cannot_hold_is_named_and_nothing_replaced(system, saved):
    before = (saved / "weights.npz").read_bytes()
    system.average.variables[0].assign(np.full(system.average.variables[0].shape, 1e6))
    with pytest.raises(WeightsError, match="painter/inner/0:kernel has values that are not finite in float16"):
        weights.save(system, saved)
    assert (saved / "weights.npz").read_bytes() == before


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def edit(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: flip_a_byte(folder / "weights.npz"), "is damaged: expected SHA-256"),
        (lambda folder: os.truncate(folder / "weights.npz", 100), "is damaged: expected SHA-256"),
        (lambda folder: (folder / "config.json").write_text("{"), "does not describe weights"),
        (lambda folder: (folder / "config.json").write_text("[]"), "does not describe weights"),
        (lambda folder: edit(folder, format=99), "has format 99"),
        (lambda folder: edit(folder, extras=5), "does not describe weights"),
        (lambda folder: edit(folder, system=["small"]), "does not describe weights"),
        (lambda folder: edit(folder, config=[1, 2]), "does not describe weights"),
        (lambda folder: (folder / "config.json").write_text("[" * 100_000), "does not describe weights"),
        (lambda folder: (folder / "weights.npz").unlink(), "holds no weights"),
    ],
)
def test_damage_is_an_error_before_anything_is_loaded(saved, damage, message):
    damage(saved)
    fresh = SmallSystem.tiny()
    before = [weight.numpy() for weight in fresh.generator_weights]
    with pytest.raises(WeightsError, match=message):
        weights.load_into(fresh, saved)
    for value, weight in zip(before, fresh.generator_weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


EXTRAS = {"verification": {"thresholds": {"brightness": 0.5}, "percentile": 5.0, "num_pictures": 3}}


def test_extras_are_written_and_replaced_without_touching_the_arrays(saved):
    """A file of before extras came into the library has none, and so has one of which they were removed."""
    before = (saved / "config.json").read_bytes()
    arrays = (saved / "weights.npz").read_bytes()
    assert weights.read(saved).extras == {} and b"extras" not in before
    weights.store_extras(saved, {"other": 1})
    weights.store_extras(saved, EXTRAS)
    assert weights.read(saved).extras == EXTRAS
    assert (saved / "weights.npz").read_bytes() == arrays
    weights.store_extras(saved, {})
    assert (saved / "config.json").read_bytes() == before


def test_a_systems_extras_travel_with_its_weights(tmp_path):
    system = JudgingSystem.with_threshold(0.5)
    weights.save(system, tmp_path / "judging")
    assert weights.read(tmp_path / "judging").extras == system.extras != {}


def test_weights_to_start_a_training_from_bring_no_extras(tmp_path):
    weights.save(JudgingSystem.with_threshold(0.5), tmp_path / "judging")
    fresh = JudgingSystem.tiny()
    weights.load_into(fresh, tmp_path / "judging")
    assert fresh.extras == {}


def test_extras_of_a_folder_without_a_description_are_an_error(tmp_path):
    with pytest.raises(WeightsError, match="does not describe weights"):
        weights.store_extras(tmp_path, EXTRAS)


def test_pickled_objects_are_refused(saved):
    np.savez(saved / "weights.npz", **{"painter/inner/0:kernel": np.array([{}], dtype=object)})
    edit(saved, sha256=weights.sha256(saved / "weights.npz"))
    with pytest.raises(WeightsError, match="cannot be read as plain arrays"):
        weights.read(saved)


def test_what_does_not_fit_is_named_and_nothing_is_changed(saved):
    arrays = weights.read(saved).arrays
    arrays["painter/inner/1:bias"] = np.zeros(3, np.float16)
    arrays["painter/other/0:kernel"] = arrays.pop("painter/outer/0:kernel")
    system = SmallSystem.tiny()
    before = [weight.numpy() for weight in system.generator_weights]
    with pytest.raises(WeightsError) as caught:
        weights.assign(system, arrays, origin="here")
    assert str(caught.value) == (
        "The weights of here do not fit this small: missing: painter/outer/0:kernel; left over: painter/other/0:kernel; "
        "other shape: painter/inner/1:bias (expected (8,), received (3,))."
    )
    for value, weight in zip(before, system.generator_weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_names_are_found_in_the_home_folder(system, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_INPAINT_HOME", str(tmp_path))
    (tmp_path / "weights").mkdir()
    weights.save(system, tmp_path / "weights" / "small.noise_16")
    assert "small.noise_16" in weights.available()
    assert weights.find("small.noise_16") == tmp_path / "weights" / "small.noise_16"


def test_an_unknown_name_lists_the_known_ones(system, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_INPAINT_HOME", str(tmp_path))
    (tmp_path / "weights").mkdir()
    weights.save(system, tmp_path / "weights" / "small.noise_16")
    with pytest.raises(WeightsError, match="There are no weights 'small.nose_16'.*small.noise_16"):
        weights.find("small.nose_16")
    with pytest.raises(WeightsError, match="name of the weights is empty"):
        weights.find("")


@pytest.mark.parametrize("key", SYSTEMS)
def test_a_system_comes_back_from_its_folder_with_the_keys_of_both_stacks(key, tmp_path):
    system = SYSTEMS[key].tiny()
    weights.save(system, tmp_path / "saved", dtype="float32")
    number, some = KEYS[key]
    keys = set(weights.read(tmp_path / "saved").arrays)
    assert len(keys) == number and some <= keys
    loaded = loading.load(tmp_path / "saved")
    assert isinstance(loaded, SYSTEMS[key]) and loaded.config == system.config
    for name in (*system.GENERATORS, *system.VERIFIERS):
        for expected, received in zip(system.networks[name].weights, loaded.networks[name].weights, strict=True):
            np.testing.assert_array_equal(received.numpy(), expected.numpy(), err_msg=name)


def test_weights_of_an_unknown_system_are_refused(saved):
    with pytest.raises(WeightsError, match="holds weights of the system 'small'"):
        loading.load(saved)


def test_all_shipped_weights_fit_their_systems():
    for name in weights.available():
        assert loading.load(name).KEY == name.split(".")[0]
