"""The table of an ablation: a row for each variant, means over the seeds; as CSV, Markdown and LaTeX."""

import csv
import math
import statistics
from pathlib import Path

from tf_inpaint.files import atomic_write
from tf_inpaint.training.ablation_run import AblationRun

CSV_FILE, MARKDOWN_FILE, LATEX_FILE = "ablation.csv", "ablation.md", "ablation.tex"

# Measure -> heading, factor, digits after the point; others stand under their own name with four digits.
_COLUMNS = {"psnr": ("PSNR, dB", 1, 2), "ssim": ("SSIM", 1, 4), "l1": ("L1, %", 100, 2)}
_UNDEFINED = "-"
_LATEX_SPECIAL = str.maketrans({**{character: f"\\{character}" for character in "&%$#_{}"}, "±": r"$\pm$"})


def settings_text(settings: dict) -> str:
    """Says what a variant switches.

    Args:
        settings: name -> JSON value.

    Returns:
        Such as "res2net=false self_attention=false", as `--set` takes them, or "unchanged".
    """
    return " ".join(f"{name}={_setting(value)}" for name, value in settings.items()) or "unchanged"


def outcome_text(run: AblationRun) -> str:
    """Says what came of a training.

    Args:
        run: that is completed or failed.

    Returns:
        Its measures, or why it failed.
    """
    if run.status == "failed":
        return f"failed: {run.reason}"
    return "  ".join(f"{name} {value:.4f}" for name, value in run.measures.items())


def markdown_table(runs: list[AblationRun]) -> str:
    """Lays out an ablation, for the screen and for Markdown.

    Args:
        runs: all trainings that were asked for.

    Returns:
        Lines of text: a row for each variant in their order, with the means over the seeds that are completed and, of several, their
        standard deviation (of a sample); then a line for each training that failed or is not completed.
    """
    table = [["variant", "settings", *_headings(runs)]]
    table += [[name, f"`{settings_text(of_variant[0].settings)}`", *_cells(of_variant, runs)] for name, of_variant in _by_variant(runs)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [f"| {' | '.join(_aligned(row, widths))} |" for row in table]
    lines.insert(1, f"|{'|'.join('-' * (width + 1) + ('-' if number < 2 else ':') for number, width in enumerate(widths))}|")
    for run in runs:
        if run.status != "completed":
            state = f"failed: {' '.join(run.reason.split())}" if run.status == "failed" else "not finished"
            lines += ["", f"`{run.variant}`, seed {run.seed}: {state}"]
    return "\n".join(lines)


def write(folder: Path, runs: list[AblationRun], settings: dict) -> None:
    """Writes `ablation.csv`, `ablation.md` and `ablation.tex` over those of before.

    Args:
        folder: of the ablation.
        runs: all trainings that were asked for.
        settings: what `ablation.json` holds.

    Raises:
        OSError: if a file cannot be written.
    """
    with atomic_write(folder / CSV_FILE, "w") as file:
        _write_csv(csv.writer(file, lineterminator="\n"), runs)
    notes = _notes(runs, settings)
    with atomic_write(folder / MARKDOWN_FILE, "w") as file:
        file.write(f"# Ablation of {settings['system']}\n\n{markdown_table(runs)}\n\n{notes}\n")
    with atomic_write(folder / LATEX_FILE, "w") as file:
        file.write(_latex_table(runs))


def _write_csv(table, runs):
    names = _measures(runs)
    measured = [column for name in names for column in (name, f"{name}_deviation")]
    table.writerow(["variant", "settings", "seeds", "failed_seeds", *measured, "parameters", "seconds_per_step"])
    for name, of_variant in _by_variant(runs):
        done, failed = ([run for run in of_variant if run.status == status] for status in ("completed", "failed"))
        pairs = [_mean_and_deviation(_values(done, measure)) for measure in names]
        numbers = [value for pair in pairs for value in pair]
        seeds = [" ".join(str(run.seed) for run in group) for group in (done, failed)]
        numbers += [_parameters(done), _seconds(done)]
        table.writerow([name, settings_text(of_variant[0].settings), *seeds, *("" if value is None else value for value in numbers)])


def _latex_table(runs):
    lines = [f"\\begin{{tabular}}{{l{'r' * len(_headings(runs))}}}", "\\hline"]
    rows = [["variant", *_headings(runs)], *([name, *_cells(of_variant, runs)] for name, of_variant in _by_variant(runs))]
    lines += [f"{' & '.join(cell.translate(_LATEX_SPECIAL) for cell in row)} \\\\" for row in rows]
    lines.insert(3, "\\hline")
    return "\n".join([*lines, "\\hline", "\\end{tabular}"]) + "\n"


def _notes(runs, settings):
    training, ablation = settings["training"], settings["ablation"]
    seeds = sorted({run.seed for run in runs})
    source = ablation["validation_data"] or f"{training['data']}, kept back from training"
    spread = " Means and standard deviations over the seeds that are completed." if len(seeds) > 1 else ""
    return (
        f"Each training: {training['steps']} steps of {training['batch_size']} pictures of {settings['config']['image_size']} px, "
        f"{training['data']}, masks {training['masks']}, {training['precision']}, seed {', '.join(map(str, seeds))}.{spread} "
        f"Measured on {ablation['validation_pictures']} pictures ({source}), with the same masks for all, as 8-bit composites. Parameters: "
        "trained numbers that inpainting needs. Seconds per step: on the machine of the training, with whatever else it had to do."
    )


def _headings(runs):
    headings = [_COLUMNS[name][0] if name in _COLUMNS else name.replace("_", " ") for name in _measures(runs)]
    return [*headings, "parameters, million", "seconds per step"]


def _cells(of_variant, runs):
    done = [run for run in of_variant if run.status == "completed"]
    if not done:
        failed = any(run.status == "failed" for run in of_variant)
        return ["failed" if failed else _UNDEFINED] * len(_headings(runs))
    cells = []
    for name in _measures(runs):
        _, factor, digits = _COLUMNS.get(name, ("", 1, 4))
        mean, deviation = _mean_and_deviation(_values(done, name))
        text = _UNDEFINED if mean is None else f"{factor * mean:.{digits}f}"
        cells.append(text if deviation is None else f"{text} ± {factor * deviation:.{digits}f}")
    seconds = _seconds(done)
    return [*cells, f"{_parameters(done) / 1e6:.4g}", _UNDEFINED if seconds is None else f"{seconds:.3g}"]


def _measures(runs):
    """The measures that some run has; those that every system has stand first, also while no run is completed."""
    return [*dict.fromkeys([*_COLUMNS, *(name for run in runs for name in run.measures)])]


def _by_variant(runs):
    groups = {}
    for run in runs:
        groups.setdefault(run.variant, []).append(run)
    return groups.items()


def _values(runs, name):
    return [run.measures[name] for run in runs if math.isfinite(run.measures.get(name, math.nan))]


def _mean_and_deviation(values):
    return (statistics.fmean(values) if values else None, statistics.stdev(values) if len(values) > 1 else None)


def _parameters(done):
    return done[0].parameters if done else None


def _seconds(done):
    return _mean_and_deviation([run.seconds_per_step for run in done if run.seconds_per_step is not None])[0]


def _aligned(row, widths):
    return [cell.ljust(width) if number < 2 else cell.rjust(width) for number, (cell, width) in enumerate(zip(row, widths, strict=True))]


def _setting(value):
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
