"""`tf-inpaint ablate`: trains variants of a system with the same budget and prints how they compare, or goes on with that."""

import argparse

from tf_inpaint.cli.training_options import add_series_options, add_training_options, read_training_options


def add_parser(subparsers) -> None:
    """Adds the command and its options: the system, its variants and seeds, and what every training takes."""
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
    add_series_options(parser)
    add_training_options(parser, settings_help="a setting of all variants, such as width_multiplier=0.5")
    parser.add_argument("--init-weights", metavar="NAME|PATH", help="begin each training from these weights; variants must have the same")


def run(args: argparse.Namespace) -> int:
    """Trains what is missing and prints the table; returns 0, 1 if a variant failed, or 128 and the number of the signal that ended it."""
    from tf_inpaint.errors import ConfigError
    from tf_inpaint.training import AblationConfig, ablate

    system_class, system_config, train_config = read_training_options(args)
    try:
        seeds = tuple(int(seed) for seed in args.seeds.split(","))
    except ValueError:
        raise ConfigError(f"--seeds must read N,N. Received: {args.seeds!r}.") from None
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
