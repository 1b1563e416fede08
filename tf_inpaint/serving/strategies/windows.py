"""Windows: parts of a picture that go through the networks, made smaller where they are larger than the networks' size."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from tf_inpaint import ops
from tf_inpaint.serving.strategies.boxes import Box

# So many pixels at most go through the networks at once: 8 windows of 128 px.
_BATCH_PIXELS = 8 * 128 * 128
# Rows that are enlarged at once: it is done in float32, which of a whole large picture would be too much.
_BAND_ROWS = 256


def in_batches(windows: Iterable[tuple[np.ndarray, np.ndarray]], repair: Callable) -> Iterator[np.ndarray]:
    """Sends windows through the networks, several of the same size at once.

    Args:
        windows: uint8 `[h, w, 3]` and bool `[h, w]` each; taken one after another, no more of them are kept than go through at once.
        repair: see `tf_inpaint.serving.strategies`.

    Yields:
        The repaired windows, in the same order.
    """
    batch = []
    for image, mask in windows:
        if batch and (mask.shape != batch[0][1].shape or (len(batch) + 1) * mask.size > _BATCH_PIXELS):
            yield from _repair(batch, repair)
            batch = []
        batch.append((image, mask))
    if batch:
        yield from _repair(batch, repair)


def _repair(batch, repair):
    images, masks = zip(*batch, strict=True)
    return repair(np.stack(images), np.stack(masks))


def shrink(image: np.ndarray, mask: np.ndarray, *, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Makes a window as small as the networks' pictures, if it is larger. Its shape stays but for rounding.

    Each small pixel is the mean of what it covers. It belongs to the hole if any of that does: nothing from inside the hole gets out.

    Args:
        image: uint8 `[h, w, 3]`.
        mask: bool `[h, w]`.
        size: longest side of the result.

    Returns:
        uint8 `[h', w', 3]` and bool `[h', w']`; the same arrays if they are small enough.
    """
    if max(mask.shape) <= size:
        return image, mask
    small = ops.image.resize(image, _shrunken_size(mask.shape, size), method="area").numpy()
    return np.rint(small).astype(np.uint8), shrink_mask(mask, size=size)


def shrink_mask(mask: np.ndarray, *, size: int) -> np.ndarray:
    """Makes the mask of a window small, as `shrink` does.

    Args:
        mask: bool `[h, w]`.
        size: longest side of the result.

    Returns:
        bool `[h', w']`; the same array if it is small enough.
    """
    if max(mask.shape) <= size:
        return mask
    share = ops.image.resize(mask[..., np.newaxis].view(np.uint8), _shrunken_size(mask.shape, size), method="area")
    return share.numpy()[..., 0] > 0


def _shrunken_size(shape: tuple[int, int], size: int) -> tuple[int, int]:
    return tuple(max(1, round(side * size / max(shape))) for side in shape)


def enlarge(image: np.ndarray, box: Box, *, height: int, width: int) -> np.ndarray:
    """Makes a repaired window as large as it was.

    Args:
        image: uint8 `[h', w', 3]`.
        box: the part of the large window that is wanted.
        height: of the large window.
        width: of the large window.

    Returns:
        uint8 `[box.height, box.width, 3]`, interpolated bicubically.
    """
    if image.shape[:2] == (height, width):
        return image[box.slices]
    large = np.empty((box.height, box.width, 3), np.uint8)
    for top in range(box.top, box.bottom, _BAND_ROWS):
        bottom = min(top + _BAND_ROWS, box.bottom)
        levels = ops.image.resize_part(
            image, (height, width), top=top, left=box.left, part_size=(bottom - top, box.width), method="bicubic"
        ).numpy()
        large[top - box.top : bottom - box.top] = np.rint(np.clip(levels, 0, 255))
    return large
