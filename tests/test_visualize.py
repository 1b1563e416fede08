"""Figures hold the pixels they were given, in the right order and range."""

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import visualize


def shown(figure):
    """What each cell of a figure shows: pixels, or `None`."""
    return [np.asarray(cell.images[0].get_array()) if cell.images else None for cell in figure.axes]


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (np.array([[0, 128, 255]], np.uint8), [[0, 128, 255]]),
        (np.array([[[0], [7]]], np.uint8), [[0, 7]]),
        (np.array([[True, False]]), [[255, 0]]),
        (tf.constant([[[0.0], [1.0], [0.5]]]), [[0, 255, 128]]),
        (np.array([[0.2]]), [[51]]),
        (tf.constant([[[-1.0, 0.2, 1.0]]]), [[[0, 153, 255]]]),
        (tf.constant([[[-3.0, 3.0, float("nan")]]]), [[[0, 255, 0]]]),
    ],
)
def test_every_kind_of_picture_is_shown_in_its_range(picture, expected):
    (pixels,) = shown(visualize.show_grid([picture], columns=1))
    np.testing.assert_array_equal(pixels, expected)


def test_a_grid_is_filled_row_by_row_and_its_other_cells_stay_empty():
    pictures = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 3), np.uint8)
    figure = visualize.show_grid(pictures, columns=3, titles=("a", "b"), size=1.5)
    assert [None if pixels is None else pixels[0, 0] for pixels in shown(figure)] == [0, 1, 2, 3, None, None]
    assert [cell.get_title() for cell in figure.axes] == ["a", "b", "", "", "", ""]
    assert [cell.get_subplotspec().rowspan.start for cell in figure.axes] == [0, 0, 0, 1, 1, 1]
    assert tuple(figure.get_size_inches()) == (4.5, 3.0)


def test_a_comparison_has_a_row_for_each_picture():
    images = np.stack([np.full((2, 2, 3), level, np.uint8) for level in (10, 20)])
    masks = np.zeros((2, 2, 2, 1), np.float32)
    masks[0, 0, 1] = masks[1, 1, 0] = 1.0
    results = [np.full((2, 2, 3), level, np.uint8) for level in (30, 40)]
    pixels = shown(visualize.comparison(images, masks, results))
    assert [int(picture[0, 0, 0]) for picture in pixels] == [10, 10, 30, 20, 20, 40]
    np.testing.assert_array_equal(pixels[1][..., 0], [[10, 255], [10, 10]])
    np.testing.assert_array_equal(pixels[4][..., 2], [[20, 20], [255, 20]])


@pytest.mark.parametrize("mask", [np.array([[True, False]]), np.array([[255, 0]], np.uint8), np.array([[[1.0], [0.0]]])])
def test_masks_of_every_kind_mark_the_hole(mask):
    image = np.full((1, 2, 3), 7, np.uint8)
    hole = shown(visualize.comparison([image], [mask], [image]))[1]
    np.testing.assert_array_equal(hole[..., 0], [[255, 7]])


@pytest.mark.parametrize("picture", [np.zeros((2, 2, 4), np.uint8), np.zeros(3, np.uint8), np.zeros((2, 2), np.int64)])
def test_what_is_no_picture_is_refused(picture):
    with pytest.raises(ValueError, match="A picture must be"):
        visualize.show_grid([picture], columns=1)


def test_no_pictures_are_refused():
    with pytest.raises(ValueError, match="at least one picture"):
        visualize.show_grid([], columns=2)


def test_figures_are_left_to_the_caller():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    visualize.show_grid([np.zeros((2, 2), np.uint8)], columns=1)
    assert plt.get_fignums() == before


def searched(**changes):
    arguments = {
        "settings": [{"a_weight": 1.0, "b_weight": 5.0}, {"a_weight": 10.0, "b_weight": 6.0}, {"a_weight": 0.1, "b_weight": 4.0}],
        "scores": [20.0, 22.0, 21.0],
        "numbers": [1, 2, 4],
        "shares": [1.0, 1.0, 1 / 3],
        "best": 1,
        "objective": "psnr",
    }
    return visualize.search_results(**{**arguments, **changes})


def points(cell, label):
    """The marks of a panel: those of the trials have no label."""
    return [mark for mark in cell.collections if mark.get_label() == label or (not label and mark.get_label().startswith("_"))][0]


def test_a_search_has_a_panel_of_the_trials_and_one_of_each_weight():
    figure = searched()
    panels = {cell.get_xlabel(): cell for cell in figure.axes}
    assert list(panels) == ["trial", "a_weight", "b_weight"] and panels["trial"].get_ylabel() == "psnr"
    # A weight that changes a lot is drawn in decades.
    assert [cell.get_xscale() for cell in panels.values()] == ["linear", "log", "linear"]
    for name, values in (("trial", [1, 2, 4]), ("a_weight", [1.0, 10.0, 0.1]), ("b_weight", [5.0, 6.0, 4.0])):
        assert points(panels[name], "").get_offsets().tolist() == [[x, y] for x, y in zip(values, [20.0, 22.0, 21.0])]
        assert points(panels[name], "start").get_offsets().tolist() == [[values[0], 20.0]]
        assert points(panels[name], "best").get_offsets().tolist() == [[values[1], 22.0]]
        alpha = points(panels[name], "").get_facecolors()[:, 3]
        assert alpha[0] == alpha[1] == 1 and 0.3 < alpha[2] < 0.6


def test_a_search_without_trials_is_refused():
    with pytest.raises(ValueError, match="`scores` must hold at least one trial"):
        searched(scores=[])


def test_bars_stand_in_groups_from_where_the_axis_begins_to_their_value():
    panels = [("PSNR", {"a": [30.0, 20.0], "b_$x$": [25.0, None]}, (15.0, 30.0)), ("L1", {"a": [0.1, 0.2]}, (0.0, 0.2))]
    figure = visualize.grouped_bars(panels, groups=["10-20 %", "all"])
    psnr, l1 = figure.axes
    tops = [[bar.get_y() + bar.get_height() for bar in bars] for bars in psnr.containers]
    np.testing.assert_array_equal(tops, [[30.0, 20.0], [25.0, np.nan]])
    assert {bar.get_y() for bars in psnr.containers for bar in bars} == {15.0}
    assert psnr.get_title() == "PSNR; begins at 15" and l1.get_title() == "L1"
    assert [label.get_text() for label in psnr.get_xticklabels()] == ["10-20 %", "all"]
    places = [bar.get_x() for bars in psnr.containers for bar in bars]
    assert places[0] < places[2] < 0.5 < places[1] < places[3]  # the methods of a group beside each other
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", r"b_\$x\$"]  # a dollar sign, not a formula


def test_bars_of_nothing_are_refused():
    with pytest.raises(ValueError, match="at least one number"):
        visualize.grouped_bars([], groups=[])
