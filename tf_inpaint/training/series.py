"""Several trainings in one folder that are to be compared: what a search and an ablation have in common."""

import gc
import json
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import keras

from tf_inpaint import weights
from tf_inpaint.errors import CheckpointError, ConfigError
from tf_inpaint.files import atomic_write
from tf_inpaint.training.config import TrainConfig
from tf_inpaint.training.session import TrainResult, train


def check_start(system_class: type, train_config: TrainConfig) -> None:
    """Refuses what each of the trainings would refuse, before a folder is made.

    Args:
        system_class: a class of `SYSTEMS`.
        train_config: of the trainings.

    Raises:
        ConfigError: if their stage needs the weights of another and none are given.
        WeightsError: if the first weights do not exist.
    """
    if train_config.init_weights is not None:
        weights.find(train_config.init_weights)
    elif train_config.stage is not None and (before := system_class.PREDECESSORS.get(train_config.stage)):
        raise ConfigError(f"The stage {train_config.stage} starts from the stage {before}. Give the weights of that with --init-weights.")


def open_folder(settings_file: Path, trainings: Path, settings: dict, *, noun: str, free_to_change: Iterable[str]) -> None:
    """Makes the folder of a series, or opens that of an earlier one with the same settings, and writes the settings.

    Args:
        settings_file: a JSON file in the folder of the series.
        trainings: the sub-folder of the trainings; while it is empty any settings may still be given.
        settings: `{"system": KEY, part: {name: value}}`, JSON values.
        noun: what the series is, such as "a search".
        free_to_change: names of settings that may be others than before.

    Raises:
        CheckpointError: if the folder holds something else, or a series of other settings, naming each.
        OSError: if the folder cannot be written.
    """
    folder = settings_file.parent
    if trainings.is_dir() and any(trainings.iterdir()):
        _compare(settings_file, settings, noun, free_to_change)
    elif folder.exists() and not settings_file.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CheckpointError(f"{folder} holds other things and no {noun.split()[-1]}. Choose an empty or a new folder.")
    trainings.mkdir(parents=True, exist_ok=True)
    for leftover in folder.rglob("*.tmp-*"):  # of a kill while saving
        shutil.rmtree(leftover, ignore_errors=True) if leftover.is_dir() else leftover.unlink(missing_ok=True)
    with atomic_write(settings_file, "w") as stream:
        stream.write(json.dumps(settings, indent=2) + "\n")


def train_afresh(system_class: type, system_config, train_config: TrainConfig, run_dir: Path, deadline: float | None) -> TrainResult:
    """Trains as `train` does, without what the training before it has left in memory.

    Args:
        system_class: a class of `SYSTEMS`.
        system_config: its settings.
        train_config: of the training.
        run_dir: its run folder.
        deadline: `time.monotonic()` after which it saves and ends, or `None`.

    Returns:
        How it ended.

    Raises:
        TfInpaintError: as `train`.
    """
    keras.backend.clear_session()
    gc.collect()  # systems hold cycles; a series must not grow with its trainings
    seconds = None if deadline is None else deadline - time.monotonic()
    return train(system_class, system_config, train_config, run_dir, max_seconds=seconds)


def load_trained(system_class: type, run_dir: Path):
    """Loads what a run has made, as `systems.loading.load`, but of any class, not only of those in `SYSTEMS`.

    Args:
        system_class: the run's.
        run_dir: its folder.

    Returns:
        A system with the weights that would be shipped.

    Raises:
        WeightsError: if there are none, or they are damaged.
    """
    file = weights.read(run_dir)
    system = system_class(system_class.Config.from_dict(file.config))
    weights.assign(system, file.arrays, origin=str(file.path))
    return system


def remove_checkpoints(run_dir: Path) -> None:
    """Removes what a run, and each of its stages, would go on from. Its weights stay.

    Args:
        run_dir: its folder; it need not exist.
    """
    for folder in [*run_dir.rglob("checkpoints")]:
        shutil.rmtree(folder)


def _compare(settings_file, settings, noun, free_to_change):
    try:
        found = json.loads(settings_file.read_text(encoding="utf-8"))
        differences = [f"system (was {found['system']}, now {settings['system']})"] if found["system"] != settings["system"] else []
        for part in [name for name in settings if name != "system"]:
            before, now = found[part], json.loads(json.dumps(settings[part]))
            for name in sorted({*before, *now}):
                # A setting that came into the library after the series began is missing there: it had what is now the default.
                if before.get(name, now.get(name)) != now.get(name) and name not in free_to_change:
                    differences.append(f"{name} (was {before[name]!r}, now {now.get(name)!r})")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{settings_file} does not describe {noun} ({type(error).__name__}: {error}).") from error
    if differences:
        raise CheckpointError(
            f"{settings_file.parent} holds {noun} of other settings: {', '.join(differences)}. Give the same settings to go on, or another "
            "folder."
        )
