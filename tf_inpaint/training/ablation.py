"""An ablation: trains variants of a system with the same budget and measures them on the same pictures and masks.

    ablation.json                  the system, its settings, those of the trainings and of the comparison
    runs/VARIANT/seed-0.json       a training: what the variant switches, and what was measured
    runs/VARIANT/seed-0/           its run folder; the checkpoints go once it is measured
    ablation.csv, ablation.md, ablation.tex

A kill at any moment loses no more than the last steps of one training.
"""

import dataclasses
import os
import time
from pathlib import Path

import tensorflow as tf

from tf_inpaint.errors import CheckpointError, ConfigError, NonFiniteError, WeightsError
from tf_inpaint.training import ablation_table, held_out, series, signals
from tf_inpaint.training.ablation_config import FREE_TO_CHANGE, AblationConfig
from tf_inpaint.training.ablation_run import AblationRun
from tf_inpaint.training.config import TrainConfig
from tf_inpaint.training.variants import Variant, find_variants

SETTINGS_FILE = "ablation.json"
_RUNS_FOLDER = "runs"
# The masks of the held-out pictures: the same whatever the seeds of the trainings, so that seeds can be added later.
_MASK_SEED = 0


@dataclasses.dataclass(frozen=True)
class AblationResult:
    """How a session of an ablation ended.

    Attributes:
        runs: those that were asked for, completed, failed, or still to be trained.
        table: of the variants, as in `ablation.md`.
        finished: whether none is still to be trained.
        signal_number: of the signal that ended the session, or `None`.
    """

    runs: list[AblationRun]
    table: str
    finished: bool
    signal_number: int | None = None

    @property
    def failed(self) -> list[AblationRun]:
        """The trainings that failed."""
        return [run for run in self.runs if run.status == "failed"]


def ablate(
    system_class: type,
    system_config,
    train_config: TrainConfig,
    ablation_config: AblationConfig,
    folder: str | os.PathLike,
    *,
    max_seconds: float | None = None,
) -> AblationResult:
    """Compares variants of a system, from the start or from where an earlier session of the same settings ended.

    Trainings of one seed see the same pictures, crops and masks for the same number of steps. Their averaged weights, as they would be
    shipped, are measured on pictures that none of them was trained on. Trainings that are measured already are not repeated, so variants
    and seeds can be added; those that failed are tried again. One that fails does not end the others. SIGTERM and SIGINT save and end the
    session as they do in `train`.

    Args:
        system_class: a class of `SYSTEMS`.
        system_config: its settings, but for what the variants switch.
        train_config: of each training; its seed and what it says of validation are replaced.
        ablation_config: which variants and seeds, and the pictures to measure.
        folder: of the ablation.
        max_seconds: the session ends with the first training step that is later than this; `None`: no limit.

    Returns:
        What was done.

    Raises:
        ConfigError: if a setting is wrong.
        CheckpointError: if the folder holds something else.
        DataError, WeightsError: as `train`.

    Source: table 5 of Rui & Guo 2024, J. Test Meas. Tech. 38(1), 34-40, is of this kind; the paper does not say how long its variants
    were trained.
    """
    deadline = None if max_seconds is None else time.monotonic() + max_seconds
    variants = find_variants(system_class, system_config, ablation_config)
    series.check_start(system_class, train_config)
    with signals.StopSignals() as stop:
        try:
            ablation = _Ablation(system_class, system_config, train_config, ablation_config, variants, Path(folder).expanduser())
        except signals.Stopped as error:
            return AblationResult([], "", False, error.signal_number)
        try:
            signal_number = ablation.run(deadline)
        except signals.Stopped:
            signal_number = stop.received
    return ablation.result(signal_number)


