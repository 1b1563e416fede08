"""Trains on one and on two virtual devices, and prints as JSON by how much they differ: `python -m tests.training.run_replicas FOLDER`."""

import json
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

from tests.training.small_system import SmallSystem, all_values, make_batch, small_config
from tf_inpaint import compat
from tf_inpaint.systems.latent_attention import LatentAttention
from tf_inpaint.training import TrainConfig, distribute, train, train_steps
from tf_inpaint.training.checkpoints import CheckpointFolder, TrainState

STEPS = 20


def make_state(num_replicas):
    keras.utils.set_random_seed(0)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]) if num_replicas == 2 else tf.distribute.get_strategy()
    with strategy.scope():
        system = SmallSystem.tiny()
        system.compile()
        return TrainState(system, seed=0)


def dataset(first, last):
    batches = [make_batch(4, seed=index) for index in range(first, last)]
    return tf.data.Dataset.from_tensor_slices({name: tf.concat([batch[name] for batch in batches], axis=0) for name in batches[0]}).batch(4)


def losses(state, first, last):
    found = []
    for step, logs in train_steps(state.system, distribute(state.system, dataset(first, last)), first_step=first):
        found.append([float(value) for value in logs.values()])
        state.step.assign(step)
        for metric in state.system.metrics:
            metric.reset_state()
    return np.array(found)


def lazy_penalties():
    """Of three steps of a stage whose regularisers are due in every other one."""
    keras.utils.set_random_seed(0)
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        system = LatentAttention.tiny(r1_interval=2, path_length_interval=2)
        system.compile(stage="generator")
    image = tf.random.stateless_uniform([12, 32, 32, 3], [0, 0], -1.0, 1.0)
    data = tf.data.Dataset.from_tensor_slices({"image": image, "mask": tf.zeros([12, 32, 32, 1])}).batch(4)
    found = []
    for _, logs in train_steps(system, distribute(system, data)):
        found.append([float(logs[name]) for name in ("r1_penalty", "path_length_penalty")])
        system.reset_metrics()
    return found


def difference(one, two):
    return max(float(np.abs(a.astype(np.float64) - b).max()) for a, b in zip(one, two, strict=True))


if __name__ == "__main__":
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    folder = pathlib.Path(sys.argv[1])
    states = {number: make_state(number) for number in (1, 2)}
    halves = {number: losses(state, 0, STEPS // 2) for number, state in states.items()}
    for number, state in states.items():
        CheckpointFolder(folder / str(number), state).save()
    same = {number: losses(state, STEPS // 2, STEPS) for number, state in states.items()}
    report = {"replicas": [state.system.distribute_strategy.num_replicas_in_sync for state in states.values()]}
    report["losses"] = float(np.abs(np.concatenate([halves[1] - halves[2], same[1] - same[2]])).max())
    report["fall"] = float(halves[1][0, 1] - same[1][-1, 1])
    report["values"] = difference(all_values(states[1].system), all_values(states[2].system))
    for number, other in ((1, 2), (2, 1)):  # saved with one number of replicas, continued with the other
        state = make_state(other)
        assert CheckpointFolder(folder / str(number), state).restore() == STEPS // 2
        report[f"moved_to_{other}"] = float(np.abs(losses(state, STEPS // 2, STEPS) - same[other]).max())
    fitted = {number: make_state(number).system for number in (1, 2)}
    for system in fitted.values():
        system.fit(dataset(0, 4), epochs=2, validation_data=dataset(4, 5), verbose=0)
    report["fit"] = difference(all_values(fitted[1]), all_values(fitted[2]))
    config = TrainConfig(batch_size=4, steps=2, validation_steps=1, masks="center_square")
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    report["run"] = train(SmallSystem, small_config(), config, folder / "run", strategy=two).finished
    report["lazy_penalties"] = lazy_penalties() if compat.KERAS_3 else None
    print(json.dumps(report))
