"""`tf-inpaint evaluate --weights NAME --data SOURCE --masks MASKS --report DIR`: PSNR, SSIM and L1 for each share of hole."""

import argparse
import sys


def add_parser(subparsers) -> None:
    parser = subparsers.add_parser(
        "evaluate",
        help="measure weights and baselines",
        description="Measures weights and baselines on the same pictures and masks, chosen by a seed, for each bin of hole shares.",
        epilog=(
            "DIR/report.json holds the list of pictures and masks with their SHA-256, the means of each method and bin, and each\n"
            "picture's numbers. Two runs write the same but for the times.\n"
            "Exit status: 0 done; 1 failed; 2 wrong usage."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--weights", metavar="NAME|PATH[,...]", type=_names, default=(), help="names of shipped weights, or run folders"
    )
    parser.add_argument("--baselines", metavar="NAME[,...]", type=_names, default=(), help="methods without weights: telea, ns")
    parser.add_argument("--data", metavar="SOURCE", required=True, help="folder:PATH, tfds:NAME@SPLIT or photos")
    parser.add_argument(
        "--masks",
        metavar="MASKS",
        required=True,
        help="irregular:PATH (irregular:PATH?files=odd for files with an odd number), free_form, center_square, ...",
    )
    parser.add_argument("--report", metavar="DIR", required=True, help="folder of the report; an earlier one is replaced")
    parser.add_argument("--limit", metavar="N", type=int, help="pictures in each bin; default: all")
    parser.add_argument(
        "--image-size", metavar="PIXELS", type=int, help="resize and crop to squares; default: each picture at its own size"
    )
    parser.add_argument(
        "--bins",
        metavar="LOW-HIGH[,...]",
        type=_bins,
        help="shares of hole, high excluded; default: 0.1-0.2,0.2-0.3,0.3-0.4,0.4-0.5",
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="chooses pictures and masks; default: 0")
    parser.add_argument("--batch-size", metavar="N", type=int, default=1, help="pictures at once; default: 1")


def run(args: argparse.Namespace) -> int:
    from tf_inpaint import evaluation, pictures
    from tf_inpaint.systems.loading import load

    evaluation.check_baselines(args.baselines)  # before the weights are read
    report = evaluation.evaluate(
        {name: load(name) for name in args.weights},
        baselines=args.baselines,
        data=args.data,
        masks=args.masks,
        limit=args.limit,
        image_size=args.image_size,
        bins=args.bins or evaluation.BINS,
        seed=args.seed,
        batch_size=args.batch_size,
    )
    for _, reason in report["protocol"]["broken"]:
        print(f"broken: {reason}", file=sys.stderr)
    for low, high in report["protocol"]["bins_without_masks"]:
        print(f"note: no masks with a hole share in {low:g}-{high:g}", file=sys.stderr)
    path = evaluation.write_report(report, args.report)
    print(evaluation.format_table(report))
    print(f"\n{pictures.printable(path)}")
    return 0


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError(f"expected names with commas between them, received {text!r}")
    return names


def _bins(text: str) -> tuple[tuple[float, float], ...]:
    try:
        return tuple((float(low), float(high)) for low, high in (part.split("-") for part in text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected such as 0.1-0.2,0.2-0.3, received {text!r}") from None
