"""Thick segments, against the distance of each pixel from the segment in NumPy's float64."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.masks import capsules, packed_rows


def draw(vertices, radius, height: int, width: int) -> np.ndarray:
    """Masks `[N, segments, H, W]`, bool, of the polylines `[N, V, 2]`."""
    words = capsules.draw(tf.constant(vertices, tf.float32), tf.constant(radius, tf.float32), height=height, width=width)
    flat = tf.reshape(words, [-1, *words.shape[2:]])
    return packed_rows.unpack(flat, height=height, width=width).numpy().reshape(*words.shape[:2], height, width) > 0.5


def distances(start, end, height: int, width: int) -> np.ndarray:
    """`[H, W]` float64: distance of each pixel's centre from the segment."""
    start, way = np.asarray(start, np.float64), np.subtract(end, start, dtype=np.float64)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    along = ((x - start[0]) * way[0] + (y - start[1]) * way[1]) / max(way @ way, 1e-300)
    along = np.clip(along, 0, 1)
    return np.hypot(x - start[0] - along * way[0], y - start[1] - along * way[1])


def assert_near_pixels_are_drawn(vertices, radius, height, width):
    drawn = draw(vertices, radius, height, width)
    for polyline, size, masks in zip(vertices, radius, drawn, strict=True):
        for start, end, mask in zip(polyline[:-1], polyline[1:], masks, strict=True):
            away = distances(start, end, height, width)
            decided = np.abs(away - size) > 1e-3  # on the rim float32 may decide either way
            assert decided.mean() > 0.97
            np.testing.assert_array_equal(mask[decided], (away <= size)[decided], err_msg=f"{start} {end} {size}")


@pytest.mark.parametrize(("height", "width"), [(256, 256), (40, 90), (130, 33)])
def test_random_segments_hold_the_pixels_near_them(height, width):
    random = np.random.default_rng(height)
    vertices = random.integers(-5, [width + 5, height + 5], [20, 6, 2])
    assert_near_pixels_are_drawn(vertices, random.uniform(0.5, 25, 20), height, width)


def test_segments_between_fractions_of_pixels_hold_the_pixels_near_them():
    random = np.random.default_rng(0)
    assert_near_pixels_are_drawn(random.uniform(0, 64, [40, 3, 2]), random.uniform(0.3, 12, 40), 64, 64)


@pytest.mark.parametrize("way", [(20, 0), (-20, 0), (0, 20), (0, -20), (1, 0), (0, 1), (20, 20), (20, -20), (40, 1), (1, 40), (0, 0)])
@pytest.mark.parametrize("radius", [0.55, 3.05, 9.55])
def test_segments_along_the_axes_and_points_hold_the_pixels_near_them(way, radius):
    assert_near_pixels_are_drawn([[(30, 30), (30 + way[0], 30 + way[1])]], [radius], 64, 80)


def test_a_negative_radius_draws_nothing():
    assert not draw([[(3, 3), (20, 9)], [(5, 5), (5, 5)]], [-1.0, -0.1], 32, 32).any()


def test_a_segment_outside_draws_nothing_and_a_huge_brush_draws_everything():
    assert not draw([[(-40, 10), (-20, 90)]], [10.0], 32, 48).any()
    assert draw([[(3, 3), (20, 9)]], [200.0], 32, 48).all()
