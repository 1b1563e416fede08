"""Pictures in TFRecord files: what lies in such a folder, and how it is read at any place.

    manifest.json                          what is there, written last: without it the folder is unfinished
    pictures-00000-of-00003.tfrecord       a shard: one `tf.train.Example` for each picture
    pictures-00000-of-00003.json           its index: name, place, height and width of each picture

An example has the features "image/encoded" (bytes of a picture file), "image/filename", "image/height" and "image/width", the names that
other readers of such files know. TFRecord frames each with checksums of its length and of its content.

Everything is checked before it is believed: the manifest's form, the indices by the SHA-256 that the manifest holds, the shards by their
size when they are opened and by their checksums when they are read (their SHA-256 is for `verify`).
"""

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_inpaint.errors import DataError
from tf_inpaint.files import sha256
from tf_inpaint.pictures import printable

MANIFEST_FILE = "manifest.json"
FORMAT = "tf_inpaint pictures"
VERSION = 1
# Length, its checksum, the content's checksum.
FRAME_BYTES = 16
FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    "image/filename": tf.io.FixedLenFeature([], tf.string),
}

_BUFFER_BYTES = 1 << 17


@dataclasses.dataclass(frozen=True)
class Shard:
    """What the manifest says of a shard.

    Attributes:
        file: name of the TFRecord file.
        num_pictures: number of its records.
        num_bytes: its size.
        sha256: of its bytes.
        index_sha256: of the bytes of its index, the file of the same name that ends in .json.
    """

    file: str
    num_pictures: int
    num_bytes: int
    sha256: str
    index_sha256: str

    @property
    def index_file(self) -> str:
        """Name of the index."""
        return str(Path(self.file).with_suffix(".json"))


