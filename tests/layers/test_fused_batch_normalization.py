"""Fused batch normalisation: PyTorch's running variance on both stacks, the frozen mode, replicas."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.layers.layer_contract import randomise
from tests.source import ROOT
from tf_inpaint.layers import FusedBatchNormalization

# Prints the running statistics on each of two devices after a step in which each saw another half of the batch.
TWO_REPLICAS = """
import json
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tf_inpaint.layers import FusedBatchNormalization

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    layer = FusedBatchNormalization()
    layer.build((None, None, None, 2))
batch = tf.constant(np.random.default_rng(0).normal(size=(4, 5, 5, 2)), tf.float32)
halves = strategy.experimental_distribute_values_from_function(lambda context: tf.split(batch, 2)[context.replica_id_in_sync_group])


def step(half):
    layer(half, training=True)
    return tf.stack([tf.convert_to_tensor(layer.moving_mean), tf.convert_to_tensor(layer.moving_variance)])


after = strategy.run(tf.function(step), args=[halves])
print(json.dumps([each.numpy().tolist() for each in strategy.experimental_local_results(after)]))
"""


@pytest.fixture
def inputs():
    return np.random.default_rng(0).normal(2.0, 3.0, (3, 4, 5, 6)).astype(np.float32)


def built(inputs, **arguments):
    layer = FusedBatchNormalization(**arguments)
    layer(inputs)
    randomise(layer)
    return layer


def test_training_uses_and_keeps_the_statistics_of_the_batch(inputs):
    layer = built(inputs)
    outputs = layer(inputs, training=True)
    gamma, beta = (np.asarray(weight) for weight in layer.trainable_weights)
    mean, variance = inputs.mean(axis=(0, 1, 2)), inputs.var(axis=(0, 1, 2))
    np.testing.assert_allclose(outputs, (inputs - mean) / np.sqrt(variance + 1e-5) * gamma + beta, rtol=1e-4, atol=1e-4)
    # PyTorch's momentum 0.1, from 0 and 1; the variance with n - 1, on both stacks.
    np.testing.assert_allclose(layer.moving_mean, 0.1 * mean, rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * inputs.var(axis=(0, 1, 2), ddof=1), rtol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_the_frozen_mode_uses_running_statistics_and_leaves_them_while_gamma_and_beta_learn(inputs, policy):
    layer = built(inputs, dtype=policy)
    mean, variance = np.linspace(1, 2, 6, dtype=np.float32), np.linspace(4, 9, 6, dtype=np.float32)
    layer.moving_mean.assign(mean)
    layer.moving_variance.assign(variance)
    gamma, beta = (np.asarray(weight) for weight in layer.trainable_weights)
    x = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = tf.cast(layer(x, training=False), tf.float32)
        loss = tf.reduce_sum(outputs)
    tolerance = {"float32": 1e-5, "mixed_bfloat16": 3e-2, "mixed_float16": 4e-3}[policy]
    normalised = (inputs - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(outputs, normalised * gamma + beta, atol=tolerance * np.abs(outputs).max())
    gradients = tape.gradient(loss, [x, *layer.trainable_weights])
    expected = np.broadcast_to(gamma / np.sqrt(variance + 1e-5), inputs.shape), normalised.sum(axis=(0, 1, 2)), np.full(6, 60.0)
    for gradient, value in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(tf.cast(gradient, tf.float32), value, atol=tolerance * np.abs(value).max())
    np.testing.assert_array_equal(layer.moving_mean, mean)
    np.testing.assert_array_equal(layer.moving_variance, variance)


def test_a_layer_that_is_not_trainable_is_frozen(inputs):
    layer = built(inputs)
    layer.trainable = False
    np.testing.assert_array_equal(layer(inputs, training=True), layer(inputs, training=False))
    np.testing.assert_array_equal(layer.moving_mean, 0)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_keeps_its_statistics_in_float32(policy):
    """Values around 100, of which float16 keeps 11 bits: the mean of 10 000 of them is right to a thousandth."""
    inputs = np.random.default_rng(0).normal(100.0, 1.0, (4, 50, 50, 2)).astype(np.float32)
    layer = FusedBatchNormalization(momentum=0.0, dtype=policy)
    layer(inputs, training=True)
    rounded = tf.cast(tf.cast(inputs, layer.compute_dtype), tf.float32).numpy()
    np.testing.assert_allclose(layer.moving_mean, rounded.mean(axis=(0, 1, 2), dtype=np.float64), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, rounded.var(axis=(0, 1, 2), ddof=1, dtype=np.float64), rtol=1e-3)


@pytest.mark.slow
def test_two_replicas_have_the_same_running_statistics_the_means_of_both():
    process = subprocess.run(
        [sys.executable, "-c", TWO_REPLICAS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        check=False,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    first, second = np.array(json.loads(process.stdout.splitlines()[-1]), np.float32)
    np.testing.assert_array_equal(first, second)
    halves = np.split(np.random.default_rng(0).normal(size=(4, 5, 5, 2)), 2)
    np.testing.assert_allclose(first[0], 0.1 * np.mean([half.mean(axis=(0, 1, 2)) for half in halves], axis=0), rtol=1e-4)
    variances = [half.var(axis=(0, 1, 2), ddof=1) for half in halves]
    np.testing.assert_allclose(first[1], 0.9 + 0.1 * np.mean(variances, axis=0), rtol=1e-4)
