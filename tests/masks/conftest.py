"""A small folder of masks, with a folder in it."""

import pathlib

import numpy as np
import pytest
from PIL import Image


def write_masks(folder: pathlib.Path) -> dict[str, np.ndarray]:
    """Writes eight masks, numbers 0 to 7, of growing share and two sizes; returns them by name."""
    random = np.random.default_rng(0)
    written = {}
    for number in range(8):
        size = 32 if number % 3 else 48
        mask = np.zeros([size, size], np.uint8)
        rows, columns = np.sort(random.integers(4, size - 4, [2, 2]), axis=1)
        mask[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1] = 255
        mask[: number + 1, : size // 2] = 255
        name = f"{'far' if number > 4 else 'near'}/mask_{number:03}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(folder / name)
        written[name] = mask
    (folder / "notes.txt").write_text("no mask")
    return written


@pytest.fixture(scope="session")
def mask_folder(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("masks")
    write_masks(folder)
    return folder
