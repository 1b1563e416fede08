"""Published arrays: layouts, every one once or nothing at all, files."""

import re

import numpy as np
import pytest
import tensorflow as tf

from tests.training.small_system import SmallSystem
from tf_inpaint import official_weights
from tf_inpaint.errors import ConfigError, WeightsError
from tf_inpaint.official_weights import OfficialWeights, spectral_rows
from tf_inpaint.systems import loading

ORDER = "the published order"


class PublishedSystem(SmallSystem):
    """The small system as if its painter had been published with PyTorch's names."""

    def assign_official_weights(self, arrays):
        official = OfficialWeights(arrays, origin="the small paper")
        for name in ("inner", "outer"):
            layer = self.networks["painter"].get_layer(name)
            official.assign(layer.kernel, f"generator/{name}.weight", layout="conv")
            official.assign(layer.bias, f"generator/{name}.bias")
        official.ignore("optimizer/", because="the state of an optimizer is no weight")
        official.finish()


@pytest.fixture
def system():
    system = PublishedSystem.tiny()
    system.compile()
    return system


@pytest.fixture
def published():
    draw = np.random.RandomState(0).standard_normal
    return {
        "generator/inner.weight": draw([8, 4, 3, 3]),
        "generator/inner.bias": draw([8]),
        "generator/outer.weight": draw([3, 8, 3, 3]),
        "generator/outer.bias": draw([3]),
    }


def assert_holds(system, published):
    values = [weight.numpy() for weight in system.generator_weights]
    expected = [array.transpose(2, 3, 1, 0) if array.ndim == 4 else array for array in map(np.float32, published.values())]
    assert len(values) == len(expected)
    for value, array, average in zip(values, expected, system.average.variables, strict=True):
        np.testing.assert_array_equal(value, array)
        np.testing.assert_array_equal(average.numpy(), array)


@pytest.mark.parametrize(
    ("layout", "shape", "ours"),
    [
        ("conv", (5, 4, 3, 2), "array[d, c, a, b]"),
        ("conv_transpose", (5, 4, 3, 2), "array[d, c, a, b]"),
        ("dense", (5, 4), "array[b, a]"),
        (None, (5, 4), "array[a, b]"),
    ],
)
def test_each_element_goes_where_the_layout_says(layout, shape, ours):
    array = np.random.RandomState(1).standard_normal(shape).astype("float32")
    target_shape = tuple(np.transpose(array, official_weights.LAYOUTS[layout]).shape) if layout else shape
    variable = tf.Variable(tf.zeros(target_shape))
    official = OfficialWeights({"name": array}, origin=ORDER)
    official.assign(variable, "name", layout)
    official.finish()
    for index in np.ndindex(target_shape):
        assert variable.numpy()[index] == eval(ours, {"array": array, **dict(zip("abcd", index))})


def test_the_row_vector_of_spectral_norm_follows_the_kernel():
    kernel = np.random.RandomState(2).standard_normal([5, 4, 3, 2]).astype("float32")
    v = kernel.reshape(5, -1).T @ np.ones(5, "float32")
    ours = kernel.transpose(2, 3, 1, 0).reshape(-1, 5) @ np.ones(5, "float32")
    np.testing.assert_allclose(spectral_rows(3, 2)(v), ours, rtol=1e-6)
    official = OfficialWeights({"weight_v": v}, origin=ORDER)
    variable = tf.Variable(tf.zeros([24]))
    official.assign(variable, "weight_v", spectral_rows(3, 2))
    official.finish()
    np.testing.assert_allclose(variable, ours, rtol=1e-6)


