"""What is evaluated: a fixed list of pictures and masks, chosen by a seed, with the hash of each.

The choice is a function of the seed, the names of the files and the bytes in them, not of the order in which a folder lists them or
of a random generator that may change: names are sorted by a hash of seed and name. A picture that comes or goes changes no other.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tf_inpaint import masks as mask_generators
from tf_inpaint import pictures
from tf_inpaint.data import Source, open_source
from tf_inpaint.errors import ConfigError, DataError, MaskError
from tf_inpaint.evaluation.bins import BINS
from tf_inpaint.evaluation.choices import DrawnMasks, FileMasks, choose_pictures


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
        touches_border: whether a pixel of the hole lies on the border of the picture.
        height: of the picture as it is evaluated, in pixels.
        width: same.
    """

    image: str
    image_sha256: str
    mask: str | tuple[int, int]
    mask_sha256: str
    bin: tuple[float, float] | None
    hole_share: float
    touches_border: bool
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

    def indices_in(self, limits: tuple[float, float] | None, *, touches_border: bool | None = None) -> list[int]:
        """Positions of the items that a row counts: by what was measured of their masks.

        Args:
            limits: (low, high) of the hole share, high excluded; `None` for all.
            touches_border: `None`, or only masks that touch the border, or only those that do not.

        Returns:
            Positions in `items`, in order.
        """
        return [
            index
            for index, item in enumerate(self.items)
            if (limits is None or limits[0] <= item.hole_share < limits[1]) and touches_border in (None, item.touches_border)
        ]

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
    chosen, broken = choose_pictures(source, limit=limit, image_size=image_size, seed=seed, max_pixels=max_pixels)
    if not chosen:
        raise DataError(f"{source.name}: none of its {len(source)} pictures can be read. The first: {broken[0][1]}")
    if isinstance(generator, mask_generators.IrregularFiles):
        choose_masks = FileMasks(generator, seed=seed)
    else:
        choose_masks = DrawnMasks(generator, seed=seed)
    sizes = [(picture.height, picture.width) for picture in chosen]
    items, holes, bins_without_masks = [], [], []
    for limits in bins if getattr(generator, "ratio", ()) is None else (None,):
        chosen_masks = list(choose_masks(sizes, limits, first=len(items)))
        if len(chosen_masks) < len(chosen):
            bins_without_masks.append(limits)
            continue
        for picture, (mask, digest, hole) in zip(chosen, chosen_masks, strict=True):
            share = np.count_nonzero(hole) / hole.size
            border = bool(hole[[0, -1]].any() or hole[:, [0, -1]].any())
            items.append(Item(picture.name, picture.sha256, mask, digest, limits, share, border, picture.height, picture.width))
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
