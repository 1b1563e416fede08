"""The bare loop: `train_step` in a `tf.function`, under a `tf.distribute` strategy, one guarded step after another."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import tensorflow as tf

from tf_inpaint.errors import DataError
from tf_inpaint.training import guards


def make_step(system) -> Callable[[dict], dict[str, tf.Tensor]]:
    """Compiles the training step of a system for the strategy under which it was made.

    Args:
        system: a compiled `InpaintingSystem`.

    Returns:
        Function from a batch (of the whole strategy, as `distribute` yields it) to the running means of the loss terms.
    """
    strategy = system.distribute_strategy

    # Without AutoGraph: no step branches in Python on a tensor, tracing takes half the time, and our errors keep their type.
    @tf.function(autograph=False)
    def one_step(batch):
        return system.train_step(batch)

    @tf.function(autograph=False)
    def replicated_step(batch):
        logs = strategy.run(system.train_step, args=(batch,))
        return {name: strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None) for name, value in logs.items()}

    return one_step if strategy.num_replicas_in_sync == 1 else replicated_step


def distribute(system, dataset: tf.data.Dataset) -> Iterable[dict]:
    """Splits the batches of a data set among the replicas of a system's strategy.

    Args:
        system: the system to train.
        dataset: batches of dicts; their size is the sum over the replicas.

    Returns:
        Something to iterate over, whose elements `make_step`'s function takes.
    """
    strategy = system.distribute_strategy
    return dataset if strategy.num_replicas_in_sync == 1 else strategy.experimental_distribute_dataset(dataset)


def train_steps(system, batches: Iterable[dict], *, first_step: int = 0) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Takes a training step for each batch, and checks it.

    Args:
        system: a compiled `InpaintingSystem`.
        batches: as `distribute` yields them.
        first_step: number of steps taken before.

    Yields:
        After each step: the number of steps taken, and name -> mean loss since the last `reset_metrics`.

    Raises:
        NonFiniteError: after a step with a loss or gradient that is not finite, naming it.
        DataError: if a stored picture has been damaged since training began.
    """
    step_function = make_step(system)
    for step, batch in enumerate(_undamaged(batches), first_step + 1):
        logs = {name: value.numpy() for name, value in step_function(batch).items()}
        guards.check_step(system, batch, logs, step=step)
        yield step, logs


def _undamaged(batches: Iterable[dict]) -> Iterator[dict]:
    try:
        yield from batches
    except tf.errors.DataLossError as error:  # of TFRecords that are read where they are
        raise DataError(
            "A stored picture is damaged (wrong checksum). Training goes on from the last checkpoint once the data are whole again: "
            "`tf-inpaint check-data` says which file it is."
        ) from error
