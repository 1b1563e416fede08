"""A whole training run: begins or goes on, validates, saves, and stops in good order."""

import dataclasses
import hashlib
import json
import os
import time

import keras
import tensorflow as tf

from tf_inpaint import data, masks, weights
from tf_inpaint.errors import ConfigError
from tf_inpaint.training import loop, signals, stages
from tf_inpaint.training.calibration import calibrate_on
from tf_inpaint.training.checkpoints import CheckpointFolder, TrainState
from tf_inpaint.training.config import TrainConfig
from tf_inpaint.training.reporting import Reporter
from tf_inpaint.training.run_directory import RunDirectory
from tf_inpaint.training.validation import Validation, num_held_out


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """How a session ended.

    Attributes:
        step: number of steps taken, over all sessions; -1 if a signal came before the first one of this session.
        finished: whether that is all of them.
        signal_number: of the signal that ended the session, or `None`.
        seconds_per_step: mean over the steps of this session, without its first one, in which the step is traced, and without
            validations and checkpoints; `None` where it took no second one.
    """

    step: int
    finished: bool
    signal_number: int | None = None
    seconds_per_step: float | None = None


def train(
    system_class: type,
    system_config,
    config: TrainConfig,
    run_dir: str | os.PathLike,
    *,
    max_seconds: float | None = None,
    strategy: tf.distribute.Strategy | None = None,
) -> TrainResult:
    """Trains a system in a run folder: from the start, or from where an earlier session of the same settings ended.

    SIGTERM and SIGINT are caught while it runs (in the main thread): the session saves and returns. A session that was killed goes on
    from its last checkpoint, and with `config.deterministic` its final weights have the same bits as without the kill.

    Sets the global precision policy and, with `config.deterministic`, TensorFlow's determinism for the whole process.

    Args:
        system_class: a class of `SYSTEMS`.
        system_config: its settings.
        config: the run's settings.
        run_dir: its folder. A system with `PREDECESSORS` keeps all its stages in it, see `stages`.
        max_seconds: the session saves and returns after the first step that ends later than this after the call; `None`: no limit.
        strategy: where several devices are to share each batch; `None`: all GPUs where there are several, else one device.

    Returns:
        How the session ended.

    Raises:
        ConfigError: if a setting is out of its range, or the batch cannot be shared among the replicas.
        DataError: if the pictures are missing or mostly broken.
        CheckpointError: if the folder belongs to another run, no checkpoint is good, or none can be written.
        WeightsError: if `init_weights` do not exist or do not fit.
        NonFiniteError: if a loss, a gradient or a weight is not finite any more. Earlier checkpoints are good then.
    """
    start = time.monotonic()
    with signals.StopSignals() as stop:
        try:
            if strategy is None:
                strategy = _default_strategy()
            if config.batch_size % strategy.num_replicas_in_sync:
                raise ConfigError(
                    f"`batch_size` must be a multiple of the {strategy.num_replicas_in_sync} replicas. "
                    f"Received: batch_size={config.batch_size}."
                )
            # Before the folder is made: what is wrong with stages, data and masks shows within a second and leaves nothing behind.
            begin = stages.find_start(system_class, config, run_dir)
            config = dataclasses.replace(config, stage=begin.stage)
            generator = masks.parse(config.masks)
            size = system_config.image_size
            generator([0, 0], batch_size=1, height=size, width=size)  # opens a folder of masks
            bank = data.prepare(config.data, image_size=system_config.image_size)
            settings = {
                "system": system_class.KEY,
                "config": system_config.to_dict(),
                "training": dataclasses.asdict(config),
                "pictures": _fingerprint(bank),
            }
            folder = RunDirectory(begin.folder, settings)
            if folder.is_new and begin.init_weights is not None:
                folder.earlier_runs = weights.read(begin.init_weights).training.get("runs", [])
            if system_class.PREDECESSORS:
                stages.write_index(run_dir, system_class)
            with folder:
                session = _Session(system_class, system_config, config, folder, strategy, stop, bank, generator, begin.init_weights)
                return session.run(deadline=None if max_seconds is None else start + max_seconds)
        except signals.Stopped as error:
            print(f"stopped by {error}; nothing was left to save", flush=True)
            return TrainResult(step=-1, finished=False, signal_number=error.signal_number)


