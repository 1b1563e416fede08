"""`tf-inpaint evaluate --weights NAME --data SOURCE --masks MASKS --report DIR`: numbers, tables and pictures for each share of hole."""

import argparse
import sys


def add_parser(subparsers) -> None:
    """Adds the command and its options: what is measured, on which pictures and masks, by which numbers, and where the report goes."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure weights and baselines",
        description="Measures weights and baselines on the same pictures and masks, chosen by a seed, for each bin of hole shares.",
        epilog=(
            "DIR/report.json holds the list of pictures and masks with their SHA-256, the means of each method and bin, and each\n"
            "picture's numbers. Two runs write the same but for the times. DIR/report.html is a page with tables, bars and pictures that\n"
            "needs no network; report.csv, report.tex and figures/ are for other programs and papers. `tf-inpaint report DIR` makes them\n"
            "again. The page and DIR/pictures hold pictures of the data: mind their terms before you pass them on.\n"
            "Exit status: 0 done; 1 failed; 2 wrong usage."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--weights", metavar="NAME|PATH[,...]", type=_names, default=(), help="names of shipped weights, or run folders")
    parser.add_argument(
        "--baselines",
        metavar="NAME[,...]",
        type=_names,
        default=(),
        help="methods without weights: mean, telea, ns, biharmonic, patch_match",
    )
    parser.add_argument("--data", metavar="SOURCE", help="folder:PATH, tfds:NAME@SPLIT, tfrecord:PATH or photos")
    parser.add_argument(
        "--masks",
        metavar="MASKS",
        help="irregular:PATH (irregular:PATH?files=odd for files with an odd number), free_form, center_square, ...",
    )
    parser.add_argument(
        "--report", metavar="DIR", required=True, help="folder of the report; an earlier one is replaced, an unfinished one gone on with"
    )
    parser.add_argument(
        "--compare",
        metavar="DIR[,...]",
        type=_names,
        default=(),
        help="earlier reports, whose rows join those of this one; without --weights and --baselines they are joined with each other",
    )
    parser.add_argument(
        "--allow-different-protocols",
        action="store_true",
        help="join reports on other pictures, masks or bins all the same; the page says so",
    )
    parser.add_argument("--limit", metavar="N", type=int, help="pictures in each bin; default: all")
    parser.add_argument(
        "--image-size", metavar="PIXELS", type=int, help="resize and crop to squares; default: each picture at its own size"
    )
    parser.add_argument(
        "--bins",
        metavar="LOW-HIGH[,...]",
        help="shares of hole, high excluded, or those of a paper: paper:three_stage (0.1-0.2 to 0.4-0.5, the default), "
        "paper:partial_conv (0-0.1 to 0.5-0.6)",
    )
    parser.add_argument("--by-border", action="store_true", help="further rows for holes that touch the border and for those that do not")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="chooses pictures and masks; default: 0")
    parser.add_argument("--batch-size", metavar="N", type=int, default=1, help="pictures at once; default: 1")
    parser.add_argument(
        "--ssim-window", metavar="PIXELS", type=int, help="SSIM with a uniform window besides, as some papers have it (51); odd"
    )
    parser.add_argument(
        "--lpips", metavar="PATH", help="AlexNet and the heads of LPIPS, .npz or .pth; two files are joined by +. Without it: no LPIPS"
    )
    parser.add_argument(
        "--identity", metavar="PATH", help="MobileFaceNet, .npz or .pth, for aligned faces as in CelebA: how like the true one a face is"
    )
    parser.add_argument(
        "--features",
        metavar="NETWORK[,...]",
        type=_names,
        default=(),
        help="networks for FID and KID: inception:PATH (the published FID's), keras_inception[:PATH], squeezenet:PATH; the numbers "
        "carry the network's name. Without it: neither",
    )
    parser.add_argument("--allow-small-fid", action="store_true", help="FID of fewer than 2,048 pictures too; KID is the better choice")


def run(args: argparse.Namespace) -> int:
    """Measures, or only joins the reports that `--compare` names, writes report and page, prints the table, and returns 0."""
    from tf_inpaint import evaluation, pictures
    from tf_inpaint.errors import ConfigError
    from tf_inpaint.systems.loading import load

    for folder in args.compare:  # before hours of work
        evaluation.read_report(folder)
    if args.compare and not args.weights and not args.baselines:
        return _join(args.compare, args)
    missing = [f"--{name}" for name in ("data", "masks") if getattr(args, name) is None]
    if missing:
        raise ConfigError(f"Name what to evaluate on: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing.")
    evaluation.check_baselines(args.baselines)  # before the weights are read
    report = evaluation.evaluate(
        {name: load(name) for name in args.weights},
        baselines=args.baselines,
        data=args.data,
        masks=args.masks,
        limit=args.limit,
        image_size=args.image_size,
        bins=evaluation.BINS if args.bins is None else evaluation.parse_bins(args.bins),
        by_border=args.by_border,
        seed=args.seed,
        batch_size=args.batch_size,
        ssim_window=args.ssim_window,
        lpips=args.lpips,
        identity=args.identity,
        features=args.features,
        allow_small_fid=args.allow_small_fid,
        report_folder=args.report,
    )
    for _, reason in report["protocol"]["broken"]:
        print(f"broken: {reason}", file=sys.stderr)
    for low, high in report["protocol"]["bins_without_masks"]:
        print(f"note: no masks with a hole share in {low:g}-{high:g}", file=sys.stderr)
    path = evaluation.write_report(report, args.report)
    page, *_ = evaluation.present(args.report)
    if args.compare:
        return _join([args.report, *args.compare], args)
    print(evaluation.format_table(report))
    print(f"\n{pictures.printable(path)}\n{pictures.printable(page)}")
    return 0


def _join(folders, args: argparse.Namespace) -> int:
    from tf_inpaint import evaluation, pictures

    path, page, *_ = evaluation.compare(folders, args.report, allow_different_protocols=args.allow_different_protocols)
    print(evaluation.format_table(evaluation.read_report(args.report)))
    print(f"\n{pictures.printable(path)}\n{pictures.printable(page)}")
    return 0


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError(f"expected names with commas between them, received {text!r}")
    return names
