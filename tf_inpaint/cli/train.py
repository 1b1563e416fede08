"""`tf-inpaint train`: trains a system in a run folder, or goes on where an earlier session ended."""

import argparse


def add_parser(subparsers):
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
    parser.add_argument("--data", default="photos", metavar="SOURCE", help="folder:PATH, tfds:NAME, tfrecord:PATH or photos (default)")
    parser.add_argument("--masks", default="free_form", metavar="MASKS", help="such as free_form (default) or free_form+irregular:PATH")
    parser.add_argument("--image-size", type=int, metavar="PIXELS", help="size of the training pictures; by default the system's")
    parser.add_argument("--batch-size", type=int, default=8, metavar="N", help="pictures in a step (default %(default)s)")
    parser.add_argument("--steps", type=int, default=2000, metavar="N", help="steps of the whole run (default %(default)s)")
    parser.add_argument("--precision", default="float32", choices=("float32", "mixed_bfloat16", "mixed_float16"))
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the system, such as hole_weight=6; repeatable"
    )
    parser.add_argument(
        "--colour-jitter",
        type=float,
        nargs="?",
        const=0.05,
        default=0.0,
        metavar="AMOUNT",
        help="change brightness, contrast, saturation and hue of each picture at random, by 0.05 at most where no amount is named",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")
    parser.add_argument("--deterministic", action="store_true", help="the same settings give the same bits; slower")
    parser.add_argument("--checkpoint-steps", type=int, default=500, metavar="N", help="steps between checkpoints (default %(default)s)")
    parser.add_argument(
        "--validation-steps", type=int, default=500, metavar="N", help="steps between validations, 0 for none (default %(default)s)"
    )
    parser.add_argument(
        "--validation-data", metavar="SOURCE", help="pictures to validate on; by default a tenth of --data, 500 at most, is kept back"
    )
    parser.add_argument(
        "--held-out", type=int, metavar="N", help="pictures kept back from --data, the last by name, instead of the rule above"
    )
    parser.add_argument("--log-steps", type=int, default=50, metavar="N", help="steps between log lines (default %(default)s)")
    parser.add_argument("--init-weights", metavar="NAME|PATH", help="begin a new run, or stage, from these weights")
    parser.add_argument("--max-seconds", type=float, metavar="S", help="save and end after so many seconds, to go on another time")


def run(args: argparse.Namespace) -> int:
    from tf_inpaint.errors import ConfigError
    from tf_inpaint.systems import SYSTEMS
    from tf_inpaint.training import TrainConfig, train

    if args.system not in SYSTEMS:
        raise ConfigError(f"There is no system {args.system!r}. Available: {', '.join(SYSTEMS)}.")
    system_class = SYSTEMS[args.system]
    system_class.stage_or_default(args.stage)  # an unknown one is named before anything is read
    image_size = [] if args.image_size is None else [f"image_size={args.image_size}"]
    system_config = system_class.Config().updated([*args.set, *image_size])
    names = (
        "data",
        "masks",
        "batch_size",
        "steps",
        "seed",
        "stage",
        "precision",
        "colour_jitter",
        "deterministic",
        "checkpoint_steps",
        "validation_steps",
        "validation_data",
        "held_out",
        "log_steps",
        "init_weights",
    )
    config = TrainConfig(**{name: getattr(args, name) for name in names})
    result = train(system_class, system_config, config, args.run_dir, max_seconds=args.max_seconds)
    return 0 if result.signal_number is None else 128 + result.signal_number
