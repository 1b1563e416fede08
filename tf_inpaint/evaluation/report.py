"""The report: rows of means, one per method and bin, as strict JSON and as a table to read."""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tf_inpaint.evaluation import measurements
from tf_inpaint.evaluation.numbers import bin_label, columns_of
from tf_inpaint.evaluation.protocol import Protocol
from tf_inpaint.files import atomic_write

VERSION = 1
"""Of the report's form; it grows when a name in it changes its meaning."""

REPORT_NAME = "report.json"
RESOURCES_NAME = "resources.json"

METRICS = {
    "psnr": "dB, 8-bit RGB composite, data range 255, per picture; identical pictures count 100 dB",
    "ssim": "8-bit RGB composite, Gaussian window 11 x 11, sigma 1.5, per picture; undefined below 11 px",
    "l1": "mean absolute difference / 255 of the 8-bit RGB composite, per picture",
    "psnr_hole": "psnr over the hole's pixels only",
    "ssim_hole": "mean of the map of ssim over the hole's pixels whose window lies inside the picture; windows see known pixels too",
    "l1_hole": "l1 over the hole's pixels only",
    "mae": "EdgeConnect's: sum of absolute differences / sum of both pictures' levels, luminance of the 8-bit composite, per picture",
}
"""What is measured of each picture: name -> definition, as it stands in the report."""

EDGE_METRICS = {
    "edge_precision": "share of the edge pixels predicted in the hole (above 0.5) that the system's Canny detector finds in the truth",
    "edge_recall": "share of the edge pixels in the hole that the system's Canny detector finds in the truth which are predicted",
    "edge_f1": "harmonic mean of edge_precision and edge_recall; all three are 1 where the hole has no edge on either side",
}
"""What is measured besides of methods that complete edges."""


def window_metrics(window: int) -> dict[str, str]:
    """Returns name and definition of the SSIM with a uniform window, as scripts of papers have it.

    Args:
        window: side in pixels, odd.
    """
    text = f"uniform window {window} x {window}, sample covariance, per picture; undefined below {window} px"
    return {
        f"ssim_{window}": f"8-bit RGB composite, {text}; PEN-Net's script has 51",
        f"ssim_{window}_hole": f"mean of the map of ssim_{window} over the hole's pixels whose window lies inside the picture",
        f"ssim_{window}_gray": f"luminance of the 8-bit composite, {text}; EdgeConnect's script has 51",
    }


def make_rows(
    protocol: Protocol,
    values: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    constants: Mapping[str, Mapping[str, float]] | None = None,
    over_sets: Callable[[str, Sequence[int]], Mapping[str, float | None]] | None = None,
    by_border: bool = False,
) -> list[dict]:
    """Averages the numbers of the pictures.

    Args:
        protocol: which pictures these are.
        values: method -> name of a number ("psnr", ..., "seconds_per_image") -> one number per item of the protocol, NaN where
            it is undefined.
        constants: method -> name -> a number that is the same in all rows.
        over_sets: function of a method and positions of items that returns numbers of the set as a whole; `None`: there are none.
        by_border: whether there are further rows for the holes that touch the border of the picture and for those that do not.

    Returns:
        For each method a row for each bin that holds an item and a row with bin `None` for all items: "method", "bin",
        "num_images", and the mean of each number over the items where it is defined, `None` if there is none. Rows of some holes
        have "border" as well, "touching" or "free".
    """
    rows = []
    borders = {None: {}, True: {"border": "touching"}, False: {"border": "free"}} if by_border else {None: {}}
    for method, numbers in values.items():
        for limits in (*protocol.bins, None):
            for touches_border, entry in borders.items():
                indices = protocol.indices_in(limits, touches_border=touches_border)
                if not indices:
                    continue
                row = {"method": method, "bin": limits and list(limits), **entry, "num_images": len(indices)}
                row.update({name: _mean([series[index] for index in indices]) for name, series in numbers.items()})
                row.update(over_sets(method, indices) if over_sets else {})
                row.update((constants or {}).get(method, {}))
                rows.append(row)
    return rows


