"""The public data sets that the papers train on: where their pictures lie after unpacking, how they are split, how to get them.

    celeba_hq:PATH[@SPLIT]   places2:PATH[@SPLIT]   dtd:PATH[@SPLIT]   facades:PATH[@SPLIT]

PATH is the folder into which the files were unpacked, SPLIT `train` (by default) or `test`. Without a PATH ("dtd", "dtd:@test") the
pictures come from TensorFlow Datasets, where it has them and they are prepared. Nothing is downloaded; an error says what to do by hand.

PEN-Net's splits are named in its paper by their sizes, which are repeated here from memory and unverified, but for Places2, whose parts
are the data set's own; which pictures they hold is in no source we know. Here the test pictures are spread evenly over the list of names,
so that each category, or each part of the list, has its share. TensorFlow Datasets keeps the pictures in an order of its own, so its test
pictures are others than a folder's: who trains on the one must not measure on the other.
"""

import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tf_inpaint import pictures
from tf_inpaint.data.sources import FileSource, Source, TfdsSource, list_pictures
from tf_inpaint.errors import ConfigError, DataError

SPLITS = ("train", "test")

Listing = tuple[Path, list[str]]
"""A folder, and the paths of pictures relative to it."""


class PartSource(Source):
    """Some of another source's pictures, in its order.

    Args:
        source: the other one.
        name: text of this source.
        is_part: tells of a number from 0 to `len(source) - 1` whether that picture is one of these.
    """

    def __init__(self, source: Source, *, name: str, is_part: Callable[[int], bool]):
        self.name = name
        self.num_ignored = source.num_ignored
        self.note = source.note
        self._source = source
        self._numbers = [number for number in range(len(source)) if is_part(number)]

    def __len__(self) -> int:
        return len(self._numbers)

    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self._source.fingerprint()} {self._numbers}".encode()).hexdigest()

    def items(self) -> Iterator[tuple[str, Any]]:
        chosen = set(self._numbers)
        return (item for number, item in enumerate(self._source.items()) if number in chosen)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How the pictures of a data set are found.

    Attributes:
        key: the word in a source's text.
        title: the data set's name.
        num_train: size of PEN-Net's training split.
        num_test: of its test split.
        layout: what the folder must hold, in words.
        find: lists the pictures in a folder: `None` where they are not there. Takes the folder and the split; where the data set has no
            splits of its own, it lists them all.
        steps: how to get the data by hand.
        has_splits: whether `find`, and the texts of `tfds`, follow the split.
        tfds: split -> text of the source `tfds`, without a split of the data set's own the same for both; empty where it is not there.
    """

    key: str
    title: str
    num_train: int
    num_test: int
    layout: str
    find: Callable[[Path, str], Listing | None]
    steps: str
    has_splits: bool = False
    tfds: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def note(self) -> str:
        """What to say to whoever uses the split."""
        sizes = f"PEN-Net's {self.num_train:,} and {self.num_test:,} pictures"
        if self.has_splits:
            return f"{self.title}: train and test are the data set's own train and val, {sizes} (unverified)."
        others = ", others in a folder than in TensorFlow Datasets" if self.tfds else ""
        return f"{self.title}: the split has the proportion of {sizes} (unverified); which pictures are test ones is our choice{others}."

    def open(self, argument: str) -> Source:
        """Opens the data set.

        Args:
            argument: "PATH", "PATH@SPLIT", "@SPLIT" or nothing; without a path from TensorFlow Datasets.

        Returns:
            The pictures of the split.

        Raises:
            ConfigError: if there is no such split.
            DataError: if the pictures are not there, with the steps to get them.
        """
        path, split = argument, SPLITS[0]
        if "@" in argument and argument.rpartition("@")[2] in SPLITS:
            path, _, split = argument.rpartition("@")
        elif argument.startswith("@"):
            raise ConfigError(f"{self.key} has no split {argument[1:]!r}. Splits: {', '.join(SPLITS)}.")
        name = f"{self.key}:{pictures.printable(argument)}" if argument else self.key
        source = self._open_folder(path, split, name) if path else self._open_tfds(split, name)
        if not self.has_splits:
            source = PartSource(source, name=name, is_part=lambda number: self.is_test(number) == (split == "test"))
        if not len(source):
            raise DataError(f"{name}: the split {split} is empty: there are too few pictures. {self.steps}")
        source.note = self.note
        return source

    def is_test(self, number: int) -> bool:
        """Tells whether a picture belongs to the test split: `num_test` of `num_train + num_test`, evenly spread.

        Args:
            number: of the picture in the list of names, from 0.

        Returns:
            Whether it does.
        """
        total = self.num_train + self.num_test
        return (number + 1) * self.num_test // total > number * self.num_test // total

    def _open_folder(self, path: str, split: str, name: str) -> Source:
        root = Path(path).expanduser()
        listing = self.find(root, split) if root.is_dir() else None
        if listing is None or not listing[1]:
            reason = f"holds no {self.layout}" if root.is_dir() else "does not exist"
            raise DataError(f"{name}: the folder {pictures.printable(path)!r} {reason}. {self.steps}")
        return FileSource(name, *listing)

    def _open_tfds(self, split: str, name: str) -> Source:
        if not self.tfds:
            raise DataError(f"{name}: TensorFlow Datasets does not have it; give the path of a folder, {self.key}:PATH. {self.steps}")
        try:
            source = TfdsSource(self.tfds[split])
        except DataError as error:
            raise DataError(f"{error} Or give the path of a folder, {self.key}:PATH. {self.steps}") from error
        source.name = name
        return source


def _first_folder(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _find_celeba_hq(root: Path, split: str) -> Listing | None:
    del split
    folder = _first_folder(root, ("CelebA-HQ-img", "CelebAMask-HQ/CelebA-HQ-img", "data256x256", "celeba_hq_256", "."))
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if pictures.is_picture_name(entry.name) and Path(entry.name).stem.isdecimal()]
    return folder, sorted(names, key=lambda name: (int(Path(name).stem), name))


def _find_dtd(root: Path, split: str) -> Listing | None:
    del split
    folder = _first_folder(root, ("images", "dtd/images"))
    return None if folder is None else (folder, list_pictures(folder)[0])


def _find_facades(root: Path, split: str) -> Listing | None:
    # The photographs are the JPEG files; the PNG files beside them are maps of labels.
    del split
    files = [name for name in list_pictures(root)[0] if name.endswith(".jpg") and Path(name).name.startswith("cmp_")]
    return root, files


def _find_places2(root: Path, split: str) -> Listing | None:
    part = "train" if split == "train" else "val"
    names = (part, *(f"{size}{suffix}" for size in (f"{part}_256", f"{part}_large") for suffix in ("", "_places365standard")))
    if split == "train":
        names += ("data_256", "data_256_standard", "data_large", "data_large_standard")
    folder = _first_folder(root, (*names, *(f"places365_standard/{name}" for name in names)))
    return None if folder is None else (folder, list_pictures(folder)[0])


RECIPES = {
    recipe.key: recipe
    for recipe in (
        Recipe(
            key="celeba_hq",
            title="CelebA-HQ",
            num_train=28_000,
            num_test=2_000,
            layout="pictures 0.jpg to 29999.jpg (in CelebA-HQ-img of CelebAMask-HQ) or 00001.jpg to 30000.jpg (in data256x256)",
            find=_find_celeba_hq,
            tfds=dict.fromkeys(SPLITS, "celeb_a_hq/256@train"),
            steps="To get it, for non-commercial research: 1. open https://github.com/switchablenorms/CelebAMask-HQ and download "
            "CelebAMask-HQ.zip; 2. unzip it; 3. give celeba_hq:CelebAMask-HQ. With TensorFlow Datasets instead: put data256x256.tar into "
            "~/tensorflow_datasets/downloads/manual and run: tfds build celeb_a_hq/256",
        ),
        Recipe(
            key="dtd",
            title="DTD",
            num_train=4_512,
            num_test=1_128,
            layout="folder images/ with a folder of pictures for each category",
            find=_find_dtd,
            tfds=dict.fromkeys(SPLITS, "dtd@train+validation+test"),
            steps="To get it: 1. download https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz; 2. unpack it: tar xf "
            "dtd-r1.0.1.tar.gz; 3. give dtd:dtd. With TensorFlow Datasets instead: tfds build dtd",
        ),
        Recipe(
            key="facades",
            title="CMP Facades",
            num_train=506,
            num_test=100,
            layout="photographs cmp_*.jpg (in base/ and extended/)",
            find=_find_facades,
            steps="To get it: 1. download CMP_facade_DB_base.zip and CMP_facade_DB_extended.zip from "
            "https://cmp.felk.cvut.cz/~tylecr1/facade/; 2. unzip both into one folder; 3. give facades:FOLDER.",
        ),
        Recipe(
            key="places2",
            title="Places2",
            num_train=1_803_460,
            num_test=36_500,
            layout="folder of pictures for this split (train/ or data_256/, val/ or val_256/)",
            find=_find_places2,
            has_splits=True,
            tfds={"train": "places365_small@train", "test": "places365_small@validation"},
            steps="To get it: 1. accept the terms on http://places2.csail.mit.edu/download.html and download "
            "places365standard_easyformat.tar, or the tar files of the small pictures, 256 x 256; 2. unpack them into one folder; 3. give "
            "places2:FOLDER. With TensorFlow Datasets instead: tfds build places365_small",
        ),
    )
}
"""By key."""
