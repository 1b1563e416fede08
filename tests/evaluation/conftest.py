"""A folder of small pictures, and one of masks with known hole shares."""

import numpy as np
import pytest

from tests.picture_files import random_rgb, save
from tf_inpaint.evaluation import evaluate, present, write_report
from tf_inpaint.systems import SYSTEMS

MASK_SHARES = (0.125, 0.15625, 0.21875, 0.25, 0.3125, 0.4375)  # in eighths of eighths: exact at 32 pixels


def smooth_rgb(height, width, seed):
    """A picture that a baseline can fill: a slope with waves, in three colours."""
    y, x = np.mgrid[:height, :width][..., np.newaxis] / 16
    phase, slope = np.random.RandomState(seed).uniform(0, 6, (2, 3))
    return (127.5 + 60 * np.sin(x + slope * y / 3 + phase) + 40 * np.cos(y + phase)).astype(np.uint8)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Seven PNG files of 32 x 32 pixels."""
    path = tmp_path_factory.mktemp("pictures")
    for number in range(7):
        save(path / f"{number}.png", smooth_rgb(32, 32, number))
    return path


@pytest.fixture(scope="session")
def mask_folder(tmp_path_factory):
    """Masks of 32 x 32 pixels whose files, two for each share, are called after number and share."""
    path = tmp_path_factory.mktemp("masks")
    for number, share in enumerate(np.repeat(MASK_SHARES, 2)):
        mask = np.zeros((32, 32), np.uint8)
        mask.reshape(-1)[: round(share * 1024)] = 255
        save(path / f"share_{share}_{number:02}.png", np.roll(mask, 3 + number, axis=0))
    return path


@pytest.fixture(scope="session")
def tiny():
    return SYSTEMS["three_stage"].tiny(res2net=False, self_attention=False)  # traced several times: the smaller the better


@pytest.fixture
def random_folder(tmp_path):
    """Two pictures of other sizes than 32 x 32, one of them smaller than SSIM's window."""
    save(tmp_path / "small.png", random_rgb(9, 21))
    save(tmp_path / "wide.png", random_rgb(20, 45))
    return tmp_path


# What a file may be called on the systems that we support, and no page may take for more than a name.
HOSTILE_NAME = "<img src=x onerror=\"document.title='run'\"> & $\\{50%_\u202e\n.png"


@pytest.fixture(scope="session")
def shown_report(tmp_path_factory, mask_folder):
    """Folder of a report on six pictures with hostile names, of two baselines."""
    pictures = tmp_path_factory.mktemp("shown")
    for number in range(6):
        save(pictures / f"{number}{HOSTILE_NAME}", smooth_rgb(32, 32, number))
    report = tmp_path_factory.mktemp("report")
    made = evaluate(
        {},
        baselines=["telea", "ns"],
        data=f"folder:{pictures}",
        masks=f"irregular:{mask_folder}",
        bins=((0.1, 0.2), (0.2, 0.3)),
        by_border=True,
        report_folder=report,
    )
    write_report(made, report)
    present(report)
    return report
