"""The pictures that a report shows: which they are, and their files.

A report shows a few items of its protocol: some that are fixed before anything is measured, and for each method those on which it did
worst and best. Their truth, their hole and every method's composite lie as PNG files in the folder `pictures` of the report, with
`samples.json`, so that the page can be built again without a network. The folder belongs to whoever ran the evaluation.
"""

import dataclasses
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from tf_inpaint import pictures
from tf_inpaint.errors import DataError
from tf_inpaint.files import atomic_directory

FOLDER = "pictures"
_INDEX = "samples.json"
MAX_ITEMS = 24
"""No report shows more items than these."""

FIXED = "fixed"
# Half of the items at most are fixed: the others are worst and best ones.
_MAX_FIXED = MAX_ITEMS // 2
_FIXED_IN_A_BIN = 2
# How many worst and best of each method, where there is room.
_EXTREMES = 2


@dataclasses.dataclass(frozen=True)
class Sample:
    """An item that a report shows.

    Attributes:
        index: position among the protocol's items.
        reasons: why it is shown: `FIXED`, or pairs ("worst", method), ("best", method).
        item: the entry of the protocol.
        truth: path of the picture's file.
        hole: path of the mask's file.
        composites: method -> path of its composite's file.
        source: name of the report that it comes from, where reports with different protocols were joined; else empty.
    """

    index: int
    reasons: tuple
    item: dict
    truth: Path
    hole: Path
    composites: dict[str, Path]
    source: str = ""


def choose(report: dict, *, methods: tuple[str, ...] | None = None) -> dict[int, tuple]:
    """Chooses the items to show.

    The fixed ones are the same whatever the methods do: two of each bin (of the protocol's order, which a seed has shuffled), other
    pictures in each bin as far as there are others. Then come, in turn for each method, its worst item, its best, its second worst
    and so on by the PSNR in the hole, which unlike that of the whole picture does not simply follow the size of the hole.

    Args:
        report: JSON values of a report.
        methods: whose extremes to take; `None`: of all.

    Returns:
        Index among the protocol's items -> reasons; fixed ones first; at most `MAX_ITEMS`.
    """
    chosen = {index: [FIXED] for index in _fixed(report["protocol"]["items"])}
    ranked = {}
    for method in methods if methods is not None else report["per_image"]:
        series = report["per_image"][method].get("psnr_hole") or report["per_image"][method].get("psnr") or []
        ranked[method] = sorted((index for index, value in enumerate(series) if value is not None), key=lambda i: (series[i], i))
    for turn in range(_EXTREMES):
        for reason in ("worst", "best"):
            for method, order in ranked.items():
                if turn >= len(order):
                    continue
                index = order[turn] if reason == "worst" else order[-1 - turn]
                if index in chosen or len(chosen) < MAX_ITEMS:
                    chosen.setdefault(index, []).append((reason, method))
    return {index: tuple(reasons) for index, reasons in chosen.items()}


def _fixed(items: list[dict]) -> list[int]:
    bins = {}
    for index, item in enumerate(items):
        bins.setdefault(tuple(item["bin"]) if item.get("bin") else None, []).append(index)
    in_a_bin = _FIXED_IN_A_BIN if len(bins) > 1 else _MAX_FIXED // 2
    fixed = []
    for number, indices in enumerate(bins.values()):
        # Each bin has the same pictures in the same order: take others than the bins before.
        positions = dict.fromkeys((number * in_a_bin + step) % len(indices) for step in range(in_a_bin))
        fixed += [indices[position] for position in positions]
    return fixed[:_MAX_FIXED]


def keep(
    report: dict,
    folder: str | os.PathLike,
    *,
    load: Callable[[int], tuple[np.ndarray, np.ndarray]],
    methods: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]],
) -> None:
    """Fills the chosen items once more and writes their pictures; those of an earlier report are replaced.

    Args:
        report: JSON values of the report that they belong to.
        folder: of the report; made if it does not exist.
        load: index of an item -> its picture, uint8 `[H, W, 3]`, and mask, uint8 `[H, W]`, 255 in the hole.
        methods: name in the report -> function of a batch of pictures and masks that returns uint8 composites.

    Raises:
        OSError: if a file cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_directory(folder / FOLDER, overwrite=True) as target:
        entries = []
        for index, reasons in choose(report).items():
            image, mask = load(index)
            files = {"truth": f"{index}_truth.png", "hole": f"{index}_hole.png"}
            pictures.write_picture(target / files["truth"], image)
            pictures.write_picture(target / files["hole"], mask)
            composites = {}
            for number, (method, run) in enumerate(methods.items()):
                # Numbered: a method may be called like a path, and a path may be called anything.
                composites[method] = f"{index}_method_{number}.png"
                pictures.write_picture(target / composites[method], run(image[np.newaxis], mask[np.newaxis])[0])
            item = report["protocol"]["items"][index]
            entries.append({"index": index, "reasons": reasons, "item": item, **files, "composites": composites})
        _write_index(target, entries)


def read(folder: str | os.PathLike) -> list[Sample]:
    """Reads the list of a report's pictures, not their pixels.

    Args:
        folder: of the report.

    Returns:
        The samples; none where the report has no pictures, as reports of earlier versions.

    Raises:
        DataError: if the list cannot be read, or a file that it names is missing.
    """
    folder = Path(folder) / FOLDER
    if not (folder / _INDEX).exists():
        return []
    try:
        entries = json.loads((folder / _INDEX).read_text(encoding="utf-8"))["items"]
        samples = [_sample(folder, entry) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{pictures.printable(folder / _INDEX)} is no list of a report's pictures: {error!r}.") from error
    for sample in samples:
        for path in (sample.truth, sample.hole, *sample.composites.values()):
            if not path.is_file():
                raise DataError(f"{pictures.printable(path)} is missing. Evaluate again, or remove the folder to have no pictures.")
    return samples


def write(samples: list[Sample], folder: str | os.PathLike) -> None:
    """Copies samples, which may come from several reports, into the folder of another.

    Args:
        samples: what to copy.
        folder: of the report.

    Raises:
        OSError: if a file cannot be read or written.
    """
    folder = Path(folder)
    with atomic_directory(folder / FOLDER, overwrite=True) as target:
        entries = []
        for number, sample in enumerate(samples):
            files = {"truth": f"{number}_truth.png", "hole": f"{number}_hole.png"}
            composites = {method: f"{number}_method_{position}.png" for position, method in enumerate(sample.composites)}
            paths = {files["truth"]: sample.truth, files["hole"]: sample.hole}
            paths |= {name: sample.composites[method] for method, name in composites.items()}
            for name, path in paths.items():
                (target / name).write_bytes(path.read_bytes())
            entry = {"index": sample.index, "reasons": sample.reasons, "item": sample.item, "source": sample.source}
            entries.append({**entry, **files, "composites": composites})
        _write_index(target, entries)


def _write_index(folder: Path, entries: list[dict]) -> None:
    (folder / _INDEX).write_text(json.dumps({"version": 1, "items": entries}, indent=1) + "\n", encoding="utf-8")


def _sample(folder: Path, entry: dict) -> Sample:
    # Names only, never paths: a report that somebody else made must not lead to other files.
    def inside(name: str) -> Path:
        return folder / Path(name).name

    return Sample(
        index=int(entry["index"]),
        reasons=tuple(reason if isinstance(reason, str) else tuple(reason) for reason in entry["reasons"]),
        item=entry["item"],
        truth=inside(entry["truth"]),
        hole=inside(entry["hole"]),
        composites={method: inside(name) for method, name in entry["composites"].items()},
        source=entry.get("source", ""),
    )
