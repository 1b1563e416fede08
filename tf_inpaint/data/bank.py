"""The bank: every picture of a source decoded once, resized for training, and within reach of tf.data.

`tf.data` can decode neither all formats nor all modes that the library reads, and resuming a run at any step needs random access.
So the pictures are decoded before training, by Pillow and several threads, shorter side = `image_size`, and kept as plain bytes:
in memory while they fit (8,000 pictures of 128 px are 0.4 GB and take some seconds), otherwise as one raw file each in a cache
folder, from which core TensorFlow reads them and which the next run finds again (100,000 pictures of 4:3 and 128 px: 6.5 GB). Broken
pictures are found here, once, by name. TFRecords that were prepared at the size are such a store already: what does not fit into memory
is read from them.
"""

import dataclasses
import hashlib
import json
import logging
import os
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_inpaint import compat, pictures
from tf_inpaint.data.record_source import RecordSource
from tf_inpaint.data.records import RecordReader
from tf_inpaint.data.registry import open_source
from tf_inpaint.data.sources import Source
from tf_inpaint.errors import ConfigError, DataError, PictureError
from tf_inpaint.files import atomic_directory
from tf_inpaint.ops import image as image_ops

# Of a picture more elongated than this only the middle is kept: its ends would almost never be drawn, but fill the memory.
MAX_ASPECT = 4
# Above this share of broken pictures something else is wrong: a wrong folder, a failing disk.
MAX_BROKEN_SHARE = 0.5
MEMORY_LIMIT = 1 << 30

