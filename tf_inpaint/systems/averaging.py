"""Exponentially averaged weights: smoother, and better, than those of any one step."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf


class WeightAverage:
    """Keeps an exponential moving average beside each of some variables.

    A plain object on purpose: Keras does not count the averages among the weights of the system that owns it. Checkpoints name
    `variables` explicitly.

    Args:
        weights: the variables to follow, Keras' or TensorFlow's.
        momentum: share of the old average in the new one, in [0, 1). At the start a smaller one, (1 + step) / (10 + step), is used, so
            that the first random weights are soon forgotten.

    Attributes:
        variables: list of float32 `tf.Variable`, in the order of `weights`.
    """

    def __init__(self, weights: list, *, momentum: float):
        if not 0 <= momentum < 1:
            raise ValueError(f"`momentum` must be in [0, 1). Received: momentum={momentum}.")
        self.momentum = momentum
        self._weights = list(weights)
        self.variables = [
            tf.Variable(
                weight.numpy(),
                dtype=tf.float32,
                trainable=False,
                name="average",
                aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            )
            for weight in self._weights
        ]

    def restart(self) -> None:
        """Sets the averages to the present weights."""
        for average, weight in zip(self.variables, self._weights, strict=True):
            average.assign(weight.numpy())

    def update(self, step: tf.Tensor) -> None:
        """Moves the averages towards the weights.

        Args:
            step: scalar, number of steps taken so far, the present one included.
        """
        step = tf.cast(step, tf.float32)
        momentum = tf.minimum(self.momentum, (1.0 + step) / (10.0 + step))
        for average, weight in zip(self.variables, self._weights, strict=True):
            average.assign_sub((1.0 - momentum) * (average - tf.cast(tf.convert_to_tensor(weight), tf.float32)))

    @contextlib.contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Puts the averages in the place of the weights inside a `with` block, and the weights back after it."""
        current = [weight.numpy() for weight in self._weights]
        for average, weight in zip(self.variables, self._weights, strict=True):
            weight.assign(average.numpy())
        try:
            yield
        finally:
            for value, weight in zip(current, self._weights, strict=True):
                weight.assign(value)
