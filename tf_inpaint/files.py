"""Files and folders that are either whole or not there, and their fingerprints.

A process may be killed at any moment. Everything that a later process reads back (weights, checkpoints, reports, pictures) is
therefore written under a temporary name beside its place, flushed to the disk, and renamed: a rename within one folder is
atomic, so a reader sees the old content or the new one, never a part.
"""

import contextlib
import hashlib
import itertools
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_BLOCK_BYTES = 1 << 20
_write_numbers = itertools.count()  # two threads that write the same path must not share a temporary name


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike, mode: str = "wb") -> Iterator[IO]:
    """Opens a file that appears under its name only when the block ends without an error.

    Args:
        path: where the file shall be. Its folder must exist.
        mode: `"wb"`, or `"w"` for text (UTF-8, line ends kept as written).

    Yields:
        The open file. Its bytes go to `path.tmp-PID-NUMBER` in the same folder; at the end of the block they are flushed to the
        disk and renamed to `path`. On any error, `KeyboardInterrupt` included, the temporary file is removed and `path` is
        left as it was.

    Raises:
        ValueError: if `mode` is neither `"wb"` nor `"w"`.
        OSError: as `open`, `os.fsync` and `os.replace` raise it (missing folder, full disk, no permission).
    """
    if mode not in ("wb", "w"):
        raise ValueError(f"`mode` must be 'wb' or 'w': an atomic write makes a whole new file. Received: mode={mode!r}.")
    path = Path(path)
    temporary = _temporary_name(path)
    text_options = {"encoding": "utf-8", "newline": ""} if mode == "w" else {}
    try:
        with open(temporary, mode, **text_options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)


@contextlib.contextmanager
def atomic_directory(path: str | os.PathLike, *, overwrite: bool = False) -> Iterator[Path]:
    """Makes a folder that appears under its name only when the block ends without an error.

    Args:
        path: where the folder shall be. Its parent must exist.
        overwrite: whether an existing folder at `path` is replaced. It stays in place, whole, until the new one is complete;
            two renames then exchange them (a kill between the two leaves the new content in `path.tmp-*` beside it).

    Yields:
        The `pathlib.Path` of an empty folder beside `path`, to be filled. At the end of the block its files are flushed to the
        disk and it is renamed to `path`; on any error it is removed and `path` is left as it was.

    Raises:
        FileExistsError: if `path` exists and `overwrite` is false.
        OSError: as the file system raises it (missing parent, full disk, no permission).
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise FileExistsError(f"The folder must not exist yet. Received: {str(path)!r}. Remove it or choose another name.")
    temporary = _temporary_name(path)
    temporary.mkdir()
    try:
        yield temporary
        for folder, _, names in os.walk(temporary):
            for name in names:
                _sync(Path(folder, name))
            _sync(Path(folder))
        if path.exists():
            old = _temporary_name(path)
            os.replace(path, old)
            try:
                os.replace(temporary, path)
            except BaseException:
                os.replace(old, path)
                raise
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync(path.parent)


def sha256(path: str | os.PathLike) -> str:
    """Computes the SHA-256 of a file without reading it into memory at once.

    Args:
        path: an existing file.

    Returns:
        64 lower-case hexadecimal digits.

    Raises:
        OSError: if the file cannot be read.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def remove_leftovers(folder: str | os.PathLike) -> list[Path]:
    """Removes the temporary files that processes which were killed have left in a folder.

    Args:
        folder: an existing folder; folders inside it are left alone.

    Returns:
        What was removed. Files of processes that still run stay, and on Windows, where that cannot be told, all of them.
    """
    removed = []
    for entry in os.scandir(folder):
        match = _TEMPORARY.search(os.fsencode(entry.name))
        if match and entry.is_file(follow_symlinks=False) and not _is_running(int(match[1])):
            os.unlink(entry.path)
            removed.append(Path(entry.path))
    return removed


_TEMPORARY = re.compile(rb"\.tmp-(\d+)-\d+$")
_LONGEST_NAME = 255  # bytes, on the usual file systems


def _temporary_name(path: Path) -> Path:
    """A name in the folder of `path` that no other thread or process uses."""
    end = f".tmp-{os.getpid()}-{next(_write_numbers)}"
    return path.with_name(os.fsdecode(os.fsencode(path.name)[: _LONGEST_NAME - len(end)]) + end)


def _is_running(process_id: int) -> bool:
    if os.name == "nt":
        return True  # sending signal 0 would end the process there
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's; a number that is no process
        return True
    return True


def _sync(path: Path) -> None:
    """Flushes a file, or a folder's list of names, to the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open folders; its file systems journal renames by themselves
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
