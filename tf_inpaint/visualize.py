"""Pictures, masks and edge maps as figures, for notebooks. The only module that needs matplotlib: `pip install tf_inpaint[notebooks]`."""

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
