"""What every layer of the library promises, checked by one call per layer."""

import inspect

import keras
import numpy as np
import tensorflow as tf

# Largest relative difference to float32 that half precision may make.
HALF_PRECISION_TOLERANCE = {"mixed_float16": 2e-2, "mixed_bfloat16": 6e-2}


def check_layer(layer_class, arguments, *, inputs, trainable, non_trainable=0, counts_places=False):
    """Asserts the contract of a layer.

    Args:
        layer_class: the class.
        arguments: of its constructor.
        inputs: float32 features `[B, H, W, C]`, or a tuple of features and masks in {0, 1}. A layer that takes masks returns a tuple of
            features and masks: the masks have no gradient, and are the same float32 numbers under every policy.
        trainable, non_trainable: exact numbers of weights.
        counts_places: whether the last axis of the output is one of places, whose number is unknown as long as H and W are.
    """
    layer = layer_class(**arguments)
    outputs = layer(inputs)
    randomise(layer)
    outputs = layer(inputs)
    check_configuration(layer_class, layer)
    check_static_shapes(layer, inputs, outputs, counts_places=counts_places)
    assert len(layer.trainable_weights) == trainable
    assert len(layer.non_trainable_weights) == non_trainable
    assert_all_close(tf.function(layer)(inputs), outputs)
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


def check_static_shapes(layer, inputs, outputs, *, counts_places):
    shapes, expected = (tf.nest.map_structure(lambda each: tuple(each.shape), structure) for structure in (inputs, outputs))
    assert layer.compute_output_shape(shapes) == expected
    unknown = tf.nest.map_structure(lambda each: (None, None, None, each.shape[-1]), inputs)
    computed = layer.compute_output_shape(unknown)
    symbolic = layer(tf.nest.map_structure(lambda each: keras.Input((None, None, each.shape[-1])), inputs))
    tf.nest.assert_same_structure(symbolic, outputs)
    for shape, tensor, output in zip(_shapes(computed), tf.nest.flatten(symbolic), tf.nest.flatten(outputs), strict=True):
        channels = None if counts_places else output.shape[-1]
        assert len(shape) == 4 and shape[-1] == channels
        assert tensor.shape[0] is None and tensor.shape[-1] == channels


def _shapes(shapes):
    """A shape, or a tuple of shapes, as a list of shapes."""
    return list(shapes) if isinstance(shapes[0], tuple) else [tuple(shapes)]


def check_dynamic_shapes(layer, inputs, outputs):
    spec = tf.nest.map_structure(lambda each: tf.TensorSpec([None, None, None, each.shape[-1]], tf.float32), inputs)
    traced = tf.function(lambda x: layer(x), input_signature=[spec])
    assert_all_close(traced(inputs), outputs)


def assert_all_close(received, expected):
    tf.nest.map_structure(lambda *pair: np.testing.assert_allclose(*pair, rtol=1e-4, atol=1e-5), received, expected)


def check_gradients(layer, inputs):
    features = tf.nest.flatten(inputs)[0]
    with tf.GradientTape() as tape:
        tape.watch(features)
        outputs = layer(inputs, training=True) if _takes_training(layer) else layer(inputs)
        loss = tf.reduce_sum(tf.nest.flatten(outputs)[0] ** 2)
    gradients = tape.gradient(loss, [features, *layer.trainable_weights])
    for name, gradient in zip(["inputs", *[w.name for w in layer.trainable_weights]], gradients, strict=True):
        assert gradient is not None, f"no gradient for {name}"
        assert np.all(np.isfinite(gradient)), f"gradient of {name}"


def _takes_training(layer):
    return "training" in inspect.signature(layer.call).parameters


def check_half_precision(layer_class, arguments, layer, inputs):
    # Anew: a training call may have changed the state of a spectral norm.
    expected, *expected_masks = tf.nest.flatten(layer(inputs))
    scale = np.max(np.abs(expected))
    for policy, tolerance in HALF_PRECISION_TOLERANCE.items():
        half = layer_class(**arguments, dtype=policy)
        half(inputs)
        for weight, value in zip(half.weights, layer.weights, strict=True):
            assert weight.dtype in ("float32", tf.float32), f"{weight.name} is kept in {weight.dtype}"
            weight.assign(value)
        with tf.GradientTape() as tape:
            result, *masks = tf.nest.flatten(half(inputs))
            loss = tf.reduce_mean(tf.cast(result, tf.float32) ** 2)
        assert result.dtype == half.compute_dtype
        np.testing.assert_allclose(np.asarray(tf.cast(result, tf.float32)), expected, atol=tolerance * scale, rtol=tolerance)
        for mask, expected_mask in zip(masks, expected_masks, strict=True):
            assert mask.dtype == tf.float32
            np.testing.assert_array_equal(mask, expected_mask)
        for weight, gradient in zip(half.trainable_weights, tape.gradient(loss, half.trainable_weights), strict=True):
            assert gradient is not None and np.all(np.isfinite(gradient)), f"gradient of {weight.name} under {policy}"
