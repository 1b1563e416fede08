"""`tf-inpaint calibrate --weights NAME|PATH --data SOURCE --masks MASKS`: measures the thresholds that verification judges by."""

import argparse


def add_parser(subparsers) -> None:
    """Adds the command and its options: the weights, the pictures to score, and which percentile becomes the threshold."""
    parser = subparsers.add_parser(
        "calibrate",
        help="measure the thresholds by which results are accepted or rejected",
        description=(
            "Scores true pictures as if their holes had been repaired, and stores a percentile of the scores beside the weights: what "
            "scores less is rejected from then on (tf-inpaint inpaint --retries N). For systems that can judge their results, such as "
            "edge_connect. A training does this by itself when it finishes, on the pictures that it kept back."
        ),
        epilog="Exit status: 0 done; 1 failed; 2 wrong usage.",
    )
    parser.add_argument("--weights", metavar="NAME|PATH", required=True, help="name of weights, or a run folder")
    parser.add_argument(
        "--data", metavar="SOURCE", required=True, help="pictures unseen in training: folder:PATH, tfds:NAME, tfrecord:PATH or photos"
    )
    parser.add_argument("--masks", metavar="MASKS", default="free_form", help="such as free_form (default) or irregular:PATH")
    parser.add_argument("--percentile", metavar="P", type=float, default=5.0, help="percentage of true pictures to be rejected (default 5)")
    parser.add_argument("--limit", metavar="N", type=int, help="the last N pictures by name, which a training keeps back; default: all")
    parser.add_argument("--image-size", metavar="PIXELS", type=int, help="size of the pictures; default: that of the weights")
    parser.add_argument("--batch-size", metavar="N", type=int, default=8, help="pictures at once (default %(default)s)")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="chooses the masks (default %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Scores the pictures, stores the thresholds beside the weights, prints them and returns 0."""
    from tf_inpaint import pictures
    from tf_inpaint.training.calibration import calibrate

    folder, thresholds = calibrate(
        args.weights,
        source=args.data,
        masks=args.masks,
        percentile=args.percentile,
        limit=args.limit,
        image_size=args.image_size,
        batch_size=args.batch_size,
        seed=args.seed,
    )
    print(f"{pictures.printable(folder)}: {thresholds.describe()}")
    return 0
