"""`tf-inpaint batch --runner NAME --model DIR --images ... --masks ... --output DIR`: very many pictures, by Apache Beam."""

import argparse
import sys


def add_parser(subparsers) -> None:
    """Adds the command and its options: the runner, the exported model, pictures, masks and where results go."""
    parser = subparsers.add_parser(
        "batch",
        help="repair very many pictures on one machine or a cluster (Apache Beam)",
        description="Repairs pictures by an exported model in an Apache Beam pipeline. Needs `pip install 'tf_inpaint[beam]'`.",
        epilog=(
            "A picture's mask is the one of the same name below the masks' folder, or the only one of its stem, with or without '_mask'\n"
            "behind it. Results are PNG files in DIR, named like their pictures; known pixels keep their bits. What cannot be repaired is\n"
            "named, with the reason, in DIR/failures.jsonl, and stops nothing else. Pictures, masks and DIR may also be addresses of a\n"
            "file system that Beam knows (gs://, s3://, hdfs://; see apache-beam's extras).\n"
            "Options of the runner stand at the end, behind --, as in: ... -- --flink_master=localhost:8081 --parallelism=8\n"
            "DirectRunner on many processes: ... -- --direct_running_mode=multi_processing --direct_num_workers=4\n"
            "Exit status: 0 all done; 1 some pictures failed, or the pipeline did; 2 wrong usage."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--runner", metavar="NAME", default="DirectRunner", help="a Beam runner; default: DirectRunner, this machine")
    parser.add_argument("--model", metavar="DIR", required=True, help="folder written by tf-inpaint export")
    parser.add_argument("--images", metavar="PATH", required=True, help="folder, quoted pattern, or one picture")
    parser.add_argument("--masks", metavar="PATH", required=True, help="the same; one file is the mask of all pictures")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder of the results")
    parser.add_argument("--max-pixels", type=int, metavar="N", help="pictures with more pixels fail")
    parser.add_argument("runner_options", metavar="OPTION", nargs="*", help="behind --: an option of the runner")


def run(args: argparse.Namespace) -> int:
    """Repairs the pictures in a pipeline, names those that failed, and returns 0, or 1 if there are any."""
    from tf_inpaint.serving import beam_pipeline
    from tf_inpaint.serving.export import DEFAULT_MAX_PIXELS

    outcome = beam_pipeline.repair(
        args.images,
        args.masks,
        args.output,
        model=args.model,
        runner=args.runner,
        runner_options=args.runner_options,
        max_pixels=DEFAULT_MAX_PIXELS if args.max_pixels is None else args.max_pixels,
    )
    for failure in outcome.failures:
        print(f"failed: {failure['name']}: {failure['reason']}", file=sys.stderr)
    print(f"{outcome.num_repaired} of {outcome.num_repaired + len(outcome.failures)} pictures repaired")
    return 1 if outcome.failures else 0
