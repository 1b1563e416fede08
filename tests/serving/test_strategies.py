"""Strategies: what the networks see of a picture, and what comes back into it. The networks here are functions of arrays."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.picture_files import random_rgb, save
from tests.source import ROOT
from tf_inpaint import ops, peak_memory
from tf_inpaint.errors import MaskError
from tf_inpaint.serving.strategies import STRATEGIES
from tf_inpaint.serving.strategies.boxes import Box, hole_boxes, window_around
from tf_inpaint.serving.strategies.tile import _starts
from tf_inpaint.serving.strategies.windows import enlarge, shrink

SIZE = 32


class Recorder:
    """Fills holes with a level, or with the mean of what is known, and remembers what it saw."""

    def __init__(self, level=None):
        self.level, self.images, self.masks = level, [], []

    def __call__(self, images, masks):
        assert images.dtype == np.uint8 and masks.dtype == bool and images.shape == (*masks.shape, 3)
        self.images += list(images)
        self.masks += list(masks)
        filled = images.copy()
        for image, mask in zip(filled, masks):
            level = self.level if self.level is not None else 0 if mask.all() else np.rint(image[~mask].mean(axis=0))
            image[mask] = level
        return filled


def hole(height, width, *parts):
    mask = np.zeros((height, width), bool)
    for top, left, bottom, right in parts:
        mask[top:bottom, left:right] = True
    return mask


HOLES = {
    "corner": hole(100, 70, (0, 0, 5, 6)),
    "two far apart": hole(100, 70, (3, 3, 9, 9), (80, 60, 84, 66)),
    "two near": hole(100, 70, (3, 3, 9, 9), (12, 12, 14, 15)),
    "large": hole(100, 70, (20, 10, 80, 60)),
    "scratch": hole(100, 70, (0, 30, 100, 32)),
    "border": hole(100, 70, (0, 0, 1, 70), (99, 0, 100, 70), (0, 0, 100, 1), (0, 69, 100, 70)),
    "dust": np.random.RandomState(0).random_sample((100, 70)) < 0.02,
    "noise": np.random.RandomState(1).random_sample((100, 70)) < 0.4,
    "strip": hole(100, 7, (40, 2, 50, 5)),
    "tiny": hole(2, 3, (0, 0, 1, 2)),
}


CASES = [(strategy, name) for strategy in STRATEGIES for name in HOLES if (strategy, name) != ("resize", "noise")]


@pytest.mark.parametrize("margin", [None, 0, 5, 40])
@pytest.mark.parametrize(("strategy", "name"), CASES)
def test_known_pixels_keep_their_bits_and_the_whole_hole_is_filled(strategy, name, margin):
    mask = HOLES[name]
    image = 90 + random_rgb(*mask.shape) // 16
    before = image.copy()
    result = STRATEGIES[strategy](image, mask, Recorder(level=200), size=SIZE, margin=margin)
    assert result is not image and result.dtype == np.uint8
    assert np.array_equal(image, before)
    assert np.array_equal(result[~mask], image[~mask])
    assert result[mask].min() > 120  # where it was enlarged, its border holds some of what is around
    if strategy in ("tile", "original"):
        assert np.all(result[mask] == 200)


@pytest.mark.parametrize(("strategy", "name"), CASES)
def test_what_lies_in_the_hole_has_no_influence(strategy, name):
    mask = HOLES[name]
    image = random_rgb(*mask.shape)
    other = np.where(mask[..., None], random_rgb(*mask.shape, seed=1), image)
    first, second = (STRATEGIES[strategy](picture, mask, Recorder(), size=SIZE, margin=None) for picture in (image, other))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("strategy", ["crop", "resize", "tile"])
def test_the_networks_see_pictures_of_their_size_and_never_larger_ones(strategy):
    for name in ("corner", "two far apart", "large", "scratch", "dust"):
        recorder = Recorder(level=0)
        STRATEGIES[strategy](random_rgb(100, 70), HOLES[name], recorder, size=SIZE, margin=None)
        assert {max(mask.shape) for mask in recorder.masks} == {SIZE}
        assert all(mask.any() for mask in recorder.masks)


def test_original_shows_the_whole_picture_once():
    image, recorder = random_rgb(100, 70), Recorder(level=0)
    STRATEGIES["original"](image, HOLES["dust"], recorder, size=SIZE, margin=None)
    assert len(recorder.images) == 1 and np.array_equal(recorder.images[0], image)
    assert np.array_equal(recorder.masks[0], HOLES["dust"])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_picture_of_the_networks_size_goes_through_as_it_is_and_once(strategy):
    image, mask = random_rgb(SIZE, SIZE), hole(SIZE, SIZE, (0, 0, 3, 3), (28, 29, 30, 31))
    recorder = Recorder()
    result = STRATEGIES[strategy](image, mask, recorder, size=SIZE, margin=0)
    assert np.array_equal(result, Recorder()(image[None], mask[None])[0])
    assert all(np.array_equal(seen, image) for seen in recorder.images)
    assert len(recorder.images) == (2 if strategy == "tile" else 1)


def test_resize_refuses_a_mask_that_leaves_nothing_at_the_networks_size():
    with pytest.raises(MaskError, match="hole all over"):
        STRATEGIES["resize"](random_rgb(100, 70), HOLES["noise"], Recorder(level=0), size=SIZE, margin=None)


# --- crop


def test_crop_looks_around_the_hole_and_is_shifted_inwards_at_the_border():
    image = random_rgb(100, 70)
    for part, window in (((50, 30, 54, 36), (36, 17)), ((0, 66, 4, 70), (0, 38)), ((97, 0, 100, 2), (68, 0))):
        recorder = Recorder(level=0)
        STRATEGIES["crop"](image, hole(100, 70, part), recorder, size=SIZE, margin=4)
        assert len(recorder.images) == 1
        top, left = window
        assert np.array_equal(recorder.images[0], image[top : top + SIZE, left : left + SIZE])


def test_crop_sends_near_holes_through_together_and_far_ones_apart():
    image = random_rgb(200, 200)
    for distance, expected in ((10, 1), (19, 1), (20, 2), (100, 2)):
        recorder = Recorder(level=0)
        mask = hole(200, 200, (10, 10, 15, 15), (10, 15 + distance, 15, 20 + distance))
        STRATEGIES["crop"](image, mask, recorder, size=2 * SIZE, margin=10)
        assert len(recorder.images) == expected


def test_the_work_of_crop_grows_with_the_hole_and_not_with_the_picture():
    seen = []
    for side in (64, 256, 1024):
        recorder = Recorder(level=0)
        STRATEGIES["crop"](random_rgb(side, side), hole(side, side, (20, 20, 30, 32)), recorder, size=SIZE, margin=None)
        seen.append(recorder)
    assert len({recorder.images[0].tobytes() for recorder in seen}) == 3
    assert [len(recorder.images) for recorder in seen] == [1, 1, 1]
    assert [recorder.masks[0].sum() for recorder in seen] == [120, 120, 120]


def test_crop_shrinks_a_large_hole_and_leaves_known_pixels_around_it():
    recorder = Recorder(level=0)
    STRATEGIES["crop"](random_rgb(300, 300), hole(300, 300, (100, 100, 200, 200)), recorder, size=SIZE, margin=None)
    (mask,) = recorder.masks
    assert mask.shape == (SIZE, SIZE)
    assert 0.25 <= mask.mean() <= 0.33  # half of the window's side, and what rounding adds
    assert not mask[:6].any() and not mask[-6:].any()


def test_crop_takes_tiles_for_a_scratch_that_shrinking_would_blow_up():
    image, mask = random_rgb(300, 300), np.eye(300, dtype=bool)
    recorder = Recorder(level=0)
    STRATEGIES["crop"](image, mask, recorder, size=SIZE, margin=None)
    assert len(recorder.masks) > 8
    assert all(seen.sum() <= SIZE for seen in recorder.masks)  # one pixel wide, as it is


# --- tile


def test_tile_runs_tiles_with_holes_only():
    recorder = Recorder(level=0)
    STRATEGIES["tile"](random_rgb(300, 300), hole(300, 300, (0, 0, 300, 2), (0, 0, 2, 300)), recorder, size=SIZE, margin=8)
    tiles_along_a_side = -(-(300 - 8) // (SIZE - 8)) + 1
    assert len(recorder.masks) <= 2 * tiles_along_a_side
    assert all(mask.any() for mask in recorder.masks)


def test_tiles_blend_without_a_seam():
    """Each tile is filled with its own number: where two overlap, the hole goes over from one to the other by small steps."""
    mask = hole(40, 200, (18, 10, 22, 190))
    counter = iter(range(0, 250, 40))

    def numbered(images, masks):
        return np.stack([np.full_like(image, next(counter)) for image in images])

    result = STRATEGIES["tile"](np.zeros((40, 200, 3), np.uint8), mask, numbered, size=64, margin=32)
    row = result[20, 10:190, 0].astype(int)
    assert np.ptp(row) >= 80
    assert np.abs(np.diff(row)).max() <= 3


@pytest.mark.parametrize("limit", [1, 5, 31, 32, 33, 100, 1000])
@pytest.mark.parametrize("overlap", [1, 8, 16])
def test_tiles_cover_every_part_of_any_picture(limit, overlap):
    for begin, end in ((0, 1), (0, limit), (limit - 1, limit), (limit // 3, limit // 2 + 1)):
        starts = _starts(begin, end, limit, SIZE, overlap)
        covered = {pixel for start in starts for pixel in range(start, start + min(SIZE, limit))}
        assert set(range(begin, end)) <= covered <= set(range(limit))


# --- boxes


@pytest.mark.parametrize("margin", [0, 1, 2, 3, 7, 16])
def test_boxes_are_those_of_the_plain_definition(margin):
    for seed in range(6):
        mask = np.random.RandomState(seed).random_sample((30, 50)) < (0.005, 0.02, 0.06)[seed % 3]
        mask[seed, seed + 3] = True
        expected = {(int(y), int(x), int(y) + 1, int(x) + 1) for y, x in np.argwhere(mask)}
        while True:  # the definition: join any two that overlap when grown; pixels that touch are one hole
            grown = max(margin, 0.6)  # 0.6: neighbours over a corner overlap, others do not
            pair = next(
                (
                    (a, b)
                    for a in expected
                    for b in expected
                    if a < b and a[0] - grown < b[2] + grown and b[0] - grown < a[2] + grown
                    and a[1] - grown < b[3] + grown and b[1] - grown < a[3] + grown
                ),
                None,
            )  # fmt: skip
            if pair is None:
                break
            a, b = pair
            expected = expected - {a, b} | {(min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))}
        if margin:  # without a margin a hole's box may touch another's
            found = {(box.top, box.left, box.bottom, box.right) for box in hole_boxes(mask, margin=margin)}
            assert found == expected
        boxes = hole_boxes(mask, margin=margin)
        covered = np.zeros(mask.shape, int)
        for box in boxes:
            covered[box.slices] += 1
        assert covered.max() == 1 and np.all(covered[mask] == 1)


def test_no_hole_has_no_box():
    assert hole_boxes(np.zeros((5, 6), bool), margin=2) == []


def test_a_window_is_cut_to_the_picture():
    assert window_around(Box(3, 4, 5, 6), side=10, height=8, width=100) == Box(0, 0, 8, 10)
    assert window_around(Box(3, 90, 5, 100), side=20, height=30, width=100) == Box(0, 80, 20, 100)


# --- sizes


def test_shrinking_takes_means_and_lets_no_hole_pixel_out():
    image = np.arange(64 * 48, dtype=np.uint32).reshape(64, 48) % 251
    image = np.stack([image] * 3, axis=-1).astype(np.uint8)
    mask = hole(64, 48, (5, 5, 6, 6))
    small, small_mask = shrink(image, mask, size=16)
    assert small.shape == (16, 12, 3) and small_mask.sum() == 1 and small_mask[1, 1]
    assert np.array_equal(small, np.rint(image.reshape(16, 4, 12, 4, 3).mean(axis=(1, 3))))


@pytest.mark.parametrize("size", [(300, 200), (301, 199), (40, 31)], ids=str)
def test_a_part_is_enlarged_as_the_whole_is(size):
    image = random_rgb(32, 21)
    whole = np.rint(np.clip(ops.image.resize(image, size, method="bicubic").numpy(), 0, 255)).astype(int)
    for box in (Box(0, 0, *size), Box(3, 5, 39, 30), Box(size[0] - 1, size[1] - 1, *size)):
        part = enlarge(image, box, height=size[0], width=size[1]).astype(int)
        assert np.abs(part - whole[box.slices]).max() <= 1


# Repairs a photo of 24 megapixels from file to file in a process of its own, and says the largest memory that it took.
_LARGE_PHOTO = """
import sys
from pathlib import Path
from tests.constant_system import ConstantSystem
from tf_inpaint import peak_memory
from tf_inpaint.serving import Inpainter
from tf_inpaint.serving.batch import Job, repair_files

outcome = repair_files(Inpainter(ConstantSystem.tiny(), strategy=sys.argv[1]), [Job(*map(Path, sys.argv[2:5]))], show_progress=False)
assert outcome.num_done == 1, outcome
print(peak_memory.peak_bytes())
"""


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["crop", "resize"])
def test_a_photo_of_24_megapixels_with_holes_at_its_corners_takes_less_than_2_gigabytes(tmp_path, strategy):
    if peak_memory.peak_bytes() is None:
        pytest.skip("this system does not say how much memory a process has taken")
    mask = hole(4000, 6000, (0, 0, 200, 200), (3900, 5900, 4000, 6000))
    names = [tmp_path / name for name in ("photo.bmp", "mask.png", "result.bmp")]
    save(names[0], np.zeros((4000, 6000, 3), np.uint8))
    save(names[1], mask)
    command = [sys.executable, "-W", "ignore", "-c", _LARGE_PHOTO, strategy, *names]
    ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) < 2e9