class _Ablation:
    def __init__(self, system_class, system_config, train_config, config, variants, folder):
        self._system_class, self._variants, self._folder = system_class, variants, folder
        number, size = config.validation_pictures, system_config.image_size
        self._pictures = held_out.open_pictures(
            train_config, image_size=size, number=number, validation_data=config.validation_data, mask_seed=_MASK_SEED
        )
        kept_back = number if config.validation_data is None else 0
        self._train_config = dataclasses.replace(train_config, held_out=kept_back, validation_steps=0, validation_data=None)
        training = {name: value for name, value in dataclasses.asdict(self._train_config).items() if name != "seed"}
        self._settings = {
            "system": system_class.KEY,
            "config": system_config.to_dict(),
            "training": training,
            "ablation": dataclasses.asdict(config),
        }
        self._runs = {(variant.name, seed): self._read(variant, seed) for seed in config.seeds for variant in variants}
        file, runs = folder / SETTINGS_FILE, folder / _RUNS_FOLDER
        series.open_folder(file, runs, self._settings, noun="an ablation", free_to_change=FREE_TO_CHANGE)

    def _read(self, variant: Variant, seed: int) -> AblationRun:
        file = self._run_dir(variant.name, seed).with_suffix(".json")
        if not file.exists():
            return AblationRun(variant.name, seed, variant.settings)
        run = AblationRun.read(file)
        if run.settings != variant.settings:
            raise CheckpointError(
                f"{self._folder} holds an ablation whose variant {variant.name!r} is {ablation_table.settings_text(run.settings)}, not "
                f"{ablation_table.settings_text(variant.settings)}. Give it another name, or choose another folder."
            )
        return run

    def _run_dir(self, name, seed):
        return self._folder / _RUNS_FOLDER / name / f"seed-{seed}"

    def run(self, deadline: float | None) -> int | None:
        """Trains what is not completed, seed after seed; returns the signal that ended it, or `None`."""
        self._write_tables()
        configs = {variant.name: variant.config for variant in self._variants}
        for number, (name, seed) in enumerate(self._runs, 1):
            if self._runs[name, seed].status != "completed":
                label = f"training {number}/{len(self._runs)}: {name}, seed {seed}"
                settings = ablation_table.settings_text(self._runs[name, seed].settings)
                print(f"{label}: {settings}, {self._train_config.steps} steps", flush=True)
                signal_number = self._train_and_measure(name, seed, configs[name], deadline)
                run = self._runs[name, seed]
                if run.status == "running":
                    return signal_number
                print(f"{label}: {ablation_table.outcome_text(run)}", flush=True)
                self._write_tables()
                if deadline is not None and time.monotonic() > deadline:
                    break
        return None

    def _train_and_measure(self, name, seed, system_config, deadline):
        run_dir = self._run_dir(name, seed)
        run_dir.parent.mkdir(parents=True, exist_ok=True)
        train_config = dataclasses.replace(self._train_config, seed=seed)
        self._note(name, seed, status="running", reason="")
        try:
            result = series.train_afresh(self._system_class, system_config, train_config, run_dir, deadline)
            if result.seconds_per_step is not None:
                self._note(name, seed, seconds_per_step=result.seconds_per_step)
            if not result.finished:
                return result.signal_number
            system = series.load_trained(self._system_class, run_dir)
            measures = held_out.measure(system, self._pictures)
        # What may be the variant's own fault: the others can do without it. (`WeightsError`: of a weight beyond half precision.)
        except (NonFiniteError, WeightsError, ConfigError, tf.errors.ResourceExhaustedError) as error:
            reason = "no memory is left" if isinstance(error, tf.errors.ResourceExhaustedError) else str(error)
            self._note(name, seed, status="failed", reason=reason)
            return None
        self._note(name, seed, status="completed", measures=measures, parameters=system.num_parameters)
        series.remove_checkpoints(run_dir)
        return None

    def _note(self, name, seed, **changes):
        self._runs[name, seed] = dataclasses.replace(self._runs[name, seed], **changes)
        self._runs[name, seed].write(self._run_dir(name, seed).with_suffix(".json"))

    def _write_tables(self):
        ablation_table.write(self._folder, [*self._runs.values()], self._settings)

    def result(self, signal_number: int | None) -> AblationResult:
        """Returns what is there so far."""
        runs = [*self._runs.values()]
        finished = all(run.status != "running" for run in runs)
        return AblationResult(runs, ablation_table.markdown_table(runs), finished, None if finished else signal_number)
