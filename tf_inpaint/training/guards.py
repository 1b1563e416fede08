"""Infinities and NaNs: found where they arise, named, and never saved."""

import numpy as np
import tensorflow as tf

from tf_inpaint.errors import NonFiniteError

# Under mixed_float16 a step whose gradients overflow is left out and the loss scale halved: from 2**15 that is 15 times at most
# before the scale is 1, so more in a row mean that the gradients themselves are broken.
MAX_SKIPPED_STEPS = 20


def check_step(system, batch: dict, logs: dict[str, np.ndarray], *, step: int) -> None:
    """Stops training after a step that gave a loss or a gradient which is not finite.

    Args:
        system: the system that took the step.
        batch: what it was given.
        logs: name -> mean of a loss term, as `train_step` returned it.
        step: number of the step, for the message.

    Raises:
        NonFiniteError: naming the loss terms, or the optimizer whose gradients they are, and the part of the batch if the fault came
            with it.
    """
    # The total is the sum of the others: naming it as well would say nothing.
    terms = [name for name, value in logs.items() if not np.isfinite(value)]
    terms = [name for name in terms if name != "loss"] or terms
    if terms:
        raise NonFiniteError(f"Training stopped at step {step}: {', '.join(terms)} not finite{_cause(system, batch)}.")
    for name, skipped in system.nonfinite_gradients.items():
        limit = MAX_SKIPPED_STEPS if _skips_steps(system.optimizers[name]) else 0
        if float(skipped.numpy()) > limit:
            times = f" for {limit + 1} steps in a row" if limit else ""
            raise NonFiniteError(f"Training stopped at step {step}: the {name} gradients are not finite{times}{_cause(system, batch)}.")


def find_nonfinite(variables: list) -> list[str]:
    """Finds variables with infinities or NaNs.

    Args:
        variables: Keras' or TensorFlow's, of any dtype.

    Returns:
        The names of those that are not finite throughout.
    """
    return [
        getattr(variable, "path", variable.name)
        for variable in variables
        if tf.as_dtype(variable.dtype).is_floating and not bool(tf.reduce_all(tf.math.is_finite(tf.convert_to_tensor(variable))))
    ]


def _cause(system, batch) -> str:
    found = []
    for name, value in batch.items():
        tensors = [tf.convert_to_tensor(part) for part in system.distribute_strategy.experimental_local_results(value)]
        if any(part.dtype.is_floating and not bool(tf.reduce_all(tf.math.is_finite(part))) for part in tensors):
            found.append(name)
    return f" (the batch's {' and '.join(found)} held values that are not finite)" if found else ""


def _skips_steps(optimizer) -> bool:
    return hasattr(optimizer, "inner_optimizer")
