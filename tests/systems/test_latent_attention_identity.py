"""The identity network: its arrays, sizes, files, and that a small one learns to tell persons apart."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import losses
from tf_inpaint.errors import ConfigError, WeightsError
from tf_inpaint.systems.latent_attention import identity

SMALL = {"image_size": 32, "base_filters": 2, "units": (1, 2, 1, 1), "reduction": 4, "embedding_size": 5}


@pytest.fixture(scope="module")
def network():
    network = identity.build_identity_network(**SMALL)
    for index, weight in enumerate(network.weights):
        is_variance = "variance" in getattr(weight, "path", weight.name)
        weight.assign(tf.abs(tf.random.stateless_normal(weight.shape, [index, 0], stddev=0.4)) + 0.1 if is_variance else
                      tf.random.stateless_normal(weight.shape, [index, 0], stddev=0.4))  # fmt: skip
    return network


@pytest.fixture(scope="module")
def faces():
    return tf.random.stateless_uniform([3, 32, 32, 3], [0, 0], -1.0, 1.0)


def test_embeddings_have_the_length_one(network, faces):
    embeddings = network(faces)
    assert embeddings.dtype == tf.float32
    np.testing.assert_allclose(tf.norm(embeddings, axis=1), 1.0, rtol=1e-5)
    assert np.ptp(np.asarray(embeddings), axis=0).max() > 0.01


def test_a_network_is_rebuilt_from_its_arrays_alone(network, faces, tmp_path):
    arrays = identity.identity_arrays(network)
    assert arrays["output_layer.3.weight"].shape == (5, 16 * 2 * 2)
    np.savez(tmp_path / "own.npz", **arrays)
    again = identity.open_identity_network(f"own:{tmp_path / 'own.npz'}")
    np.testing.assert_allclose(again(faces), network(faces), atol=1e-5)
    assert not again.trainable_weights
    # PyTorch flattens channel by channel: the first four inputs are the four places of the first channel.
    dense = np.asarray(network.get_layer("embedding_dense").kernel)
    np.testing.assert_array_equal(arrays["output_layer.3.weight"][0, :4], dense[::16, 0])


@pytest.mark.parametrize("change", ["missing", "left over", "other widths"])
def test_arrays_that_are_not_such_a_network_are_refused(network, change):
    arrays = identity.identity_arrays(network)
    if change == "missing":
        del arrays["body.1.res_layer.1.weight"]
    elif change == "left over":
        arrays["styles.0.linear.weight"] = np.zeros([2, 2], np.float32)
    else:
        arrays["input_layer.0.weight"] = arrays["input_layer.0.weight"][:1]
    with pytest.raises(WeightsError, match=r"file\.npz"):
        identity.load_identity_network(arrays, origin="file.npz")


def test_none_is_off_and_a_missing_file_says_so(tmp_path):
    assert identity.open_identity_network("none") is None
    for source in ("arcface", f"arcface:{tmp_path}/model_ir_se50.npz"):
        with pytest.warns(UserWarning, match="without the identity loss"):
            assert identity.open_identity_network(source) is None
    with pytest.raises(ConfigError, match="'arcface:PATH'"):
        identity.open_identity_network("facenet:x")
    with pytest.raises(ConfigError, match="multiple of 16"):
        identity.build_identity_network(image_size=40)


def test_the_crop_scales_with_the_picture():
    picture = np.zeros([1, 128, 128, 3], np.float32)
    picture[:, 18:112, 16:110] = 1.0  # rows 35 to 222, columns 32 to 219 of 256, halved
    cropped = identity.crop_faces(tf.constant(picture), 32)
    assert cropped.shape == (1, 32, 32, 3)
    np.testing.assert_allclose(cropped, 1.0, rtol=1e-5)
    assert np.min(identity.crop_faces(tf.constant(np.roll(picture, 3, axis=1)), 32)) < 0.5


@pytest.mark.slow
def test_a_small_one_learns_to_tell_persons_apart():
    """Four colours as persons, pictures of noise around them: soon those of a person are nearer than those of others."""
    network = identity.build_identity_network(**SMALL, dropout=0.0)
    colours = tf.constant([[0.6, -0.6, 0.0], [-0.6, 0.6, 0.0], [0.0, -0.6, 0.6], [0.0, 0.6, -0.6]])
    labels = tf.constant([0, 0, 1, 1, 2, 2, 3, 3])
    centres = tf.Variable(tf.random.stateless_normal([4, 5], [0, 0]))
    optimizer = keras.optimizers.Adam(0.01)
    variables = [*network.trainable_variables, centres]

    def pictures(step):
        noise = tf.random.stateless_normal([8, 32, 32, 3], [step, 1], stddev=0.3)
        return noise + tf.gather(colours, labels)[:, None, None]

    @tf.function
    def train_step(step):
        with tf.GradientTape() as tape:
            loss = losses.arcface_loss(network(pictures(step), training=True), centres, labels, scale=8.0, margin=0.2)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    history = [float(train_step(tf.constant(step))) for step in range(60)]
    assert np.mean(history[-10:]) < 0.5 * np.mean(history[:10])
    embeddings = network(pictures(1000), training=True)
    cosines = tf.matmul(embeddings, embeddings, transpose_b=True).numpy()
    same = labels.numpy()[:, None] == labels.numpy()
    assert cosines[same].mean() > cosines[~same].mean() + 0.5
