"""What a search found: a table on the screen, a table in a file, the best weights, a plot."""

import csv
import json
from pathlib import Path

from tf_inpaint import visualize
from tf_inpaint.files import atomic_write
from tf_inpaint.training.trial import Trial
from tf_inpaint.training.tune_config import TuneConfig

TABLE_FILE = "trials.csv"
BEST_FILE = "best.json"
PLOT_FILE = "trials.png"


def ranked(trials: list[Trial], config: TuneConfig) -> list[Trial]:
    """Sorts trials from the best to the worst; those with fewer steps are no match for those with more, failed ones come last.

    Args:
        trials: that are not running.
        config: of the search.

    Returns:
        The same trials.
    """
    sign = -1 if config.higher_is_better else 1

    def rank(trial):
        if trial.status != "completed":
            return (1, 0, 0, trial.number)
        return (0, -trial.steps, sign * trial.measures[config.objective], trial.number)

    return sorted(trials, key=rank)


def options(weights: dict[str, float]) -> str:
    """Writes loss weights as `tf-inpaint train` takes them.

    Args:
        weights: name -> value.

    Returns:
        Such as "--set hole_weight=6.5 --set valid_weight=1.0".
    """
    return " ".join(f"--set {name}={value!r}" for name, value in weights.items())


def format_table(trials: list[Trial], config: TuneConfig) -> str:
    """Lays the trials out for the screen, the best first.

    Args:
        trials: that are not running.
        config: of the search.

    Returns:
        Lines of text.
    """
    names = _measures(trials)
    header = ["trial", *names, "steps", *(trials[0].weights if trials else ())]
    rows = [
        [
            f"{trial.number}{' (start)' if trial.number == 1 else ''}",
            *(f"{trial.measures[name]:.4f}" if name in trial.measures else trial.status for name in names),
            str(trial.steps),
            *(f"{value:.4g}" for value in trial.weights.values()),
        ]
        for trial in ranked(trials, config)
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows])


def write_results(folder: Path, trials: list[Trial], config: TuneConfig, system: str) -> None:
    """Writes `trials.csv`, a line for each trial in their order, `best.json` and `trials.png` over those of before.

    Args:
        folder: of the search.
        trials: that are not running; at least one is completed.
        config: of the search.
        system: key in `SYSTEMS`.

    Raises:
        OSError: if a file cannot be written.
    """
    best = ranked(trials, config)[0]
    with atomic_write(folder / TABLE_FILE, "w") as file:
        names = _measures(trials)
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["trial", "status", *names, "steps", "goes_on_from", *best.weights])
        for trial in trials:
            measures = [trial.measures.get(name, "") for name in names]
            table.writerow([trial.number, trial.status, *measures, trial.steps, trial.goes_on_from or "", *trial.weights.values()])
    start = trials[0]
    description = {
        "system": system,
        "objective": config.objective,
        "value": best.measures[config.objective],
        "value_at_the_start": start.measures[config.objective] if start.steps == best.steps else None,
        "trial": best.number,
        "steps": best.steps,
        "settings": best.weights,
        "options": options(best.weights),
    }
    with atomic_write(folder / BEST_FILE, "w") as file:
        file.write(json.dumps(description, indent=2) + "\n")
    completed = [trial for trial in trials if trial.status == "completed"]
    figure = visualize.search_results(
        [trial.weights for trial in completed],
        [trial.measures[config.objective] for trial in completed],
        numbers=[trial.number for trial in completed],
        shares=[trial.steps / best.steps for trial in completed],
        best=completed.index(best),
        objective=config.objective,
    )
    with atomic_write(folder / PLOT_FILE) as file:
        figure.savefig(file, format="png", dpi=120)


def _measures(trials):
    return [*dict.fromkeys(name for trial in trials for name in trial.measures)]
