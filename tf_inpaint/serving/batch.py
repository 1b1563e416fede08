"""Repairing files: which picture goes with which mask, where results are written, and what failed."""

import collections
import dataclasses
import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from tf_inpaint import compat, files, pictures
from tf_inpaint.data.sources import list_pictures
from tf_inpaint.errors import ConfigError, MaskError, TfInpaintError
from tf_inpaint.serving.before_and_after import before_and_after
from tf_inpaint.serving.inpainter import Inpainter
from tf_inpaint.serving.verified_result import VerifiedResult

# Warnings about one picture that a user should read, but that are no failures.
_NOTED = (pictures.LossyPictureWarning, pictures.MaskWarning, pictures.MetadataWarning)


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture to repair.

    Attributes:
        image: path of the picture.
        mask: path of its mask, or `None` where there is none of its name, or more than one.
        output: path of the result.
        sheet: path of a picture with before, hole and after side by side, or `None`.
        problem: why it cannot be done, if that is known beforehand.
    """

    image: Path
    mask: Path | None
    output: Path
    sheet: Path | None = None
    problem: str | None = None


@dataclasses.dataclass
class Outcome:
    """What became of a plan.

    Attributes:
        num_done: pictures that were repaired.
        num_skipped: pictures whose results were there before.
        failures: the jobs that failed, each with the reason.
        notes: odd masks, results in formats that do not keep every bit, and the like.
        verdicts: of the results that were verified, the job, the verdict and the scores in a line.
    """

    num_done: int = 0
    num_skipped: int = 0
    failures: list[tuple[Job, str]] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    verdicts: list[tuple[Job, str, str]] = dataclasses.field(default_factory=list)


def plan(
    image: str | os.PathLike,
    mask: str | os.PathLike,
    output: str | os.PathLike,
    *,
    file_format: str | None = None,
    sheets: str | os.PathLike | None = None,
) -> list[Job]:
    """Finds out what is to be done for one picture, or for a folder of them. Opens no picture, writes nothing.

    In folders (read with the folders inside) a picture's mask is the one of the same name, or else the only one of the same stem,
    with or without `_mask` behind it. Pictures and masks may lie in one folder if the masks end in `_mask`. Each result keeps its
    picture's name, below `output`. A picture that is a link which leads out of its folder is not followed.

    Args:
        image: a picture, or a folder of pictures.
        mask: its mask, one mask for a whole folder, or a folder of masks.
        output: for one picture a file name or a folder; for a folder of pictures a folder, which need not exist.
        file_format: one of `pictures.FORMATS`, which the results then have whatever the pictures are. Where two pictures would have the
            same result name (a.jpg and a.bmp as PNG), theirs is the whole name with the new suffix behind it.
        sheets: a folder for pictures with before, hole and after side by side, named as the results with `.png` behind it.

    Returns:
        The jobs, in the order of names. No two have the same output, and no output is an input.

    Raises:
        ConfigError: if something does not exist or does not go together.
        PictureError: if an output's suffix names no supported format.
    """
    folder_asked_for = os.fsdecode(output).endswith(("/", os.sep))
    image, mask, output = Path(image), Path(mask), Path(output)
    suffix = next(suffix for suffix, name in pictures.SUFFIXES.items() if name == file_format) if file_format else None
    for path, role in ((image, "picture"), (mask, "mask")):
        if not path.exists():
            raise ConfigError(f"The {role} {pictures.printable(path)!r} does not exist.")
    root = output
    if image.is_dir():
        jobs = _plan_folder(image, mask, output, suffix)
    elif mask.is_dir():
        raise ConfigError(f"The mask {pictures.printable(mask)!r} is a folder, but there is one picture only. Give one mask.")
    else:
        if output.is_dir() or folder_asked_for:
            output /= image.with_suffix(suffix).name if suffix else image.name
        if file_format and pictures.format_of(output) != file_format:
            raise ConfigError(f"The output {pictures.printable(output)!r} does not end in {suffix}, though {file_format} was asked for.")
        root, jobs = output.parent, [Job(image, mask, output)]
    if sheets is not None:
        jobs = [dataclasses.replace(job, sheet=_sheet_path(job, root, Path(sheets))) for job in jobs]
    inputs = {path.resolve() for job in jobs for path in (job.image, job.mask) if path is not None}
    for job in jobs:
        pictures.format_of(job.output)
        for path in (job.output, job.sheet):
            if path is not None and path.resolve() in inputs:
                raise ConfigError(f"The output {pictures.printable(path)!r} is one of the inputs. Choose another name.")
    return [_with_problem(job, image, root) for job in jobs]


def repair_files(
    inpainter: Inpainter,
    jobs: Iterable[Job],
    *,
    retries: int | None = None,
    quality: int | None = None,
    keep_metadata: bool = True,
    resume: bool = False,
    show_progress: bool | None = None,
) -> Outcome:
    """Repairs the pictures of a plan, one after another; one that fails does not stop the others.

    Args:
        inpainter: see `Inpainter`.
        jobs: from `plan`. Missing output folders are made; each result appears only when it is whole.
        retries: `None`, or verify each result and try so many other candidates, see `Inpainter.inpaint_verified`. Rejected results are
            written like any other.
        quality: see `pictures.write_picture`.
        keep_metadata: whether what a file says beside its pixels goes into the result's.
        resume: whether to leave out pictures whose results are there, and remove what a killed run has left half-written.
        show_progress: whether to show a bar; `None`: where standard error is a terminal.

    Returns:
        What became of each.

    Raises:
        ConfigError: if the system cannot verify with so many retries, or the quality is out of its range.
    """
    if retries is not None:
        inpainter.check_retries(retries)
    pictures.check_quality(quality)
    jobs, outcome = list(jobs), Outcome()
    if resume:
        for folder in {path.parent for job in jobs for path in (job.output, job.sheet) if path and path.parent.is_dir()}:
            files.remove_leftovers(folder)
    for job in compat.progress(jobs, description="repairing", unit="picture", show=show_progress):
        if resume and job.output.exists() and (job.sheet is None or job.sheet.exists()):
            outcome.num_skipped += 1
            continue
        try:
            with warnings.catch_warnings(record=True) as caught:
                for kind in _NOTED:
                    warnings.simplefilter("always", kind)
                result = _repair_file(inpainter, job, retries, quality, keep_metadata)
            outcome.num_done += 1
            if result is not None:
                outcome.verdicts.append((job, result.verdict, result.describe()))
            outcome.notes += [_note(job, warning) for warning in caught if issubclass(warning.category, _NOTED)]
        except MemoryError as error:
            outcome.failures.append((job, f"there is not enough memory for it: {error}"))
        except (TfInpaintError, OSError) as error:
            # A PictureError begins with the name of its file; the caller names the picture already.
            outcome.failures.append((job, str(error).removeprefix(f"{pictures.printable(job.image)}: ")))
    return outcome


def _repair_file(inpainter: Inpainter, job: Job, retries: int | None, quality: int | None, keep_metadata: bool) -> VerifiedResult | None:
    if job.problem:
        raise MaskError(job.problem)
    picture, mask = inpainter.read(job.image, job.mask)
    verified = None if retries is None else inpainter.fill_verified(picture, mask, retries=retries)
    result = inpainter.fill(picture, mask) if verified is None else verified.image
    if job.sheet is not None:
        job.sheet.parent.mkdir(parents=True, exist_ok=True)
        pictures.write_picture(job.sheet, before_and_after(inpainter, picture, mask, result))
    job.output.parent.mkdir(parents=True, exist_ok=True)
    pictures.write_picture(job.output, result, metadata=picture.metadata if keep_metadata else None, quality=quality)
    return verified


def _note(job: Job, warning: warnings.WarningMessage) -> str:
    named = issubclass(warning.category, (pictures.LossyPictureWarning, pictures.MetadataWarning))  # begin with the name of the file
    return str(warning.message) if named else f"{pictures.printable(job.image)}: {warning.message}"


def _with_problem(job: Job, image: Path, root: Path) -> Job:
    if job.mask is None:
        return dataclasses.replace(job, problem="there is no mask of its name, or more than one of its stem.")
    if image.is_dir() and not job.image.resolve().is_relative_to(image.resolve()):
        return dataclasses.replace(job, problem="is a link that leads out of the pictures' folder.")
    if not job.output.parent.resolve().is_relative_to(root.resolve()):
        return dataclasses.replace(job, problem="its result would lie outside the output folder, behind a link.")
    return job


def _sheet_path(job: Job, root: Path, sheets: Path) -> Path:
    if sheets.resolve() == root.resolve():
        raise ConfigError("The sheets must not lie among the results. Choose another folder for them.")
    name = job.output.relative_to(root)
    return sheets / name.with_name(f"{name.name}.png")


def _plan_folder(image: Path, mask: Path, output: Path, suffix: str | None) -> list[Job]:
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
    results = [name.with_suffix(suffix) if suffix else name for name in names]
    uses = collections.Counter(results)
    results = [
        name.with_name(name.name + suffix) if suffix and uses[result] > 1 else result for name, result in zip(names, results, strict=True)
    ]
    if len(set(results)) < len(results):
        raise ConfigError("Some results would have the same name. Rename the pictures, or do not ask for one format.")
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
