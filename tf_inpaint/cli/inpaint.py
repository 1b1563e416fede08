"""`tf-inpaint inpaint IMAGE MASK -o OUT --weights NAME`: repairs one picture, or a folder of them."""

import argparse
import collections
import sys

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
            "With --retries each result is verified: a line says whether it is accepted or rejected, with its scores. A rejected one is\n"
            "written all the same. This needs a system that can judge its results, such as edge_connect, and for N above 0 weights with\n"
            "thresholds (tf-inpaint calibrate).\n"
            "Exit status: 0 all done, rejected results among them; 1 some pictures failed, each named; 2 wrong usage."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("image", metavar="IMAGE", help="a picture, or a folder of pictures")
    parser.add_argument("mask", metavar="MASK", help="its mask, white = fill, or a folder of masks")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="where to write: a picture name, or a folder")
    parser.add_argument("--weights", metavar="NAME|PATH", required=True, help="name of shipped weights, or a run folder")
    parser.add_argument("--format", choices=("same", "png"), default="same", help="format of the results; png keeps known pixels exactly")
    parser.add_argument(
        "--retries",
        type=int,
        metavar="N",
        help="verify each result; where it is rejected make up to N others and take the best",
    )
    parser.add_argument("--max-pixels", type=int, metavar="N", help="refuse pictures with more pixels")


def run(args: argparse.Namespace) -> int:
    from tf_inpaint import pictures
    from tf_inpaint.errors import TfInpaintError
    from tf_inpaint.serving import batch
    from tf_inpaint.serving.inpainter import Inpainter

    try:
        jobs = batch.plan(args.image, args.mask, args.output, to_png=args.format == "png")
        inpainter = Inpainter(args.weights, max_pixels=pictures.MAX_PIXELS if args.max_pixels is None else args.max_pixels)
    except TfInpaintError as error:  # nothing has been done: a name, a path or an argument was wrong
        print(f"tf-inpaint: {error}", file=sys.stderr)
        return _USAGE_ERROR

    failures, notes, verdicts = batch.repair_files(inpainter, jobs, retries=args.retries)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    for job, reason in failures:
        print(f"failed: {pictures.printable(job.image)}: {reason}", file=sys.stderr)
    for job, verdict, scores in verdicts:
        print(f"{verdict}: {pictures.printable(job.image)}: {scores}")
    print(f"{len(jobs) - len(failures)} of {len(jobs)} pictures repaired{_count(verdicts)}")
    return 1 if failures else 0


def _count(verdicts: list) -> str:
    counts = collections.Counter(verdict for _, verdict, _ in verdicts)
    return "".join(f", {number} {verdict}" for verdict, number in sorted(counts.items()))
