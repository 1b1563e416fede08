"""Earlier reports in one table: a report whose rows come from several."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tf_inpaint.errors import ConfigError, DataError
from tf_inpaint.evaluation.baselines import BASELINES
from tf_inpaint.evaluation.presentation import samples as sample_files
from tf_inpaint.evaluation.presentation.words import one_line
from tf_inpaint.evaluation.report import REPORT_NAME, read_resources

# Numbers that differ between two runs of the same method on the same items.
_TIMES = ("seconds_per_image",)


def read_report(folder: str | os.PathLike) -> dict:
    """Reads a report.

    Args:
        folder: that holds `report.json`.

    Returns:
        Its JSON values, with "resources" where they were kept beside it.

    Raises:
        DataError: if there is none, or it is no report.
    """
    path = Path(folder) / REPORT_NAME
    try:
        report, resources = json.loads(path.read_text(encoding="utf-8")), read_resources(folder)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no report. `tf-inpaint evaluate --report {folder}` makes one.") from None
    except ValueError as error:
        raise DataError(f"{path} is no JSON: {error}.") from error
    needed = ("protocol", "rows", "per_image", "metrics")
    missing = [key for key in needed if not (isinstance(report, dict) and key in report)]
    if missing:
        raise DataError(f"{path} is no report of an evaluation: it has no {', '.join(missing)}.")
    return {**report, "resources": resources}


def join_reports(
    reports: Mapping[str, dict],
    samples: Mapping[str, Sequence[sample_files.Sample]],
    *,
    allow_different_protocols: bool = False,
) -> tuple[dict, list[sample_files.Sample]]:
    """Joins reports into one.

    Methods keep their names. A method that two reports hold with the same numbers appears once; with other numbers, or under other
    protocols, the name of the report is added to it: "telea (second)".

    Args:
        reports: name -> JSON values of the report; two or more.
        samples: name -> its pictures.
        allow_different_protocols: whether reports whose numbers do not stand for the same pictures, holes, bins and definitions may
            share a table all the same.

    Returns:
        The joined report and its samples. Beside what a report holds, "joined" lists the "report", "methods", "environment" and
        "items_sha256" of each, and "protocols_differ" says whether they differ.

    Raises:
        ConfigError: if the protocols differ and that is not allowed.
    """
    reports = dict(reports)
    first_name, first = next(iter(reports.items()))
    differences = {name: _differences(first, report) for name, report in reports.items() if report is not first}
    differ = any(differences.values()) or any(report.get("protocols_differ") for report in reports.values())
    if differ and not allow_different_protocols:
        name, reasons = next(((n, r) for n, r in differences.items() if r), (first_name, ["one of them joins such reports already"]))
        raise ConfigError(
            f"The reports {first_name!r} and {name!r} cannot stand in one table, their protocols differ: {'; '.join(reasons)}. "
            "Evaluate both with the same data, masks, bins, limit, size and seed, or say --allow-different-protocols."
        )
    names = _names(reports, always=differ)
    rows = [
        {**row, "method": names[report_name, row["method"]]}
        for report_name, report in reports.items()
        for row in report["rows"]
        if (report_name, row["method"]) in names
    ]
    resources = [report.get("resources", {}) for report in reports.values()]
    peaks = {new: reports[n].get("resources", {}).get("peak_memory_bytes", {}).get(method) for (n, method), new in names.items()}
    joined = {
        "version": first.get("version"),
        "protocol": first["protocol"],
        "metrics": {key: text for report in reversed(reports.values()) for key, text in report["metrics"].items()},
        "methods": {new: _description(reports[n], method) for (n, method), new in names.items()},
        "rows": rows,
        "per_image": {new: reports[n]["per_image"][method] for (n, method), new in names.items()},
        "environment": first.get("environment", {}),
        "joined": [
            {
                "report": report_name,
                "methods": [new for (name, _), new in names.items() if name == report_name],
                "environment": report.get("environment", {}),
                "items_sha256": report["protocol"].get("items_sha256"),
            }
            for report_name, report in reports.items()
        ],
        "protocols_differ": differ,
        "resources": {**next(filter(None, resources), {}), "peak_memory_bytes": peaks},
    }
    return joined, _join_samples(samples, names, apart=differ)


def _description(report: dict, method: str) -> dict:
    """What a method is; reports of earlier versions do not say it, and under a new name it could not be told any more."""
    return report.get("methods", {}).get(method) or {"kind": "baseline" if method in BASELINES else "system"}


def _differences(first: dict, second: dict) -> list[str]:
    """What makes the numbers of two reports incomparable, in words."""
    one, other = first["protocol"], second["protocol"]
    found = []
    if one.get("items_sha256") != other.get("items_sha256") and not _same_content(one, other):
        settings = [
            f"{key.replace('_', ' ')} {one_line(str(one.get(key)))} against {one_line(str(other.get(key)))}"
            for key in ("data", "masks", "limit", "image_size", "seed")
            if one.get(key) != other.get(key)
        ]
        hashes = " against ".join(str(protocol.get("items_sha256"))[:12] for protocol in (one, other))
        found.append(f"other items (SHA-256 {hashes}{'; ' + ', '.join(settings) if settings else ''})")
    if one.get("bins") != other.get("bins"):
        found.append(f"bins {one.get('bins')} against {other.get('bins')}")
    shared = sorted(set(first["metrics"]) & set(second["metrics"]))
    redefined = [key for key in shared if first["metrics"][key] != second["metrics"][key]]
    if redefined:
        found.append(f"other definitions of {', '.join(redefined)}")
    return found


def _same_content(one: dict, other: dict) -> bool:
    """Whether two lists of items are the same pixels under other paths; each list must be the one whose hash stands beside it."""
    contents = []
    for protocol in (one, other):
        items = protocol.get("items") or []
        digest = hashlib.sha256(json.dumps(items, sort_keys=True).encode()).hexdigest()
        if not items or digest != protocol.get("items_sha256"):
            return False
        contents.append([{key: value for key, value in item.items() if key not in ("image", "mask")} for item in items])
    return contents[0] == contents[1]


def _names(reports: Mapping[str, dict], *, always: bool) -> dict[tuple[str, str], str]:
    """(report, method) -> name in the joined report; a method that an earlier report holds alike is left out."""
    names, seen = {}, {}
    for report_name, report in reports.items():
        for method in dict.fromkeys(row["method"] for row in report["rows"]):
            numbers = _without_times(report["per_image"].get(method))
            if always:
                names[report_name, method] = _unused(f"{method} ({report_name})", names)
            elif method not in seen:
                names[report_name, method] = _unused(method, names)
                seen[method] = [numbers]
            elif numbers not in seen[method]:
                names[report_name, method] = _unused(f"{method} ({report_name})", names)
                seen[method].append(numbers)
    return names


def _unused(name: str, names: dict) -> str:
    number, wanted = 2, name
    while name in names.values():
        name, number = f"{wanted} {number}", number + 1
    return name


def _without_times(values: dict | None) -> dict | None:
    return values and {key: series for key, series in values.items() if key not in _TIMES}


def _join_samples(samples: Mapping[str, Sequence], names: dict, *, apart: bool) -> list[sample_files.Sample]:
    """The samples of all reports; those of the same item become one, unless the protocols differ."""
    joined = {}
    for report_name, members in samples.items():
        for sample in members:
            composites = {names[report_name, method]: path for method, path in sample.composites.items() if (report_name, method) in names}
            reasons = [
                reason if isinstance(reason, str) else (reason[0], names[report_name, reason[1]])
                for reason in sample.reasons
                if isinstance(reason, str) or (report_name, reason[1]) in names
            ]
            key = (report_name if apart else "", sample.index)
            before = joined.get(key)
            if before is not None:
                composites = {**before.composites, **composites}
                reasons = list(dict.fromkeys([*before.reasons, *reasons]))
            base = before or dataclasses.replace(sample, source=key[0])
            joined[key] = dataclasses.replace(base, reasons=tuple(reasons), composites=composites)
    order = sorted(joined.values(), key=lambda sample: sample_files.FIXED not in sample.reasons)  # stable
    return [sample for sample in order if sample.composites][: sample_files.MAX_ITEMS]