@dataclasses.dataclass(frozen=True)
class ShardIndex:
    """What the index of a shard holds.

    Attributes:
        names: of each picture in the source that it came from.
        offsets: of each record in the file, in bytes.
        sizes: height and width of each upright picture.
        broken: name of each picture of this part of the source that could not be read, and the reason.
        num_enlarged: number of pictures that were smaller than the size asked for.
        num_bytes: size of the shard.
        sha256: of the shard's bytes.
    """

    names: tuple[str, ...]
    offsets: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]
    broken: tuple[tuple[str, str], ...]
    num_enlarged: int
    num_bytes: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What the manifest says.

    Attributes:
        source: text of the source that the pictures came from.
        fingerprint: of that source.
        image_size: shorter side of every picture in pixels, stored as PNG; `None`: the bytes of the source's files, as they were.
        shard_size: number of the source's pictures for each shard.
        max_pixels: pictures with more counted as broken.
        note: the source's.
        num_ignored: the source's.
        num_pictures: in all shards.
        num_bytes: of all shards.
        num_enlarged: see `ShardIndex`.
        broken: see `ShardIndex`.
        shards: in order.
    """

    source: str
    fingerprint: str
    image_size: int | None
    shard_size: int
    max_pixels: int
    note: str
    num_ignored: int
    num_pictures: int
    num_bytes: int
    num_enlarged: int
    broken: tuple[tuple[str, str], ...]
    shards: tuple[Shard, ...]


def shard_file(number: int, num_shards: int) -> str:
    """Returns the name of a shard's TFRecord file.

    Args:
        number: of the shard, from 0.
        num_shards: number of all.
    """
    return f"pictures-{number:05d}-of-{num_shards:05d}.tfrecord"


def read_manifest(folder: Path) -> Manifest:
    """Reads and checks the manifest of a folder of records.

    Args:
        folder: of `tf-inpaint prepare`.

    Returns:
        The manifest. That its shards are there is not checked.

    Raises:
        DataError: if there is none, or it is damaged or of a later version.
    """
    path = folder / MANIFEST_FILE
    content = _read_json(path)
    try:
        if content.pop("format") != FORMAT or content.pop("version") != VERSION:
            raise ValueError(f"format and version are not {FORMAT!r}, {VERSION}")
        content["broken"] = _pairs(content["broken"], str, str)
        content["shards"] = tuple(Shard(**shard) for shard in content["shards"])
        manifest = Manifest(**content)
        _check_manifest(manifest)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{printable(path)} does not describe TFRecords of `tf-inpaint prepare` ({_reason(error)}).") from error
    return manifest


def read_index(folder: Path, shard: Shard) -> ShardIndex:
    """Reads the index of a shard that the manifest names.

    Args:
        folder: of `tf-inpaint prepare`.
        shard: of its manifest.

    Returns:
        The index.

    Raises:
        DataError: if it is missing or not the one that the manifest means, or if the shard is missing or has another size.
    """
    file, index_file = folder / shard.file, folder / shard.index_file
    remedy = "Copy the folder again, or prepare it again."
    for path, expected in ((file, shard.num_bytes), (index_file, None)):
        try:
            size = path.stat().st_size
        except OSError as error:
            raise DataError(f"{printable(path)}, which the manifest names, cannot be read ({error.strerror}). {remedy}") from error
        if expected is not None and size != expected:
            raise DataError(f"{printable(path)} has {size:,} bytes, and the manifest says {expected:,}: it was changed. {remedy}")
    if sha256(index_file) != shard.index_sha256:
        raise DataError(f"{printable(index_file)} is not the file of which the manifest has the SHA-256: it was changed. {remedy}")
    index = parse_index(index_file)
    if (len(index.names), index.num_bytes, index.sha256) != (shard.num_pictures, shard.num_bytes, shard.sha256):
        raise DataError(f"{printable(index_file)} and the manifest do not agree on the shard. {remedy}")
    return index


def parse_index(path: Path) -> ShardIndex:
    """Reads and checks the form of an index file.

    Args:
        path: of the file.

    Returns:
        The index.

    Raises:
        DataError: if it is missing or damaged.
    """
    content = _read_json(path)
    try:
        content["names"] = tuple(_typed(content["names"], str))
        content["offsets"] = tuple(_typed(content["offsets"], int))
        content["sizes"] = _pairs(content["sizes"], int, int)
        content["broken"] = _pairs(content["broken"], str, str)
        index = ShardIndex(**content)
        _typed([index.num_bytes, index.num_enlarged], int)
        _typed([index.sha256], str)
        if not len(index.names) == len(index.offsets) == len(index.sizes):
            raise ValueError("names, offsets and sizes are not equally many")
        places = [*index.offsets, index.num_bytes]
        if places[0] != 0 or any(end - start <= FRAME_BYTES for start, end in itertools.pairwise(places)):
            raise ValueError("the offsets do not rise from 0 to the shard's size")
        if any(number < 1 for size in index.sizes for number in size):
            raise ValueError("a picture has no pixels")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{printable(path)} is not the index of a shard ({_reason(error)}).") from error
    return index


def serialize(encoded: bytes, *, name: str, height: int, width: int) -> bytes:
    """Makes a record.

    Args:
        encoded: bytes of a picture file.
        name: of the picture in its source.
        height: of the upright picture in pixels.
        width: same.

    Returns:
        The bytes of a `tf.train.Example`.
    """

    def feature(value: bytes | int) -> tf.train.Feature:
        if isinstance(value, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    content = {
        "image/encoded": encoded,
        "image/filename": name.encode("utf-8"),
        "image/height": height,
        "image/width": width,
    }
    features = tf.train.Features(feature={key: feature(value) for key, value in content.items()})
    # Without this the order of the features, and so the hash of the shard, would change from process to process.
    return tf.train.Example(features=features).SerializeToString(deterministic=True)


def read_record(path: tf.Tensor, offset: tf.Tensor) -> tf.Tensor:
    """Reads one record; core operations only, so it works inside `Dataset.map`.

    Args:
        path: of a shard, scalar string.
        offset: where the record begins, scalar int64.

    Returns:
        Its content, scalar string.

    Raises:
        tf.errors.DataLossError: when it runs, if a checksum is wrong.
        tf.errors.OpError: if the file is missing or ends before.
    """
    # The raw operation alone takes an offset. The data set that it makes cannot be written into a graph (TensorFlow forgets that input),
    # so it must not leave this function: as a single element it is used up at once.
    variant = tf.raw_ops.TFRecordDatasetV2(
        filenames=tf.reshape(path, [1]),
        compression_type="",
        buffer_size=tf.constant(_BUFFER_BYTES, tf.int64),
        byte_offsets=tf.reshape(offset, [1]),
    )
    return tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string)).take(1).get_single_element()


class RecordReader:
    """Reads any of the pictures, by number, in a tf.data graph; core operations only.

    Args:
        folder: of the shards.
        shards: in order.
        indices: of each.
    """

    def __init__(self, folder: Path, shards: tuple[Shard, ...], indices: tuple[ShardIndex, ...]):
        numbers = [number for number, index in enumerate(indices) for _ in index.names]
        with tf.device("CPU"):
            self._paths = tf.constant([str(folder / shard.file) for shard in shards])
            self._shards = tf.constant(np.array(numbers, np.int32))
            self._offsets = tf.constant(np.array([offset for index in indices for offset in index.offsets], np.int64))

    def read(self, index: tf.Tensor) -> tf.Tensor:
        """Reads and decodes one picture.

        Args:
            index: scalar int64.

        Returns:
            uint8 `[H, W, 3]`. Only of pictures stored as PNG, and it raises `tf.errors.DataLossError` where a checksum is wrong.
        """
        record = read_record(self._paths[self._shards[index]], self._offsets[index])
        return tf.io.decode_png(tf.io.parse_single_example(record, FEATURES)["image/encoded"], channels=3)


def _check_manifest(manifest: Manifest) -> None:
    numbers = [manifest.shard_size, manifest.max_pixels, manifest.num_ignored, manifest.num_pictures, manifest.num_bytes]
    numbers += [manifest.num_enlarged, *([] if manifest.image_size is None else [manifest.image_size])]
    texts = [manifest.source, manifest.fingerprint, manifest.note]
    for shard in manifest.shards:
        numbers += [shard.num_pictures, shard.num_bytes]
        texts += [shard.file, shard.sha256, shard.index_sha256]
    if min(_typed(numbers, int)) < 0:
        raise ValueError("a negative number")
    _typed(texts, str)
    expected = [shard_file(number, len(manifest.shards)) for number in range(len(manifest.shards))]
    if [shard.file for shard in manifest.shards] != expected:
        raise ValueError("the shards' names are not those of a preparation")
    if sum(shard.num_pictures for shard in manifest.shards) != manifest.num_pictures:
        raise ValueError("the shards do not add up to the number of pictures")


def _read_json(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{printable(path)} cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{printable(path)} is damaged: it is no JSON ({_reason(error)}).") from error
    if not isinstance(content, dict):
        raise DataError(f"{printable(path)} is damaged: it is no JSON object.")
    return content


def _typed(values: list, kind: type) -> list:
    for value in values:
        if type(value) is not kind:  # `True` is no number here
            raise ValueError(f"{value!r} where a {kind.__name__} should be")
    return values


def _pairs(values: list, first: type, second: type) -> tuple:
    for pair in values:
        if len(pair) != 2:
            raise ValueError(f"{pair!r} is no pair")
        _typed(pair[:1], first)
        _typed(pair[1:], second)
    return tuple((one, other) for one, other in values)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:100]}"
