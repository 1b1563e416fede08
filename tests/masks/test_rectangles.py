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
