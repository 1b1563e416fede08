"""`tf-inpaint check-data SOURCE`: what is there, what is broken, what training would use."""

import argparse
import sys


def add_parser(subparsers) -> None:
    """Adds the command and its arguments: the source, and how large a picture may be."""
    parser = subparsers.add_parser(
        "check-data",
        help="look through a data source and name what is broken",
        description="Decodes every picture of a data source once and says what training would use.",
        epilog="Exit status: 0 all pictures are readable; 1 some are broken, each named; 2 wrong usage, nothing there.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source", metavar="SOURCE", help="folder:PATH, tfds:NAME@SPLIT, tfrecord:PATH, photos, or a recipe, such as dtd:PATH@test"
    )
    parser.add_argument("--max-pixels", type=int, metavar="N", help="pictures with more pixels count as broken")


def run(args: argparse.Namespace) -> int:
    """Decodes the whole source and prints what it found; returns 0, 1 if pictures are broken, 2 if the source cannot be opened."""
    from tf_inpaint import pictures
    from tf_inpaint.data import check, open_source
    from tf_inpaint.errors import DataError

    try:
        source = open_source(args.source)
    except DataError as error:
        print(f"tf-inpaint: {error}", file=sys.stderr)
        return 2
    report = check(source, max_pixels=pictures.MAX_PIXELS if args.max_pixels is None else args.max_pixels)
    if source.note:
        print(f"note: {source.note}")
    print(report.summary(max_names=len(report.broken)))
    if report.is_usable:
        print(f"Training would use {report.num_readable} pictures.")
    else:
        print("Training would refuse this source: more than half of it is broken.")
    return 1 if report.broken else 0
