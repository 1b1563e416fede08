"""Reference arrays for the tests of this folder.

They lie outside the project: in the folder that `TF_INPAINT_GOLDEN` names, else in `../shared/golden` beside the checkout.
Without either these tests skip; where the variable is set, a missing folder or file is an error.
"""

import json
import os
import pathlib

import numpy as np
import pytest

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def golden_folder() -> pathlib.Path:
    named = os.environ.get("TF_INPAINT_GOLDEN")
    folder = pathlib.Path(named) if named else CHECKOUT.parent / "shared" / "golden"
    if folder.is_dir():
        return folder
    if named:
        raise FileNotFoundError(f"TF_INPAINT_GOLDEN names no folder: {folder}")
    pytest.skip("no reference arrays: TF_INPAINT_GOLDEN is unset and ../shared/golden is not beside the checkout")


@pytest.fixture(scope="session")
def golden(golden_folder):
    """`golden(name)`: the arrays of `name.npz` as a dict from key to array, read once a session."""
    opened: dict[str, dict[str, np.ndarray]] = {}

    def arrays(name: str) -> dict[str, np.ndarray]:
        if name not in opened:
            with np.load(golden_folder / f"{name}.npz", allow_pickle=False) as file:
                opened[name] = {key: file[key] for key in file.files}
        return opened[name]

    return arrays


@pytest.fixture(scope="session")
def golden_meta(golden):
    """`golden_meta(name)`: the JSON record of how `name.npz` was made."""
    return lambda name: json.loads(str(golden(name)["meta"]))
