"""`tf-inpaint inpaint IMAGE MASK -o OUT --weights NAME`: repairs one picture, or a folder of them."""

import argparse
import collections
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

_USAGE_ERROR = 2


def add_parser(subparsers) -> None:
    parser = subparsers.add_parser(
        "inpaint",
        help="repair pictures",
        description="Fills the white parts of MASK in IMAGE. Every other pixel stays as it is.",
        epilog=(
            "Folders: IMAGE may be a folder (folders inside it are read too); OUT is then a folder as well, and MASK is one mask\n"
            "for all pictures or a folder with, for each picture, a mask of the same name, or of the same stem with or without\n"
            "'_mask' behind it.\n"
            "Exit status: 0 all done; 1 some pictures failed, each named; 2 wrong usage."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("image", metavar="IMAGE", help="a picture, or a folder of pictures")
    parser.add_argument("mask", metavar="MASK", help="its mask, white = fill, or a folder of masks")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="where to write: a picture name, or a folder")
    parser.add_argument("--weights", metavar="NAME|PATH", required=True, help="name of shipped weights, or a run folder")
    parser.add_argument(
        "--format", choices=("same", "png"), default="same", help="format of the results; png keeps known pixels exactly"
    )
    parser.add_argument("--max-pixels", type=int, metavar="N", help="refuse pictures with more pixels")


def run(args: argparse.Namespace) -> int:
    from tf_inpaint import compat, pictures
    from tf_inpaint.errors import TfInpaintError
    from tf_inpaint.serving.inpainter import Inpainter

    try:
        jobs = _plan(Path(args.image), Path(args.mask), args.output, to_png=args.format == "png")
        inpainter = Inpainter(args.weights, max_pixels=args.max_pixels or pictures.MAX_PIXELS)
    except TfInpaintError as error:  # nothing has been done: a name, a path or an argument was wrong
        print(f"tf-inpaint: {error}", file=sys.stderr)
        return _USAGE_ERROR

    failures, notes = [], []
    for image, mask, output in compat.progress(jobs, description="repairing", unit="picture"):
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", pictures.LossyPictureWarning)
                _repair(inpainter, image, mask, output)
            notes += [str(note.message) for note in caught if note.category is pictures.LossyPictureWarning]
        except (TfInpaintError, OSError) as error:
            failures.append((image, error))
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    for image, error in failures:
        name = pictures.printable(image)
        reason = str(error).removeprefix(f"{name}: ")  # a PictureError begins with the name of its file
        print(f"failed: {name}: {reason}", file=sys.stderr)
    print(f"{len(jobs) - len(failures)} of {len(jobs)} pictures repaired")
    return 1 if failures else 0


def _plan(image: Path, mask: Path, output: str, *, to_png: bool) -> list[tuple[Path, Path | None, Path]]:
    """Finds for each picture its mask (`None`: there is none, or more than one) and the name of its result."""
    from tf_inpaint import pictures
    from tf_inpaint.errors import ConfigError

    for path, role in ((image, "IMAGE"), (mask, "MASK")):
        if not path.exists():
            raise ConfigError(f"{role} {pictures.printable(path)!r} does not exist.")
    if image.is_dir():
        jobs = _plan_folder(image, mask, Path(output), to_png=to_png)
    elif mask.is_dir():
        raise ConfigError(f"MASK {pictures.printable(mask)!r} is a folder, but IMAGE is one picture. Give one mask.")
    else:
        target = Path(output)
        if target.is_dir() or output.endswith(("/", os.sep)):
            target /= image.with_suffix(".png").name if to_png else image.name
        if to_png and target.suffix.lower() != ".png":
            raise ConfigError(f"OUT {pictures.printable(target)!r} does not end in .png, as --format png asks.")
        jobs = [(image, mask, target)]
    inputs = {path.resolve() for job in jobs for path in job[:2] if path is not None}
    for _, _, target in jobs:
        pictures.format_of(target)
        if target.resolve() in inputs:
            raise ConfigError(f"OUT {pictures.printable(target)!r} is one of the inputs. Choose another name.")
    return jobs


def _plan_folder(image: Path, mask: Path, output: Path, *, to_png: bool) -> list[tuple[Path, Path | None, Path]]:
    from tf_inpaint import pictures
    from tf_inpaint.data.sources import list_pictures
    from tf_inpaint.errors import ConfigError

    if output.exists() and not output.is_dir():
        raise ConfigError(f"OUT {pictures.printable(output)!r} is a file. For a folder of pictures OUT must be a folder.")
    if output.resolve().is_relative_to(image.resolve()):
        raise ConfigError("OUT lies inside IMAGE: results would be taken for pictures the next time. Choose another folder.")
    names = [Path(name) for name in list_pictures(image)[0]]
    if mask.is_dir() and mask.samefile(image):  # pictures and masks side by side
        names = [name for name in names if not name.stem.endswith("_mask")]
    else:  # masks may lie below the pictures
        names = [name for name in names if not (image / name).resolve().is_relative_to(mask.resolve())]
    if not names:
        raise ConfigError(f"IMAGE {pictures.printable(image)!r} holds no pictures.")
    results = [name.with_suffix(".png") if to_png else name for name in names]
    uses = collections.Counter(results)  # a.jpg and a.bmp would both become a.png: those keep their whole name
    results = [name.with_name(name.name + ".png") if uses[result] > 1 else result for name, result in zip(names, results)]
    if len(set(results)) < len(results):
        raise ConfigError("Some results would have the same name. Rename the pictures, or leave out --format png.")
    find_mask = _mask_finder(mask, side_by_side=mask.samefile(image)) if mask.is_dir() else lambda _: mask
    return [(image / name, find_mask(name), output / result) for name, result in zip(names, results, strict=True)]


def _mask_finder(folder: Path, *, side_by_side: bool) -> Callable[[Path], Path | None]:
    """Looks for masks of the same name, or else of the same stem, with or without `_mask` behind it."""
    from tf_inpaint.data.sources import list_pictures

    names = [Path(name) for name in list_pictures(folder)[0]]
    by_stem = collections.defaultdict(list)
    for name in names:
        if name.stem.endswith("_mask"):
            by_stem[name.with_name(name.stem.removesuffix("_mask"))].append(name)
        elif not side_by_side:
            by_stem[name.with_suffix("")].append(name)

    def find(name: Path) -> Path | None:
        candidates = by_stem[name.with_suffix("")]
        found = [name] if name in candidates else candidates
        return folder / found[0] if len(found) == 1 else None

    return find


def _repair(inpainter, image: Path, mask: Path | None, output: Path) -> None:
    from tf_inpaint import pictures
    from tf_inpaint.errors import MaskError

    if mask is None:
        raise MaskError("there is no mask of its name, or more than one of its stem.")
    picture = pictures.read_picture(image, max_pixels=inpainter.max_pixels)
    hole = pictures.read_mask(mask, max_pixels=inpainter.max_pixels)
    result = inpainter.fill(picture, hole)
    output.parent.mkdir(parents=True, exist_ok=True)
    pictures.write_picture(output, result, icc_profile=picture.icc_profile)
