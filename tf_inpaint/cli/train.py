"""`tf-inpaint train`: trains a system in a run folder, or goes on where an earlier session ended."""

import argparse

from tf_inpaint.cli.training_options import add_training_options, read_training_options


def add_parser(subparsers) -> None:
    """Adds the command and its options: the system, the run folder, and what every training takes."""
    parser = subparsers.add_parser(
        "train",
        help="train a system, or go on with an interrupted training",
        description="Trains a system, or one stage of it. Started again with the same settings it goes on from the last checkpoint in the "
        "run folder.",
        epilog="Exit status: 0 done (or --max-seconds are over), 1 failed, 2 wrong usage, 143 saved and ended by SIGTERM, 130 by Ctrl-C.",
    )
    parser.add_argument("--system", required=True, metavar="NAME", help="name of the system, such as three_stage")
    parser.add_argument("--run-dir", required=True, metavar="DIR", help="folder of the run: checkpoints, weights, logs, samples")
    parser.add_argument(
        "--stage",
        metavar="NAME",
        help="stage of the training, such as edges of edge_connect; the run folder carries all stages, and a new one starts from the best "
        "weights of the one before it, which must be finished; without this option the system's default stage is trained: joint, or "
        "initial of partial_conv",
    )
    add_training_options(parser, settings_help="a setting of the system, such as hole_weight=6")
    parser.add_argument("--steps", type=int, default=2000, metavar="N", help="steps of the whole run (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")
    parser.add_argument(
        "--validation-steps", type=int, default=500, metavar="N", help="steps between validations, 0 for none (default %(default)s)"
    )
    parser.add_argument(
        "--validation-data", metavar="SOURCE", help="pictures to validate on; by default a tenth of --data, 500 at most, is kept back"
    )
    parser.add_argument(
        "--held-out", type=int, metavar="N", help="pictures kept back from --data, the last by name, instead of the rule above"
    )
    parser.add_argument("--init-weights", metavar="NAME|PATH", help="begin a new run, or stage, from these weights")


def run(args: argparse.Namespace) -> int:
    """Trains, or goes on; returns 0, or 128 and the number of the signal that ended it."""
    from tf_inpaint.training import train

    fields = ("seed", "validation_steps", "validation_data", "held_out")
    system_class, system_config, config = read_training_options(args, fields=fields)
    result = train(system_class, system_config, config, args.run_dir, max_seconds=args.max_seconds)
    return 0 if result.signal_number is None else 128 + result.signal_number
