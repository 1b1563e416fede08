"""Both stacks offer the same: image transforms and progress bars."""

import io
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import compat

needs_addons = pytest.mark.skipif(not compat.HAS_ADDONS, reason="tensorflow-addons belongs to the card's stack only")

IDENTITY = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]


def _pictures(dtype=tf.float32):
    return tf.cast(tf.random.stateless_uniform([2, 5, 7, 3], seed=[1, 2], maxval=255.0), dtype)


def test_the_keras_version_is_told_right():
    assert compat.KERAS_3 == (not keras.__version__.startswith("2."))


def test_a_translation_moves_pixels_and_fills_what_comes_from_outside():
    pictures = _pictures()
    moved = compat.transform_images(pictures, [[1.0, 0.0, 2.0, 0.0, 1.0, -1.0, 0.0, 0.0]], fill_value=9.0).numpy()
    np.testing.assert_array_equal(moved[:, 1:, :-2], pictures[:, :-1, 2:])  # result(x, y) = picture(x + 2, y - 1)
    np.testing.assert_array_equal(moved[:, 0], 9.0)
    np.testing.assert_array_equal(moved[:, :, -2:], 9.0)


def test_each_picture_has_its_own_transform():
    pictures = _pictures()
    flip_left_right = [-1.0, 0.0, 6.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    moved = compat.transform_images(pictures, [IDENTITY, flip_left_right])
    np.testing.assert_array_equal(moved[0], pictures[0])
    np.testing.assert_array_equal(moved[1], pictures[1, :, ::-1])


def test_half_a_pixel_is_the_mean_of_two_when_bilinear():
    pictures = _pictures()
    moved = compat.transform_images(pictures, [[1.0, 0.0, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0]], interpolation="bilinear")
    np.testing.assert_allclose(moved[:, :, :-1], (pictures[:, :, :-1] + pictures[:, :, 1:]) / 2, rtol=1e-5)


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64, tf.float16, tf.uint8, tf.int32, tf.int64])
def test_the_dtype_is_kept(dtype):
    pictures = _pictures(dtype)
    moved = compat.transform_images(pictures, [IDENTITY])
    assert moved.dtype == dtype
    np.testing.assert_array_equal(moved, pictures)


def test_eager_graph_of_unknown_size_and_tf_data_agree():
    pictures, transforms = _pictures(), tf.constant([[0.8, 0.3, 0.5, -0.2, 1.1, 0.4, 0.0, 0.0], IDENTITY])
    eager = compat.transform_images(pictures, transforms, fill_value=0.5)
    spec = [tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([None, 8])]
    graph = tf.function(lambda p, t: compat.transform_images(p, t, fill_value=0.5), input_signature=spec)
    np.testing.assert_array_equal(graph(pictures, transforms), eager)
    dataset = tf.data.Dataset.from_tensors((pictures, transforms))
    mapped = dataset.map(lambda p, t: compat.transform_images(p, t, fill_value=0.5))
    np.testing.assert_array_equal(next(iter(mapped)), eager)


@needs_addons
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_addons_and_core_tensorflow_give_the_same_numbers(interpolation):
    pictures = _pictures()
    for number in range(5):
        transforms = IDENTITY + tf.random.stateless_normal([2, 8], seed=[number, 0], stddev=[0.5] * 6 + [0.01] * 2)
        options = {"fill_value": 0.25, "interpolation": interpolation}
        np.testing.assert_array_equal(
            compat.transform_images(pictures, transforms, **options),
            compat._transform_images_core(pictures, transforms, **options),
        )


def test_an_unknown_interpolation_is_refused():
    with pytest.raises(ValueError, match="'cubic'"):
        compat.transform_images(_pictures(), [IDENTITY], interpolation="cubic")


@pytest.mark.filterwarnings("ignore:Your input ran out of data:UserWarning")  # Keras 3, where the length is unknown
@pytest.mark.parametrize("length_known", [True, False])
def test_the_progress_bar_follows_fit_and_evaluate(capfd, length_known):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    dataset = tf.data.Dataset.from_tensor_slices((tf.ones([6, 2]), tf.ones([6, 1]))).batch(2)
    if not length_known:
        dataset = dataset.filter(lambda x, y: True)
    model.fit(dataset, epochs=2, validation_data=dataset, verbose=0, callbacks=[compat.progress_bar_callback()])
    shown = "".join(capfd.readouterr())
    assert "Epoch 1/2" in shown and "Epoch 2/2" in shown
    assert "loss: " in shown and "val_loss: " in shown
    assert ("3/3" in shown) == length_known

    model.evaluate(dataset, verbose=0, callbacks=[compat.progress_bar_callback()])
    shown = "".join(capfd.readouterr())
    assert "Evaluating" in shown and "loss: " in shown


@needs_addons
def test_addons_bar_is_the_one_used_where_it_exists():
    import tensorflow_addons as tfa

    assert isinstance(compat.progress_bar_callback(), tfa.callbacks.TQDMProgressBar)


def test_our_own_bar_counts_each_step_of_each_epoch(capfd):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    model.fit(tf.ones([6, 2]), tf.ones([6, 1]), batch_size=2, epochs=2, verbose=0, callbacks=[compat.TqdmProgressBar()])
    shown = capfd.readouterr().err
    assert shown.count("3/3") >= 2 and "loss: " in shown


def test_progress_yields_everything_and_counts_from_the_resumed_step(capfd):
    assert list(compat.progress([1, 2, 3], description="Masks", show=True)) == [1, 2, 3]
    assert "Masks: 100%" in capfd.readouterr().err
    with compat.progress(total=10, initial=4, unit="step", show=True) as bar:
        bar.update(3)
        assert bar.n == 7
    assert "7/10" in capfd.readouterr().err


def test_progress_is_silent_where_nobody_watches(monkeypatch):
    log_file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log_file)
    assert list(compat.progress(range(3))) == [0, 1, 2]
    assert list(compat.progress(range(3), show=False)) == [0, 1, 2]
    assert log_file.getvalue() == ""


def test_addons_is_imported_late_and_without_its_end_of_life_notice():
    program = (
        "import sys, warnings\n"
        "warnings.simplefilter('error', UserWarning)\n"
        "from tf_inpaint import compat\n"
        "assert 'tensorflow_addons' not in sys.modules\n"
        "compat.progress_bar_callback()\n"
        "assert ('tensorflow_addons' in sys.modules) == compat.HAS_ADDONS\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "end of life" not in ended.stderr.lower().replace("-", " ")


def test_another_keras_backend_is_refused():
    program = "import keras; keras.backend.backend = lambda: 'jax'; import tf_inpaint.compat"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 1
    assert "needs Keras on TensorFlow" in ended.stderr and "'jax'" in ended.stderr
