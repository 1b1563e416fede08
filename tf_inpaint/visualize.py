"""Pictures, masks, edge maps and searches as figures. The only module that needs matplotlib: `pip install tf_inpaint[notebooks]`."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tf_inpaint import ops


def show_grid(
    pictures: Sequence | tf.Tensor | np.ndarray,
    *,
    columns: int,
    titles: Sequence[str] = (),
    size: float = 2.0,
):
    """Lays pictures out in rows.

    Args:
        pictures: a batch, or a sequence, of pictures `[H, W, 3]`, `[H, W, 1]` or `[H, W]`: uint8, bool, or floats, which mean
            [-1, 1] with three channels (the library's images) and [0, 1] with one (masks, edge maps, grey). Sizes may differ.
        columns: number of pictures in a row.
        titles: of the first pictures; may be fewer than pictures, such as one for each column.
        size: width and height of a cell in inches.

    Returns:
        A `matplotlib.figure.Figure`. As the last line of a notebook's cell it is shown; elsewhere call `savefig`.

    Raises:
        ValueError: if there is no picture, or one has another shape or type.
    """
    import matplotlib.pyplot as plt

    if len(pictures) == 0:
        raise ValueError("`pictures` must hold at least one picture. Received: none.")
    rows = -(-len(pictures) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(columns * size, rows * size), squeeze=False, layout="constrained")
    for cell in axes.flat:
        cell.set_axis_off()
    for cell, picture in zip(axes.flat, pictures, strict=False):
        # Pixels as they are: an interpolated mask would seem to have grey levels.
        cell.imshow(_displayable(picture), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    for cell, title in zip(axes.flat, titles, strict=False):
        cell.set_title(title, fontsize=9)
    # An open figure would be shown a second time at the end of the cell.
    plt.close(figure)
    return figure


def comparison(images: Sequence, masks: Sequence, results: Sequence, *, size: float = 2.0):
    """Shows what a system did: a row for each picture, with the truth, the truth with its hole in white, and the result.

    Args:
        images: B pictures `[H, W, 3]`, as `show_grid` takes them.
        masks: B masks `[H, W, 1]` or `[H, W]`, the hole 1, 255 or `True`.
        results: B pictures `[H, W, 3]`.
        size: width and height of a cell in inches.

    Returns:
        A `matplotlib.figure.Figure`, as of `show_grid`.

    Raises:
        ValueError: if the three differ in number, or a picture has another shape or type.
    """
    cells = []
    for image, mask, result in zip(images, masks, results, strict=True):
        image, hole = _displayable(image), _displayable(mask)[..., np.newaxis] > ops.image.MASK_THRESHOLD
        cells += [image, np.where(hole, np.uint8(255), image), result]
    return show_grid(cells, columns=3, titles=("picture", "hole", "repaired"), size=size)


def search_results(
    settings: Sequence[dict[str, float]],
    scores: Sequence[float],
    *,
    numbers: Sequence[int],
    shares: Sequence[float],
    best: int,
    objective: str,
):
    """Plots a search of loss weights: the score over the trials, and over each weight.

    Args:
        settings: for each trial, name -> value above 0; the same names in all.
        scores: of the trials.
        numbers: of the trials; number 1, where the search started, is marked.
        shares: of the full training that each trial had, in (0, 1]; the less, the paler.
        best: index of the best trial, which is marked.
        objective: name of the score.

    Returns:
        A `matplotlib.figure.Figure`, as of `show_grid`.

    Raises:
        ValueError: if there is no trial.
    """
    import matplotlib.pyplot as plt
    from matplotlib import ticker

    if len(scores) == 0:
        raise ValueError("`scores` must hold at least one trial. Received: none.")
    names = list(settings[0])
    panels = {"trial": list(numbers), **{name: [values[name] for values in settings] for name in names}}
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.4 * columns, 2.8 * rows), squeeze=False, sharey=True, layout="constrained")
    start = list(numbers).index(1) if 1 in numbers else None
    for cell, (name, values) in zip(axes.flat, panels.items(), strict=False):
        cell.scatter(values, scores, s=22, color="tab:blue", alpha=[0.2 + 0.8 * share for share in shares], linewidths=0)
        if start is not None:
            cell.scatter(values[start], scores[start], s=80, marker="D", facecolors="none", edgecolors="black", label="start")
        cell.scatter(values[best], scores[best], s=150, marker="o", facecolors="none", edgecolors="tab:red", linewidths=1.6, label="best")
        cell.set_xlabel(name)
        cell.grid(alpha=0.3)
        if name == "trial":
            cell.xaxis.set_major_locator(ticker.MaxNLocator(6, integer=True))
        elif max(values) > 3 * min(values):
            cell.set_xscale("log")
            cell.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 3)))
            cell.xaxis.set_major_formatter("{x:g}")
            cell.xaxis.set_minor_formatter(ticker.NullFormatter())
    for cell in axes[:, 0]:
        cell.set_ylabel(objective)
        cell.yaxis.get_major_formatter().set_useOffset(False)
    for cell in axes.flat[len(panels) :]:
        cell.set_axis_off()
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False)
    plt.close(figure)
    return figure


def grouped_bars(panels: Sequence[tuple[str, dict[str, Sequence[float | None]], tuple[float, float]]], *, groups: Sequence[str]):
    """Draws numbers of several methods as bars, in groups, a panel for each number.

    Args:
        panels: title; name of a method -> its value in each group, `None` where it has none; and where the bars begin and end.
        groups: names of the groups.

    Returns:
        A `matplotlib.figure.Figure`, as of `show_grid`. A title says where bars begin if that is not zero.

    Raises:
        ValueError: if there is no panel.
    """
    import matplotlib.pyplot as plt

    if not panels:
        raise ValueError("`panels` must hold at least one number to draw. Received: none.")
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    methods = list(dict.fromkeys(name for _, series, _ in panels for name in series))
    width = 0.8 / len(methods)
    colours = plt.get_cmap("tab10" if len(methods) <= 10 else "tab20")
    figure, axes = plt.subplots(rows, columns, figsize=(5.5 * columns, 3 * rows + 0.5), squeeze=False, layout="constrained")
    for cell in axes.flat[len(panels) :]:
        cell.set_axis_off()
    for cell, (title, series, (low, high)) in zip(axes.flat, panels, strict=False):
        for number, name in enumerate(methods):
            values = [float("nan") if value is None else value for value in series.get(name, [None] * len(groups))]
            places = [group + (number - (len(methods) - 1) / 2) * width for group in range(len(groups))]
            cell.bar(places, [value - low for value in values], width, bottom=low, color=colours(number % colours.N))
        cell.set_ylim(low, high + 0.05 * (high - low))
        cell.set_xlim(-0.5, len(groups) - 0.5)
        cell.set_xticks(range(len(groups)), groups)
        cell.set_title(f"{title}; begins at {low:g}" if low else title, fontsize=10)
        cell.spines[["top", "right"]].set_visible(False)
        cell.yaxis.grid(True, linewidth=0.5, alpha=0.5)
        cell.set_axisbelow(True)
    handles = [plt.Rectangle((0, 0), 1, 1, color=colours(number % colours.N)) for number in range(len(methods))]
    # A dollar sign would begin a formula.
    labels = [name.replace("$", r"\$") for name in methods]
    figure.legend(handles, labels, loc="outside lower center", ncols=min(4, len(methods)), frameon=False, fontsize=9)
    plt.close(figure)
    return figure


def _displayable(picture) -> np.ndarray:
    """uint8 `[H, W, 3]`, or `[H, W]` where there is one channel."""
    picture = np.asarray(picture)
    if picture.ndim == 3 and picture.shape[-1] == 1:
        picture = picture[..., 0]
    if picture.ndim != 2 and not (picture.ndim == 3 and picture.shape[-1] == 3):
        raise ValueError(f"A picture must be [H, W], [H, W, 1] or [H, W, 3]. Received: shape={picture.shape}.")
    if picture.dtype == np.uint8:
        return picture
    if picture.dtype == bool:
        return np.where(picture, np.uint8(255), np.uint8(0))
    if picture.dtype.kind != "f":
        raise ValueError(f"A picture must be uint8, bool or floating point. Received: dtype={picture.dtype}.")
    image = picture if picture.ndim == 3 else ops.image.from_unit(picture)
    return ops.image.to_uint8(image).numpy()
