"""A search for loss weights: trains a system again and again, each time with other weights, and measures the composites.

    tuning.json         the system, its settings, those of the trainings and of the search
    trials/0001.json    a trial: its weights, and what was measured
    trials/0001/        its run folder; checkpoints are kept only where other trials go on from them
    trials.csv, best.json, trials.png

What KerasTuner proposes next is a function of its seed and of the results so far. So only the trials themselves are stored: a search
that goes on tells a fresh oracle what came of each, and a kill at any moment loses no more than a training's last steps.
"""

import dataclasses
import os
import shutil
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_inpaint.errors import ConfigError, NonFiniteError, WeightsError
from tf_inpaint.files import atomic_directory
from tf_inpaint.training import held_out, oracles, series, signals, tuning_report
from tf_inpaint.training.config import TrainConfig
from tf_inpaint.training.search_space import weight_ranges
from tf_inpaint.training.trial import Trial
from tf_inpaint.training.tune_config import FREE_TO_CHANGE, TuneConfig

SETTINGS_FILE = "tuning.json"
_TRIALS_FOLDER = "trials"


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
    # A weight of another stage changes nothing here, and would only take trials.
    names = system_class.STAGE_WEIGHTS.get(system_class.stage_or_default(train_config.stage))
    ranges = weight_ranges(system_config, tune_config.ranges, names=names)
    oracles.check_packages(tune_config)
    series.check_start(system_class, train_config)
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
        self._pictures = held_out.open_pictures(
            train_config,
            image_size=system_config.image_size,
            number=tune_config.validation_pictures,
            validation_data=tune_config.validation_data,
            mask_seed=train_config.seed,
        )
        number = tune_config.validation_pictures if tune_config.validation_data is None else 0
        self._train_config = dataclasses.replace(train_config, held_out=number, validation_steps=0, validation_data=None)
        self._open_folder()

    def _open_folder(self):
        settings = {
            "system": self._system_class.KEY,
            "config": self._system_config.to_dict(),
            "training": dataclasses.asdict(self._train_config),
            "search": {**dataclasses.asdict(self._config), "ranges": [dataclasses.asdict(each) for each in self._ranges]},
        }
        file, trials = self._folder / SETTINGS_FILE, self._folder / _TRIALS_FOLDER
        series.open_folder(file, trials, settings, noun="a search", free_to_change=FREE_TO_CHANGE)

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
        config = dataclasses.replace(self._system_config, **trial.weights)
        train_config = dataclasses.replace(self._train_config, steps=trial.steps)
        try:
            result = series.train_afresh(self._system_class, config, train_config, run_dir, deadline)
            if not result.finished:
                return result.signal_number, None
            measures = held_out.measure(series.load_trained(self._system_class, run_dir), self._pictures)
        except (NonFiniteError, WeightsError) as error:  # of `weights.save`, where a weight is not finite in half precision
            if trial.number == 1:
                raise
            return None, dataclasses.replace(trial, status="failed", reason=str(error))
        if not np.isfinite(measures[self._config.objective]):
            raise ConfigError(f"The pictures are too small for the objective {self._config.objective}: it is not a number.")
        return None, dataclasses.replace(trial, status="completed", measures=measures)

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
            series.remove_checkpoints(self._folder / _TRIALS_FOLDER / f"{trial.number:04d}")
        best = tuning_report.ranked(self._done, self._config)[0]
        objective = self._config.objective
        result = f"failed: {trial.reason}" if trial.status == "failed" else f"{objective} {trial.measures[objective]:.4f}"
        self._say(trial, f"{result}; best so far {best.measures[objective]:.4f}, of trial {best.number}")
        tuning_report.write_results(self._folder, self._done, self._config, self._system_class.KEY)

    def _say(self, trial, text):
        print(f"trial {trial.number}/{self._config.trials}: {text}", flush=True)


def _check_objective(system_class, config):
    names = list(held_out.MEASURES)
    if config.objective not in names:
        # Only names are asked for: the smallest system and an empty picture will do.
        system = system_class.tiny()
        batch = {"image": tf.zeros([1, *[system.config.image_size] * 2, 3]), "mask": tf.zeros([1, *[system.config.image_size] * 2, 1])}
        names += [name for name in system.validation_metrics(batch, system(batch)) if name not in names]
    if config.objective not in names:
        raise ConfigError(f"`objective` must be one of {', '.join(names)}. Received: {config.objective!r}.")
