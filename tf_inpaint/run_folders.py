"""What lies where in the folder of a training run, for whoever reads one. `training/` writes it.

A run of a system without stages holds its weights in `best/` (by validation) and `weights/` (the latest). A run of a system with stages
holds such a folder for each stage in `stages/NAME/`, and in its own `config.json` the names of the stages in their order.
"""

import dataclasses
import json
import os
from pathlib import Path

from tf_inpaint.errors import CheckpointError

CONFIG_FILE = "config.json"
WEIGHTS_FOLDERS = ("best", "weights")
STAGES_FOLDER = "stages"


@dataclasses.dataclass(frozen=True)
class StageFolder:
    """A stage that was begun.

    Attributes:
        path: its folder.
        steps: number of steps that it is to have.
        steps_done: number of steps behind its latest weights; 0 where it has none.
    """

    path: Path
    steps: int
    steps_done: int

    @property
    def is_finished(self) -> bool:
        """Whether it has all its steps."""
        return self.steps_done >= self.steps


def stage_folders(run_dir: str | os.PathLike) -> dict[str, StageFolder]:
    """Lists the stages of a run that were begun.

    Args:
        run_dir: a run folder, or any path.

    Returns:
        name -> folder and progress, in the order in which the system trains its stages; empty where no stage was begun.

    Raises:
        CheckpointError: if a file that should describe the run, a stage or its weights does not.
    """
    run_dir = Path(run_dir)
    begun = {file.parent.name: file.parent for file in (run_dir / STAGES_FOLDER).glob(f"*/{CONFIG_FILE}")}
    if not begun:
        return {}
    found = {}
    # The names come from a file that may be anybody's: they only choose among the sub-folders.
    for name in _read(run_dir / CONFIG_FILE, lambda description: [*map(str, description["stages"])]):
        if folder := begun.get(name):
            steps = _read(folder / CONFIG_FILE, lambda description: int(description["training"]["steps"]))
            latest = folder / "weights" / CONFIG_FILE
            steps_done = _read(latest, lambda description: int(description["training"]["runs"][-1]["steps"])) if latest.is_file() else 0
            found[name] = StageFolder(folder, steps, steps_done)
    return found


def weights_folders(run_dir: str | os.PathLike) -> list[Path]:
    """Lists where the weights of a run may lie.

    Args:
        run_dir: a run folder, or any path.

    Returns:
        Folders, the one to take first; they need not exist. In a run with stages those of the last finished stage come first, then those
        of the other finished ones, then those of stages still in training, the last one first in each case.

    Raises:
        CheckpointError: as `stage_folders`.
    """
    run_dir = Path(run_dir)
    last_first = [*reversed(stage_folders(run_dir).values())]
    stages = sorted(last_first, key=lambda stage: not stage.is_finished)  # keeps the order within both
    return [path / name for path in (run_dir, *(stage.path for stage in stages)) for name in WEIGHTS_FOLDERS]


def _read(file: Path, look_up):
    try:
        return look_up(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise CheckpointError(f"{file} does not describe a run ({type(error).__name__}: {error}).") from error
