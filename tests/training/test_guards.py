"""NaNs and infinities stop the run with the name of what became infinite, and nothing of them is kept."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.small_system import SmallSystem, make_batch
from tf_inpaint.errors import NonFiniteError
from tf_inpaint.training import train_steps
from tf_inpaint.training.checkpoints import CheckpointFolder, TrainState
from tf_inpaint.training.guards import MAX_SKIPPED_STEPS, find_nonfinite


class BrokenLoss(SmallSystem):
    """One term is not finite for batches whose first pixel is 1."""

    def generator_terms(self, image, mask, training=True):
        raw, terms = super().generator_terms(image, mask, training)
        broken = image[0, 0, 0, 0] == 1.0
        terms["l1_loss"] *= tf.where(broken, np.inf, 1.0)
        return raw, terms


class BrokenGradient(SmallSystem):
    """The losses stay finite; for batches whose first pixel is 1 the gradient of a norm at 0 is not."""

    def generator_terms(self, image, mask, training=True):
        raw, terms = super().generator_terms(image, mask, training)
        is_good = tf.cast(image[0, 0, 0, 0] != 1.0, tf.float32)
        terms["l1_loss"] += 0.001 * tf.norm(raw * is_good)
        return raw, terms


def compiled(system_class):
    system = system_class.tiny()
    system.compile()
    return system


def good_and_bad(number_of_bad=1, value=1.0):
    bad = make_batch()
    image = bad["image"].numpy()
    image[0, 0, 0, 0] = value
    return [make_batch(), make_batch(), *[{**bad, "image": tf.constant(image)}] * number_of_bad, make_batch()]


def train_until_it_stops(system, batches):
    taken = 0
    with pytest.raises(NonFiniteError) as caught:
        for step, _ in train_steps(system, batches):
            taken = step
    return taken, str(caught.value)


@pytest.mark.parametrize(
    ("system_class", "value", "message"),
    [
        (BrokenLoss, 1.0, "Training stopped at step 3: l1_loss not finite."),
        (BrokenGradient, 1.0, "Training stopped at step 3: the generator gradients are not finite."),
        (SmallSystem, np.nan, "(the batch's image held values that are not finite)"),
    ],
    ids=["loss", "gradient", "picture"],
)
def test_the_step_that_breaks_is_the_last_and_its_fault_has_a_name(system_class, value, message):
    system = compiled(system_class)
    taken, said = train_until_it_stops(system, good_and_bad(value=value))
    assert taken == 2
    assert message in said


def test_the_checkpoint_before_the_fault_stays_the_newest(tmp_path):
    system = compiled(BrokenLoss)
    state = TrainState(system, seed=0)
    folder = CheckpointFolder(tmp_path, state)
    with pytest.raises(NonFiniteError):
        for step, _ in train_steps(system, good_and_bad()):
            state.step.assign(step)
            folder.save()
    state.step.assign(3)
    with pytest.raises(NonFiniteError, match="Nothing was saved"):
        folder.save()
    assert folder.restore() == 2
    assert find_nonfinite(state.variables) == []


def test_steps_that_loss_scaling_leaves_out_are_no_fault_unless_they_do_not_end():
    keras.mixed_precision.set_global_policy("mixed_float16")
    system = compiled(BrokenGradient)
    steps = [step for step, _ in train_steps(system, good_and_bad(3))]
    assert steps == [1, 2, 3, 4, 5, 6]
    assert find_nonfinite(TrainState(system, seed=0).variables) == []
    taken, said = train_until_it_stops(system, good_and_bad(MAX_SKIPPED_STEPS + 5))
    assert taken == 2 + MAX_SKIPPED_STEPS
    assert "the generator gradients are not finite for 21 steps in a row" in said
    assert find_nonfinite(TrainState(system, seed=0).variables) == []


def test_a_variable_that_is_not_finite_is_found_among_all_kinds():
    variables = [tf.Variable([1, 2]), tf.Variable([0.0, 1.0], name="good"), tf.Variable([0.0, np.inf], name="bad")]
    assert find_nonfinite(variables) == ["bad:0"]
