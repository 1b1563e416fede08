"""`tf-inpaint ablate`: trains variants of a system with the same budget and prints how they compare, or goes on with that."""

import argparse


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "ablate",
        help="train variants of a system and compare them",
        description=(
            "Trains variants of a system, each from the start, with the same seeds, pictures, masks and number of steps, measures each on\n"
            "pictures kept back from training, and prints the table. Started again with the same settings it goes on where it was\n"
            "interrupted: what is measured is not trained again, so that variants and seeds can be added."
        ),
        epilog=(
            "DIR/ablation.md, ablation.csv and ablation.tex hold the table, DIR/runs/VARIANT/seed-N the trained weights.\n"
            "A variant whose training fails is named in the table, and tried again the next time.\n"
            "What to know about the result: after few steps the smaller system is often ahead, and two seeds of one system may differ\n"
            "by more than two systems do. Give several seeds, and as many steps as can be had.\n"
            "Exit status: 0 done (or --max-seconds are over), 1 a variant failed, 2 wrong usage, 143 saved and ended by SIGTERM, 130 by\n"
            "Ctrl-C."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--system", required=True, metavar="NAME", help="name of the system, such as three_stage")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder of the comparison")
    parser.add_argument(
        "--variants", metavar="NAME,NAME", help="some of the variants that the system declares; all of them without this option"
    )
    parser.add_argument(
        "--variant",
        action="append",
        default=[],
        metavar="'NAME: KEY=VALUE KEY=VALUE'",
        help="a variant of your own: the settings that it switches; repeatable",
    )
    parser.add_argument("--seeds", default="0", metavar="N,N", help="train each variant once with each seed (default %(default)s)")
    parser.add_argument("--steps", type=int, default=2000, metavar="N", help="steps of each training (default %(default)s)")
    parser.add_argument(
        "--validation-pictures", type=int, default=100, metavar="N", help="number of pictures to measure (default %(default)s)"
    )
    parser.add_argument(
        "--validation-data", metavar="SOURCE", help="take these pictures from here; by default the last of --data are kept back"
    )
    parser.add_argument("--stage", metavar="NAME", help="part of the system to train; the system's default stage without this option")
    parser.add_argument("--data", default="photos", metavar="SOURCE", help="folder:PATH, tfds:NAME, tfrecord:PATH or photos (default)")
    parser.add_argument("--masks", default="free_form", metavar="MASKS", help="such as free_form (default) or free_form+irregular:PATH")
    parser.add_argument("--image-size", type=int, metavar="PIXELS", help="size of the training pictures; by default the system's")
    parser.add_argument("--batch-size", type=int, default=8, metavar="N", help="pictures in a step (default %(default)s)")
    parser.add_argument("--precision", default="float32", choices=("float32", "mixed_bfloat16", "mixed_float16"))
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting of all variants, such as width_multiplier=0.5; repeatable",
    )
    parser.add_argument("--init-weights", metavar="NAME|PATH", help="begin each training from these weights; variants must have the same")
    parser.add_argument("--deterministic", action="store_true", help="the same settings give the same bits; slower")
    parser.add_argument("--checkpoint-steps", type=int, default=500, metavar="N", help="steps between checkpoints (default %(default)s)")
    parser.add_argument("--log-steps", type=int, default=50, metavar="N", help="steps between log lines (default %(default)s)")
    parser.add_argument("--max-seconds", type=float, metavar="S", help="save and end after so many seconds, to go on another time")


def run(args: argparse.Namespace) -> int:
    from tf_inpaint.errors import ConfigError
    from tf_inpaint.systems import SYSTEMS
    from tf_inpaint.training import AblationConfig, TrainConfig, ablate

    if args.system not in SYSTEMS:
        raise ConfigError(f"There is no system {args.system!r}. Available: {', '.join(SYSTEMS)}.")
    system_class = SYSTEMS[args.system]
    if args.stage is not None:
        system_class.stage_or_default(args.stage)
    try:
        seeds = tuple(int(seed) for seed in args.seeds.split(","))
    except ValueError:
        raise ConfigError(f"--seeds must read N,N. Received: {args.seeds!r}.") from None
    image_size = [] if args.image_size is None else [f"image_size={args.image_size}"]
    system_config = system_class.Config().updated([*args.set, *image_size])
    names = ("data", "masks", "batch_size", "steps", "stage", "precision", "deterministic")
    names += ("checkpoint_steps", "log_steps", "init_weights")
    train_config = TrainConfig(**{name: getattr(args, name) for name in names})
    config = AblationConfig(
        variants=None if args.variants is None else tuple(name.strip() for name in args.variants.split(",")),
        own_variants=tuple(args.variant),
        seeds=seeds,
        validation_pictures=args.validation_pictures,
        validation_data=args.validation_data,
    )
    result = ablate(system_class, system_config, train_config, config, args.output, max_seconds=args.max_seconds)
    if result.table:
        print(result.table)
    if result.signal_number is not None:
        return 128 + result.signal_number
    if not result.finished:
        done = sum(run.status != "running" for run in result.runs)
        print(f"{done} of {len(result.runs)} trainings are done; the same command goes on")
    return 1 if result.failed else 0
