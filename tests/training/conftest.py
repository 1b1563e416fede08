"""Pictures to train on."""

import numpy as np
import pytest
from PIL import Image


def write_pictures(folder, number, *, size=16):
    for index in range(number):
        picture = np.random.RandomState(index).randint(0, 256, (size, size, 3), np.uint8)
        Image.fromarray(picture).save(folder / f"{index:03d}.png")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """20 pictures of 16 px; the last two by name are kept back for validation."""
    folder = tmp_path_factory.mktemp("pictures")
    write_pictures(folder, 20)
    return folder
