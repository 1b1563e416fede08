"""`tf-inpaint tune`: searches the loss weights of a system, or goes on with a search."""

import argparse


def add_parser(subparsers):
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
    parser.add_argument("--steps", type=int, default=2000, metavar="N", help="steps of each training (default %(default)s)")
    parser.add_argument(
        "--range",
        action="append",
        default=[],
        metavar="NAME[=LOW:HIGH]",
        help="search this loss weight; repeatable. Without bounds from a tenth of the present weight to ten times. "
        "Without this option: all settings that end in _weight and are above 0",
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
    parser.add_argument(
        "--validation-pictures", type=int, default=100, metavar="N", help="number of pictures to measure (default %(default)s)"
    )
    parser.add_argument(
        "--validation-data", metavar="SOURCE", help="take these pictures from here; by default the last of --data are kept back"
    )
    parser.add_argument("--stage", metavar="NAME", help="part of the system to train; all of it without this option")
    parser.add_argument("--data", default="photos", metavar="SOURCE", help="folder:PATH, tfds:NAME, tfrecord:PATH or photos (default)")
    parser.add_argument("--masks", default="free_form", metavar="MASKS", help="such as free_form (default) or free_form+irregular:PATH")
    parser.add_argument("--image-size", type=int, metavar="PIXELS", help="size of the training pictures; by default the system's")
    parser.add_argument("--batch-size", type=int, default=8, metavar="N", help="pictures in a step (default %(default)s)")
    parser.add_argument("--precision", default="float32", choices=("float32", "mixed_bfloat16", "mixed_float16"))
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the system, such as width_multiplier=0.5; repeatable"
    )
    parser.add_argument("--init-weights", metavar="NAME|PATH", help="begin each training from these weights")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the trainings and the search (default %(default)s)")
    parser.add_argument("--deterministic", action="store_true", help="the same settings give the same bits; slower")
    parser.add_argument("--checkpoint-steps", type=int, default=500, metavar="N", help="steps between checkpoints (default %(default)s)")
    parser.add_argument("--log-steps", type=int, default=50, metavar="N", help="steps between log lines (default %(default)s)")
    parser.add_argument("--max-seconds", type=float, metavar="S", help="save and end after so many seconds, to go on another time")


def run(args: argparse.Namespace) -> int:
    from tf_inpaint.errors import ConfigError
    from tf_inpaint.systems import SYSTEMS
    from tf_inpaint.training import TrainConfig, TuneConfig, tune
    from tf_inpaint.training.tuning_report import BEST_FILE, PLOT_FILE, TABLE_FILE, format_table, options, ranked

    if args.system not in SYSTEMS:
        raise ConfigError(f"There is no system {args.system!r}. Available: {', '.join(SYSTEMS)}.")
    system_class = SYSTEMS[args.system]
    if args.stage is not None:
        system_class.stage_or_default(args.stage)
    image_size = [] if args.image_size is None else [f"image_size={args.image_size}"]
    system_config = system_class.Config().updated([*args.set, *image_size])
    names = ("data", "masks", "batch_size", "steps", "seed", "stage", "precision", "deterministic")
    names += ("checkpoint_steps", "log_steps", "init_weights")
    train_config = TrainConfig(**{name: getattr(args, name) for name in names})
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
