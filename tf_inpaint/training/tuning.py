"""A search for loss weights: trains a system again and again, each time with other weights, and measures the composites.

    tuning.json         the system, its settings, those of the trainings and of the search
    trials/0001.json    a trial: its weights, and what was measured
    trials/0001/        its run folder; checkpoints are kept only where other trials go on from them
    trials.csv, best.json, trials.png

What KerasTuner proposes next is a function of its seed and of the results so far. So only the trials themselves are stored: a search
that goes on tells a fresh oracle what came of each, and a kill at any moment loses no more than a training's last steps.
"""

import dataclasses
import gc
import json
import os
import shutil
import tempfile
import time
import warnings
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_inpaint import data, masks, metrics, weights
from tf_inpaint.errors import CheckpointError, ConfigError, NonFiniteError, WeightsError
from tf_inpaint.files import atomic_directory, atomic_write
from tf_inpaint.ops import image as image_ops
from tf_inpaint.training import oracles, signals, tuning_report
from tf_inpaint.training.config import TrainConfig
from tf_inpaint.training.search_space import weight_ranges
from tf_inpaint.training.session import train
from tf_inpaint.training.trial import Trial
from tf_inpaint.training.tune_config import FREE_TO_CHANGE, TuneConfig

SETTINGS_FILE = "tuning.json"
_TRIALS_FOLDER = "trials"
_OWN_MEASURES = {"psnr": metrics.psnr, "ssim": metrics.ssim, "l1": metrics.l1}


@dataclasses.dataclass(frozen=True)
class TuneResult:
    """How a session of a search ended.

    Attributes:
        trials: those that are done, in their order.
        finished: whether that is all of them.
        signal_number: of the signal that ended the session, or `None`.
    """

    trials: list[Trial]
    finished: bool
    signal_number: int | None = None


def tune(
    system_class: type,
    system_config,
    train_config: TrainConfig,
    tune_config: TuneConfig,
    folder: str | os.PathLike,
    *,
    max_seconds: float | None = None,
) -> TuneResult:
    """Searches loss weights of a system, from the start or from where an earlier session of the same settings ended.

    All trials see the same pictures, crops and masks from the same initial weights; their averaged weights, as they would be shipped, are
    measured on pictures that none of them was trained on. A trial whose loss or weights become infinite has failed, and the search goes
    on; the first one, with the present weights, must not fail. SIGTERM and SIGINT save and end the session as they do in `train`.

    Args:
        system_class: a class of `SYSTEMS`.
        system_config: its settings.
        train_config: of each trial; what it says of validation is replaced.
        tune_config: of the search.
        folder: of the search.
        max_seconds: the session ends with the first training step that is later than this; `None`: no limit.

    Returns:
        What was done.

    Raises:
        ConfigError: if a setting is wrong or KerasTuner is not installed.
        CheckpointError: if the folder holds something else.
        DataError, WeightsError, NonFiniteError: as `train`.

    Source: Liu et al. 2018, arXiv:1804.07723, chose the weights of their loss by a search on 100 validation pictures, whose method and
    measure they do not tell.
    """
    deadline = None if max_seconds is None else time.monotonic() + max_seconds
    ranges = weight_ranges(system_config, tune_config.ranges)
    oracles.check_packages(tune_config)
    _check_start(system_class, train_config)
    _check_objective(system_class, tune_config)
    done = []
    # The oracle wants a folder for notes, which are never read again.
    with signals.StopSignals(), tempfile.TemporaryDirectory() as notes:
        try:
            search = _Search(system_class, system_config, train_config, tune_config, ranges, Path(folder).expanduser(), done)
            return search.run(oracles.make_oracle(tune_config, ranges, seed=train_config.seed, notes=notes), deadline)
        except signals.Stopped as error:
            return TuneResult(done, False, error.signal_number)


