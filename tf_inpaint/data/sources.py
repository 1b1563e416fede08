"""Where pictures come from: folders, scikit-image, TensorFlow Datasets. `registry` knows them by name."""

import abc
import collections
import concurrent.futures
import hashlib
import importlib.util
import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tf_inpaint import pictures
from tf_inpaint.errors import ConfigError, DataError, PictureError

# More threads than this gain nothing: the disk or the memory bus is the limit then.
MAX_THREADS = 8


class Source(abc.ABC):
    """A finite list of pictures in a fixed order, of which some may turn out to be broken.

    Attributes:
        name: the text that names the source, such as "folder:photos".
        num_ignored: number of files beside the pictures that were not looked at (other suffixes, hidden files).
        note: what whoever uses the pictures should know about their choice, one sentence, or nothing.
    """

    name: str
    num_ignored: int = 0
    note: str = ""

    @abc.abstractmethod
    def __len__(self) -> int:
        """Number of pictures found, broken ones included."""

    @abc.abstractmethod
    def fingerprint(self) -> str:
        """A text that changes when the list of pictures or their content changes; the key of a cache."""

    @abc.abstractmethod
    def items(self) -> Iterator[tuple[str, Any]]:
        """Yields for each picture its printable name and what `pictures.read_rgb` reads: a path or an `io.BytesIO`."""

    def verify(self) -> None:  # noqa: B027 - most sources have nothing to look at
        """Looks for damage that decoding the pictures would not show; without a fault it returns nothing.

        Raises:
            DataError: naming what is damaged.
        """

    def read_all(
        self, transform: Callable[[np.ndarray], np.ndarray] | None = None, *, max_pixels: int = pictures.MAX_PIXELS
    ) -> Iterator[tuple[str, np.ndarray | PictureError]]:
        """Decodes every picture once, in order, by several threads.

        Args:
            transform: called in the same threads with each decoded picture, uint8 `[H, W, 3]`.
            max_pixels: pictures with more pixels count as broken.

        Yields:
            The picture's name, and what `transform` gave (the picture itself without one) or the `PictureError` it ended in.
        """

        def read(item: tuple[str, Any]) -> tuple[str, np.ndarray | PictureError]:
            name, readable = item
            try:
                rgb = pictures.read_rgb(readable, max_pixels=max_pixels, name=name)
            except PictureError as error:
                return name, error
            return name, rgb if transform is None else transform(rgb)

        return map_in_threads(read, self.items())


class FileSource(Source):
    """A list of picture files below one folder."""

    def __init__(self, name: str, root: Path, files: list[str]):
        self.name = name
        self._root = root
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        for file in self._files:
            try:
                status = os.stat(self._root / file)
                stamp = f"{status.st_size} {status.st_mtime_ns}"
            except OSError as error:  # a broken link: it will be named when it is read
                stamp = str(error.errno)
            digest.update(os.fsencode(self._root / file) + b"\0" + stamp.encode() + b"\0")
        return digest.hexdigest()

    def items(self) -> Iterator[tuple[str, Path]]:
        for file in self._files:
            yield pictures.printable(file), self._root / file


class FolderSource(FileSource):
    """`folder:PATH`: every picture file in a folder and below, of any size and supported format.

    Files count as pictures by their suffix (`pictures.SUFFIXES`); those whose name begins with a dot do not. Folders that are
    symbolic links are not entered. The order is that of the names' bytes, the same on every machine.
    """

    def __init__(self, path: str):
        name = f"folder:{pictures.printable(path)}"
        root = Path(path).expanduser()
        if not path or not root.is_dir():
            reason = "is not a folder" if path and root.exists() else "does not exist"
            raise DataError(f"The folder {pictures.printable(path)!r} {reason}. Give the path of a folder of pictures.")
        files, num_ignored = list_pictures(root)
        super().__init__(name, root, files)
        self.num_ignored = num_ignored
        if not files:
            raise DataError(
                f"The folder {pictures.printable(path)!r} holds no pictures ({num_ignored} other files). Supported suffixes: "
                f"{', '.join(pictures.SUFFIXES)}. Folders that are links are not entered."
            )


