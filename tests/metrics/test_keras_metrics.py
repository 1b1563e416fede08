"""The Keras metrics: means over all pictures, in `evaluate`, in a `test_step`, in half precision and on replicas."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.picture_files import random_rgb
from tests.source import ROOT
from tf_inpaint import metrics, ops

CLASSES = [metrics.PSNR, metrics.SSIM, metrics.L1]
FUNCTIONS = {metrics.PSNR: metrics.psnr, metrics.SSIM: metrics.ssim, metrics.L1: metrics.l1}


@pytest.fixture(scope="module")
def pair():
    images = np.stack([random_rgb(16, 16, seed) for seed in range(5)])
    return images, np.stack([image // (2 + index) * 2 for index, image in enumerate(images)])


@pytest.mark.parametrize("metric_class", CLASSES)
def test_the_result_is_the_mean_over_pictures_whatever_the_batches(pair, metric_class):
    images, composites = pair
    metric = metric_class()
    metric.update_state(images[:3], composites[:3])
    metric.update_state(images[3:], composites[3:])
    expected = np.mean(FUNCTIONS[metric_class](images, composites))
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-6)
    metric.reset_state()
    metric.update_state(images[:1], composites[:1])
    np.testing.assert_allclose(metric.result(), FUNCTIONS[metric_class](images[:1], composites[:1])[0], rtol=1e-6)


@pytest.mark.parametrize("metric_class", CLASSES)
def test_pictures_in_the_librarys_range_count_as_the_8_bit_ones_they_become(pair, metric_class):
    metric, of_floats = metric_class(), metric_class()
    metric.update_state(*pair)
    of_floats.update_state(*(ops.image.from_uint8(pictures) + 0.001 for pictures in pair))
    np.testing.assert_array_equal(of_floats.result(), metric.result())


def test_weights_count_pictures(pair):
    images, composites = pair
    metric = metrics.PSNR()
    metric.update_state(images, composites, sample_weight=[1, 0, 3, 0, 0])
    each = metrics.psnr(images, composites)
    np.testing.assert_allclose(metric.result(), (each[0] + 3 * each[2]) / 4, rtol=1e-6)


def test_pictures_without_a_number_do_not_count(pair):
    metric = metrics.SSIM()
    metric.update_state(pair[0][:, :8], pair[1][:, :8])  # smaller than the window
    assert np.isnan(metric.result())
    metric.update_state(*pair)
    np.testing.assert_allclose(metric.result(), np.mean(metrics.ssim(*pair)), rtol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("metric_class", CLASSES)
def test_half_precision_does_not_reach_the_sums(pair, policy, metric_class):
    expected = np.mean(FUNCTIONS[metric_class](*pair))
    keras.mixed_precision.set_global_policy(policy)
    metric = metric_class()
    metric.update_state(*pair)
    assert {weight.dtype if isinstance(weight.dtype, str) else weight.dtype.name for weight in metric.variables} == {"float32"}
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-6)


@pytest.mark.parametrize("metric_class", CLASSES)
def test_a_metric_comes_back_from_its_configuration(metric_class):
    metric = keras.metrics.deserialize(keras.metrics.serialize(metric_class(name="of_the_hole")))
    assert type(metric) is metric_class and metric.name == "of_the_hole"


def test_evaluate_reports_the_mean_over_all_pictures(pair):
    images, composites = (ops.image.from_uint8(pictures) for pictures in pair)
    model = keras.Sequential([keras.Input([None, None, 3]), keras.layers.Activation("linear")])
    model.compile(loss="mae", metrics=[metrics.PSNR(), metrics.SSIM(), metrics.L1()])
    data = tf.data.Dataset.from_tensor_slices((composites, images)).batch(2)
    logs = model.evaluate(data, verbose=0, return_dict=True)
    for name in ("psnr", "ssim", "l1"):
        expected = np.mean(getattr(metrics, name)(*pair))
        np.testing.assert_allclose(logs[name], expected, rtol=1e-5)


HOLE_CLASSES = {metrics.HolePSNR: metrics.psnr, metrics.HoleSSIM: metrics.ssim, metrics.HoleL1: metrics.l1}


@pytest.fixture(scope="module")
def holes():
    mask = np.zeros([5, 16, 16, 1], np.float32)
    mask[:, 3:12, 4:13] = 1
    mask[3] = 0  # a picture without a hole
    return mask


@pytest.mark.parametrize("metric_class", HOLE_CLASSES)
def test_of_holes_the_mean_is_over_the_pictures_that_have_one(pair, holes, metric_class):
    expected = np.nanmean(HOLE_CLASSES[metric_class](*pair, mask=holes))
    metric = metric_class()
    metric.update_state(pair[0][:2], pair[1][:2], holes[:2])
    metric.update_state(pair[0][2:], pair[1][2:], holes[2:, ..., 0])
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="weighted_metrics"):
        metric.update_state(*pair)
    assert type(keras.metrics.deserialize(keras.metrics.serialize(metric))) is metric_class


def test_evaluate_reports_holes_when_the_masks_come_as_weights(pair, holes):
    images, composites = (ops.image.from_uint8(pictures) for pictures in pair)
    model = keras.Sequential([keras.Input([None, None, 3]), keras.layers.Activation("linear")])
    model.compile(loss="mae", metrics=[metrics.PSNR()], weighted_metrics=[metric_class() for metric_class in HOLE_CLASSES])
    data = tf.data.Dataset.from_tensor_slices((composites, images, holes)).batch(2)
    logs = model.evaluate(data, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["psnr"], np.mean(metrics.psnr(*pair)), rtol=1e-5)
    for name in ("psnr", "ssim", "l1"):
        expected = np.nanmean(getattr(metrics, name)(*pair, mask=holes))
        np.testing.assert_allclose(logs[f"{name}_hole"], expected, rtol=1e-5)


class Copy(keras.Model):
    """Gives back its input and measures it in a `test_step` of its own."""

    def __init__(self):
        super().__init__()
        self.psnr = metrics.PSNR()

    def call(self, inputs):
        return inputs

    def test_step(self, batch):
        self.psnr.update_state(batch["image"], self(batch["composite"]))
        return {"psnr": self.psnr.result()}

    @property
    def metrics(self):
        return [self.psnr]


def test_a_test_step_of_ones_own_can_use_them(pair):
    model = Copy()
    model.compile()
    data = tf.data.Dataset.from_tensor_slices({"image": pair[0], "composite": pair[1]}).batch(2)
    for _ in range(2):  # the second time from the start
        logs = model.evaluate(data, verbose=0, return_dict=True)
        np.testing.assert_allclose(logs["psnr"], np.mean(metrics.psnr(*pair)), rtol=1e-5)


TWO_REPLICAS = """
import numpy as np
import tensorflow as tf
from tf_inpaint import metrics
from tests.picture_files import random_rgb

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
image = np.stack([random_rgb(16, 16, seed) for seed in range(6)])
composite = np.stack([picture // (2 + index) * 2 for index, picture in enumerate(image)])
mask = np.zeros([6, 16, 16, 1], np.float32)
mask[1:, 2:12, 5:] = 1
with strategy.scope():
    kept = [metrics.PSNR(), metrics.SSIM(), metrics.L1()]
    of_holes = [metrics.HolePSNR(), metrics.HoleSSIM(), metrics.HoleL1()]
data = strategy.experimental_distribute_dataset(tf.data.Dataset.from_tensor_slices((image, composite, mask)).batch(4))

@tf.function
def step(images, composites, masks):
    def update(images, composites, masks):
        for metric in kept:
            metric.update_state(images, composites)
        for metric in of_holes:
            metric.update_state(images, composites, masks)
    strategy.run(update, (images, composites, masks))

for batch in data:
    step(*batch)
expected = [metrics.psnr, metrics.ssim, metrics.l1]
for metric, function in zip(kept, expected):
    np.testing.assert_allclose(metric.result(), np.mean(function(image, composite)), rtol=1e-5)
for metric, function in zip(of_holes, expected):
    np.testing.assert_allclose(metric.result(), np.nanmean(function(image, composite, mask=mask)), rtol=1e-5)
print("replicas agree")
"""


@pytest.mark.slow
def test_two_replicas_give_the_mean_over_the_pictures_of_both():
    done = subprocess.run([sys.executable, "-c", TWO_REPLICAS], cwd=ROOT, capture_output=True, text=True)
    assert "replicas agree" in done.stdout, done.stderr