class _Search:
    def __init__(self, system_class, system_config, train_config, tune_config, ranges, folder, done):
        self._system_class, self._system_config, self._config, self._ranges = system_class, system_config, tune_config, ranges
        self._folder = folder
        self._done = done
        self._open_pictures(system_config.image_size, train_config)
        held_out = tune_config.validation_pictures if tune_config.validation_data is None else 0
        self._train_config = dataclasses.replace(train_config, held_out=held_out, validation_steps=0, validation_data=None)
        self._open_folder()

    def _open_pictures(self, image_size, train_config):
        config = self._config
        generator = masks.parse(train_config.masks)
        bank = data.prepare(config.validation_data or train_config.data, image_size=image_size)
        spare = len(bank) - config.validation_pictures - (config.validation_data is None)
        if spare < 0:
            source, more = (config.validation_data, "") if config.validation_data else (train_config.data, " and others to train on")
            raise ConfigError(
                f"`validation_pictures` asks for {config.validation_pictures} pictures{more}. Received: {source} has {len(bank)}. Ask for "
                "fewer, or name other pictures with --validation-data."
            )
        first = 0 if config.validation_data else len(bank) - config.validation_pictures
        self._pictures = data.dataset(
            bank,
            image_size=image_size,
            batch_size=train_config.batch_size,
            masks=generator,
            seed=train_config.seed,
            shuffle=False,
            flip=False,
            crop="center",
            select=slice(first, first + config.validation_pictures),
        )

    def _open_folder(self):
        settings = {
            "system": self._system_class.KEY,
            "config": self._system_config.to_dict(),
            "training": dataclasses.asdict(self._train_config),
            "search": {**dataclasses.asdict(self._config), "ranges": [dataclasses.asdict(each) for each in self._ranges]},
        }
        file, trials = self._folder / SETTINGS_FILE, self._folder / _TRIALS_FOLDER
        if trials.is_dir() and any(trials.iterdir()):
            _compare(file, settings)
        elif self._folder.exists() and not file.exists() and (not self._folder.is_dir() or any(self._folder.iterdir())):
            raise CheckpointError(f"{self._folder} holds other things and no search. Choose an empty or a new folder.")
        trials.mkdir(parents=True, exist_ok=True)
        for leftover in self._folder.rglob("*.tmp-*"):  # of a kill while saving
            shutil.rmtree(leftover, ignore_errors=True) if leftover.is_dir() else leftover.unlink(missing_ok=True)
        with atomic_write(file, "w") as stream:
            stream.write(json.dumps(settings, indent=2) + "\n")

    def run(self, oracle, deadline):
        while True:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the Gaussian process on what is typical of a dozen noisy trials
                proposal = oracle.create_trial("tuner")
            if proposal.status != "RUNNING":
                break
            number = int(proposal.trial_id) + 1
            file = self._folder / _TRIALS_FOLDER / f"{number:04d}.json"
            trial = Trial.read(file) if file.exists() else self._propose(number, proposal.hyperparameters.values)
            if trial.status == "running":
                trial.write(file)
                self._say(trial, f"{tuning_report.options(trial.weights)} for {trial.steps} steps")
                signal_number, trial = self._train_and_measure(trial, deadline)
                if trial is None:
                    return TuneResult(self._done, False, signal_number)
                trial.write(file)
            self._tell(oracle, proposal, trial)
            self._finish(trial)
            if deadline is not None and time.monotonic() > deadline and len(self._done) < self._config.trials:
                return TuneResult(self._done, False)
        return TuneResult(self._done, True)

    def _propose(self, number, values):
        steps, goes_on_from = self._train_config.steps, None
        if "tuner/epochs" in values:
            steps = max(1, round(steps * values["tuner/epochs"] / oracles.HYPERBAND_EPOCHS))
            if values["tuner/initial_epoch"]:
                goes_on_from = int(values["tuner/trial_id"]) + 1
        return Trial(number, {each.name: values[each.name] for each in self._ranges}, steps, goes_on_from)

    def _train_and_measure(self, trial, deadline):
        """Returns the signal that ended the session, if any, and the trial with its results, or `None` if it is not done."""
        trials = self._folder / _TRIALS_FOLDER
        run_dir = trials / f"{trial.number:04d}"
        if trial.goes_on_from is not None and not run_dir.exists():
            with atomic_directory(run_dir) as temporary:
                shutil.copytree(trials / f"{trial.goes_on_from:04d}", temporary, dirs_exist_ok=True)
        keras.backend.clear_session()
        gc.collect()  # systems hold cycles; a search must not grow with its trials
        config = dataclasses.replace(self._system_config, **trial.weights)
        train_config = dataclasses.replace(self._train_config, steps=trial.steps)
        try:
            seconds = None if deadline is None else deadline - time.monotonic()
            result = train(self._system_class, config, train_config, run_dir, max_seconds=seconds)
            if not result.finished:
                return result.signal_number, None
            measures = self._measure(run_dir)
        except (NonFiniteError, WeightsError) as error:  # of `weights.save`, where a weight is not finite in half precision
            if trial.number == 1:
                raise
            return None, dataclasses.replace(trial, status="failed", reason=str(error))
        if not np.isfinite(measures[self._config.objective]):
            raise ConfigError(f"The pictures are too small for the objective {self._config.objective}: it is not a number.")
        return None, dataclasses.replace(trial, status="completed", measures=measures)

    def _measure(self, run_dir):
        # As `loading.load`, which would look for the class among those of `SYSTEMS` only.
        file = weights.read(run_dir)
        system = self._system_class(self._system_class.Config.from_dict(file.config))
        weights.assign(system, file.arrays, origin=str(file.path))
        return measure(system, self._pictures)

    def _tell(self, oracle, proposal, trial):
        proposal.hyperparameters.values.update(trial.weights)
        proposal.status = "COMPLETED" if trial.status == "completed" else "FAILED"
        if trial.status == "completed":
            objective = self._config.objective
            oracle.update_trial(proposal.trial_id, {objective: trial.measures[objective]})
        oracle.end_trial(proposal)

    def _finish(self, trial):
        self._done.append(trial)
        if self._config.tuner != "hyperband":
            for folder in [*(self._folder / _TRIALS_FOLDER / f"{trial.number:04d}").rglob("checkpoints")]:
                shutil.rmtree(folder)
        best = tuning_report.ranked(self._done, self._config)[0]
        objective = self._config.objective
        result = f"failed: {trial.reason}" if trial.status == "failed" else f"{objective} {trial.measures[objective]:.4f}"
        self._say(trial, f"{result}; best so far {best.measures[objective]:.4f}, of trial {best.number}")
        tuning_report.write_results(self._folder, self._done, self._config, self._system_class.KEY)

    def _say(self, trial, text):
        print(f"trial {trial.number}/{self._config.trials}: {text}", flush=True)


