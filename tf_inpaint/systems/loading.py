"""From stored weights to a system that repairs pictures."""

import os

import numpy as np

from tf_inpaint import official_weights, weights
from tf_inpaint.errors import ConfigError, WeightsError
from tf_inpaint.systems import SYSTEMS
from tf_inpaint.systems.base import InpaintingSystem


def load(name_or_path: str | os.PathLike) -> InpaintingSystem:
    """Builds the system that stored weights belong to, and fills it with them.

    Args:
        name_or_path: a name such as "three_stage.faces_128", or the path of a weights folder or of a run folder (whose best
            weights by validation are taken, or else the latest).

    Returns:
        The system, ready for `inpaint`; call `compile` to train it further.

    Raises:
        WeightsError: if there are no such weights, they are damaged, belong to an unknown system or do not fit it, or what was measured
            on them cannot be used.
        ConfigError: if their settings are not those of the system.
    """
    file = weights.read(name_or_path)
    if file.system not in SYSTEMS:
        raise WeightsError(f"{file.path} holds weights of the system {file.system!r}. Known here: {', '.join(SYSTEMS)}.")
    system_class = SYSTEMS[file.system]
    system = system_class(system_class.Config.from_dict(file.config))
    weights.assign(system, file.arrays, origin=str(file.path))
    system.set_extras(file.extras)
    return system


def load_official(system: InpaintingSystem, arrays_or_path: dict[str, np.ndarray] | str | os.PathLike | list) -> None:
    """Puts the weights that a paper's authors published into a system, every array once.

    What was published in several files is given as a list of paths or as their folder, and then the name of each array begins with that
    of its file: EdgeConnect's four files give "EdgeModel_gen/generator/encoder.1.weight" and so on. A dictionary or an `.npz` file uses
    the same names. A single file's names begin with the keys of the dictionaries in it: "model/enc_1.conv.weight".

    Args:
        system: a system whose class has `assign_official_weights(arrays)`, the map from their names to its own. Its averages, where it
            has them, start from the new weights.
        arrays_or_path: name -> NumPy array; or the path of an `.npz` file, or of a `.pth` or `.pt` file (read with PyTorch, the extra
            `torch`; no pickle in it is run); or a list or folder of such files.

    Raises:
        ConfigError: if no weights were published for this system.
        WeightsError: if a file cannot be read, or an array is missing, left over, of another shape or not finite; the error names them all,
            and the system is unchanged then.
    """
    assign_official_weights = getattr(system, "assign_official_weights", None)
    if assign_official_weights is None:
        raise ConfigError(
            f"The authors of {system.KEY} published no weights. `tf_inpaint.load` reads those trained by this library: "
            f"{', '.join(weights.available()) or 'none installed'}."
        )
    assign_official_weights(official_weights.read(arrays_or_path))
    if system.average is not None:
        system.average.restart()
