"""Irregular masks from a folder of files, held as bits and moved about at random."""

import dataclasses
import functools
import os
import pathlib
import re

import numpy as np
import tensorflow as tf

from tf_inpaint import compat, pictures
from tf_inpaint.errors import ConfigError, MaskError, PictureError
from tf_inpaint.masks import packed_rows, random
from tf_inpaint.masks.generator import MaskGenerator

SUBSETS = ("all", "even", "odd")
TURN_STEPS = 4096  # directions in a full turn; read from a table, so that every device has the same bits
SIN_COS = np.round(
    np.stack([np.sin(2 * np.pi * np.arange(TURN_STEPS) / TURN_STEPS), np.cos(2 * np.pi * np.arange(TURN_STEPS) / TURN_STEPS)], 1),
    12,  # a quarter turn is exact
).astype(np.float32)
LARGEST_SHIFT = 0.125  # of the picture's height and width
NUMBERS_PER_MASK = 8  # file, two flips, quarter turn, free turn or not, angle, two shifts


@dataclasses.dataclass(frozen=True)
class MaskBank:
    """The masks of a folder at one size, in the order of their names.

    Attributes:
        names: paths below the folder, with "/".
        words: `[N, H, ceil(W / 64)]` int64, packed rows.
        shares: `[N]` float64, hole share of each mask at this size.
        height: H.
        width: W.
    """

    names: tuple[str, ...]
    words: np.ndarray
    shares: np.ndarray
    height: int
    width: int

    def masks(self, indices: np.ndarray | None = None) -> tf.Tensor:
        """Unpacks masks as they are in the files.

        Args:
            indices: `[B]` integers; `None` for all.

        Returns:
            `[B, H, W, 1]` float32 in {0, 1}, 1 = hole.
        """
        words = self.words if indices is None else self.words[indices]
        return packed_rows.unpack(tf.constant(words), height=self.height, width=self.width)

    def in_bin(self, low: float, high: float) -> np.ndarray:
        """Returns the indices, int64 in order, of the masks whose hole share lies in [low, high); empty masks never count.

        Args:
            low: smallest share that counts.
            high: smallest share above `low` that does not count any more.
        """
        return np.flatnonzero((self.shares >= low) & (self.shares < high) & (self.shares > 0))


def load_mask_bank(path: str | os.PathLike, *, height: int, width: int, files: str = "all") -> MaskBank:
    """Reads the masks of a folder and of the folders in it; kept in memory, a second call with the same arguments is free.

    Args:
        path: folder of picture files; white is the hole (threshold 127).
        height: H of the pictures; masks of another size are resized to the nearest pixel.
        width: W.
        files: `"all"`, `"even"` or `"odd"`: by the last number in each file's name.

    Returns:
        The bank.

    Raises:
        ConfigError: if `files` is none of the three.
        MaskError: if the folder is missing or has no mask, a file cannot be read, or a file without a number is to be sorted.
    """
    if files not in SUBSETS:
        raise ConfigError(f"`files` must be one of {SUBSETS}. Received: files={files!r}.")
    return _read_bank(os.path.abspath(path), int(height), int(width), files)


