"""EdgeConnect's four networks against the released code, narrow and at the published width (arrays of part A)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.golden import edge_connect_weights
from tests.golden.layouts import assert_close, hwio, nhwc
from tf_inpaint.systems.edge_connect.networks import (
    build_completion_generator,
    build_edge_generator,
    build_patch_critic,
)
from tf_inpaint.systems.edge_connect.official_names import published_variables

# Network -> its file, without "_narrow" or "_full".
FILES = {
    "edge_generator": "edgeconnect_edge_generator",
    "completion_generator": "edgeconnect_inpaint_generator",
    "edge_critic": "edgeconnect_disc_edge_2ch_sigmoid",
    "completion_critic": "edgeconnect_disc_rgb_3ch_hinge_nosigmoid",
}
BUILDERS = {
    "edge_generator": build_edge_generator,
    "completion_generator": build_completion_generator,
    "edge_critic": lambda: build_patch_critic(channels=2, name="edge_critic"),
    "completion_critic": lambda: build_patch_critic(channels=3, name="completion_critic"),
}
GENERATORS = ["edge_generator", "completion_generator"]
CRITICS = ["edge_critic", "completion_critic"]
WIDTHS = ["narrow", pytest.param("full", marks=pytest.mark.slow)]
# Where the file has intermediate maps: name there -> our layer after which they are taken.
ACTIVATIONS = {"enc": "conv_3_relu", "block0": "block_1_sum", "mid": "block_8_sum"}


@pytest.fixture(scope="module")
def load(golden):
    """`load(width)`: a system with the weights of all four files, anew at each call; the arrays are made once."""
    weights = {}

    def get(width):
        if width not in weights:
            files = {name: golden(f"{file}_{width}") for name, file in FILES.items()}
            if width == "narrow":
                weights[width] = {name: edge_connect_weights.stored(arrays, "w/") for name, arrays in files.items()}
            else:
                weights[width] = {name: edge_connect_weights.from_recipe(arrays, BUILDERS[name]()) for name, arrays in files.items()}
        return edge_connect_weights.load(weights[width])

    return get


@pytest.fixture(params=WIDTHS)
def width(request):
    return request.param


@pytest.fixture
def system(load, width):
    return load(width)


def values_of(scores, arrays, name):
    """The file of the edge critic holds probabilities."""
    return tf.sigmoid(scores) if name == "edge_critic" else scores


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_gives_the_published_output_in_evaluation(golden, system, width, name):
    arrays, network = golden(f"{FILES[name]}_{width}"), system.networks[name]
    assert_close(network(tf.constant(nhwc(arrays["x"])), training=False), nhwc(arrays["y_eval"]), relative=5e-5)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_has_the_published_activations_on_the_way(golden, system, width, name):
    arrays, network = golden(f"{FILES[name]}_{width}"), system.networks[name]
    layers = [network.get_layer(layer).output for layer in ACTIVATIONS.values()]
    maps = keras.Model(network.input, layers)(tf.constant(nhwc(arrays["x"])), training=False)
    for key, activation in zip(ACTIVATIONS, maps, strict=True):
        expected = nhwc(arrays[f"act_eval/{key}"])  # of the full width the first channels
        assert_close(activation[..., : expected.shape[-1]], expected, relative=5e-5)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_training_call_of_a_generator_gives_the_published_output_gradients_and_state(golden, system, width, name):
    arrays, network = golden(f"{FILES[name]}_{width}"), system.networks[name]
    inputs = tf.constant(nhwc(arrays["x"]))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        outputs = network(inputs, training=True)
        objective = tf.reduce_mean(outputs * nhwc(arrays["gy"]))
    assert_close(outputs, nhwc(arrays["y_train"]), relative=5e-5)
    assert_near(tape.gradient(objective, inputs), nhwc(arrays["dx_train"]))
    variables = published_variables(network)
    for key, expected in edge_connect_weights.stored(arrays, "u_after_train/").items():
        assert_close(variables[key][0], expected)
    check_gradients(tape, objective, variables, edge_connect_weights.stored(arrays, "grad/"))


@pytest.mark.parametrize("name", CRITICS)
def test_a_critic_gives_the_published_scores_and_features_in_evaluation(golden, system, width, name):
    arrays = golden(f"{FILES[name]}_{width}")
    features = system.networks[name](tf.constant(nhwc(arrays["x"])), training=False)
    assert_close(values_of(features[-1], arrays, name), nhwc(arrays["y_eval"]))
    for index, feature in enumerate(features):
        expected = nhwc(arrays[f"feat_eval/{index}"])
        assert_close(feature[..., : expected.shape[-1]], expected)


@pytest.mark.parametrize("name", CRITICS)
def test_a_training_call_of_a_critic_gives_the_published_scores_gradients_and_state(golden, system, width, name):
    arrays, network = golden(f"{FILES[name]}_{width}"), system.networks[name]
    inputs = tf.constant(nhwc(arrays["x"]))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        scores = values_of(network(inputs, training=True)[-1], arrays, name)
        objective = tf.reduce_mean(scores * nhwc(arrays["gy"]))
    assert_close(scores, nhwc(arrays["y_train"]))
    assert_near(tape.gradient(objective, inputs), nhwc(arrays["dx_train"]))
    variables = published_variables(network)
    for key, expected in edge_connect_weights.stored(arrays, "after_train/").items():
        if not key.startswith("features."):  # another name of conv1's
            variable, layout = variables[key]
            assert_close(variable, layout(expected) if layout else expected)
    check_gradients(tape, objective, variables, edge_connect_weights.stored(arrays, "grad/"))


def check_gradients(tape, objective, variables, expected):
    """Compares the gradients of variables; those that vanish, with the largest of all."""
    scale = max((np.abs(value).max() for value in expected.values()), default=0.0)
    for key, value in expected.items():
        gradient = tape.gradient(objective, variables[key][0])
        if np.abs(value).max() < 1e-4 * scale:  # a bias in front of a norm: only rounding
            assert np.abs(gradient).max() < 1e-3 * scale, key
        else:
            assert_near(gradient, hwio(value) if value.ndim == 4 else value)


def assert_near(actual, expected):
    """Asserts that the error's Euclidean norm is small beside the expected one's.

    Not the largest error: of thousands of activations some lie so near the kink of their ReLU that rounding decides on their gradient.
    Inputs that differ by a millionth, run here, make gradients agree to 6e-6 or differ by 2 % at the largest, 1.5 % in the norm. (The exact
    gradient of spectral normalisation is tested beside the layers.)
    """
    error = np.linalg.norm(np.subtract(actual, expected, dtype=np.float64))
    assert error <= 0.05 * np.linalg.norm(expected), f"error {error:.3g} at a norm of {np.linalg.norm(expected):.3g}"
