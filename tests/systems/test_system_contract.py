"""What every system of `SYSTEMS` promises to `fit`, to the bare loop, to Keras and to checkpoints. Each at its tiny size."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.hardware import has_half_precision_kernels
from tests.training.small_system import all_values
from tf_inpaint.systems import SYSTEMS
from tf_inpaint.training import make_step, train_steps
from tf_inpaint.training.checkpoints import CheckpointFolder, TrainState

STEPS = 3
BATCH_SIZE = 2
RECONSTRUCTION_LOSSES = ("coarse_loss", "refinement_loss", "l1_loss", "hole_loss", "valid_loss")

WASSERSTEIN_CRITICS = {"latent_attention": ["texture_critic"]}
# The path of two networks that play against each other depends on each rounding: what another one learns from must stand nearly still.
STEADY = {"latent_attention": {"generator_learning_rate": 1e-6}}

per_system = pytest.mark.parametrize("key", SYSTEMS)


def tiny(key, **settings):
    keras.utils.set_random_seed(0)
    return SYSTEMS[key].tiny(**settings)


def dataset(system, steps=STEPS):
    size, number = system.config.image_size, steps * BATCH_SIZE
    # Smooth pictures: a network can learn them in a few steps.
    image = tf.image.resize(tf.random.stateless_uniform([number, 4, 4, 3], [1, 2], -1.0, 1.0), [size, size])
    rows, columns = tf.meshgrid(tf.range(size), tf.range(size), indexing="ij")
    inside = (rows >= size // 4) & (rows < size // 2) & (columns >= size // 4) & (columns < 3 * size // 4)
    mask = tf.tile(tf.cast(inside, tf.float32)[None, :, :, None], [number, 1, 1, 1])
    return tf.data.Dataset.from_tensor_slices({"image": image, "mask": mask}).batch(BATCH_SIZE, drop_remainder=True)


@pytest.fixture(scope="module")
def fitted():
    """key -> a system after `fit`, and its values before; made once, since tracing takes its time."""
    made = {}

    def get(key):
        if key not in made:
            system = tiny(key)
            system.compile()
            before = [variable.numpy() for variable in system.trainable_variables]
            system.fit(dataset(system), epochs=1, verbose=0)
            made[key] = system, before
        return made[key]

    return get


@per_system
def test_fit_and_the_bare_loop_end_with_the_same_bits_and_one_trace(key, fitted):
    looped = tiny(key)
    looped.compile()
    step = make_step(looped)
    for batch in dataset(looped):
        step(batch)
    assert step.experimental_get_tracing_count() == 1
    assert int(looped.steps_taken) == STEPS
    for expected, received in zip(all_values(fitted(key)[0]), all_values(looped), strict=True):
        np.testing.assert_array_equal(received, expected)


@per_system
def test_every_trainable_variable_learns(key, fitted):
    system, before = fitted(key)
    unchanged = [
        variable for value, variable in zip(before, system.trainable_variables, strict=True) if np.array_equal(value, variable.numpy())
    ]
    # Of a Wasserstein critic the scores of true and false pictures are subtracted: a bias of both cannot be learned.
    idle = [system.networks[name].get_layer("scores").bias for name in WASSERSTEIN_CRITICS.get(key, ())]
    assert [variable.name for variable in unchanged if not any(variable is each for each in idle)] == []


@per_system
def test_each_optimizer_moves_its_own_networks_alone(key):
    """A training step in which all optimizers but one stand still changes the variables of that one only."""
    owners = {}
    for moving in _optimizer_names(key):
        system = tiny(key)
        system.compile()
        minimize, moved = system.minimize, []

        def minimize_one(name, tape, loss, variables, moving=moving, minimize=minimize, moved=moved):
            if name == moving:
                moved.extend(id(variable) for variable in variables)
                minimize(name, tape, loss, variables)

        system.minimize = minimize_one
        before = [variable.numpy() for variable in system.trainable_variables]
        system.train_step(next(iter(dataset(system))))
        for index, (value, variable) in enumerate(zip(before, system.trainable_variables, strict=True)):
            if id(variable) in moved:
                owners.setdefault(index, []).append(moving)
            else:
                np.testing.assert_array_equal(variable.numpy(), value, err_msg=f"{variable.name} moved with {moving}")
    assert all(len(names) == 1 for names in owners.values())
    assert len(owners) == len(tiny(key).trainable_variables)


def _optimizer_names(key):
    system = tiny(key)
    system.compile()
    return list(system.optimizers)


@per_system
def test_callbacks_evaluate_and_predict_work(key):
    system = tiny(key)
    system.compile(run_eagerly=True)
    seen = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(dict(logs)))
    history = system.fit(dataset(system, 1), epochs=1, validation_data=dataset(system, 1), callbacks=[callback], verbose=0)
    assert set(history.history) == set(seen[0])
    assert {"loss", "val_loss", "val_psnr"} <= set(seen[0])
    assert all(np.isfinite(value) for value in seen[0].values())
    result = system.evaluate(dataset(system, 1), verbose=0, return_dict=True)
    assert result["psnr"] == pytest.approx(seen[0]["val_psnr"], rel=1e-5)
    batch = next(iter(dataset(system, 1)))
    predicted = system.predict(dataset(system, 1), verbose=0)
    np.testing.assert_allclose(predicted["composite"], system(batch)["composite"].numpy(), atol=1e-5)


@per_system
def test_pictures_count_alike_whatever_the_size_of_their_batch(key):
    system = tiny(key)
    system.compile(run_eagerly=True)
    pictures = dataset(system, 2).unbatch().take(3).batch(2)
    measured = system.evaluate(pictures, verbose=0, return_dict=True)["psnr"]
    each = [system.validation_metrics(batch, system(batch, training=False))["psnr"] for batch in pictures]
    assert [len(values) for values in each] == [2, 1]
    np.testing.assert_allclose(measured, np.mean(np.concatenate(each)), rtol=1e-5)


@per_system
def test_predict_makes_masks_from_their_seeds(key):
    system = tiny(key)
    system.compile(run_eagerly=True, masks="center_square")
    image = next(iter(dataset(system, 1)))["image"]
    seeded = {"image": image, "mask_seed": tf.constant([[1, 2], [3, 4]], tf.int32)}
    masked = system.with_masks(seeded)
    assert float(tf.reduce_mean(masked["mask"])) == 0.25
    predicted = system.predict(tf.data.Dataset.from_tensors(seeded), verbose=0)
    np.testing.assert_allclose(predicted["composite"], system(masked, training=False)["composite"], atol=1e-5)


@pytest.mark.parametrize(("key", "stage"), [(key, stage) for key in SYSTEMS for stage in SYSTEMS[key].STAGES])
def test_each_stage_takes_a_step_and_measures_each_picture(key, stage):
    system = tiny(key)
    system.compile(stage=stage)
    assert system.stage == stage
    batch = next(iter(dataset(system, 1)))
    logs = system.train_step(batch)
    assert "loss" in logs and set(logs) <= set(system.LOGS)
    assert all(np.isfinite(value) for value in logs.values())
    assert int(system.steps_taken) == 1
    measured = system.validation_metrics(batch, system(batch, training=False))
    assert {"psnr"} <= set(measured)
    for values in measured.values():
        assert values.shape == [BATCH_SIZE] and values.dtype == tf.float32
        assert np.isfinite(values).all()


@per_system
def test_stored_networks_are_networks_and_each_is_stored_once(key, fitted):
    system, _ = fitted(key)
    stored = [*system.GENERATORS, *system.VERIFIERS]
    assert len(set(stored)) == len(stored) and set(stored) <= set(system.networks)
    assert len(set(system.LOGS)) == len(system.LOGS)


@per_system
def test_keras_weight_files_bring_everything_back(key, fitted, tmp_path):
    system = fitted(key)[0]
    system.save_weights(str(tmp_path / "saved.weights.h5"))
    keras.utils.set_random_seed(1)
    other = SYSTEMS[key].tiny()
    other.load_weights(str(tmp_path / "saved.weights.h5"))
    for name, network in system.networks.items():
        for expected, received in zip(network.weights, other.networks[name].weights, strict=True):
            np.testing.assert_array_equal(received.numpy(), expected.numpy(), err_msg=name)


@per_system
def test_a_checkpoint_brings_everything_back(key, fitted, tmp_path):
    system = fitted(key)[0]
    CheckpointFolder(tmp_path, TrainState(system, seed=0)).save()
    keras.utils.set_random_seed(1)
    other = SYSTEMS[key].tiny()
    other.compile()
    assert CheckpointFolder(tmp_path, TrainState(other, seed=0)).restore() == 0
    for expected, received in zip(all_values(system), all_values(other), strict=True):
        np.testing.assert_array_equal(received, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "stage"),
    [(key, stage) for key in SYSTEMS for stage in SYSTEMS[key].STAGES if stage != SYSTEMS[key].stage_or_default(None)],
)
def test_each_stage_goes_on_from_its_checkpoint_as_if_it_had_never_stopped(key, stage, tmp_path):
    system = tiny(key)
    system.compile(stage=stage)
    first, second = dataset(system, 2)
    system.train_step(first)
    CheckpointFolder(tmp_path, TrainState(system, seed=0)).save()
    keras.utils.set_random_seed(1)
    other = SYSTEMS[key].tiny()
    other.compile(stage=stage)
    CheckpointFolder(tmp_path, TrainState(other, seed=0)).restore()
    for each in (system, other):
        each.train_step(second)
    assert int(other.steps_taken) == 2
    for expected, received in zip(all_values(system), all_values(other), strict=True):
        np.testing.assert_array_equal(received, expected)


@per_system
def test_the_averages_follow_the_generators(key, fitted):
    system, _ = fitted(key)
    differences = [
        np.abs(average.numpy() - weight.numpy()).max()
        for average, weight in zip(system.average.variables, system.generator_weights, strict=True)
        if weight.trainable  # running statistics move far in three steps
    ]
    assert 0 < max(differences) < 0.1


@pytest.mark.slow
@per_system
def test_half_precision_learns_as_float32_does(key):
    if not has_half_precision_kernels():
        pytest.skip("a hundred steps in emulated half precision take many minutes on a CPU without AVX-512")
    last = {}
    for precision in ("float32", "mixed_bfloat16", "mixed_float16"):
        keras.mixed_precision.set_global_policy(precision)
        system = tiny(key, learning_rate=1e-3, **STEADY.get(key, {}))
        system.compile()
        steps = train_steps(system, dataset(system).repeat(34))
        for _ in itertools.islice(steps, 95):
            pass
        for metric in system.metrics:
            metric.reset_state()
        *_, (_, logs) = steps  # the means of the last seven steps
        last[precision] = sum(value for name, value in logs.items() if name in RECONSTRUCTION_LOSSES)
        assert np.isfinite(last[precision]) and last[precision] > 0
    for precision in ("mixed_bfloat16", "mixed_float16"):
        assert last[precision] == pytest.approx(last["float32"], rel=0.1), precision
