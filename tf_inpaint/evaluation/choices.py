"""How pictures and masks are chosen: in an order that the seed and their names give, as `protocol` explains."""

import collections
import dataclasses
import functools
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_inpaint import masks as mask_generators
from tf_inpaint import pictures
from tf_inpaint.data.sources import Source
from tf_inpaint.errors import PictureError
from tf_inpaint.files import sha256
from tf_inpaint.ops import image as image_ops

# At this size the masks of a folder are sorted into bins first; each is measured again at the size of its picture.
_INDEX_SIZE = 256
# Nearest resizing moves a mask's hole share by less than this between two sizes; what is further from a bin is not tried.
_SHARE_SLACK = 0.05
_MASKS_AT_ONCE = 16


@dataclasses.dataclass(frozen=True, eq=False)
class ChosenPicture:
    """A picture that can be read.

    Attributes:
        name: path of its file, or its name in the source.
        read: returns its pixels, uint8 `[H, W, 3]`.
        sha256: of the file's bytes.
        height: in pixels, as `read` returns it.
        width: same.
    """

    name: str
    read: Callable[[], np.ndarray]
    sha256: str
    height: int
    width: int


def choose_pictures(
    source: Source, *, limit: int | None, image_size: int | None, seed: int, max_pixels: int
) -> tuple[list[ChosenPicture], list[tuple[str, str]]]:
    """Takes pictures in the seed's order until there are `limit` that can be read.

    Args:
        source: where they come from.
        limit: see `make_protocol`, as the other arguments.
        image_size: same.
        seed: same.
        max_pixels: same.

    Returns:
        The pictures, and name and reason of each broken one on the way.
    """
    waiting = collections.deque(_shuffled([name for name, _ in source.items()], seed, "picture"))
    wanted = len(waiting) if limit is None else min(limit, len(waiting))
    chosen, broken = [], []
    while len(chosen) < wanted and waiting:
        names = [waiting.popleft() for _ in range(min(wanted - len(chosen), len(waiting)))]
        # The source is gone through again instead of being kept: a TensorFlow data set would be in memory as a whole.
        wanted_names = set(names)
        readable = {name: item for name, item in source.items() if name in wanted_names}
        for name in names:
            stored = readable[name]
            read = functools.partial(_read, stored, image_size, max_pixels=max_pixels, name=name)
            try:
                height, width = read().shape[:2]
            except PictureError as error:
                broken.append((name, str(error)))
                continue
            is_file = isinstance(stored, Path)
            digest = sha256(stored) if is_file else hashlib.sha256(stored.getvalue()).hexdigest()
            chosen.append(ChosenPicture(pictures.printable(stored) if is_file else name, read, digest, height, width))
    return chosen, broken


def _shuffled(names: Sequence[str], seed: int, purpose: str) -> list[str]:
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{purpose}/{name}".encode()).digest())


def _read(stored: Path | io.BytesIO, image_size: int | None, *, max_pixels: int, name: str) -> np.ndarray:
    """Reads a picture as it is evaluated, uint8 `[H, W, 3]`."""
    rgb = pictures.read_rgb(stored, max_pixels=max_pixels, name=name)
    height, width = rgb.shape[:2]
    if image_size is None or (height, width) == (image_size, image_size):
        return rgb
    scale = image_size / min(height, width)
    size = (max(image_size, round(height * scale)), max(image_size, round(width * scale)))
    top, left = (size[0] - image_size) // 2, (size[1] - image_size) // 2
    with tf.device("CPU"):
        resized = image_ops.resize(tf.constant(rgb), size)[top : top + image_size, left : left + image_size]
        return tf.cast(tf.clip_by_value(tf.round(resized), 0.0, 255.0), tf.uint8).numpy()


class DrawnMasks:
    """Masks from a generator, one seed for each item: (the protocol's seed, the item's number)."""

    def __init__(self, generator: mask_generators.MaskGenerator, *, seed: int):
        self._generator = generator
        self._seed = seed

    def __call__(self, sizes, limits, *, first: int) -> Iterator[tuple[tuple[int, int], str, np.ndarray]]:
        generator = self._generator if limits is None else mask_generators.FreeForm(ratio=limits)
        numbers = range(first, first + len(sizes))
        drawn = {}
        # A mask depends on its own seed alone: those of one size are drawn some at a time, which is faster.
        for size in dict.fromkeys(sizes):
            same = [number for number, other in zip(numbers, sizes, strict=True) if other == size]
            for start in range(0, len(same), _MASKS_AT_ONCE):
                batch = same[start : start + _MASKS_AT_ONCE]
                seeds = tf.constant([(self._seed, number) for number in batch], tf.int64)
                with tf.device("CPU"):
                    holes = generator.per_example(seeds, height=size[0], width=size[1])[..., 0].numpy() > 0.5
                drawn.update(zip(batch, holes, strict=True))
        for number in numbers:
            pixels = drawn[number].astype(np.uint8) * 255
            yield (self._seed, number), hashlib.sha256(pixels.tobytes()).hexdigest(), drawn[number]


class FileMasks:
    """Mask files as they are, resized to the nearest pixel; ends early where there is none for a picture."""

    def __init__(self, generator: mask_generators.IrregularFiles, *, seed: int):
        self._folder = Path(generator.path)
        bank = generator.bank(height=_INDEX_SIZE, width=_INDEX_SIZE)
        self._shares = dict(zip(bank.names, bank.shares, strict=True))
        self._order = _shuffled(bank.names, seed, "mask")
        self._ratio = generator.ratio

    def __call__(self, sizes, limits, *, first: int) -> Iterator[tuple[str, str, np.ndarray]]:
        low, high = limits or self._ratio
        candidates = [name for name in self._order if low - _SHARE_SLACK <= self._shares[name] < high + _SHARE_SLACK]
        position = 0
        for size in sizes:
            for _ in range(len(candidates)):
                path = self._folder / candidates[position % len(candidates)]
                position += 1
                hole = _nearest(pictures.read_mask(path), *size) > pictures.MASK_THRESHOLD
                if hole.any() and low <= np.count_nonzero(hole) / hole.size < high:
                    yield pictures.printable(path), sha256(path), hole
                    break
            else:
                return


def _nearest(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    with tf.device("CPU"):
        return image_ops.resize(tf.constant(mask[..., np.newaxis]), (height, width), method="nearest")[..., 0].numpy()
