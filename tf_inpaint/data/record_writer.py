"""Writes the pictures of a source into TFRecord files, as `records` describes them; goes on where an interruption stopped it.

Each shard holds a fixed part of the source's list, so that what a shard holds does not depend on the others: a shard that is there with
its index is finished. Both are written aside and renamed, the index after the shard, the manifest at the very end.
"""

import collections
import dataclasses
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from tf_inpaint import compat, pictures
from tf_inpaint.data import records
from tf_inpaint.data.bank import SourceReport, fit
from tf_inpaint.data.registry import open_source
from tf_inpaint.data.sources import Source, map_in_threads
from tf_inpaint.errors import ConfigError, DataError, PictureError
from tf_inpaint.files import atomic_write, sha256

SHARD_SIZE = 1000
_UNFINISHED_FILE = "unfinished.json"


@dataclasses.dataclass(frozen=True)
class RecordsReport:
    """What was written.

    Attributes:
        source: what was found in the source.
        num_shards: number of TFRecord files.
        num_shards_before: how many of them an earlier, interrupted call had finished.
        num_bytes: of all shards.
    """

    source: SourceReport
    num_shards: int
    num_shards_before: int
    num_bytes: int


@dataclasses.dataclass(frozen=True)
class _Record:
    data: bytes
    size: tuple[int, int]
    is_enlarged: bool


