"""Weights that the authors of a paper published: reading their files, and giving each array its variable.

Published weights are mostly PyTorch's: their kernels have another order of axes than ours, their names follow the modules of other
code, and their files are pickles. Files are read without running any pickle; a system maps the names with `OfficialWeights`.
"""

import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from tf_inpaint.errors import WeightsError

# Axes of PyTorch's array, in the order of ours.
LAYOUTS = {
    "conv": (2, 3, 1, 0),  # [O, I, H, W] -> [H, W, I, O]
    "conv_transpose": (2, 3, 1, 0),  # [I, O, H, W] -> [H, W, O, I]; neither library turns the kernel by 180 degrees
    "dense": (1, 0),  # [O, I] -> [I, O]
}
TORCH_SUFFIXES = (".pth", ".pt")
SUFFIXES = (".npz", *TORCH_SUFFIXES)
# Far above what a checkpoint with its optimizers holds. A file can let a dictionary hold itself, and would never be read to its end.
_MAX_DEPTH, _MAX_ENTRIES = 16, 100_000
# Below it `weights_only=True` could be made to run code, CVE-2025-32434.
_SAFE_TORCH = "2.6"


class OfficialWeights:
    """Assigns published arrays to variables, every array once, or none at all.

    A system's `assign_official_weights(arrays)` notes with `assign` and `ignore` what becomes of each array and ends with `finish`, which
    compares the notes with the arrays and only then touches a variable. Arrays of a single whole number need no note: they count steps or
    batches (PyTorch's `num_batches_tracked`), and no weight is a whole number.

    Args:
        arrays: name -> array of any floating type.
        origin: what to call the arrays in an error.

    Example:
        >>> official = OfficialWeights({"up.weight": np.ones([4, 3, 5, 5])}, origin="up.npz")
        >>> kernel = tf.Variable(tf.zeros([5, 5, 3, 4]))
        >>> official.assign(kernel, "up.weight", layout="conv")
        >>> official.finish()
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], *, origin: str):
        self._arrays = dict(arrays)
        self._origin = origin
        self._assignments = {}  # name -> (variable, layout)
        self._ignored = {}  # name, or start of names, -> why

    def assign(self, variable, name: str, layout: str | Callable[[np.ndarray], np.ndarray] | None = None) -> None:
        """Notes that an array belongs into a variable.

        Args:
            variable: Keras' or TensorFlow's.
            name: of the array.
            layout: from PyTorch's order of axes to ours: "conv" (`[O, I, H, W]` to `[H, W, I, O]`), "conv_transpose" (`[I, O, H, W]` to
                `[H, W, O, I]`), "dense" (`[O, I]` to `[I, O]`), `None` for arrays that stay (biases, scales, running means and
                variances), or a function of the array for others, such as `spectral_rows` makes.

        Raises:
            ValueError: if the layout is unknown, or the array or the variable was noted before: a fault of the system's map.
        """
        if isinstance(layout, str) and layout not in LAYOUTS:
            raise ValueError(f"`layout` must be one of {', '.join(LAYOUTS)}, a function or None. Received: {layout!r}.")
        if self._reason_to_ignore(name) is not None or name in self._assignments:
            raise ValueError(f"The array {name!r} must be noted once. It was noted before.")
        if any(variable is known for known, _ in self._assignments.values()):
            raise ValueError(f"Each variable takes one array. {name!r} came second for {variable.name!r}.")
        self._assignments[name] = (variable, layout)

    def ignore(self, name_or_prefix: str, *, because: str) -> None:
        """Notes that arrays have no variable of their own; they may also be absent.

        Args:
            name_or_prefix: a whole name, or the start of names up to and with a "." or "/".
            because: why nothing is lost, such as "the same array as enc_1.conv.weight".

        Raises:
            ValueError: if there is no reason, or the array was noted before: a fault of the system's map.
        """
        if not because:
            raise ValueError(f"Say why {name_or_prefix!r} is ignored. Received: because={because!r}.")
        if any(_covers(name_or_prefix, name) for name in self._assignments) or name_or_prefix in self._ignored:
            raise ValueError(f"The array {name_or_prefix!r} must be noted once. It was noted before.")
        self._ignored[name_or_prefix] = because

    def finish(self) -> None:
        """Assigns all arrays, if the notes and the arrays agree.

        Raises:
            WeightsError: naming every array that is missing, left over, of another shape or not of finite numbers. No variable has
                changed then.
        """
        values, missing, misfits = {}, [], []
        for name, (variable, layout) in self._assignments.items():
            if name not in self._arrays:
                missing.append(name)
                continue
            try:
                values[name] = _laid_out(self._arrays[name], layout, tuple(variable.shape))
            except ValueError as error:
                misfits.append(f"{name} ({error})")
        left_over = [
            name
            for name, array in self._arrays.items()
            if name not in self._assignments and self._reason_to_ignore(name) is None and not _is_counter(array)
        ]
        problems = {"missing": missing, "left over": left_over, "not usable": misfits}
        if any(problems.values()):
            lists = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in problems.items() if names)
            raise WeightsError(f"The arrays of {self._origin} do not fit. Nothing was assigned; {lists}.")
        for name, value in values.items():
            self._assignments[name][0].assign(value)

    def _reason_to_ignore(self, name):
        return next((reason for key, reason in self._ignored.items() if _covers(key, name)), None)


def spectral_rows(height: int, width: int) -> Callable[[np.ndarray], np.ndarray]:
    """Makes the layout of the vector that PyTorch's spectral normalisation calls v.

    PyTorch reads a kernel as a matrix of `[C_out, C_in height width]`, ours is `[height width C_in, C_out]`: v has an element for each
    input value of the window, in another order. The other vector, u, has one per output channel and stays.

    Args:
        height: of the kernel.
        width: of the kernel.

    Returns:
        A function from `[C_in height width]` to `[height width C_in]`, for `OfficialWeights.assign(v, name, layout)`.
    """

    def layout(array: np.ndarray) -> np.ndarray:
        return array.reshape(-1, height, width).transpose(1, 2, 0).reshape(-1)

    return layout


def read(source: dict | str | os.PathLike | list) -> dict[str, np.ndarray]:
    """Reads published arrays. No pickle is run: a file that holds anything but arrays and numbers is refused.

    Dictionaries inside dictionaries, and lists, become one name with "/": `{"generator": {"encoder.1.weight": ...}}` is read as
    "generator/encoder.1.weight". Plain numbers ("iteration", settings of an optimizer) and `None` are no weights and are left out.

    Args:
        source: a dictionary of arrays, perhaps nested; the path of an `.npz`, `.pth` or `.pt` file (the latter two need PyTorch, the extra
            `torch`); or, for what is published in several files, a list of paths or a folder, of which all such files are read:
            names then begin with that of their file, as "EdgeModel_gen/generator/encoder.1.weight" from EdgeModel_gen.pth.

    Returns:
        name -> array.

    Raises:
        WeightsError: if a file cannot be read, holds something else, or PyTorch is needed and not there.
    """
    if isinstance(source, dict):
        return _flatten(source, "the dictionary")
    if isinstance(source, str | os.PathLike):
        path = Path(source).expanduser()
        if not path.is_dir():
            return _read_file(path)
        paths = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)
        if not paths:
            raise WeightsError(f"The folder {path} holds no file of published weights ({', '.join(SUFFIXES)}).")
    else:
        paths = [Path(file).expanduser() for file in source]
    stems = [file.stem for file in paths]
    if twice := sorted({stem for stem in stems if stems.count(stem) > 1}):
        raise WeightsError(f"Two files of published weights have the same name: {', '.join(twice)}. Give one of them.")
    return {f"{file.stem}/{name}": array for file in paths for name, array in _read_file(file).items()}


def _read_file(path):
    if path.suffix not in SUFFIXES:
        raise WeightsError(f"Published weights are files of the kinds {', '.join(SUFFIXES)}, or folders of them. Received: {path}.")
    if not path.is_file():
        raise WeightsError(f"There is no file of published weights {path}.")
    return _read_npz(path) if path.suffix == ".npz" else _read_torch(path)


def _read_npz(path):
    try:
        with np.load(path, allow_pickle=False) as file:
            return _flatten({name: file[name] for name in file.files}, path)
    # AttributeError: a single array under the name of an archive.
    except (ValueError, OSError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise WeightsError(f"{path} cannot be read as plain arrays (.npz): {error}.") from error


def _read_torch(path):
    try:
        import torch
    except ImportError as error:
        raise WeightsError(
            f"Reading {path} needs PyTorch: `pip install 'tf_inpaint[torch]'`. Without it, give an .npz file with the same names."
        ) from error
    if torch.__version__ < _SAFE_TORCH:
        raise WeightsError(
            f"Reading {path} needs PyTorch {_SAFE_TORCH}: a file could make earlier ones run code. Received: {torch.__version__}. "
            "`pip install --upgrade torch`."
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of many kinds: the file is anybody's
        reason = str(error).split("\n")[0] or type(error).__name__
        raise WeightsError(
            f"{path} was not read, and nothing in it was run: it is damaged, or holds more than arrays. PyTorch says: {reason}"
        ) from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path} must hold a dictionary of arrays (a state_dict). Received: {type(content).__name__}.")
    return _flatten(content, path, convert=lambda value: _from_torch(value, path, torch))


def _from_torch(value, path, torch):
    if not isinstance(value, torch.Tensor):
        return value
    try:
        # A view can repeat few stored numbers as often as it likes.
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise TypeError("a tensor is larger than what is stored of it")
        # NumPy has no bfloat16.
        return value.detach().to(torch.float32 if value.is_floating_point() else value.dtype).numpy()
    except (TypeError, RuntimeError, NotImplementedError) as error:  # sparse, quantised, on no device
        reason = str(error).split("\n")[0]
        raise WeightsError(f"{path} holds a tensor that is no plain array: {reason}.") from error


def _flatten(content, origin, *, convert=None):
    arrays, number = {}, 0
    waiting = [("", content, 0)]
    while waiting:
        name, value, depth = waiting.pop()
        number += 1
        if depth > _MAX_DEPTH or number > _MAX_ENTRIES:
            raise WeightsError(f"{origin} has more than {_MAX_ENTRIES} entries, or dictionaries more than {_MAX_DEPTH} deep.")
        value = convert(value) if convert else value
        if isinstance(value, Mapping | list | tuple):
            parts = value.items() if isinstance(value, Mapping) else enumerate(value)
            waiting += [(f"{name}/{key}" if name else str(key), part, depth + 1) for key, part in reversed([*parts])]
        elif isinstance(value, np.ndarray | np.generic):
            if name in arrays:
                raise WeightsError(f"{origin} has two arrays of the name {name!r}.")
            arrays[name] = np.asarray(value)
        elif not (value is None or isinstance(value, int | float)):
            raise WeightsError(f"{origin} must hold NumPy arrays. Received: {name!r} is of the type {type(value).__name__}.")
    return arrays


def _covers(name_or_prefix, name):
    return name == name_or_prefix or (name_or_prefix.endswith((".", "/")) and name.startswith(name_or_prefix))


def _is_counter(array):
    return array.ndim == 0 and np.issubdtype(array.dtype, np.integer)


def _laid_out(array, layout, shape):
    """The array in float32, as the variable wants it; a `ValueError` says what is wrong with it."""
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"expected floating point, received {array.dtype}")
    try:
        value = layout(array) if callable(layout) else array.transpose(LAYOUTS[layout]) if layout else array
    except ValueError:  # too many or too few axes
        value = None
    if value is None or value.shape != shape:
        turned = f" in the layout {layout!r}" if isinstance(layout, str) else ""
        raise ValueError(f"expected the shape {shape}{turned}, received {array.shape}")
    with np.errstate(over="ignore"):
        value = value.astype(np.float32)
    if not np.isfinite(value).all():
        raise ValueError("has values that are not finite")
    return value
