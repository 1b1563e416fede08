"""What is evaluated: a fixed list of pictures and masks, chosen by a seed, with the hash of each.

The choice is a function of the seed, the names of the files and the bytes in them, not of the order in which a folder lists them or
of a random generator that may change: names are sorted by a hash of seed and name. A picture that comes or goes changes no other.
"""

import collections
import dataclasses
import functools
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_inpaint import masks as mask_generators
from tf_inpaint import pictures
from tf_inpaint.data.sources import Source, open_source
from tf_inpaint.errors import ConfigError, DataError, MaskError, PictureError
from tf_inpaint.files import sha256
from tf_inpaint.ops import image as image_ops

BINS = ((0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5))
"""Hole shares [low, high) that are reported by default: those of the three-stage paper's table 4."""

# At this size the masks of a folder are sorted into bins first; each is measured again at the size of its picture.
_INDEX_SIZE = 256
# Nearest resizing moves a mask's hole share by less than this between two sizes; what is further from a bin is not tried.
_SHARE_SLACK = 0.05
_MASKS_AT_ONCE = 16


@dataclasses.dataclass(frozen=True)
class Item:
    """One picture with one mask.

    Attributes:
        image: path of the picture file, or its name in the source.
        image_sha256: of the file's bytes.
        mask: path of the mask file, or the two numbers of the seed it was drawn from.
        mask_sha256: of the mask file's bytes; of a drawn mask, of its pixels, one byte each, 255 in the hole, row by row.
        bin: (low, high) of the bin for which the mask was chosen, `None` if masks were not chosen by share.
        hole_share: the mask's share of hole pixels, measured at the size of the picture.
        height: of the picture as it is evaluated, in pixels.
        width: same.
    """

    image: str
    image_sha256: str
    mask: str | tuple[int, int]
    mask_sha256: str
    bin: tuple[float, float] | None
    hole_share: float
    height: int
    width: int


