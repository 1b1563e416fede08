"""Repairing files: which picture goes with which mask, where results are written, and what failed."""

import collections
import dataclasses
import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from tf_inpaint import compat, pictures
from tf_inpaint.data.sources import list_pictures
from tf_inpaint.errors import ConfigError, MaskError, TfInpaintError
from tf_inpaint.serving.inpainter import Inpainter
from tf_inpaint.serving.verified_result import VerifiedResult

# Warnings about one picture that a user should read, but that are no failures.
_NOTED = (pictures.LossyPictureWarning, pictures.MaskWarning)


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture to repair.

    Attributes:
        image: path of the picture.
        mask: path of its mask, or `None` where there is none of its name, or more than one.
        output: path of the result.
    """

    image: Path
    mask: Path | None
    output: Path


def plan(image: str | os.PathLike, mask: str | os.PathLike, output: str | os.PathLike, *, to_png: bool = False) -> list[Job]:
    """Finds out what is to be done for one picture, or for a folder of them. Opens no picture, writes nothing.

    In folders (read with the folders inside) a picture's mask is the one of the same name, or else the only one of the same stem,
    with or without `_mask` behind it. Pictures and masks may lie in one folder if the masks end in `_mask`. Each result keeps its
    picture's name, below `output`.

    Args:
        image: a picture, or a folder of pictures.
        mask: its mask, one mask for a whole folder, or a folder of masks.
        output: for one picture a file name or a folder; for a folder of pictures a folder, which need not exist.
        to_png: whether results are PNG files whatever the pictures are. Where two pictures would then have the same result name
            (a.jpg and a.bmp), theirs is the whole name with `.png` behind it.

    Returns:
        The jobs, in the order of names. No two have the same output, and no output is an input.

    Raises:
        ConfigError: if something does not exist or does not go together.
        PictureError: if an output's suffix names no supported format.
    """
    folder_asked_for = os.fsdecode(output).endswith(("/", os.sep))
    image, mask, output = Path(image), Path(mask), Path(output)
    for path, role in ((image, "picture"), (mask, "mask")):
        if not path.exists():
            raise ConfigError(f"The {role} {pictures.printable(path)!r} does not exist.")
    if image.is_dir():
        jobs = _plan_folder(image, mask, output, to_png=to_png)
    elif mask.is_dir():
        raise ConfigError(f"The mask {pictures.printable(mask)!r} is a folder, but there is one picture only. Give one mask.")
    else:
        if output.is_dir() or folder_asked_for:
            output /= image.with_suffix(".png").name if to_png else image.name
        if to_png and output.suffix.lower() != ".png":
            raise ConfigError(f"The output {pictures.printable(output)!r} does not end in .png, though PNG was asked for.")
        jobs = [Job(image, mask, output)]
    inputs = {path.resolve() for job in jobs for path in (job.image, job.mask) if path is not None}
    for job in jobs:
        pictures.format_of(job.output)
        if job.output.resolve() in inputs:
            raise ConfigError(f"The output {pictures.printable(job.output)!r} is one of the inputs. Choose another name.")
    return jobs


def repair_files(
    inpainter: Inpainter, jobs: Iterable[Job], *, retries: int | None = None, show_progress: bool | None = None
) -> tuple[list[tuple[Job, str]], list[str], list[tuple[Job, str, str]]]:
    """Repairs the pictures of a plan, one after another; one that fails does not stop the others.

    Args:
        inpainter: see `Inpainter`.
        jobs: from `plan`. Missing output folders are made; each result appears only when it is whole.
        retries: `None`, or verify each result and try so many other candidates, see `Inpainter.inpaint_verified`. Rejected results are
            written like any other.
        show_progress: whether to show a bar; `None`: where standard error is a terminal.

    Returns:
        The jobs that failed, each with the reason; notes on odd masks and on results in formats that do not keep every bit; and of
        those that were verified the verdict, with the scores in a line.

    Raises:
        ConfigError: if the system cannot verify with so many retries.
    """
    if retries is not None:
        inpainter.check_retries(retries)
    failures, notes, verdicts = [], [], []
    for job in compat.progress(jobs, description="repairing", unit="picture", show=show_progress):
        try:
            with warnings.catch_warnings(record=True) as caught:
                for kind in _NOTED:
                    warnings.simplefilter("always", kind)
                result = _repair_file(inpainter, job, retries)
            if result is not None:
                verdicts.append((job, result.verdict, result.describe()))
            notes += [_note(job, warning) for warning in caught if issubclass(warning.category, _NOTED)]
        except (TfInpaintError, OSError) as error:
            # A PictureError begins with the name of its file; the caller names the picture already.
            failures.append((job, str(error).removeprefix(f"{pictures.printable(job.image)}: ")))
    return failures, notes, verdicts


def _note(job: Job, warning: warnings.WarningMessage) -> str:
    named = issubclass(warning.category, pictures.LossyPictureWarning)  # begins with the name of its file
    return str(warning.message) if named else f"{pictures.printable(job.image)}: {warning.message}"


def _repair_file(inpainter: Inpainter, job: Job, retries: int | None) -> VerifiedResult | None:
    if job.mask is None:
        raise MaskError("there is no mask of its name, or more than one of its stem.")
    picture = pictures.read_picture(job.image, max_pixels=inpainter.max_pixels)
    mask = pictures.read_mask(job.mask, max_pixels=inpainter.max_pixels)
    verified = None if retries is None else inpainter.fill_verified(picture, mask, retries=retries)
    result = inpainter.fill(picture, mask) if verified is None else verified.image
    job.output.parent.mkdir(parents=True, exist_ok=True)
    pictures.write_picture(job.output, result, metadata=picture.metadata)
    return verified


def _plan_folder(image: Path, mask: Path, output: Path, *, to_png: bool) -> list[Job]:
    if output.exists() and not output.is_dir():
        raise ConfigError(f"The output {pictures.printable(output)!r} is a file. For a folder of pictures it must be a folder.")
    if output.resolve().is_relative_to(image.resolve()):
        raise ConfigError("The output lies inside the pictures' folder: the next time results would be taken for pictures.")
    names = [Path(name) for name in list_pictures(image)[0]]
    side_by_side = mask.is_dir() and mask.samefile(image)
    if side_by_side:
        names = [name for name in names if not name.stem.endswith("_mask")]
    else:  # masks may lie below the pictures
        names = [name for name in names if not (image / name).resolve().is_relative_to(mask.resolve())]
    if not names:
        raise ConfigError(f"The folder {pictures.printable(image)!r} holds no pictures.")
    results = [name.with_suffix(".png") if to_png else name for name in names]
    uses = collections.Counter(results)
    results = [name.with_name(name.name + ".png") if uses[result] > 1 else result for name, result in zip(names, results, strict=True)]
    if len(set(results)) < len(results):
        raise ConfigError("Some results would have the same name. Rename the pictures, or do not ask for PNG.")
    find_mask = _mask_finder(mask, side_by_side=side_by_side) if mask.is_dir() else lambda _: mask
    return [Job(image / name, find_mask(name), output / result) for name, result in zip(names, results, strict=True)]


def _mask_finder(folder: Path, *, side_by_side: bool) -> Callable[[Path], Path | None]:
    by_stem = collections.defaultdict(list)
    for name in map(Path, list_pictures(folder)[0]):
        if name.stem.endswith("_mask"):
            by_stem[name.with_name(name.stem.removesuffix("_mask"))].append(name)
        if not side_by_side:
            by_stem[name.with_suffix("")].append(name)

    def find(name: Path) -> Path | None:
        candidates = by_stem[name.with_suffix("")]
        found = [name] if name in candidates else candidates
        return folder / found[0] if len(found) == 1 else None

    return find
