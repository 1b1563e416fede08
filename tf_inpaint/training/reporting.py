"""What a run tells: a progress bar or plain lines, TensorBoard scalars, and pictures."""

import datetime
import sys
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_inpaint import compat, pictures


class Reporter:
    """Shows the progress of a run. On a terminal a bar moves with each step; elsewhere there is a line after each `log_steps`.

    Args:
        logs: folder for TensorBoard.
        samples: folder for the PNG files of the sample grids.
        first_step: number of steps taken before.
        steps: number of steps of the whole run.
        batch_size: pictures in a step.
        log_steps: the losses are written each so many steps.

    Attributes:
        seconds_per_step: mean duration of the steps of this session but the first, without what `pause` was told of; `None` before the
            second one.
    """

    def __init__(self, *, logs: Path, samples: Path, first_step: int, steps: int, batch_size: int, log_steps: int):
        self._samples = samples
        self._steps = steps
        self._batch_size = batch_size
        self._log_steps = log_steps
        self._writer = tf.summary.create_file_writer(str(logs))
        self._bar = compat.progress(total=steps, initial=first_step, description="training", unit="step")
        self._first_step = self._last_step = first_step
        self._start = self._last_time = None
        self.seconds_per_step = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._bar.close()
        self._writer.close()

    def after_step(self, step: int, logs: dict[str, np.ndarray]) -> bool:
        """Notes a step.

        Args:
            step: number of steps taken.
            logs: name -> mean since the last time that the losses were written.

        Returns:
            Whether the losses were written, so that their means begin anew.
        """
        now = time.monotonic()
        if self._start is None:  # the first step was spent on tracing: it says nothing about the speed
            self._start = self._last_time = now
            self._first_step = self._last_step = step
        # Taken here and not when it is asked for: after the last step the pipeline needs time to end.
        self.seconds_per_step = (now - self._start) / (step - self._first_step) if step > self._first_step else None
        terms = "  ".join(f"{name} {float(value):.4f}" for name, value in logs.items())
        if self._bar.update(1):  # drawn a few times a second
            self._bar.set_postfix_str(f"{self._speed(step, now, since_start=True):.1f} images/s  {terms}")
        if step % self._log_steps and step != self._steps:
            return False
        speed = self._speed(step, now)
        with self._writer.as_default(step=step):
            for name, value in logs.items():
                tf.summary.scalar(f"train/{name}", value)
            if speed:
                tf.summary.scalar("train/images_per_second", speed)
        if self._bar.disable:
            # The session's first step has no speed yet.
            timing = f"  {speed:.1f} images/s  {self._time_left(step, now)} left" if speed else ""
            self.say(f"step {step}/{self._steps}  {terms}{timing}")
        self._last_step, self._last_time = step, now
        return True

    def pause(self, seconds: float) -> None:
        """Leaves time out of the speed: a validation, a checkpoint.

        Args:
            seconds: how long it took.
        """
        if self._start is not None:
            self._start += seconds
            self._last_time += seconds

    def validation(self, step: int, measured: dict[str, float], *, is_best: bool) -> None:
        """Notes a validation.

        Args:
            step: number of steps taken.
            measured: name -> mean over the pictures, the one that decides first.
            is_best: whether it is the best so far.
        """
        with self._writer.as_default(step=step):
            for name, value in measured.items():
                tf.summary.scalar(f"validation/{name}", value)
        self._writer.flush()
        values = "  ".join(f"{name} {value:.4f}" for name, value in measured.items())
        self.say(f"validation at step {step}: {values}{', the best so far' if is_best else ''}")

    def sample_grid(self, step: int, grid: np.ndarray) -> None:
        """Writes a grid of sample pictures.

        Args:
            step: number of steps taken.
            grid: uint8 `[H, W, 3]`.
        """
        pictures.write_picture(self._samples / f"step-{step:07d}.png", grid)
        with self._writer.as_default(step=step):
            tf.summary.image("samples", grid[None])

    def say(self, text: str) -> None:
        """Prints a line above the bar.

        Args:
            text: one line.
        """
        self._bar.write(text, file=sys.stdout)
        sys.stdout.flush()

    def _speed(self, step, now, *, since_start=False):
        earlier_step, earlier = (self._first_step, self._start) if since_start else (self._last_step, self._last_time)
        return self._batch_size * (step - earlier_step) / (now - earlier) if step > earlier_step and now > earlier else 0.0

    def _time_left(self, step, now):
        seconds = (self._steps - step) * self._batch_size / self._speed(step, now, since_start=True)
        return datetime.timedelta(seconds=round(seconds))
