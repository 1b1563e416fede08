"""What every layer of the library promises, checked by one call per layer."""

import inspect

import keras
import numpy as np
import tensorflow as tf

# Largest relative difference to float32 that half precision may make.
HALF_PRECISION_TOLERANCE = {"mixed_float16": 2e-2, "mixed_bfloat16": 6e-2}


def check_layer(layer_class, arguments, *, input_shape, trainable, non_trainable=0):
    """Asserts the contract of a layer.

    Args:
        layer_class: the class.
        arguments: of its constructor.
        input_shape: static shape of an input, batch included.
        trainable, non_trainable: exact numbers of weights.
    """
    inputs = tf.constant(np.random.default_rng(0).normal(size=input_shape), tf.float32)
    layer = layer_class(**arguments)
    outputs = layer(inputs)
    randomise(layer)
    outputs = layer(inputs)
    check_configuration(layer_class, layer)
    check_static_shapes(layer, inputs, outputs)
    assert len(layer.trainable_weights) == trainable
    assert len(layer.non_trainable_weights) == non_trainable
    np.testing.assert_allclose(tf.function(layer)(inputs), outputs, rtol=1e-4, atol=1e-5)
    check_dynamic_shapes(layer, inputs, outputs)
    check_gradients(layer, inputs)
    check_half_precision(layer_class, arguments, layer, inputs)


def randomise(layer):
    """Gives each trainable weight random values: zeros at the start (biases, gamma) would hide faults."""
    generator = np.random.default_rng(1)
    for weight in layer.trainable_weights:
        weight.assign(generator.normal(scale=0.3, size=weight.shape))


def check_configuration(layer_class, layer):
    config = layer.get_config()
    parameters = inspect.signature(layer_class.__init__).parameters.values()
    names = [p.name for p in parameters if p.name != "self" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    missing = [name for name in names if name not in config]
    assert not missing, f"get_config lacks {missing}"
    again = layer_class.from_config(config)
    assert again.get_config() == config
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(restored) is layer_class


def check_static_shapes(layer, inputs, outputs):
    assert tuple(layer.compute_output_shape(tuple(inputs.shape))) == tuple(outputs.shape)
    unknown = (None, None, None, inputs.shape[-1])
    computed = tuple(layer.compute_output_shape(unknown))
    assert len(computed) == 4 and computed[-1] == outputs.shape[-1]
    symbolic = keras.Input(unknown[1:])
    assert symbolic.shape[0] is None and layer(symbolic).shape[-1] == outputs.shape[-1]


def check_dynamic_shapes(layer, inputs, outputs):
    spec = tf.TensorSpec([None, None, None, inputs.shape[-1]], tf.float32)
    traced = tf.function(lambda x: layer(x), input_signature=[spec])
    np.testing.assert_allclose(traced(inputs), outputs, rtol=1e-4, atol=1e-5)


def check_gradients(layer, inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = tf.reduce_sum(layer(inputs, training=True) ** 2 if _takes_training(layer) else layer(inputs) ** 2)
    gradients = tape.gradient(loss, [inputs, *layer.trainable_weights])
    for name, gradient in zip(["inputs", *[w.name for w in layer.trainable_weights]], gradients, strict=True):
        assert gradient is not None, f"no gradient for {name}"
        assert np.all(np.isfinite(gradient)), f"gradient of {name}"


def _takes_training(layer):
    return "training" in inspect.signature(layer.call).parameters


def check_half_precision(layer_class, arguments, layer, inputs):
    outputs = layer(inputs)  # anew: a training call may have changed the state of a spectral norm
    scale = np.max(np.abs(outputs))
    for policy, tolerance in HALF_PRECISION_TOLERANCE.items():
        half = layer_class(**arguments, dtype=policy)
        half(inputs)
        for weight, value in zip(half.weights, layer.weights, strict=True):
            assert weight.dtype in ("float32", tf.float32), f"{weight.name} is kept in {weight.dtype}"
            weight.assign(value)
        with tf.GradientTape() as tape:
            result = half(inputs)
            loss = tf.reduce_mean(tf.cast(result, tf.float32) ** 2)
        assert result.dtype == half.compute_dtype
        np.testing.assert_allclose(np.asarray(tf.cast(result, tf.float32)), outputs, atol=tolerance * scale, rtol=tolerance)
        for weight, gradient in zip(half.trainable_weights, tape.gradient(loss, half.trainable_weights), strict=True):
            assert gradient is not None and np.all(np.isfinite(gradient)), f"gradient of {weight.name} under {policy}"