class PhotosSource(FileSource):
    """`photos`: the photographs that come inside the scikit-image package; nothing is downloaded."""

    # Those of its bundled pictures that are photographs of the visible world; all are free to use, see its data/README.txt.
    FILES = (
        "astronaut.png",
        "brick.png",
        "camera.png",
        "chelsea.png",
        "clock_motion.png",
        "coffee.png",
        "coins.png",
        "grass.png",
        "gravel.png",
        "hubble_deep_field.jpg",
        "moon.png",
        "motorcycle_left.png",
        "motorcycle_right.png",
        "rocket.jpg",
    )

    def __init__(self, argument: str = ""):
        if argument:
            raise ConfigError(f"The source 'photos' takes no argument. Received: 'photos:{pictures.printable(argument)}'.")
        package = importlib.util.find_spec("skimage")
        if package is None:
            raise DataError("The source 'photos' needs scikit-image, which is not installed. Run: pip install scikit-image")
        super().__init__("photos", Path(package.origin).parent / "data", list(self.FILES))


class TfdsSource(Source):
    """`tfds:NAME` or `tfds:NAME@SPLIT`: the pictures of a prepared TensorFlow Datasets data set; the split is `train` by default.

    Nothing is downloaded: the data must have been prepared before, under `TFDS_DATA_DIR` or tensorflow_datasets' own default
    folder. The first image feature is used. Decoding follows this library's rules, not those of tensorflow_datasets.
    """

    def __init__(self, argument: str):
        data_set, _, split = argument.partition("@")
        self.name = f"tfds:{argument}"
        self._split = split or "train"
        if not data_set:
            raise ConfigError("The source 'tfds' needs a name, such as 'tfds:celeb_a_hq/256'.")
        try:
            import tensorflow_datasets as tfds
        except ImportError as error:
            raise DataError(
                f"{self.name}: tensorflow_datasets cannot be imported ({error}). Run: pip install tensorflow-datasets"
            ) from error
        self._tfds = tfds
        try:
            self._builder = tfds.builder(data_set, data_dir=os.environ.get("TFDS_DATA_DIR"), try_gcs=False)
        except Exception as error:  # tensorflow_datasets documents no common base of what it raises for a wrong name
            raise DataError(f"{self.name}: tensorflow_datasets cannot open it: {str(error).strip().splitlines()[0]}") from error
        if not self._builder.info.splits:
            raise DataError(
                f"{self.name}: the data are not prepared in {str(self._builder.data_path)!r}. Prepare them once, where there is "
                f"a network: tfds build {data_set}"
            )
        try:
            self._num_pictures = self._builder.info.splits[self._split].num_examples
        except (KeyError, ValueError) as error:
            known = ", ".join(self._builder.info.splits)
            raise DataError(f"{self.name}: there is no split {self._split!r}. Splits: {known}.") from error
        features = self._builder.info.features
        keys = [key for key, feature in features.items() if isinstance(feature, tfds.features.Image)]
        if not keys:
            raise DataError(f"{self.name}: has no image feature. Features: {', '.join(features)}.")
        self._key = keys[0]

    def __len__(self) -> int:
        return self._num_pictures

    def fingerprint(self) -> str:
        identity = f"{self._builder.data_path} {self._split} {self._num_pictures} {self._builder.info.dataset_size}"
        return hashlib.sha256(identity.encode()).hexdigest()

    def items(self) -> Iterator[tuple[str, io.BytesIO]]:
        # Files in order and one after another: the order must be the same in every run.
        examples = self._builder.as_dataset(
            split=self._split,
            shuffle_files=False,
            decoders={self._key: self._tfds.decode.SkipDecoding()},
            read_config=self._tfds.ReadConfig(interleave_cycle_length=1),
        )
        for index, example in enumerate(examples):
            yield f"example {index}", io.BytesIO(example[self._key].numpy())


def list_pictures(root: str | os.PathLike) -> tuple[list[str], int]:
    """Lists the picture files in a folder and below. No name is ever used as a pattern.

    Args:
        root: an existing folder.

    Returns:
        Their paths relative to `root`, in the order of their bytes, and the number of other files.
    """
    files, num_ignored = [], 0
    for folder, _, names in os.walk(root):
        for name in names:
            if pictures.is_picture_name(name):
                files.append(os.path.relpath(os.path.join(folder, name), root))
            else:
                num_ignored += 1
    return sorted(files, key=os.fsencode), num_ignored


def map_in_threads(function: Callable, items: Iterable) -> Iterator:
    """`map` by several threads.

    Args:
        function: of one argument.
        items: arguments, taken only a few ahead of the reader.

    Yields:
        The results in order.
    """
    num_threads = min(MAX_THREADS, os.cpu_count() or 1)
    with concurrent.futures.ThreadPoolExecutor(num_threads) as pool:
        running = collections.deque()
        for item in items:
            running.append(pool.submit(function, item))
            if len(running) > 2 * num_threads:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
