"""What has been measured so far, kept in a file so that an evaluation that was interrupted goes on."""

import hashlib
import json
import os
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tf_inpaint.files import atomic_write

FILE_NAME = "unfinished.npz"
SAVE_SECONDS = 20.0
"""As much work as this may be lost when the process is killed; none is lost when it is interrupted."""

_FINGERPRINT = "fingerprint"


class Measurements:
    """Numbers of each method, item after item.

    Args:
        num_items: of the protocol.
        names: what is measured of each item, method -> names.
        settings: JSON values on which the numbers depend. Measurements made under other settings are not taken up.
        folder: where they are kept while the evaluation is unfinished; `None` keeps nothing.

    Attributes:
        done: method -> number of items that are finished, from the first on.
        numbers: method -> name -> float64 `[num_items]`, NaN where undefined or not yet measured.
        features: method -> name -> float32 `[num_items, D]`, of what is measured over sets of pictures.
        discarded: whether the folder held an unfinished evaluation of other settings, or a damaged file.
    """

    def __init__(self, num_items: int, names: Mapping[str, Sequence[str]], *, settings: dict, folder: str | os.PathLike | None):
        self._num_items = num_items
        self.done = dict.fromkeys(names, 0)
        self.numbers = {method: {name: np.full(num_items, np.nan) for name in each} for method, each in names.items()}
        self.features = {method: {} for method in names}
        self.discarded = False
        self._path = None if folder is None else Path(folder) / FILE_NAME
        self._fingerprint = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        self._saved = time.monotonic()
        if self._path is not None and self._path.exists():
            self._read()

    def add(self, method: str, index: int, numbers: Mapping[str, float], features: Mapping[str, np.ndarray]) -> None:
        """Takes in what was measured of the method's next item.

        Args:
            method: whose.
            index: of the item, `done[method]`.
            numbers: name -> number; others of the method's names stay undefined.
            features: name -> `[D]` float32.
        """
        for name, value in numbers.items():
            self.numbers[method][name][index] = value
        for name, vector in features.items():
            kept = self.features[method]
            if name not in kept:
                kept[name] = np.zeros([self._num_items, len(vector)], np.float32)
            kept[name][index] = vector
        self.done[method] = index + 1

    def save(self, *, now: bool) -> None:
        """Writes the file.

        Args:
            now: at once, or only if `SAVE_SECONDS` have passed since the last time.

        Raises:
            OSError: if it cannot be written.
        """
        if self._path is None or (not now and time.monotonic() - self._saved < SAVE_SECONDS):
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {
            f"{position}/{kind}/{name}": values
            for kind, kept in (("number", self.numbers), ("feature", self.features))
            for position, each in enumerate(kept.values())
            for name, values in each.items()
        }
        done = np.array(list(self.done.values()), np.int64)
        with atomic_write(self._path) as file:
            np.savez(file, done=done, **{_FINGERPRINT: np.array(self._fingerprint)}, **arrays)
        self._saved = time.monotonic()

    def _read(self) -> None:
        try:
            with np.load(self._path, allow_pickle=False) as file:
                if str(file[_FINGERPRINT]) != self._fingerprint:
                    self.discarded = True
                    return
                numbers = {
                    method: {name: file[f"{position}/number/{name}"] for name in each}
                    for position, (method, each) in enumerate(self.numbers.items())
                }
                features = {
                    method: {key.split("/", 2)[2]: file[key] for key in file.files if key.startswith(f"{position}/feature/")}
                    for position, method in enumerate(self.numbers)
                }
                done = dict(zip(self.done, file["done"].tolist(), strict=True))
            self.numbers, self.features, self.done = numbers, features, done
        except (ValueError, KeyError, OSError, zipfile.BadZipFile):  # not written by us: ours are whole or not there
            self.discarded = True


def remove(folder: str | os.PathLike) -> None:
    """Removes the file of an evaluation that is finished.

    Args:
        folder: of its report.
    """
    (Path(folder) / FILE_NAME).unlink(missing_ok=True)