def write_records(
    source: str | Source,
    output: str | os.PathLike,
    *,
    image_size: int | None = None,
    shard_size: int = SHARD_SIZE,
    max_pixels: int = pictures.MAX_PIXELS,
    show_progress: bool | None = None,
) -> RecordsReport:
    """Writes the pictures of a source into TFRecord files with a manifest; "tfrecord:OUTPUT" then names them.

    Args:
        source: text such as "folder:photos", or an opened source.
        output: folder of the files; made where it does not exist. Started again with the same arguments after an interruption, the
            shards that are there stay as they are; after its end nothing is done at all.
        image_size: the pictures' shorter side is resized to so many pixels, as training does it, and they are stored as PNG: with this
            size training reads the same pixels as from the source itself. `None`: the bytes of the files, as they are.
        shard_size: number of the source's pictures for each file.
        max_pixels: pictures with more pixels count as broken.
        show_progress: whether to show a bar; `None`: where standard error is a terminal.

    Returns:
        What was written. Broken pictures are in no shard; the manifest names them, and so does the report.

    Raises:
        ConfigError: if an argument is out of its range or the kind of source unknown.
        DataError: if the source is missing or empty, or more than half of its pictures are broken, or if `output` holds other things, such
            as records of other pictures or with other arguments.
        OSError: if the files cannot be written.
    """
    for name, value in (("image_size", image_size), ("shard_size", shard_size), ("max_pixels", max_pixels)):
        if value is not None and value < 1:
            raise ConfigError(f"`{name}` must be at least 1. Received: {name}={value}.")
    source = open_source(source) if isinstance(source, str) else source
    settings = {
        "source": source.name,
        "fingerprint": source.fingerprint(),
        "image_size": image_size,
        "shard_size": shard_size,
        "max_pixels": max_pixels,
    }
    output = Path(output).expanduser()
    if (output / records.MANIFEST_FILE).exists():
        return _finished_report(output, settings)
    _begin(output, settings)
    num_shards = -(-len(source) // shard_size)
    files = [output / records.shard_file(number, num_shards) for number in range(num_shards)]
    items = source.items()
    indices, num_shards_before = [], 0
    with compat.progress(total=len(source), description="preparing pictures", unit="picture", show=show_progress) as bar:
        for file in files:
            part = itertools.islice(items, shard_size)
            index = _finished_index(file)
            if index is None:
                index = _write_shard(file, map_in_threads(_encoder(image_size, max_pixels), part), bar.update)
            else:
                num_shards_before += 1
                collections.deque(part, maxlen=0)  # they need not be read again
                bar.update(len(index.names) + len(index.broken))
            indices.append(index)
    report = _source_report(source.name, indices, source.num_ignored)
    if not report.is_usable:
        raise DataError(f"More than half of the pictures are broken, too many to train on. {report.summary()}")
    shards = [
        records.Shard(file.name, len(index.names), index.num_bytes, index.sha256, sha256(file.with_suffix(".json")))
        for file, index in zip(files, indices, strict=True)
    ]
    manifest = records.Manifest(
        **settings,
        note=source.note,
        num_ignored=report.num_ignored,
        num_pictures=report.num_readable,
        num_bytes=sum(shard.num_bytes for shard in shards),
        num_enlarged=report.num_enlarged,
        broken=report.broken,
        shards=tuple(shards),
    )
    content = {"format": records.FORMAT, "version": records.VERSION, **dataclasses.asdict(manifest)}
    _write_json(output / records.MANIFEST_FILE, content, indent=2)
    (output / _UNFINISHED_FILE).unlink()
    return RecordsReport(report, num_shards, num_shards_before, manifest.num_bytes)


def _finished_report(output: Path, settings: dict) -> RecordsReport:
    """The report of a folder that is finished, if it holds what is asked for."""
    manifest = records.read_manifest(output)
    _check_settings(output, {name: getattr(manifest, name) for name in settings}, settings)
    report = SourceReport(manifest.source, manifest.num_pictures, manifest.broken, manifest.num_ignored, manifest.num_enlarged)
    return RecordsReport(report, len(manifest.shards), len(manifest.shards), manifest.num_bytes)


def _begin(output: Path, settings: dict) -> None:
    """Makes the folder, or finds that an unfinished one is of the same settings, and removes what a kill left half written."""
    output.mkdir(parents=True, exist_ok=True)
    unfinished = output / _UNFINISHED_FILE
    if unfinished.exists():
        try:
            found = json.loads(unfinished.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(f"{pictures.printable(unfinished)} is damaged. Remove the folder, or choose another one.") from error
        _check_settings(output, found, settings)
    elif any(".tmp-" not in entry.name for entry in output.iterdir()):
        raise DataError(f"The folder {pictures.printable(output)!r} holds other things. Choose a new or an empty one.")
    for leftover in output.glob("*.tmp-*"):
        leftover.unlink()
    _write_json(unfinished, settings, indent=2)


def _check_settings(output: Path, found: dict, settings: dict) -> None:
    differences = [f"{name} (was {found.get(name)!r}, now {value!r})" for name, value in settings.items() if found.get(name) != value]
    if differences:
        # A fingerprint says nothing to a reader.
        words = [
            "the source's files have changed" if text.startswith("fingerprint") else text
            for text in differences
            if len(differences) == 1 or not text.startswith("fingerprint")
        ]
        raise DataError(
            f"The folder {pictures.printable(output)!r} holds records of another preparation: {', '.join(words)}. Choose another folder, "
            "or remove it."
        )


def _finished_index(file: Path) -> records.ShardIndex | None:
    """The index of a shard that is there, whole; `None` otherwise."""
    path = file.with_suffix(".json")
    if not path.exists() or not file.exists():
        return None
    try:
        index = records.parse_index(path)
    except DataError:
        return None
    return index if file.stat().st_size == index.num_bytes and sha256(file) == index.sha256 else None


def _encoder(image_size: int | None, max_pixels: int) -> Callable[[tuple[str, Any]], tuple[str, _Record | PictureError]]:
    def encode(item: tuple[str, Any]) -> tuple[str, _Record | PictureError]:
        name, readable = item
        try:
            rgb = pictures.read_rgb(readable, max_pixels=max_pixels, name=name)
        except PictureError as error:
            return name, error
        is_enlarged = image_size is not None and min(rgb.shape[:2]) < image_size
        if image_size is None:
            encoded = readable.read_bytes() if isinstance(readable, Path) else readable.getvalue()
        else:
            rgb = fit(rgb, image_size)
            with tf.device("CPU"):
                encoded = tf.io.encode_png(rgb).numpy()
        size = (int(rgb.shape[0]), int(rgb.shape[1]))
        return name, _Record(records.serialize(encoded, name=name, height=size[0], width=size[1]), size, is_enlarged)

    return encode


def _write_shard(file: Path, results: Iterator[tuple[str, _Record | PictureError]], advance: Callable[[int], Any]) -> records.ShardIndex:
    names, offsets, sizes, broken = [], [], [], []
    num_bytes = num_enlarged = 0
    with atomic_write(file) as opened:
        # TensorFlow opens the same file by its name: it knows the checksums, we flush and rename.
        with tf.io.TFRecordWriter(opened.name) as writer:
            for name, result in results:
                if isinstance(result, PictureError):
                    broken.append((name, str(result)))
                else:
                    names.append(name)
                    offsets.append(num_bytes)
                    sizes.append(result.size)
                    num_bytes += records.FRAME_BYTES + len(result.data)
                    num_enlarged += result.is_enlarged
                    writer.write(result.data)
                advance(1)
        digest = sha256(opened.name)
    index = records.ShardIndex(tuple(names), tuple(offsets), tuple(sizes), tuple(broken), num_enlarged, num_bytes, digest)
    _write_json(file.with_suffix(".json"), dataclasses.asdict(index))
    return index


def _source_report(name: str, indices: list[records.ShardIndex], num_ignored: int) -> SourceReport:
    broken = tuple(pair for index in indices for pair in index.broken)
    num_readable = sum(len(index.names) for index in indices)
    return SourceReport(name, num_readable, broken, num_ignored, sum(index.num_enlarged for index in indices))


def _write_json(path: Path, content: dict, *, indent: int | None = None) -> None:
    with atomic_write(path, "w") as file:
        file.write(json.dumps(content, indent=indent) + "\n")
