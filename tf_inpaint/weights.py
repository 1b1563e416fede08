"""Weight files: their names, their format, their fingerprints. Knows arrays, not systems.

Weights are a folder of two files: `weights.npz`, one array per weight, half precision, no pickles; and `config.json`, which says what
system they belong to, with which settings, how they were trained, the SHA-256 of the arrays, and where the system has such, what was
measured on the weights (`extras`). A weight's key is "network/layer/index:name": the same on both stacks, whatever each calls the
variables inside a layer.

Names are `<system>.<data>_<size>`, such as "three_stage.faces_128": folders in the package, or in `$TF_INPAINT_HOME/weights`
(`~/.cache/tf_inpaint/weights` without that variable).
"""

import dataclasses
import json
import os
import zipfile
from pathlib import Path

import numpy as np

from tf_inpaint import run_folders
from tf_inpaint.errors import WeightsError
from tf_inpaint.files import atomic_directory, atomic_write, sha256

FORMAT = 1
CONFIG_FILE = run_folders.CONFIG_FILE
ARRAYS_FILE = "weights.npz"
_SHIPPED = Path(__file__).parent / "shipped"


@dataclasses.dataclass(frozen=True, eq=False)
class WeightsFile:
    """Weights read from their folder.

    Attributes:
        path: the folder.
        system: key of the system in `SYSTEMS`.
        config: the system's settings.
        training: how they were trained: steps, pictures, seconds, data and the like; may be empty.
        extras: the system's `extras`, such as thresholds measured on these weights; may be empty.
        arrays: key -> array, in the order of the networks.
    """

    path: Path
    system: str
    config: dict
    training: dict
    extras: dict
    arrays: dict[str, np.ndarray]


def save(system, folder: str | os.PathLike, *, averaged: bool = True, dtype: str = "float16", training: dict | None = None) -> Path:
    """Writes the weights that inpainting needs, the generators', those of the critics that go with them (`VERIFIERS`), and `extras`.

    Args:
        system: an `InpaintingSystem`.
        folder: where to; its parent must exist. What was there before stays whole until the new weights are complete.
        averaged: whether to take the averaged weights, where the system has them (after `compile`). Only generators have averages.
        dtype: "float16" or "float32".
        training: JSON values that say how the weights were trained.

    Returns:
        The folder.

    Raises:
        WeightsError: if a value is not finite in `dtype`.
        OSError: if the folder cannot be written.
    """
    averages = {}
    if averaged and system.average is not None:
        pairs = zip(system.generator_weights, system.average.variables, strict=True)
        averages = {id(weight): average for weight, average in pairs}
    arrays = {}
    for key, weight in _keyed_weights(system).items():
        with np.errstate(over="ignore"):  # found by the next line, with its name
            arrays[key] = averages.get(id(weight), weight).numpy().astype(dtype)
        if not np.isfinite(arrays[key]).all():
            raise WeightsError(f"The weight {key} has values that are not finite in {dtype}; nothing was written to {folder}.")
    with atomic_directory(folder, overwrite=True) as temporary:
        np.savez(temporary / ARRAYS_FILE, **arrays)
        description = {
            "format": FORMAT,
            "system": system.KEY,
            "config": system.config.to_dict(),
            "dtype": dtype,
            "sha256": sha256(temporary / ARRAYS_FILE),
            "training": training or {},
            **({"extras": system.extras} if system.extras else {}),
        }
        (temporary / CONFIG_FILE).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    return Path(folder)


def available() -> list[str]:
    """Returns the names of the weights in the package and in `$TF_INPAINT_HOME/weights`, sorted."""
    folders = [path for home in _homes() if home.is_dir() for path in home.iterdir()]
    return sorted({path.name for path in folders if (path / CONFIG_FILE).is_file() and ".tmp-" not in path.name})


def find(name_or_path: str | os.PathLike) -> Path:
    """Finds the folder of some weights.

    Args:
        name_or_path: a name as `available` lists it, the path of a weights folder, or that of a run folder, whose best weights
            (by validation) are taken, or else its latest. Of a run with stages they are those of the last stage that is finished, or
            while there is none, those of the stage in training; the folder of a stage is a run folder too.

    Returns:
        The folder that holds the two files.

    Raises:
        WeightsError: if there is none, saying where was looked.
        CheckpointError: if the path is a run folder with stages and a file that describes them is damaged.
    """
    name = os.fspath(name_or_path)
    if not name:
        raise WeightsError("The name of the weights is empty. Give a name, a weights folder or a run folder.")
    path = Path(name).expanduser()
    # A run folder has a config.json too, so the arrays tell them apart.
    candidates = [path, *run_folders.weights_folders(path)]
    if Path(name).name == name:
        candidates += [home / name for home in _homes()]
    for candidate in candidates:
        if (candidate / ARRAYS_FILE).is_file() and (candidate / CONFIG_FILE).is_file():
            return candidate
    if path.is_dir():
        raise WeightsError(
            f"The folder {name!r} holds no weights: neither {ARRAYS_FILE} and {CONFIG_FILE} nor a run folder's "
            f"{' or '.join(run_folders.WEIGHTS_FOLDERS)}."
        )
    known = ", ".join(available()) or "none are installed"
    raise WeightsError(
        f"There are no weights {name!r}. Give a name ({known}), a weights folder or a run folder. "
        f"Looked in: {', '.join(str(candidate.parent) for candidate in candidates if candidate.name == path.name)}."
    )