def _mean(numbers: Sequence[float]) -> float | None:
    defined = [float(number) for number in numbers if math.isfinite(number)]
    return float(np.mean(defined)) if defined else None


def to_json(report: dict) -> str:
    """Writes a report as text.

    Args:
        report: JSON values.

    Returns:
        Strict JSON, without NaN and Infinity, ending in a line break.

    Raises:
        ValueError: if the report holds a number that is not finite.
    """
    return json.dumps(report, indent=1, allow_nan=False) + "\n"


def write_report(report: dict, folder: str | os.PathLike) -> Path:
    """Writes `report.json`, which a second run writes again but for the times, and `resources.json`, what else belongs to this run alone.

    Each is written whole or not at all, and an earlier one replaced; then what was kept of the unfinished evaluation is removed.

    Args:
        report: what `evaluate` returned. Its "resources" go into the second file.
        folder: made if it does not exist.

    Returns:
        The path of `report.json`.

    Raises:
        ValueError: if the report holds a number that is not finite.
        OSError: if a file cannot be written.
    """
    texts = {REPORT_NAME: to_json({name: value for name, value in report.items() if name != "resources"})}
    if "resources" in report:
        texts[RESOURCES_NAME] = to_json(report["resources"])
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RESOURCES_NAME).unlink(missing_ok=True)  # those of an earlier report are not this one's
    for name, text in texts.items():
        with atomic_write(folder / name, mode="w") as file:
            file.write(text)
    measurements.remove(folder)
    return folder / REPORT_NAME


def read_resources(folder: str | os.PathLike) -> dict:
    """Reads what belongs to one run alone.

    Args:
        folder: of the report.

    Returns:
        "peak_memory_bytes", method -> bytes, `None` where it cannot be measured or the method was finished before an interruption, and
        "peak_memory", how they were measured; empty where there is no such file, as beside reports of earlier versions.

    Raises:
        ValueError: if the file is no JSON.
    """
    path = Path(folder) / RESOURCES_NAME
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


# What fits beside each other on a terminal, shorter than in `numbers.KNOWN`; the page and the tables have all.
_HEADINGS = {
    "psnr": "PSNR dB",
    "ssim": "SSIM",
    "l1": "L1 %",
    "psnr_hole": "PSNR hole",
    "ssim_hole": "SSIM hole",
    "l1_hole": "L1 hole %",
    "seconds_per_image": "s/picture",
}
_OF_NETWORKS = ("lpips", "identity", "fid", "kid")


def format_table(report: dict) -> str:
    """Shows the rows of a report, bin after bin.

    Args:
        report: what `evaluate` returned, or what was read from a `report.json`.

    Returns:
        Lines of text; a number that is undefined is a dash, one that no row has is left out.
    """
    bins = []
    columns = [column for column in columns_of(report["rows"]) if column.key in _HEADINGS or column.key.startswith(_OF_NETWORKS)]
    for row in report["rows"]:
        if row["bin"] not in bins:
            bins.append(row["bin"])
    # Rows of some holes only, by their contact with the border, are for the page and the tables.
    ordered = sorted((row for row in report["rows"] if "border" not in row), key=lambda row: (row["bin"] is None, bins.index(row["bin"])))
    table = [["hole", "method", "pictures", *(_HEADINGS.get(column.key, column.heading.replace(",", "")) for column in columns)]]
    for row in ordered:
        cells = [column.text(row.get(column.key)) for column in columns]
        table.append([bin_label(row["bin"]), row["method"], str(row["num_images"]), *cells])
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    lines = []
    for number, line in enumerate(table):
        if number and line[0] != table[number - 1][0]:
            lines.append("")
        words = [word.ljust(width) for word, width in zip(line[:2], widths[:2], strict=True)]
        cells = [word.rjust(width) for word, width in zip(line[2:], widths[2:], strict=True)]
        lines.append("  ".join(words + cells))
    return "\n".join(lines)
