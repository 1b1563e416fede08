"""Square masks: where the squares lie and how large they are."""

import numpy as np
import pytest

from tf_inpaint import masks
from tf_inpaint.errors import ConfigError


@pytest.mark.parametrize(("height", "width", "rows", "columns"), [
    (32, 32, (8, 24), (8, 24)), (32, 64, (8, 24), (24, 40)), (9, 16, (2, 6), (6, 10)),
])  # fmt: skip
def test_the_centre_square_is_half_the_shorter_side_in_the_middle(height, width, rows, columns):
    expected = np.zeros([height, width])
    expected[slice(*rows), slice(*columns)] = 1
    mask = masks.center_square([1, 2], batch_size=3, height=height, width=width).numpy()
    np.testing.assert_array_equal(mask, np.broadcast_to(expected[..., None], mask.shape))


@pytest.mark.parametrize(("height", "width"), [(32, 32), (20, 50)])
def test_a_random_square_is_whole_and_reaches_every_place(height, width):
    mask = masks.random_square([1, 2], batch_size=2000, height=height, width=width, side=0.25).numpy()[..., 0]
    side = round(0.25 * min(height, width))
    rows, columns = mask.any(2), mask.any(1)
    for lines, size in ((rows, height), (columns, width)):
        assert np.all(lines.sum(1) == side)
        first = lines.argmax(1)
        assert set(first) == set(range(size - side + 1))
        assert np.all(np.diff(np.where(lines)[1].reshape(-1, side)) == 1)
    assert np.all(mask.sum((1, 2)) == side * side)


def test_a_square_of_the_full_side_covers_everything():
    assert masks.random_square([1, 2], batch_size=3, height=16, width=16, side=1.0).numpy().all()


def test_ten_squares_cover_at_most_their_area_and_mostly_nearly_so():
    mask = masks.ten_squares([1, 2], batch_size=500, height=64, width=64).numpy()
    pixels = mask.sum((1, 2, 3))
    assert pixels.max() <= 10 * 8 * 8 and pixels.min() >= 8 * 8
    assert 0.85 < pixels.mean() / 640 < 0.97  # overlaps of ten squares of 1.6 % each


@pytest.mark.parametrize("side", [0.0, -0.5, 1.5])
@pytest.mark.parametrize("name", ["center_square", "random_square", "ten_squares"])
def test_a_side_that_is_no_part_is_refused(name, side):
    with pytest.raises(ConfigError, match="side"):
        masks.MASKS[name](side=side)


def test_no_squares_at_all_are_refused():
    with pytest.raises(ConfigError, match="number"):
        masks.RandomSquare(number=0)


def test_the_fixed_squares_are_ten_small_ones_that_stay():
    """The numbers once more, so that an edit of the file cannot pass unseen."""
    each = np.concatenate([masks.fixed_squares([0, 0], batch_size=1, height=256, width=256, index=index).numpy() for index in range(10)])
    boxes = [(mask.any((1, 2)).argmax(), mask.any((0, 2)).argmax(), round(np.sqrt(mask.sum()))) for mask in each]
    assert boxes == [
        (107, 85, 89),
        (60, 8, 61),
        (3, 36, 51),
        (110, 155, 87),
        (112, 179, 72),
        (110, 94, 83),
        (170, 50, 75),
        (114, 0, 87),
        (162, 105, 67),
        (159, 151, 49),
    ]
    for mask, (top, left, side) in zip(each, boxes, strict=True):
        assert 48 <= side <= 96 and mask.sum() == side * side == mask[top : top + side, left : left + side].sum()


def test_the_seed_chooses_among_the_fixed_squares_with_equal_chance():
    chosen = masks.fixed_squares([1, 2], batch_size=2000, height=64, width=64).numpy().reshape(2000, -1)
    _, counts = np.unique(chosen, axis=0, return_counts=True)
    assert len(counts) == 10 and counts.min() > 140 and counts.max() < 260


@pytest.mark.parametrize(("height", "width"), [(128, 128), (37, 90), (3, 3)])
def test_fixed_squares_are_scaled_and_stay_inside(height, width):
    for index in range(10):
        large = masks.fixed_squares([0, 0], batch_size=1, height=256, width=256, index=index).numpy()
        mask = masks.fixed_squares([0, 0], batch_size=1, height=height, width=width, index=index).numpy()[0, ..., 0]
        side = max(1, round(np.sqrt(large.sum()) * min(height, width) / 256))
        assert abs(np.sqrt(mask.sum()) - side) <= 1 and mask.sum() == mask.any(0).sum() * mask.any(1).sum()


@pytest.mark.parametrize("index", [-1, 10])
def test_a_fixed_square_that_is_not_there_is_refused(index):
    with pytest.raises(ConfigError, match="index"):
        masks.FixedSquares(index=index)