def measure(system, pictures: tf.data.Dataset) -> dict[str, float]:
    """Measures composites.

    Args:
        system: an `InpaintingSystem`.
        pictures: one finite pass of `{"image", "mask"}` batches.

    Returns:
        name -> mean over the pictures: "psnr", "ssim" and "l1" of the 8-bit composites, and the system's other `validation_metrics`.
    """
    image = tf.TensorSpec([None, *pictures.element_spec["image"].shape[1:]], tf.float32)

    @tf.function(input_signature=[image, tf.TensorSpec([*image.shape[:3], 1], tf.float32)], autograph=False)
    def run(image, mask):
        batch = {"image": image, "mask": mask}
        outputs = system(batch, training=False)
        return outputs["composite"], system.validation_metrics(batch, outputs)

    values = {}
    for batch in pictures:
        composite, others = run(batch["image"], batch["mask"])
        truth, result = image_ops.to_uint8(batch["image"]), image_ops.to_uint8(composite)
        own = {name: function(truth, result) for name, function in _OWN_MEASURES.items()}
        for name, value in {**own, **{name: value for name, value in others.items() if name not in own}}.items():
            values.setdefault(name, []).append(value.numpy())
    return {name: float(np.mean(np.concatenate(parts))) for name, parts in values.items()}


def _check_start(system_class, train_config):
    if train_config.init_weights is not None:
        weights.find(train_config.init_weights)
    elif train_config.stage is not None and (before := system_class.PREDECESSORS.get(train_config.stage)):
        raise ConfigError(f"The stage {train_config.stage} starts from the stage {before}. Give the weights of that with --init-weights.")


def _check_objective(system_class, config):
    names = list(_OWN_MEASURES)
    if config.objective not in names:
        # Only names are asked for: the smallest system and an empty picture will do.
        system = system_class.tiny()
        batch = {"image": tf.zeros([1, *[system.config.image_size] * 2, 3]), "mask": tf.zeros([1, *[system.config.image_size] * 2, 1])}
        names += [name for name in system.validation_metrics(batch, system(batch)) if name not in names]
    if config.objective not in names:
        raise ConfigError(f"`objective` must be one of {', '.join(names)}. Received: {config.objective!r}.")


def _compare(file, settings):
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        differences = [f"system (was {found['system']}, now {settings['system']})"] if found["system"] != settings["system"] else []
        for part in ("config", "training", "search"):
            before, now = found[part], json.loads(json.dumps(settings[part]))
            for name in sorted({*before, *now}):
                # A setting that came into the library after the search began is missing there: it had what is now the default.
                if before.get(name, now.get(name)) != now.get(name) and name not in FREE_TO_CHANGE:
                    differences.append(f"{name} (was {before[name]!r}, now {now.get(name)!r})")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{file} does not describe a search ({type(error).__name__}: {error}).") from error
    if differences:
        raise CheckpointError(
            f"{file.parent} holds a search of other settings: {', '.join(differences)}. Give the same settings to go on, or another folder."
        )
