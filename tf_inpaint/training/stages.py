"""Stages of a run: where each lies in the run folder, and which weights a new one starts from.

    config.json      the system and the names of its stages in their order
    stages/NAME/     a run folder for each stage that was begun, see run_directory.py

Only systems with `PREDECESSORS` have stages in this sense: a run of any other lies in its folder itself.
"""

import dataclasses
import json
import os
from pathlib import Path

from tf_inpaint import weights
from tf_inpaint.errors import CheckpointError
from tf_inpaint.files import atomic_write
from tf_inpaint.run_folders import CONFIG_FILE, STAGES_FOLDER, stage_folders
from tf_inpaint.training.config import TrainConfig
from tf_inpaint.training.run_directory import has_checkpoint


@dataclasses.dataclass(frozen=True)
class RunStart:
    """Where a run, or one of its stages, lies, and what it starts from.

    Attributes:
        stage: its name; `None` as long as a system without stages was asked for none.
        folder: its run folder.
        init_weights: name or path of the weights that it starts from where it is new; `None` for random ones.
    """

    stage: str | None
    folder: Path
    init_weights: str | None


def find_start(system_class: type, config: TrainConfig, run_dir: str | os.PathLike) -> RunStart:
    """Finds the folder of a stage and the weights for its start. Writes nothing.

    A new stage starts from the best weights of its predecessor, if `config.init_weights` names no others. Where no stage is named and
    none was trained, the default stage starts from random weights: the whole system is trained from the start, as after `compile()`.

    Args:
        system_class: a class of `SYSTEMS`.
        config: the run's settings.
        run_dir: the folder of the run, which carries all stages.

    Returns:
        The start; a run that has a checkpoint goes on from there.

    Raises:
        ConfigError: if the system has no such stage.
        CheckpointError: if the stage is new and its predecessor is not finished, or the folder holds something else.
    """
    run_dir = Path(run_dir).expanduser()
    if not system_class.PREDECESSORS:
        return RunStart(config.stage, run_dir, config.init_weights)
    stage = system_class.stage_or_default(config.stage)
    _check_owner(run_dir, system_class)
    folder = run_dir / STAGES_FOLDER / stage
    init_weights = config.init_weights
    if init_weights is None and not has_checkpoint(folder):
        init_weights = _weights_before(system_class, stage, run_dir, is_named=config.stage is not None)
    return RunStart(stage, folder, init_weights)


def write_index(run_dir: str | os.PathLike, system_class: type) -> None:
    """Writes the description of a run with stages, so that others find them in their order.

    Args:
        run_dir: the folder that carries all stages; made where it does not exist.
        system_class: a class of `SYSTEMS` with `PREDECESSORS`.

    Raises:
        OSError: if it cannot be written.
    """
    run_dir = Path(run_dir).expanduser()
    run_dir.mkdir(parents=True, exist_ok=True)
    with atomic_write(run_dir / CONFIG_FILE, "w") as file:
        file.write(json.dumps({"system": system_class.KEY, "stages": system_class.STAGES}, indent=2) + "\n")


def _weights_before(system_class, stage, run_dir, *, is_named):
    predecessor = system_class.PREDECESSORS.get(stage)
    trained = {name: found for name, found in stage_folders(run_dir).items() if found.steps_done}
    if predecessor is None or not (trained or is_named):
        return None
    refusal = f"The stage {stage} of {system_class.KEY} starts from the stage {predecessor}, which"
    remedy = f"Train that first, with --stage {predecessor} and the same --run-dir, or give --init-weights."
    if predecessor not in trained:
        raise CheckpointError(f"{refusal} has no weights in {run_dir}. {remedy}")
    found = trained[predecessor]
    if not found.is_finished:
        raise CheckpointError(f"{refusal} has only {found.steps_done} of its {found.steps} steps in {run_dir}. {remedy}")
    return os.fspath(weights.find(found.path))


def _check_owner(run_dir, system_class):
    config_file = run_dir / CONFIG_FILE
    if not config_file.exists():
        if run_dir.exists() and (not run_dir.is_dir() or any(".tmp-" not in entry.name for entry in run_dir.iterdir())):
            raise CheckpointError(f"{run_dir} holds other things and no {CONFIG_FILE} of a run. Choose an empty or a new folder.")
        return
    try:
        description = json.loads(config_file.read_text(encoding="utf-8"))
        system, has_stages = description["system"], "stages" in description
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{config_file} does not describe a run ({type(error).__name__}: {error}).") from error
    if system != system_class.KEY or not has_stages:
        raise CheckpointError(
            f"{run_dir} holds a run of {system}{'' if has_stages else ' without stages, or one stage'}. Give the folder that carries "
            f"all stages of {system_class.KEY}, or a new one."
        )