def test_one_error_names_all_that_does_not_fit_and_nothing_is_assigned(system, published):
    before = [weight.numpy() for weight in system.weights]
    del published["generator/inner.bias"]
    published["generator/outer.bias"] = np.array([1.0, np.nan, 2.0])
    published["generator/outer.weight"] = published["generator/outer.weight"][..., 0]
    published["generator/extra"] = np.zeros(2)
    published["critic/weight"] = np.zeros(3)
    message = (
        "The arrays of the small paper do not fit. Nothing was assigned; missing: generator/inner.bias; "
        "left over: generator/extra, critic/weight; not usable: generator/outer.weight (expected the shape (3, 3, 8, 3) in the layout "
        "'conv', received (3, 8, 3)), generator/outer.bias (has values that are not finite)."
    )
    with pytest.raises(WeightsError, match=re.escape(message)):
        loading.load_official(system, published)
    for weight, value in zip(system.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


@pytest.mark.parametrize("array", [np.zeros(2, "int32"), np.array(["a", "b"]), np.array([1e300, 0.0])])
def test_an_array_that_is_not_of_float32_numbers_is_not_usable(array):
    official = OfficialWeights({"bias": array}, origin=ORDER)
    official.assign(tf.Variable(tf.zeros(2)), "bias")
    with pytest.raises(WeightsError, match=r"not usable: bias \((expected floating point|has values that are not finite)"):
        official.finish()


def test_counters_need_no_note_but_gains_and_tables_do():
    arrays = {"bn.num_batches_tracked": np.array(7), "gamma": np.array(0.5), "table": np.array([7])}
    with pytest.raises(WeightsError, match=r"left over: gamma, table\."):
        OfficialWeights(arrays, origin=ORDER).finish()


def test_running_statistics_of_batch_normalisation_are_assigned_as_they_are():
    draw = np.random.RandomState(3).uniform
    ours = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    arrays = {f"bn.{name}": draw(size=4) for name in ours} | {"bn.num_batches_tracked": np.array(12)}
    import keras

    layer = keras.layers.BatchNormalization()
    layer.build((None, 4))
    official = OfficialWeights(arrays, origin=ORDER)
    for theirs, name in ours.items():
        official.assign(getattr(layer, name), f"bn.{theirs}")
    official.finish()
    for theirs, name in ours.items():
        np.testing.assert_array_equal(getattr(layer, name).numpy(), arrays[f"bn.{theirs}"].astype("float32"))


def test_ignored_arrays_may_be_there_or_not():
    for names in ([], ["mask.weight"], ["mask.weight", "mask.bias", "one"]):
        official = OfficialWeights({name: np.ones(2) for name in names}, origin=ORDER)
        official.ignore("mask.", because="a constant")
        official.ignore("one", because="a constant")
        official.finish()
    official = OfficialWeights({"mask_2.weight": np.ones(2)}, origin=ORDER)
    official.ignore("mask", because="the name of one array, not the start of another's")
    with pytest.raises(WeightsError, match=r"left over: mask_2\.weight\."):
        official.finish()


def test_faults_of_a_map_are_found_when_they_are_noted():
    variable, other = tf.Variable(tf.zeros(2)), tf.Variable(tf.zeros(2))
    official = OfficialWeights({}, origin=ORDER)
    official.assign(variable, "a.bias")
    with pytest.raises(ValueError, match="'a.bias' must be noted once"):
        official.assign(other, "a.bias")
    with pytest.raises(ValueError, match="Each variable takes one array. 'b.bias' came second"):
        official.assign(variable, "b.bias")
    with pytest.raises(ValueError, match="'a.' must be noted once"):
        official.ignore("a.", because="a test")
    official.ignore("c.", because="a test")
    with pytest.raises(ValueError, match="'c.bias' must be noted once"):
        official.assign(other, "c.bias")
    with pytest.raises(ValueError, match="Say why 'd' is ignored"):
        official.ignore("d", because="")
    with pytest.raises(ValueError, match="`layout` must be one of conv, conv_transpose, dense, a function or None. Received: 'hwio'"):
        official.assign(other, "e", layout="hwio")


def test_a_dictionary_reaches_the_system_and_its_averages(system, published):
    loading.load_official(system, {**published, "iteration": 1000, "optimizer": {"betas": (0.0, 0.9), "0": {"exp_avg": np.ones(3)}}})
    assert_holds(system, published)


def test_nested_dictionaries_and_npz_files_give_the_same_names(system, published, tmp_path):
    nested = {"iteration": 5, "generator": {name.split("/")[1]: array for name, array in published.items()}}
    loading.load_official(system, nested)
    assert_holds(system, published)
    np.savez(tmp_path / "all.npz", iteration=5, **published)
    again = PublishedSystem.tiny()
    again.compile()
    loading.load_official(again, tmp_path / "all.npz")
    assert_holds(again, published)


def test_an_uncompiled_system_takes_published_weights_too(published):
    system = PublishedSystem.tiny()
    loading.load_official(system, published)
    np.testing.assert_array_equal(system.generator_weights[1].numpy(), published["generator/inner.bias"].astype("float32"))


def test_names_of_several_files_begin_with_their_file(tmp_path):
    np.savez(tmp_path / "EdgeModel_gen.npz", **{"generator/a": np.ones(2), "iteration": 3})
    np.savez(tmp_path / "EdgeModel_dis.npz", **{"discriminator/a": np.zeros(1)})
    (tmp_path / "config.yml").write_text("MODE: 1\n")
    names = ["EdgeModel_dis/discriminator/a", "EdgeModel_gen/generator/a", "EdgeModel_gen/iteration"]
    paths = [tmp_path / "EdgeModel_gen.npz", str(tmp_path / "EdgeModel_dis.npz")]
    assert sorted(official_weights.read(tmp_path)) == sorted(official_weights.read(paths)) == names


def test_two_files_of_one_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        np.savez(tmp_path / folder / "gen.npz", w=np.ones(1))
    with pytest.raises(WeightsError, match="Two files of published weights have the same name: gen"):
        official_weights.read([tmp_path / "a" / "gen.npz", tmp_path / "b" / "gen.npz"])


def test_two_arrays_of_one_name_are_refused():
    with pytest.raises(WeightsError, match="the dictionary has two arrays of the name 'a/b'"):
        official_weights.read({"a/b": np.ones(1), "a": {"b": np.ones(1)}})


def test_a_dictionary_that_holds_itself_is_refused():
    arrays = {"w": np.ones(1)}
    arrays["again"] = arrays
    with pytest.raises(WeightsError, match="the dictionary has more than 100000 entries, or dictionaries more than 16 deep"):
        official_weights.read(arrays)


def test_what_is_no_array_is_named():
    with pytest.raises(WeightsError, match="must hold NumPy arrays. Received: 'generator/w' is of the type str"):
        official_weights.read({"generator": {"w": "text"}})


def _pickled(path):
    np.savez(path, w=np.array([{"a": 1}], dtype=object))


def _cut(path):
    np.savez(path, w=np.arange(1000.0))
    path.write_bytes(path.read_bytes()[:3000])


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("w.npz", None, "There is no file of published weights"),
        ("w.h5", lambda path: path.write_bytes(b""), r"files of the kinds .npz, .pth, .pt, or folders of them. Received: .*w\.h5"),
        ("empty.npz", lambda path: path.write_bytes(b""), "cannot be read as plain arrays"),
        ("cut.npz", _cut, "cannot be read as plain arrays"),
        ("pickled.npz", _pickled, "cannot be read as plain arrays .*allow_pickle=False"),
        ("folder", lambda path: path.mkdir(), "holds no file of published weights"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, write, message):
    if write:
        write(tmp_path / name)
    with pytest.raises(WeightsError, match=message) as caught:
        official_weights.read(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_a_system_without_published_weights_says_so():
    with pytest.raises(ConfigError, match="The authors of small published no weights"):
        loading.load_official(SmallSystem.tiny(), {})