_CACHE_VERSION = 1
_FILES_PER_FOLDER = 1000
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class SourceReport:
    """What was found in a source.

    Attributes:
        name: the source's text.
        num_readable: number of pictures that training can use.
        broken: name of each broken picture, and the reason.
        num_ignored: number of files that were not taken for pictures.
        num_enlarged: number of readable pictures smaller than `image_size`, 0 where no size was asked for.
    """

    name: str
    num_readable: int
    broken: tuple[tuple[str, str], ...] = ()
    num_ignored: int = 0
    num_enlarged: int = 0

    @property
    def num_found(self) -> int:
        """Number of pictures found, broken ones included."""
        return self.num_readable + len(self.broken)

    @property
    def is_usable(self) -> bool:
        """Whether training takes this source: something is readable and at most half of it is broken."""
        return self.num_readable > 0 and len(self.broken) <= MAX_BROKEN_SHARE * self.num_found

    def summary(self, *, max_names: int = 10) -> str:
        """Says in a few lines what is there.

        Args:
            max_names: how many broken pictures to name.

        Returns:
            Text of one line and one more for each named picture.
        """
        lines = [f"{self.name}: {self.num_found} pictures, {self.num_readable} readable, {len(self.broken)} broken"]
        if self.num_enlarged:
            lines[0] += f", {self.num_enlarged} smaller than the training size (enlarged)"
        if self.num_ignored:
            lines[0] += f"; {self.num_ignored} other files ignored"
        lines += [f"  broken: {reason}" for _, reason in self.broken[:max_names]]
        if len(self.broken) > max_names:
            lines.append(f"  ... and {len(self.broken) - max_names} more; `tf-inpaint check-data` names them all")
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True, eq=False)
class PictureBank:
    """Prepared pictures, readable from a tf.data graph. Made by `prepare`.

    Attributes:
        image_size: shorter side of every picture in pixels.
        names: name of each picture, in the source's order, without the broken ones.
        sizes: int32 `[N, 2]`, height and width of each.
        report: what was found in the source.
        storage: the pictures' bytes: one flat uint8 tensor in memory, the path of a cache folder, or TFRecords.
    """

    image_size: int
    names: tuple[str, ...]
    sizes: np.ndarray
    report: SourceReport
    storage: tf.Tensor | str | RecordReader

    def __len__(self) -> int:
        return len(self.names)

    def read(self, index: tf.Tensor) -> tf.Tensor:
        """Reads one picture; core operations only, so it works inside `Dataset.map`.

        Args:
            index: scalar int64, 0 to `len(self) - 1`.

        Returns:
            uint8 `[H, W, 3]`, the shorter side `image_size`.
        """
        size = tf.constant(self.sizes)[index]
        if isinstance(self.storage, RecordReader):
            return tf.reshape(self.storage.read(index), [size[0], size[1], 3])
        if isinstance(self.storage, str):
            folder = tf.strings.as_string(index // _FILES_PER_FOLDER)
            path = tf.strings.join([self.storage, folder, tf.strings.as_string(index)], separator="/")
            flat = tf.io.decode_raw(tf.io.read_file(path), tf.uint8)
        else:
            ends = np.cumsum(np.prod(self.sizes.astype(np.int64), axis=1) * 3)
            end = tf.constant(ends)[index]
            flat = self.storage[end - tf.cast(size[0], tf.int64) * tf.cast(size[1], tf.int64) * 3 : end]
        return tf.reshape(flat, [size[0], size[1], 3])


def check(source: str | Source, *, max_pixels: int = pictures.MAX_PIXELS, show_progress: bool | None = None) -> SourceReport:
    """Decodes every picture of a source and reports what is there and what is broken.

    Args:
        source: text such as "folder:photos", or an opened source.
        max_pixels: pictures with more pixels count as broken.
        show_progress: whether to show a bar; `None`: where standard error is a terminal.

    Returns:
        The report. Nothing is kept in memory or on disk.

    Raises:
        ConfigError: if the kind of source is unknown or `max_pixels` below 1.
        DataError: if the source is missing or empty, or its files are not those that its manifest means.
    """
    source = open_source(source) if isinstance(source, str) else source
    if max_pixels < 1:
        raise ConfigError(f"`max_pixels` must be at least 1. Received: max_pixels={max_pixels}.")
    source.verify()
    num_readable, broken = 0, []
    for name, picture in _with_progress(source, source.read_all(max_pixels=max_pixels), show_progress):
        if isinstance(picture, PictureError):
            broken.append((name, str(picture)))
        else:
            num_readable += 1
    return SourceReport(source.name, num_readable, tuple(broken), source.num_ignored)


def prepare(
    source: str | Source,
    *,
    image_size: int,
    max_pixels: int = pictures.MAX_PIXELS,
    memory_limit: int = MEMORY_LIMIT,
    cache_dir: str | os.PathLike | None = None,
    show_progress: bool | None = None,
) -> PictureBank:
    """Decodes and resizes a source's pictures and puts them within reach of tf.data.

    Args:
        source: text such as "folder:photos", or an opened source.
        image_size: shorter side of the prepared pictures in pixels. Smaller pictures are enlarged.
        max_pixels: pictures with more pixels count as broken.
        memory_limit: above this number of bytes the prepared pictures go to `cache_dir`. (While they are put together in memory
            twice as much is needed for a moment.) TFRecords prepared at this size are read where they are instead.
        cache_dir: folder for prepared pictures that do not fit; by default `$TF_INPAINT_HOME/pictures`, and without that variable
            `~/.cache/tf_inpaint/pictures`. It is used again as long as the source's files stay the same, and can be deleted.
        show_progress: whether to show a bar; `None`: where standard error is a terminal.

    Returns:
        The bank. Its `report` names the broken pictures; a warning is logged where there are any.

    Raises:
        ConfigError: if the kind of source is unknown, or `image_size` or `max_pixels` below 1.
        DataError: if the source is missing or empty, or more than half of its pictures are broken.
        OSError: if the cache folder cannot be written.
    """
    if image_size < 1 or max_pixels < 1:
        raise ConfigError(f"`image_size` and `max_pixels` must be at least 1. Received: image_size={image_size}, max_pixels={max_pixels}.")
    source = open_source(source) if isinstance(source, str) else source
    if isinstance(source, RecordSource) and source.image_size == image_size:
        sizes = np.array(source.sizes, np.int32)
        if 3 * int(np.prod(sizes, axis=1, dtype=np.int64).sum()) > memory_limit:
            report = SourceReport(source.name, len(source), num_ignored=source.num_ignored)
            return PictureBank(image_size, source.names, sizes, report, source.reader())
    cache = _cache_folder(cache_dir, source, image_size=image_size, max_pixels=max_pixels)
    bank = _open_cache(cache) if cache.is_dir() else None
    if bank is None:
        bank = _decode(source, image_size, max_pixels, memory_limit, cache, show_progress)
    if bank.report.broken:
        _log.warning("%s", bank.report.summary())
    return bank


def fit(rgb: np.ndarray, image_size: int) -> np.ndarray:
    """Resizes a picture for training: its shorter side gets the size, its shape stays, but of a very long one the middle is kept.

    Args:
        rgb: uint8 `[H, W, 3]`.
        image_size: in pixels.

    Returns:
        uint8 `[H, W, 3]`, the same array where nothing is to be done.
    """
    height, width = rgb.shape[:2]
    longest = MAX_ASPECT * min(height, width)
    top, left = max(0, height - longest) // 2, max(0, width - longest) // 2
    rgb = rgb[top : top + longest, left : left + longest]
    height, width = rgb.shape[:2]
    scale = image_size / min(height, width)
    size = (max(image_size, round(height * scale)), max(image_size, round(width * scale)))
    if size == (height, width):
        return rgb
    with tf.device("CPU"):
        resized = image_ops.resize(tf.constant(rgb), size)
        return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8).numpy()


