"""Writes everything that is made from a report: page, tables, figures."""

import io
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from tf_inpaint.errors import ConfigError
from tf_inpaint.evaluation.presentation import figures, samples, tables
from tf_inpaint.evaluation.presentation.join import join_reports, read_report
from tf_inpaint.evaluation.presentation.page import to_html
from tf_inpaint.evaluation.report import write_report
from tf_inpaint.files import atomic_write

PAGE_NAME = "report.html"
_FIGURE_DOTS_PER_INCH = 150


def present(folder: str | os.PathLike) -> list[Path]:
    """Makes the page, the tables and the figures of a report; those of an earlier call are replaced.

    Args:
        folder: that holds `report.json`, and the folder of its pictures where there is one.

    Returns:
        The files written: `report.html`, `report.csv`, `report.tex`, `figures/bars.png` and, where there are pictures,
        `figures/sheet.png`. Without matplotlib (`pip install tf_inpaint[notebooks]`) a warning says that there are no bars.

    Raises:
        DataError: if there is no report, or its pictures are not complete.
        PictureError: if a picture cannot be read.
        OSError: if a file cannot be written.
    """
    folder = Path(folder)
    report, kept = read_report(folder), samples.read(folder)
    texts = {PAGE_NAME: to_html(report, kept), "report.csv": tables.to_csv(report), "report.tex": tables.to_latex(report)}
    written = []
    for name, text in texts.items():
        with atomic_write(folder / name, mode="w") as file:
            file.write(text)
        written.append(folder / name)
    (folder / "figures").mkdir(exist_ok=True)
    for name, picture in _figures(report, kept).items():
        with atomic_write(folder / "figures" / name) as file:
            file.write(picture)
        written.append(folder / "figures" / name)
    return written


def compare(folders: Sequence[str | os.PathLike], output: str | os.PathLike, *, allow_different_protocols: bool = False) -> list[Path]:
    """Joins reports into one and makes its page, tables and figures.

    Args:
        folders: of the reports.
        output: folder of the joined report: its `report.json` holds the rows of all. May be one of `folders`, which it then replaces.
        allow_different_protocols: see `join_reports`.

    Returns:
        The files written, as of `present`, `report.json` first.

    Raises:
        ConfigError: if the protocols differ and that is not allowed, or there are fewer than two reports.
        DataError: see `present`.
        PictureError: see `present`.
        OSError: if a file cannot be written.
    """
    paths = list(dict.fromkeys(Path(folder).resolve() for folder in folders))
    if len(paths) < 2:
        raise ConfigError(f"To compare takes two or more reports. Received: {', '.join(map(str, folders)) or 'none'}.")
    names = _names(paths)
    reports = {name: read_report(path) for name, path in names.items()}
    kept = {name: samples.read(path) for name, path in names.items()}
    joined, joined_samples = join_reports(reports, kept, allow_different_protocols=allow_different_protocols)
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    samples.write(joined_samples, output)
    return [write_report(joined, output), *present(output)]


def _names(paths: Sequence[Path]) -> dict[str, Path]:
    """The last part of each path, or as much of it as tells it from the others."""
    names = {}
    for path in paths:
        length = next(n for n in range(1, len(path.parts) + 1) if all(o == path or o.parts[-n:] != path.parts[-n:] for o in paths))
        names["/".join(path.parts[-length:])] = path
    return names


def _figures(report: dict, kept: Sequence[samples.Sample]) -> dict[str, bytes]:
    drawn = {}
    try:
        figure = figures.bars(report)
    except ImportError:
        warnings.warn(
            "figures/bars.png was not made: it needs matplotlib. `pip install tf_inpaint[notebooks]` brings it; report.html has the bars.",
            stacklevel=3,
        )
    else:
        file = io.BytesIO()
        # The default notes the version of matplotlib in the file: two machines would write two files.
        figure.savefig(file, format="png", dpi=_FIGURE_DOTS_PER_INCH, metadata={"Software": None})
        drawn["bars.png"] = file.getvalue()
    if any(samples.FIXED in sample.reasons for sample in kept):
        file = io.BytesIO()
        figures.sheet(report, kept).save(file, format="PNG", optimize=True)
        drawn["sheet.png"] = file.getvalue()
    return drawn
