"""`tf-inpaint inpaint IMAGE MASK -o OUT --weights NAME`: repairs one picture, or a folder of them."""

import argparse
import collections
import sys

_USAGE_ERROR = 2


def add_parser(subparsers) -> None:
    """Adds the command and its options: pictures and masks, how the hole is treated, and how results are stored."""
    parser = subparsers.add_parser(
        "inpaint",
        help="repair pictures",
        description="Fills the white parts of MASK in IMAGE. Every other pixel stays as it is.",
        epilog=(
            "Folders: IMAGE may be a folder (folders inside it are read too); OUT is then a folder as well, and MASK is one mask\n"
            "for all pictures or a folder with, for each picture, a mask of the same name, or of the same stem with or without\n"
            "'_mask' behind it. A run that was interrupted goes on with --resume.\n"
            "Strategies: 'crop' repairs a window around each hole, small for the networks if need be; 'tile' repairs at full\n"
            "resolution, for scratches and text; 'resize' shows the networks the whole picture made small; 'original' the whole\n"
            "picture as it is, which takes memory. Known pixels keep their bits with all of them; a JPEG file loses a little when\n"
            "it is written, --format png keeps it.\n"
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
    parser.add_argument("--retries", type=int, metavar="N", help="verify each result; if rejected make up to N others and take the best")
    parser.add_argument("--resume", action="store_true", help="leave out pictures whose results are there")
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no notes")

    way = parser.add_argument_group("how a picture goes through the networks")
    way.add_argument("--strategy", choices=("crop", "resize", "tile", "original"), default="crop", help="see below [%(default)s]")
    way.add_argument("--margin", type=int, metavar="N", help="known pixels to see around a hole [a quarter of the networks' size]")
    way.add_argument(
        "--max-pixels",
        type=int,
        metavar="N",
        help="refuse pictures with more pixels, before they are decoded [89 million; with the strategy original 16 million]",
    )

    hole = parser.add_argument_group("the hole")
    hole.add_argument("--invert-mask", action="store_true", help="black marks the hole")
    hole.add_argument("--erode", type=int, default=0, metavar="N", help="take N pixels away from the hole's border")
    hole.add_argument("--dilate", type=int, default=0, metavar="N", help="add N pixels around the hole, if a rim of what shall go is left")
    hole.add_argument("--feather", type=int, default=0, metavar="N", help="blend over N pixels along the border, inside the hole only")
    hole.add_argument("--match-colour", action="store_true", help="give each filling the mean colour and contrast of what is around it")

    result = parser.add_argument_group("the results")
    formats = ("same", "png", "jpeg", "webp", "bmp", "tiff")
    result.add_argument("--format", choices=formats, default="same", help="format of the results; png keeps known pixels exactly")
    result.add_argument("--quality", type=int, metavar="1-100", help="of JPEG [as the picture] and WebP [lossless]")
    result.add_argument("--strip-metadata", action="store_true", help="write no EXIF, colour profile, resolution and texts")
    result.add_argument("--concat", metavar="DIR", help="write before, hole and after side by side into this folder, too")


def run(args: argparse.Namespace) -> int:
    """Repairs one picture or a folder; returns 0, 1 if some failed, each named, or 2 if the request as a whole is wrong."""
    from tf_inpaint import pictures
    from tf_inpaint.errors import TfInpaintError
    from tf_inpaint.serving import batch
    from tf_inpaint.serving.inpainter import Inpainter

    try:
        file_format = None if args.format == "same" else args.format.upper()
        jobs = batch.plan(args.image, args.mask, args.output, file_format=file_format, sheets=args.concat)
        pictures.check_quality(args.quality)
        inpainter = Inpainter(
            args.weights,
            strategy=args.strategy,
            margin=args.margin,
            max_pixels=args.max_pixels,
            invert_mask=args.invert_mask,
            erode=args.erode,
            dilate=args.dilate,
            feather=args.feather,
            match_colour=args.match_colour,
        )
    except TfInpaintError as error:  # nothing has been done: a name, a path or an argument was wrong
        print(f"tf-inpaint: {error}", file=sys.stderr)
        return _USAGE_ERROR

    outcome = batch.repair_files(
        inpainter,
        jobs,
        retries=args.retries,
        quality=args.quality,
        keep_metadata=not args.strip_metadata,
        resume=args.resume,
        show_progress=False if args.quiet else None,
    )
    for note in [] if args.quiet else outcome.notes:
        print(f"note: {note}", file=sys.stderr)
    for job, reason in outcome.failures:
        print(f"failed: {pictures.printable(job.image)}: {reason}", file=sys.stderr)
    for job, verdict, scores in outcome.verdicts:
        print(f"{verdict}: {pictures.printable(job.image)}: {scores}")
    skipped = f", {outcome.num_skipped} were there" if outcome.num_skipped else ""
    print(f"{outcome.num_done} of {len(jobs)} pictures repaired{skipped}{_count(outcome.verdicts)}")
    return 1 if outcome.failures else 0


def _count(verdicts: list) -> str:
    counts = collections.Counter(verdict for _, verdict, _ in verdicts)
    return "".join(f", {number} {verdict}" for verdict, number in sorted(counts.items()))