def _decode(source: Source, image_size: int, max_pixels: int, memory_limit: int, cache: Path, show_progress: bool | None) -> PictureBank:
    names, sizes, broken, kept = [], [], [], []
    num_bytes = num_enlarged = 0

    def prepare_one(rgb: np.ndarray) -> tuple[np.ndarray, bool]:
        return fit(rgb, image_size), min(rgb.shape[:2]) < image_size

    pictures_read = _with_progress(source, source.read_all(prepare_one, max_pixels=max_pixels), show_progress)
    for name, result in pictures_read:
        if isinstance(result, PictureError):
            broken.append((name, str(result)))
            continue
        picture, enlarged = result
        names.append(name)
        sizes.append(picture.shape[:2])
        kept.append(picture)
        num_enlarged += enlarged
        num_bytes += picture.nbytes
        if num_bytes > memory_limit:
            break

    def finish(storage: tf.Tensor | str) -> PictureBank:
        report = SourceReport(source.name, len(names), tuple(broken), source.num_ignored, num_enlarged)
        if not report.is_usable:
            raise DataError(f"More than half of the pictures are broken, too many to train on. {report.summary()}")
        return PictureBank(image_size, tuple(names), np.array(sizes, np.int32).reshape(-1, 2), report, storage)

    if num_bytes <= memory_limit:
        with tf.device("CPU"):  # the step's device has better use for its memory
            return finish(tf.constant(np.concatenate([picture.ravel() for picture in kept] or [np.empty(0, np.uint8)])))

    cache.parent.mkdir(parents=True, exist_ok=True)
    with atomic_directory(cache) as folder:
        for index, picture in enumerate(kept):
            _write_raw(folder, index, picture)
        kept.clear()
        for name, result in pictures_read:
            if isinstance(result, PictureError):
                broken.append((name, str(result)))
                continue
            picture, enlarged = result
            _write_raw(folder, len(names), picture)
            names.append(name)
            sizes.append(picture.shape[:2])
            num_enlarged += enlarged
        bank = finish(str(cache))
        index = {"image_size": image_size, "names": names, "sizes": bank.sizes.tolist()}
        index["report"] = dataclasses.asdict(bank.report)
        (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
    return bank


def _with_progress(source: Source, results, show_progress: bool | None):
    bar = compat.progress(results, total=len(source), description="reading pictures", unit="picture", show=show_progress)
    return iter(bar)


def _cache_folder(cache_dir: str | os.PathLike | None, source: Source, *, image_size: int, max_pixels: int) -> Path:
    if cache_dir is None:
        cache_dir = Path(os.environ.get("TF_INPAINT_HOME") or "~/.cache/tf_inpaint").expanduser() / "pictures"
    key = f"{_CACHE_VERSION} {source.fingerprint()} {image_size} {max_pixels}"
    return Path(cache_dir) / hashlib.sha256(key.encode()).hexdigest()[:32]


def _open_cache(cache: Path) -> PictureBank:
    index = json.loads((cache / "index.json").read_text(encoding="utf-8"))
    report = {**index["report"], "broken": tuple((name, reason) for name, reason in index["report"]["broken"])}
    sizes = np.array(index["sizes"], np.int32)
    return PictureBank(index["image_size"], tuple(index["names"]), sizes, SourceReport(**report), str(cache))


def _write_raw(folder: Path, index: int, picture: np.ndarray) -> None:
    path = folder / str(index // _FILES_PER_FOLDER) / str(index)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(np.ascontiguousarray(picture).tobytes())
