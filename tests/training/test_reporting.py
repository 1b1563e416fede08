"""What the reporter tells of a session's speed: the steps alone count."""

import pytest

from tf_inpaint.training.reporting import Reporter


@pytest.fixture
def reporter(tmp_path):
    with Reporter(logs=tmp_path, samples=tmp_path, first_step=4, steps=9, batch_size=2, log_steps=100) as opened:
        yield opened


def test_the_first_step_of_a_session_has_no_speed(reporter):
    assert reporter.seconds_per_step is None
    reporter.after_step(5, {})
    assert reporter.seconds_per_step is None
    reporter.after_step(6, {})
    assert reporter.seconds_per_step >= 0


def test_what_comes_after_a_step_does_not_count_for_it(reporter):
    reporter.after_step(5, {})
    reporter.after_step(6, {})
    measured = reporter.seconds_per_step
    reporter.pause(1000.0)  # a checkpoint
    assert reporter.seconds_per_step == measured


def test_a_pause_between_two_steps_is_left_out(reporter):
    reporter.after_step(5, {})
    reporter.pause(1000.0)
    reporter.after_step(6, {})
    reporter.after_step(7, {})
    assert reporter.seconds_per_step < 0  # hardly any time has passed, of which a thousand seconds are taken
