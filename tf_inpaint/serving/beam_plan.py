"""What a pipeline over many pictures has to do: pictures, their masks and the names of their results, on any file system Beam knows.

Apache Beam is imported when a function needs it: it is an extra (`pip install 'tf_inpaint[beam]'`).
"""

import collections
import dataclasses
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

from tf_inpaint import pictures
from tf_inpaint.data.sources import list_pictures
from tf_inpaint.errors import ConfigError

_WILDCARDS = "*?["


@dataclasses.dataclass(frozen=True)
class BeamJob:
    """One picture of a pipeline. Paths are texts: they may lie on any file system that Beam reads.

    Attributes:
        name: of the picture below its folder, printable: what reports call it.
        image: path of the picture.
        mask: path of its mask, or `None` where there is none of its name, or more than one.
        output: path of the result, a PNG file.
        problem: why it cannot be done, if that is known beforehand.
    """

    name: str
    image: str
    mask: str | None
    output: str
    problem: str | None = None


def plan(images: str, masks: str, output: str) -> list[BeamJob]:
    """Finds out what is to be done. Opens no picture, writes nothing.

    Pictures find their masks as in `tf-inpaint inpaint`: the mask of the same name below its own folder, or else the only one of the
    same stem, with or without `_mask` behind it. Pictures and masks may lie in one folder if the masks end in `_mask`.

    Args:
        images: a folder (read with the folders inside), a pattern with `*`, `?`, `[...]` or `**`, or one picture; a path of this
            machine, or an address such as "gs://bucket/photos".
        masks: the same; one file is the mask of all pictures.
        output: folder of the results. Each is called like its picture, with the suffix .png; where two pictures would have the same
            result (a.jpg and a.bmp), theirs is the whole name with .png behind it.

    Returns:
        The jobs, in the order of names; no two have the same output.

    Raises:
        ConfigError: if there are no pictures or no masks, or results would lie among the pictures.
    """
    images_root, names = _list(images, "pictures")
    one_mask = _is_one_file(masks)
    masks_root, mask_names = (masks, []) if one_mask else _list(masks, "masks")
    side_by_side = not one_mask and masks_root == images_root
    if side_by_side:
        names = [name for name in names if not PurePosixPath(name).stem.endswith("_mask")]
        mask_names = [name for name in mask_names if PurePosixPath(name).stem.endswith("_mask")]
    elif masks_root:  # masks may lie below the pictures
        names = [name for name in names if _leads_out(join(images_root, name), masks_root)]
    if not names:
        raise ConfigError(f"There are no pictures in {pictures.printable(images)!r} beside the masks.")
    if _is_local(output) and _is_local(images):
        _check_output(Path(output), Path(images_root))
    find = (lambda _: masks) if one_mask else _mask_finder(masks_root, mask_names)
    results = _result_names(names)
    jobs = []
    for name, result in zip(names, results, strict=True):
        job = BeamJob(pictures.printable(name), join(images_root, name), find(name), join(output, result))
        jobs.append(dataclasses.replace(job, problem=_problem(job, images_root, output)))
    return jobs


def _list(text: str, role: str) -> tuple[str, list[str]]:
    """The folder that all files lie below, and the picture files by their names below it, in the order of their bytes."""
    if _is_local(text) and os.path.isdir(text):
        root, names = text, list_pictures(text)[0]  # no name of a folder or file is taken for a pattern
    elif _is_one_file(text):
        root, names = os.path.split(text)
        names = [names]
    else:
        root, names = _match(text)
    if not names:
        raise ConfigError(f"There are no {role} in {pictures.printable(text)!r}. Supported suffixes: {', '.join(pictures.SUFFIXES)}.")
    return root, names


def _match(text: str) -> tuple[str, list[str]]:
    from apache_beam.io.filesystems import FileSystems

    has_wildcard = any(letter in text for letter in _WILDCARDS)
    if _is_local(text) and not has_wildcard:
        raise ConfigError(f"{pictures.printable(text)!r} does not exist.")
    pattern = text if has_wildcard else text.rstrip("/") + "/**"
    start = min(pattern.index(letter) for letter in _WILDCARDS if letter in pattern)
    root = pattern[:start].rpartition("/")[0] or ("/" if pattern.startswith("/") else "")
    paths = [entry.path for entry in FileSystems.match([pattern])[0].metadata_list]
    begin = len(root.rstrip("/")) + 1 if root else 0
    names = [path[begin:] for path in paths if pictures.is_picture_name(path)]
    return root, sorted(names, key=os.fsencode)


def _is_local(path: str) -> bool:
    return "://" not in path


def _is_one_file(path: str) -> bool:
    if _is_local(path):
        return os.path.isfile(path)
    return pictures.is_picture_name(path) and not any(letter in path for letter in _WILDCARDS)


def join(root: str, name: str) -> str:
    """Joins a folder and the name of a file below it.

    Args:
        root: a path of this machine or an address; may end in a slash, may be empty.
        name: relative.

    Returns:
        The path of the file.
    """
    return f"{root.rstrip('/')}/{name}" if root.rstrip("/") else f"{root}{name}"


def _check_output(output: Path, images_root: Path) -> None:
    if output.exists() and not output.is_dir():
        raise ConfigError(f"The output {pictures.printable(output)!r} is a file. It must be a folder.")
    if output.resolve().is_relative_to(images_root.resolve()):
        raise ConfigError("The output lies inside the pictures' folder: the next time results would be taken for pictures.")


def _problem(job: BeamJob, images_root: str, output: str) -> str | None:
    if job.mask is None:
        return "there is no mask of its name, or more than one of its stem."
    if _leads_out(job.image, images_root):
        return "is a link that leads out of the pictures' folder."
    if _leads_out(os.path.dirname(job.output), output):
        return "its result would lie outside the output folder, behind a link."
    return None


def _leads_out(path: str, root: str) -> bool:
    if _is_local(path):
        return not _is_local(root) or not Path(path).resolve().is_relative_to(Path(root).resolve())
    return not path.startswith(f"{root.rstrip('/')}/") and path != root


def _result_names(names: Sequence[str]) -> list[str]:
    results = [os.fspath(PurePosixPath(name).with_suffix(".png")) for name in names]
    uses = collections.Counter(results)
    results = [f"{name}.png" if uses[result] > 1 else result for name, result in zip(names, results, strict=True)]
    if len(set(results)) < len(results):
        raise ConfigError("Some results would have the same name. Rename the pictures.")
    return results


def _mask_finder(root: str, names: Iterable[str]) -> Callable[[str], str | None]:
    by_stem = collections.defaultdict(list)
    for name in map(PurePosixPath, names):
        by_stem[name.with_suffix("")].append(name)
        if name.stem.endswith("_mask") and name.stem != "_mask":
            by_stem[name.with_name(name.stem.removesuffix("_mask"))].append(name)

    def find(name: str) -> str | None:
        candidates = by_stem[PurePosixPath(name).with_suffix("")]
        found = [PurePosixPath(name)] if PurePosixPath(name) in candidates else candidates
        return join(root, os.fspath(found[0])) if len(found) == 1 else None

    return find