@dataclasses.dataclass(frozen=True, eq=False)
class Protocol:
    """The list of items, and what is needed to make it again. Made by `make_protocol`.

    Attributes:
        data: the source's text.
        masks: the masks' text.
        bins: (low, high) of each reported bin.
        image_size: see `make_protocol`.
        limit: see `make_protocol`.
        seed: see `make_protocol`.
        num_pictures: number of pictures in the source, broken ones included.
        broken: name and reason of each picture that was chosen and could not be read; another one took its place.
        bins_without_masks: bins for which the folder of masks has none at the size of the pictures; they have no items.
        items: the pictures and masks, bin after bin.
    """

    data: str
    masks: str
    bins: tuple[tuple[float, float], ...]
    image_size: int | None
    limit: int | None
    seed: int
    num_pictures: int
    broken: tuple[tuple[str, str], ...]
    bins_without_masks: tuple[tuple[float, float], ...]
    items: tuple[Item, ...]
    _readers: Mapping[str, Callable[[], np.ndarray]] = dataclasses.field(repr=False)  # image -> its pixels
    _holes: Sequence[np.ndarray] = dataclasses.field(repr=False)  # packed bits of each item's mask

    def load(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Reads the pixels of an item.

        Args:
            index: position in `items`.

        Returns:
            The picture, uint8 `[H, W, 3]`, and the mask, uint8 `[H, W]`, 255 in the hole.
        """
        item = self.items[index]
        hole = np.unpackbits(self._holes[index], count=item.height * item.width).reshape(item.height, item.width)
        return self._readers[item.image](), hole * np.uint8(255)

    def indices_in(self, low: float, high: float) -> list[int]:
        """Positions of the items that a bin's row counts: by measured share.

        Args:
            low: least hole share, included.
            high: greatest, excluded.

        Returns:
            Positions in `items`, in order.
        """
        return [index for index, item in enumerate(self.items) if low <= item.hole_share < high]

    def to_dict(self) -> dict:
        """Returns the protocol as JSON values, with a hash over the items."""
        items = json.loads(json.dumps([dataclasses.asdict(item) for item in self.items]))  # tuples become lists
        return {
            "data": self.data,
            "masks": self.masks,
            "bins": [list(limits) for limits in self.bins],
            "image_size": self.image_size,
            "limit": self.limit,
            "seed": self.seed,
            "num_pictures": self.num_pictures,
            "broken": [list(entry) for entry in self.broken],
            "bins_without_masks": [list(limits) for limits in self.bins_without_masks],
            "items_sha256": hashlib.sha256(json.dumps(items, sort_keys=True).encode()).hexdigest(),
            "items": items,
        }


def make_protocol(
    data: str | Source,
    masks: str | mask_generators.MaskGenerator,
    *,
    limit: int | None = None,
    image_size: int | None = None,
    bins: Sequence[tuple[float, float]] = BINS,
    seed: int = 0,
    max_pixels: int = pictures.MAX_PIXELS,
) -> Protocol:
    """Chooses pictures and masks.

    Each bin gets the same pictures, each with a mask of its own whose hole share at the size of the picture lies in the bin:
    from the files of `irregular:PATH` as they are (neither flipped nor turned; a folder with fewer masks than pictures is gone
    through again), or drawn by `free_form` with that ratio. Other masks, and those with a ratio of their own, have the share
    they have: each picture gets one, and counts in the bin in which it falls.

    Args:
        data: text such as "folder:photos", or an opened source.
        masks: text for `tf_inpaint.masks.parse`, or a generator. Of a set of irregular masks of which the even files trained a
            system, "irregular:PATH?files=odd" are those to report on.
        limit: pictures in each bin; `None`, and a number above theirs, takes all.
        image_size: `None` evaluates pictures at their own size; a number makes them squares of that many pixels: the shorter side
            is resized to it, the middle is cut out.
        bins: (low, high) hole shares, high excluded.
        seed: chooses pictures and masks, 0 to 2**31 - 1.
        max_pixels: pictures with more pixels count as broken.

    Returns:
        The protocol.

    Raises:
        ConfigError: if an argument is out of its range or unknown.
        DataError: if the source is missing or none of the chosen pictures can be read.
        MaskError: if the masks cannot be read, or there is none for any bin.
    """
    bins = _check_arguments(limit, image_size, bins, seed)
    generator = mask_generators.parse(masks)
    source = open_source(data) if isinstance(data, str) else data
    chosen, broken = _choose_pictures(source, limit=limit, image_size=image_size, seed=seed, max_pixels=max_pixels)
    if not chosen:
        raise DataError(f"{source.name}: none of its {len(source)} pictures can be read. The first: {broken[0][1]}")
    if isinstance(generator, mask_generators.IrregularFiles):
        choose_masks = _FileMasks(generator, seed=seed)
    else:
        choose_masks = _DrawnMasks(generator, seed=seed)
    sizes = [(picture.height, picture.width) for picture in chosen]
    items, holes, bins_without_masks = [], [], []
    for limits in bins if getattr(generator, "ratio", ()) is None else (None,):
        chosen_masks = list(choose_masks(sizes, limits, first=len(items)))
        if len(chosen_masks) < len(chosen):
            bins_without_masks.append(limits)
            continue
        for picture, (mask, digest, hole) in zip(chosen, chosen_masks, strict=True):
            share = np.count_nonzero(hole) / hole.size
            items.append(Item(picture.name, picture.sha256, mask, digest, limits, share, picture.height, picture.width))
            holes.append(np.packbits(hole))
    text = masks if isinstance(masks, str) else type(generator).__name__
    if not items:
        raise MaskError(f"{text}: none of its masks has a hole share in {bins_without_masks} at the size of the pictures.")
    return Protocol(
        data=source.name,
        masks=text,
        bins=bins,
        image_size=image_size,
        limit=limit,
        seed=seed,
        num_pictures=len(source),
        broken=tuple(broken),
        bins_without_masks=tuple(bins_without_masks),
        items=tuple(items),
        _readers={picture.name: picture.read for picture in chosen},
        _holes=holes,
    )


@dataclasses.dataclass(frozen=True, eq=False)
class _ChosenPicture:
    name: str
    read: Callable[[], np.ndarray]
    sha256: str
    height: int
    width: int


def _check_arguments(limit, image_size, bins, seed) -> tuple[tuple[float, float], ...]:
    if limit is not None and limit < 1:
        raise ConfigError(f"`limit` must be at least 1, or None for all pictures. Received: limit={limit}.")
    if image_size is not None and image_size < 1:
        raise ConfigError(f"`image_size` must be at least 1, or None. Received: image_size={image_size}.")
    if not 0 <= seed < 2**31:
        raise ConfigError(f"`seed` must be in 0 to 2**31 - 1. Received: seed={seed}.")
    bins = tuple((float(low), float(high)) for low, high in bins)
    if not bins or any(not 0 <= low < high <= 1 for low, high in bins):
        raise ConfigError(f"`bins` must be pairs (low, high) with 0 <= low < high <= 1. Received: bins={bins}.")
    return bins


def _choose_pictures(
    source: Source, *, limit: int | None, image_size: int | None, seed: int, max_pixels: int
) -> tuple[list[_ChosenPicture], list[tuple[str, str]]]:
    """Takes pictures in the seed's order until there are `limit` that can be read; the broken ones on the way are named."""
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
            chosen.append(_ChosenPicture(pictures.printable(stored) if is_file else name, read, digest, height, width))
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


class _DrawnMasks:
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


class _FileMasks:
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