class IrregularFiles(MaskGenerator):
    """Masks drawn from a folder of files, flipped, turned and shifted.

    A mask is mirrored in both directions with even chance, turned by a multiple of 90 degrees, in every second case by any angle
    up to 45 degrees more, and shifted by up to an eighth of the picture; what moves in from outside is known. Where nothing of the
    hole is left inside, the mask is taken as it is in the file.

    Args:
        path: folder; folders in it are read too.
        files: `"all"`, `"even"` or `"odd"`: by the last number in each file's name.
        ratio: `None`, or (low, high): only masks whose hole share, at the size of the pictures, lies in [low, high). Then they are
            only mirrored and turned by quarters (half turns where the picture is no square), which leaves the share as it is.
        augment: `False` takes the masks as they are.

    Raises:
        ConfigError: if an argument is out of its range.
        MaskError: at the first use, see `load_mask_bank`; if no mask lies in `ratio`; if the size is not known when the graph is
            made.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        files: str = "all",
        ratio: tuple[float, float] | None = None,
        augment: bool = True,
    ):
        if files not in SUBSETS:
            raise ConfigError(f"`files` must be one of {SUBSETS}. Received: files={files!r}.")
        if ratio is not None and not (len(ratio) == 2 and 0.0 <= ratio[0] < ratio[1] <= 1.0):
            raise ConfigError(f"`ratio` must be None or (low, high) with 0 <= low < high <= 1. Received: ratio={ratio!r}.")
        self.path, self.files, self.ratio, self.augment = os.fspath(path), files, ratio, augment
        self._constants = {}

    def bank(self, *, height: int, width: int) -> MaskBank:
        """Reads the masks of the folder at one size, once; all of the subset, whatever `ratio` is.

        Args:
            height: H.
            width: W.

        Returns:
            The bank.

        Raises:
            MaskError: see `load_mask_bank`.
        """
        return load_mask_bank(self.path, height=height, width=width, files=self.files)

    def per_example(self, seeds: tf.Tensor, *, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
        height, width = tf.get_static_value(height), tf.get_static_value(width)
        if height is None or width is None:
            raise MaskError("Irregular masks are resized when they are read: give height and width as numbers, not as tensors.")
        height, width = int(height), int(width)
        words, allowed = self._on_device(height, width)
        numbers = random.uniform(seeds, NUMBERS_PER_MASK)
        count = tf.cast(tf.shape(allowed)[0], tf.float32)
        chosen = tf.gather(allowed, tf.cast(tf.minimum(tf.floor(numbers[:, 0] * count), count - 1.0), tf.int32))
        masks = packed_rows.unpack(tf.gather(words, chosen), height=height, width=width)
        if not self.augment:
            return masks
        transforms = _transforms(numbers, height=height, width=width, keep_share=self.ratio is not None)
        moved = compat.transform_images(masks, transforms, fill_value=0.0, interpolation="nearest")
        return tf.where(tf.reduce_max(moved, axis=[1, 2, 3], keepdims=True) > 0.0, moved, masks)

    def _on_device(self, height: int, width: int) -> tuple[tf.Tensor, tf.Tensor]:
        """The packed masks and the indices of those to choose from, as tensors made once per size, outside of any graph."""
        if (height, width) not in self._constants:
            bank = self.bank(height=height, width=width)
            low, high = self.ratio or (0.0, np.inf)
            allowed = bank.in_bin(low, high)
            if not len(allowed):
                wanted = "a hole" if self.ratio is None else f"a hole share in [{low}, {high})"
                raise MaskError(f"{self.path}: none of its {len(bank.names)} masks has {wanted} at {height} x {width} pixels.")
            with tf.init_scope():
                self._constants[height, width] = tf.constant(bank.words), tf.constant(allowed)
        return self._constants[height, width]


def irregular(
    seed: tf.Tensor,
    *,
    batch_size: int | tf.Tensor,
    height: int,
    width: int,
    path: str | os.PathLike,
    files: str = "all",
    ratio: tuple[float, float] | None = None,
    augment: bool = True,
) -> tf.Tensor:
    """Draws masks from a folder of files; see `IrregularFiles`.

    Args:
        seed: `[2]` int32 or int64.
        batch_size: number of masks B. The first n masks do not depend on it.
        height: H.
        width: W.
        path: folder; folders in it are read too.
        files: `"all"`, `"even"` or `"odd"`.
        ratio: `None`, or (low, high): every mask's hole share lies in [low, high).
        augment: whether masks are flipped, turned and shifted.

    Returns:
        `[B, H, W, 1]` float32 in {0, 1}, 1 = hole.

    Raises:
        ConfigError: if an argument is out of its range.
        MaskError: if the folder cannot serve, see `load_mask_bank`, or has no mask in `ratio`.
    """
    generator = IrregularFiles(path, files=files, ratio=ratio, augment=augment)
    return generator(seed, batch_size=batch_size, height=height, width=width)


def _transforms(numbers: tf.Tensor, *, height: int, width: int, keep_share: bool) -> tf.Tensor:
    """`[B, 8]` projective transforms from a pixel of the result to one of the file's mask, about the picture's centre."""
    flip = tf.where(numbers[:, 1:3] < 0.5, -1.0, 1.0)
    quarters = tf.floor(4.0 * numbers[:, 3])
    if keep_share and height != width:
        quarters = 2.0 * tf.floor(0.5 * quarters)
    turn = quarters * (TURN_STEPS / 4)
    shift = tf.zeros_like(flip)
    if not keep_share:
        free = tf.floor((numbers[:, 5] - 0.5) * (TURN_STEPS / 4))
        turn += tf.where(numbers[:, 4] < 0.5, free, 0.0)
        size = tf.constant([width, height], tf.float32)
        shift = tf.round((2.0 * numbers[:, 6:8] - 1.0) * LARGEST_SHIFT * size)
    sin, cos = tf.unstack(tf.gather(SIN_COS, tf.cast(tf.math.floormod(turn, TURN_STEPS), tf.int32)), axis=1)
    a0, a1 = flip[:, 0] * cos, -flip[:, 0] * sin
    b0, b1 = flip[:, 1] * sin, flip[:, 1] * cos
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    a2 = centre_x - a0 * centre_x - a1 * centre_y + shift[:, 0]
    b2 = centre_y - b0 * centre_x - b1 * centre_y + shift[:, 1]
    zero = tf.zeros_like(sin)
    return tf.stack([a0, a1, a2, b0, b1, b2, zero, zero], axis=1)


@functools.lru_cache(maxsize=16)
def _read_bank(path: str, height: int, width: int, files: str) -> MaskBank:
    folder = pathlib.Path(path)
    if not folder.is_dir():
        raise MaskError(f"{path}: no such folder of masks.")
    found = sorted(file for file in folder.rglob("*") if file.is_file() and pictures.is_picture_name(file))
    if not found:
        raise MaskError(f"{path}: no picture file in this folder of masks, nor in the folders in it.")
    chosen = [file for file in found if files == "all" or _number(file) % 2 == ("even", "odd").index(files)]
    if not chosen:
        raise MaskError(f"{path}: none of its {len(found)} masks has an {files} number.")
    bits = np.zeros([len(chosen), height, -(-width // packed_rows.WORD_BITS) * packed_rows.WORD_BITS // 8], np.uint8)
    for row, file in enumerate(chosen):
        try:
            mask = pictures.read_mask(file)
        except (PictureError, OSError) as error:
            raise MaskError(f"{path}: cannot read the mask {file.relative_to(folder).as_posix()}: {error}") from error
        packed = np.packbits(_nearest(mask, height, width) > 0, axis=1, bitorder="little")
        bits[row, :, : packed.shape[1]] = packed
    shares = np.bitwise_count(bits) if hasattr(np, "bitwise_count") else np.unpackbits(bits, axis=2)
    shares = shares.sum((1, 2), dtype=np.int64) / (height * width)
    names = tuple(file.relative_to(folder).as_posix() for file in chosen)
    return MaskBank(names, bits.view("<i8").astype(np.int64), shares, height, width)


def _nearest(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """Takes for each pixel the one of `mask` under its centre, as Pillow's and TensorFlow's nearest resize do."""
    rows = (2 * np.arange(height) + 1) * mask.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * mask.shape[1] // (2 * width)
    return mask[rows[:, None], columns]


def _number(file: pathlib.Path) -> int:
    """The last number in the name of a file."""
    digits = re.findall(r"\d+", file.stem)
    if not digits:
        raise MaskError(f"{file}: a file name without a number is neither even nor odd. Use files='all', or name it.")
    return int(digits[-1])
