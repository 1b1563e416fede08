"""`tf-inpaint tune`: searches the loss weights of a system, or goes on with a search."""

import argparse

from tf_inpaint.cli.training_options import add_series_options, add_training_options, read_training_options


def add_parser(subparsers) -> None:
    """Adds the command and its options: the system, which weights are searched and how, and what every training takes."""
    parser = subparsers.add_parser(
        "tune",
        help="search loss weights on held-out pictures",
        description=(
            "Trains a system again and again, each time with other loss weights and from the same start, measures each on pictures kept\n"
            "back from training, and says which weights were best. Started again with the same settings it goes on where it was\n"
            "interrupted; --trials may grow. Needs KerasTuner: pip install 'tf_inpaint[tune]'."
        ),
        epilog=(
            "DIR/trials.csv and DIR/trials.png show all trials, DIR/best.json the best one, with its weights as `tf-inpaint train` takes\n"
            "them (--set NAME=VALUE). The first trial has the present weights.\n"
            "What to know about the result: PSNR, SSIM and L1 compare with the one true picture. They prefer blurred pictures, and so\n"
            "weights without adversarial, perceptual or style terms; where sharpness matters, name only the others with --range, so\n"
            "that these stay as they are. Weights that were best after few steps need not be best after many. Adam looks only at the\n"
            "ratio of the weights of a network: one of them may stay as it is.\n"
            "Exit status: 0 done (or --max-seconds are over), 1 failed, 2 wrong usage, 143 saved and ended by SIGTERM, 130 by Ctrl-C."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--system", required=True, metavar="NAME", help="name of the system, such as partial_conv")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder of the search")
    parser.add_argument("--trials", type=int, default=20, metavar="N", help="number of trainings (default %(default)s)")
    parser.add_argument(
        "--range",
        action="append",
        default=[],
        metavar="NAME[=LOW:HIGH]",
        help="search this loss weight; repeatable. Without bounds from a tenth of the present weight to ten times. "
        "Without this option: all settings that end in _weight and are above 0, with --stage those of that stage's losses",
    )
    parser.add_argument(
        "--tuner", default="random", choices=("random", "bayesian", "hyperband"), help="how to search (default %(default)s)"
    )
    parser.add_argument(
        "--objective",
        default="psnr",
        metavar="NAME",
        help="psnr (default), ssim or l1 of the composites, or another of the system's validation measures, such as edge_f1",
    )
    add_series_options(parser)
    add_training_options(parser, settings_help="a setting of the system, such as width_multiplier=0.5")
    parser.add_argument("--init-weights", metavar="NAME|PATH", help="begin each training from these weights")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the trainings and the search (default %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Searches, or goes on, and prints the trials; returns 0, or 128 and the number of the signal that ended it."""
    from tf_inpaint.training import TuneConfig, tune
    from tf_inpaint.training.tuning_report import BEST_FILE, PLOT_FILE, TABLE_FILE, format_table, options, ranked

    system_class, system_config, train_config = read_training_options(args, fields=["seed"])
    names = ("trials", "tuner", "objective", "validation_pictures", "validation_data")
    config = TuneConfig(ranges=tuple(args.range), **{name: getattr(args, name) for name in names})
    result = tune(system_class, system_config, train_config, config, args.output, max_seconds=args.max_seconds)
    if result.trials:
        print(format_table(result.trials, config))
        best = ranked(result.trials, config)[0]
        print(f"best: {options(best.weights)}  ({config.objective} {best.measures[config.objective]:.4f}, trial {best.number})")
        print(f"{args.output}: {TABLE_FILE}, {PLOT_FILE}, {BEST_FILE}")
    if not result.finished:
        print(f"{len(result.trials)} of {config.trials} trials are done; the same command goes on")
    return 0 if result.signal_number is None else 128 + result.signal_number