def read(name_or_path: str | os.PathLike) -> WeightsFile:
    """Reads weights and checks their fingerprint; nothing of the file is used before that.

    Args:
        name_or_path: see `find`.

    Returns:
        The weights.

    Raises:
        WeightsError: if there are none, the arrays are not those that `config.json` describes, or the format is unknown.
    """
    folder = find(name_or_path)
    try:
        description = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        version, expected = description["format"], description["sha256"]
        system, config, training = description["system"], description["config"], description["training"]
        extras = dict(description.get("extras", {}))
        for value, kind in ((system, str), (config, dict), (training, dict)):
            if not isinstance(value, kind):
                raise TypeError(f"{value!r:.50} is no {kind.__name__}")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsError(f"{folder / CONFIG_FILE} does not describe weights ({type(error).__name__}: {error}).") from error
    if version != FORMAT:
        raise WeightsError(f"{folder / CONFIG_FILE} has format {version!r}; this version of tf_inpaint reads {FORMAT}.")
    received = sha256(folder / ARRAYS_FILE)
    if received != expected:
        raise WeightsError(f"{folder / ARRAYS_FILE} is damaged: expected SHA-256 {expected}, received {received}. Get the file again.")
    try:
        with np.load(folder / ARRAYS_FILE, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{folder / ARRAYS_FILE} cannot be read as plain arrays ({error}).") from error
    return WeightsFile(folder, system, config, training, extras, arrays)


def store_extras(folder: str | os.PathLike, extras: dict) -> None:
    """Writes a system's `extras` beside stored weights, in the place of those that were there; the arrays stay as they are.

    Args:
        folder: a weights folder, as `find` returns it.
        extras: JSON values; empty to remove them.

    Raises:
        WeightsError: if the folder's description cannot be read.
        OSError: if it cannot be written.
    """
    path = Path(folder) / CONFIG_FILE
    try:
        description = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(f"{path} does not describe weights ({type(error).__name__}: {error}).") from error
    description.pop("extras", None)
    with atomic_write(path, "w") as file:
        file.write(json.dumps({**description, **({"extras": extras} if extras else {})}, indent=2) + "\n")


def load_into(system, name_or_path: str | os.PathLike) -> WeightsFile:
    """Puts stored weights into a system of the same architecture, without `extras`; its `image_size` and training settings may differ.

    Of a system with stages a network that the file holds nothing of begins anew: it had no part in the stages so far.

    Args:
        system: an `InpaintingSystem`. Its averages, where it has them, start from the loaded weights.
        name_or_path: see `find`.

    Returns:
        What was read, for its description.

    Raises:
        WeightsError: if the file does not fit: naming what the system misses, what is left over and what differs in shape. The
            system is unchanged then.
    """
    file = read(name_or_path)
    assign(system, file.arrays, origin=str(file.path), may_lack_networks=bool(system.PREDECESSORS))
    return file


def assign(system, arrays: dict[str, np.ndarray], *, origin: str, may_lack_networks: bool = False) -> None:
    """Puts arrays into the generators and verifiers of a system, every one in its place.

    Args:
        system: an `InpaintingSystem`. Its averages, where it has them, start from the new weights.
        arrays: key -> array of any float type, exactly those of the system's generators and verifiers.
        origin: what to call the arrays in an error.
        may_lack_networks: whether networks of which there is no array keep their weights; of one at least there must be some.

    Raises:
        WeightsError: as `load_into`.
    """
    weights = _keyed_weights(system)
    if may_lack_networks and (present := {key.split("/")[0] for key in arrays} & {key.split("/")[0] for key in weights}):
        weights = {key: weight for key, weight in weights.items() if key.split("/")[0] in present}
    problems = []
    if missing := [key for key in weights if key not in arrays]:
        problems.append(f"missing: {_listed(missing)}")
    if left_over := [key for key in arrays if key not in weights]:
        problems.append(f"left over: {_listed(left_over)}")
    wrong_shape = [
        f"{key} (expected {tuple(weight.shape)}, received {arrays[key].shape})"
        for key, weight in weights.items()
        if key in arrays and tuple(weight.shape) != arrays[key].shape
    ]
    if wrong_shape:
        problems.append(f"other shape: {_listed(wrong_shape)}")
    if problems:
        raise WeightsError(f"The weights of {origin} do not fit this {system.KEY}: {'; '.join(problems)}.")
    for key, weight in weights.items():
        weight.assign(arrays[key].astype("float32"))
    if system.average is not None:
        system.average.restart()


def _keyed_weights(system) -> dict:
    """key -> weight of generators and verifiers.

    Inside a layer the trainable ones come first, in the order of creation: the two stacks agree on that.
    """
    keyed = {}
    for name in (*system.GENERATORS, *system.VERIFIERS):
        for layer in system.networks[name].layers:
            for index, weight in enumerate([*layer.trainable_weights, *layer.non_trainable_weights]):
                keyed[f"{name}/{layer.name}/{index}:{weight.name.split('/')[-1].removesuffix(':0')}"] = weight
    return keyed


def _homes() -> list[Path]:
    home = os.environ.get("TF_INPAINT_HOME") or "~/.cache/tf_inpaint"
    return [_SHIPPED, Path(home).expanduser() / "weights"]


def _listed(names: list[str], *, limit: int = 5) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
