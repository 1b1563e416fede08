"""`tf-inpaint report DIR`: makes the page, the tables and the figures of an evaluation again, without running a network."""

import argparse


def add_parser(subparsers) -> None:
    """Adds the command and its options: the report, and those to join with it."""
    parser = subparsers.add_parser(
        "report",
        help="make the page and tables of an evaluation again",
        description="Makes report.html, report.csv, report.tex and the figures from DIR/report.json and DIR/pictures. No network runs.",
        epilog=(
            "Reports can share a table only where they measured on the same pictures, holes and bins; others are refused unless\n"
            "--allow-different-protocols is said, and then the page says so.\n"
            "Exit status: 0 done; 1 failed; 2 wrong usage."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("report", metavar="DIR", help="folder of a report")
    parser.add_argument(
        "--compare", metavar="DIR[,...]", type=lambda text: text.split(","), default=[], help="further reports to join with it"
    )
    parser.add_argument("-o", "--output", metavar="DIR", help="folder of the joined report; needed with --compare")
    parser.add_argument(
        "--allow-different-protocols", action="store_true", help="join reports on other pictures, masks or bins all the same"
    )


def run(args: argparse.Namespace) -> int:
    """Makes the page, tables and figures again, prints their paths, and returns 0."""
    from tf_inpaint import evaluation, pictures
    from tf_inpaint.errors import ConfigError

    if bool(args.compare) != bool(args.output):
        raise ConfigError("--compare and --output belong together: the joined report gets a folder of its own.")
    if args.compare:
        folders = [args.report, *args.compare]
        paths = evaluation.compare(folders, args.output, allow_different_protocols=args.allow_different_protocols)
    else:
        paths = evaluation.present(args.report)
    for path in paths:
        print(pictures.printable(path))
    return 0
