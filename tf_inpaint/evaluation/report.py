"""The report: rows of means, one per method and bin, as strict JSON and as a table to read."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tf_inpaint.evaluation.protocol import Protocol
from tf_inpaint.files import atomic_write

VERSION = 1
"""Of the report's form; it grows when a name in it changes its meaning."""

METRICS = {
    "psnr": "dB, 8-bit RGB composite, data range 255, per picture; identical pictures count 100 dB",
    "ssim": "8-bit RGB composite, Gaussian window 11 x 11, sigma 1.5, per picture; undefined below 11 px",
    "l1": "mean absolute difference / 255 of the 8-bit RGB composite, per picture",
    "psnr_hole": "psnr over the hole's pixels only",
    "l1_hole": "l1 over the hole's pixels only",
}
"""What is measured of each picture: name -> definition, as it stands in the report."""

REPORT_NAME = "report.json"


def make_rows(protocol: Protocol, values: Mapping[str, Mapping[str, Sequence[float]]]) -> list[dict]:
    """Averages the numbers of the pictures.

    Args:
        protocol: which pictures these are.
        values: method -> name of a number ("psnr", ..., "seconds_per_image") -> one number per item of the protocol, NaN where
            it is undefined.

    Returns:
        For each method a row for each bin that holds an item and a row with bin `None` for all items: "method", "bin",
        "num_images", and the mean of each number over the items where it is defined, `None` if there is none.
    """
    rows = []
    for method, numbers in values.items():
        for limits in (*protocol.bins, None):
            indices = range(len(protocol.items)) if limits is None else protocol.indices_in(*limits)
            if not indices:
                continue
            row = {"method": method, "bin": limits and list(limits), "num_images": len(indices)}
            row.update({name: _mean([series[index] for index in indices]) for name, series in numbers.items()})
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
    """Writes `report.json`, whole or not at all; an earlier one is replaced.

    Args:
        report: what `evaluate` returned.
        folder: made if it does not exist.

    Returns:
        The path of the file.

    Raises:
        ValueError: if the report holds a number that is not finite.
        OSError: if the file cannot be written.
    """
    text = to_json(report)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / REPORT_NAME, mode="w") as file:
        file.write(text)
    return folder / REPORT_NAME


# heading, key, factor, decimals
_COLUMNS = (
    ("PSNR dB", "psnr", 1, 2),
    ("SSIM", "ssim", 1, 4),
    ("L1 %", "l1", 100, 2),
    ("PSNR hole", "psnr_hole", 1, 2),
    ("L1 hole %", "l1_hole", 100, 2),
    ("s/picture", "seconds_per_image", 1, 3),
)


def format_table(report: dict) -> str:
    """Shows the rows of a report, bin after bin.

    Args:
        report: what `evaluate` returned, or what was read from a `report.json`.

    Returns:
        Lines of text; a number that is undefined is a dash.
    """
    bins = []
    for row in report["rows"]:
        if row["bin"] not in bins:
            bins.append(row["bin"])
    ordered = sorted(report["rows"], key=lambda row: (row["bin"] is None, bins.index(row["bin"])))
    table = [["hole", "method", "pictures", *(heading for heading, *_ in _COLUMNS)]]
    for row in ordered:
        hole = "all" if row["bin"] is None else f"{100 * row['bin'][0]:g}-{100 * row['bin'][1]:g} %"
        numbers = [
            "-" if row.get(key) is None else f"{factor * row[key]:.{decimals}f}" for _, key, factor, decimals in _COLUMNS
        ]
        table.append([hole, row["method"], str(row["num_images"]), *numbers])
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    lines = []
    for number, line in enumerate(table):
        if number and line[0] != table[number - 1][0]:
            lines.append("")
        words = [word.ljust(width) for word, width in zip(line[:2], widths[:2], strict=True)]
        numbers = [word.rjust(width) for word, width in zip(line[2:], widths[2:], strict=True)]
        lines.append("  ".join(words + numbers))
    return "\n".join(lines)
