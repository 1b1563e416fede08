"""`tfrecord:PATH`: the pictures in the TFRecord files that `tf-inpaint prepare` wrote."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from tf_inpaint.data import records
from tf_inpaint.data.sources import Source
from tf_inpaint.errors import DataError, PictureError
from tf_inpaint.files import sha256
from tf_inpaint.pictures import printable


class RecordSource(Source):
    """The pictures of a folder of TFRecords, in the order of the source that they were made from.

    Pictures that were prepared at a size and are asked for at that size have the very pixels that their first source would give, and
    where they do not fit into memory they are read from the records at any place, without a cache beside them.

    Args:
        path: folder with a manifest.

    Attributes:
        image_size: shorter side of every picture; `None`: the pictures have the sizes of their first source.
        names: of the pictures.
        sizes: height and width of each.
    """

    def __init__(self, path: str):
        self.name = f"tfrecord:{printable(path)}"
        self._folder = Path(path).expanduser()
        if not path or not self._folder.is_dir():
            reason = "is not a folder" if path and self._folder.exists() else "does not exist"
            raise DataError(f"The folder {printable(path)!r} {reason}. Give the path of a folder that `tf-inpaint prepare` made.")
        if not (self._folder / records.MANIFEST_FILE).exists():
            raise DataError(
                f"The folder {printable(path)!r} holds no {records.MANIFEST_FILE}, which `tf-inpaint prepare` writes last. Run it (again): "
                "it goes on where it stopped."
            )
        manifest = records.read_manifest(self._folder)
        self._shards = manifest.shards
        self._indices = tuple(records.read_index(self._folder, shard) for shard in manifest.shards)
        self.image_size = manifest.image_size
        self.num_ignored = manifest.num_ignored
        self.note = manifest.note
        self.names = tuple(name for index in self._indices for name in index.names)
        self.sizes = tuple(size for index in self._indices for size in index.sizes)
        if not self.names:
            raise DataError(f"The records in {printable(path)!r} hold no pictures. Prepare them again.")
        # The manifest holds the hashes of all that was written.
        self._fingerprint = hashlib.sha256((self._folder / records.MANIFEST_FILE).read_bytes()).hexdigest()

    def __len__(self) -> int:
        return len(self.names)

    def fingerprint(self) -> str:
        return self._fingerprint

    def items(self) -> Iterator[tuple[str, io.BytesIO]]:
        for shard, index in zip(self._shards, self._indices, strict=True):
            for name, record in zip(index.names, _read_shard(self._folder / shard.file, index.offsets), strict=True):
                yield name, _picture_file(record, name=name, shard=shard.file)

    def verify(self) -> None:
        for shard in self._shards:
            if sha256(self._folder / shard.file) != shard.sha256:
                raise DataError(
                    f"{printable(self._folder / shard.file)} is not the file of which the manifest has the SHA-256: it was changed. Copy "
                    "it again, or prepare the folder again."
                )

    def reader(self) -> records.RecordReader:
        """Makes what reads single pictures in a tf.data graph; only where `image_size` is a number.

        Returns:
            The reader.
        """
        return records.RecordReader(self._folder, self._shards, self._indices)


class _Unreadable(io.BytesIO):
    """Stands for a picture whose bytes are lost: reading it says why."""

    def __init__(self, reason: str):
        super().__init__()
        self._reason = reason

    def read(self, *args) -> bytes:
        raise PictureError(self._reason)


_read_record = tf.function(records.read_record, [tf.TensorSpec([], tf.string), tf.TensorSpec([], tf.int64)], autograph=False)


def _read_shard(path: Path, offsets: tuple[int, ...]) -> Iterator[bytes | None]:
    """Yields each record, or `None` in the place of one whose checksums are wrong."""
    for offset in offsets:
        try:
            with tf.device("CPU"):
                record = _read_record(tf.constant(str(path)), tf.constant(offset, tf.int64)).numpy()
        except tf.errors.DataLossError:
            record = None
        except tf.errors.OpError as error:
            raise DataError(f"{printable(path)} cannot be read: {error.message.splitlines()[0]}") from error
        yield record


def _picture_file(record: bytes | None, *, name: str, shard: str) -> io.BytesIO:
    """The bytes of a picture file; each fault that damage to a record can have is that of the picture."""
    if record is None:
        return _Unreadable(f"{name}: its record in {shard} is damaged (wrong checksum).")
    try:
        features = tf.io.parse_single_example(record, records.FEATURES)
    except tf.errors.InvalidArgumentError:
        return _Unreadable(f"{name}: its record in {shard} is not one of `tf-inpaint prepare`.")
    if features["image/filename"].numpy() != name.encode("utf-8"):
        return _Unreadable(f"{name}: its record in {shard} is that of another picture.")
    return io.BytesIO(features["image/encoded"].numpy())