class _Session:
    def __init__(self, system_class, system_config, config, folder, strategy, stop, bank, generator, init_weights):
        self._config = config
        self._folder = folder
        self._stop = stop
        self._terms = None  # known after the first step
        keras.mixed_precision.set_global_policy(config.precision)
        keras.utils.set_random_seed(config.seed)  # the initial weights are a function of the seed
        if config.deterministic:
            tf.config.experimental.enable_op_determinism()
        with strategy.scope():
            self.system = system_class(system_config)
            self.system.compile(stage=config.stage, masks=generator)
            self._state = TrainState(self.system, seed=config.seed)
        self._checkpoints = CheckpointFolder(folder.checkpoints, self._state, report=lambda text: print(text, flush=True))
        self._first_step = self._checkpoints.restore() or 0
        if self._first_step:
            print(f"resumed from step {self._first_step}", flush=True)
        elif init_weights is not None:
            weights.load_into(self.system, init_weights)
            print(f"starts from the weights {init_weights}", flush=True)
        if system_class.PREDECESSORS:
            print(f"stage {config.stage} of {system_class.KEY}, in {folder.path}", flush=True)
        self._open_data(bank, generator)

    def _open_data(self, bank, generator):
        config, image_size = self._config, self.system.config.image_size
        print(bank.report.summary(), flush=True)
        held_out = config.held_out or 0
        if config.held_out is None and config.validation_steps and config.validation_data is None:
            held_out = num_held_out(len(bank))
        num_training = len(bank) - held_out
        if num_training < 1:
            raise ConfigError(f"`held_out` must leave pictures to train on. Received: held_out={held_out} of {len(bank)} pictures.")
        batches = data.dataset(
            bank,
            image_size=image_size,
            batch_size=config.batch_size,
            masks=generator,
            seed=config.seed,
            repeat=True,
            masks_on="step",
            colour_jitter=config.colour_jitter,
            select=slice(0, num_training),
            skip_batches=self._first_step,
        )
        self._batches = loop.distribute(self.system, batches.take(max(config.steps - self._first_step, 0)))
        self._validation = None
        if config.validation_steps and (held_out or config.validation_data is not None):
            if config.validation_data is not None:
                bank, select = data.prepare(config.validation_data, image_size=image_size), slice(0, None)
            else:
                select = slice(num_training, None)
            pictures = data.dataset(
                bank,
                image_size=image_size,
                batch_size=config.batch_size,
                masks=generator,
                seed=config.seed,
                shuffle=False,
                flip=False,
                crop="center",
                select=select,
            )
            self._validation = Validation(self.system, pictures)
        print(f"training on {num_training} pictures, {held_out} kept back for validation", flush=True)

    def run(self, *, deadline):
        config, step = self._config, self._first_step
        with Reporter(
            logs=self._folder.logs,
            samples=self._folder.samples,
            first_step=step,
            steps=config.steps,
            batch_size=config.batch_size,
            log_steps=config.log_steps,
        ) as self._reporter:
            if step and not self._was_validated(step):  # the session before was stopped in the midst of it
                self._validate(step)
            session_start, seconds_before = time.monotonic(), float(self._state.seconds.numpy())
            for step, logs in self._guarded_steps():
                if self._terms is None:
                    self._terms = self._checked_terms(logs)
                self._state.step.assign(step)
                self._state.seconds.assign(seconds_before + time.monotonic() - session_start)
                if self._reporter.after_step(step, logs):
                    for metric in self.system.metrics:
                        metric.reset_state()
                work_start = time.monotonic()
                if not self._was_validated(step):
                    self._validate(step)
                stopping = self._stop.received is not None or (deadline is not None and time.monotonic() > deadline)
                if stopping or step % config.checkpoint_steps == 0 or step >= config.steps:
                    self._save()
                self._reporter.pause(time.monotonic() - work_start)
                if stopping:
                    break
            if not (self._folder.weights / weights.ARRAYS_FILE).exists():
                self._save()
            finished = step >= config.steps
            if finished:
                self._calibrate()
            reason = "" if finished else " (stopped by a signal)" if self._stop.received else " (time is up)"
            self._reporter.say(f"{'finished' if finished else 'saved'} at step {step}{reason}; weights in {self._folder.weights}")
        return TrainResult(step, finished, None if finished else self._stop.received, self._reporter.seconds_per_step)

    def _guarded_steps(self):
        """Steps; signals that arrive before the first one is done end the session at once, later ones are noted."""
        steps = loop.train_steps(self.system, self._batches, first_step=self._first_step)
        first = next(steps, None)
        if first is None:
            return
        with self._stop.deferred():
            yield first
            yield from steps

    def _checked_terms(self, logs):
        """The losses of the first step; those of the sessions before, if there were any."""
        terms = [name for name in self.system.LOGS if name in logs and name != "loss"]
        if self._first_step and (self._folder.weights / weights.ARRAYS_FILE).exists():
            before = weights.read(self._folder.weights).training["runs"][-1].get("terms", terms)
            if terms != before:
                raise ConfigError(
                    f"{self._folder.path}: this run was trained with {', '.join(before)}; its steps would go on with {', '.join(terms)}: "
                    "a feature network was found or lost since. Give it back, or begin a new run from these weights (`init_weights`)."
                )
        return terms

    def _was_validated(self, step):
        config = self._config
        if self._validation is None or (step % config.validation_steps and step < config.steps):
            return True
        return int(self._state.validated_step.numpy()) == step

    def _validate(self, step):
        measured = self._validation.measure(should_stop=lambda: self._stop.received is not None)
        if measured is None:
            return
        is_best = self._state.best.offer(*next(iter(measured.items())))
        if is_best:
            summary = self._summary(**{f"validation_{name}": value for name, value in measured.items()})
            weights.save(self.system, self._folder.best, training=summary)
        self._state.validated_step.assign(step)
        self._reporter.validation(step, measured, is_best=is_best)
        self._reporter.sample_grid(step, self._validation.sample_grid())

    def _save(self):
        self._checkpoints.save()
        weights.save(self.system, self._folder.weights, training=self._summary())

    def _calibrate(self):
        """Stores with finished weights the thresholds by which they judge their results, measured on the pictures kept back."""
        verification = self.system.verification
        if verification is None or self.system.stage not in verification.STAGES or self._validation is None:
            return
        with self._stop.deferred():
            for folder in (self._folder.best, self._folder.weights):
                if not (folder / weights.ARRAYS_FILE).exists():
                    continue
                try:
                    self._reporter.say(f"{folder}: {calibrate_on(folder, self._validation.dataset).describe()}")
                except ConfigError as error:  # of critics that cannot judge; the training is good all the same
                    self._reporter.say(f"{folder}: results cannot be judged: {error}")

    def _summary(self, **measured):
        config, step = self._config, int(self._state.step.numpy())
        run = {
            **({"stage": config.stage} if self.system.PREDECESSORS else {}),
            "data": config.data,
            "masks": config.masks,
            "image_size": self.system.config.image_size,
            "batch_size": config.batch_size,
            "precision": config.precision,
            **({"colour_jitter": config.colour_jitter} if config.colour_jitter else {}),
            "steps": step,
            "pictures": step * config.batch_size,
            # Not all that the settings name: a loss whose feature network could not be had is left out.
            **({"terms": self._terms} if self._terms else {}),
            "seconds": round(float(self._state.seconds.numpy())),
            **measured,
        }
        runs = [*self._folder.earlier_runs, run]
        return {"runs": runs, "pictures_over_all_runs": sum(each["pictures"] for each in runs)}


def _fingerprint(bank):
    """Changes when a picture is added, renamed, lost or cut differently: the order of the data would not be the same."""
    digest = hashlib.sha256(json.dumps([bank.names, bank.sizes.tolist()]).encode())
    return {"number": len(bank), "sha256": digest.hexdigest()}


def _default_strategy():
    devices = tf.config.list_logical_devices("GPU")
    return tf.distribute.MirroredStrategy() if len(devices) > 1 else tf.distribute.get_strategy()
