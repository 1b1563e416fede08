"""The options of the commands that train, `train`, `tune` and `ablate`: what they have in common is written and read here once."""

import argparse
from collections.abc import Iterable

_FIELDS = ("data", "masks", "batch_size", "steps", "stage", "precision", "colour_jitter", "deterministic")
_FIELDS += ("checkpoint_steps", "log_steps", "init_weights")


def add_training_options(parser: argparse.ArgumentParser, *, settings_help: str) -> None:
    """Adds the options that each of these commands has.

    Args:
        parser: of the command.
        settings_help: what `--set` is for.
    """
    parser.add_argument("--data", default="photos", metavar="SOURCE", help="folder:PATH, tfds:NAME, tfrecord:PATH or photos (default)")
    parser.add_argument("--masks", default="free_form", metavar="MASKS", help="such as free_form (default) or free_form+irregular:PATH")
    parser.add_argument("--image-size", type=int, metavar="PIXELS", help="size of the training pictures; by default the system's")
    parser.add_argument("--batch-size", type=int, default=8, metavar="N", help="pictures in a step (default %(default)s)")
    parser.add_argument("--precision", default="float32", choices=("float32", "mixed_bfloat16", "mixed_float16"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=f"{settings_help}; repeatable")
    parser.add_argument(
        "--colour-jitter",
        type=float,
        nargs="?",
        const=0.05,
        default=0.0,
        metavar="AMOUNT",
        help="change brightness, contrast, saturation and hue of each picture at random, by 0.05 at most where no amount is named",
    )
    parser.add_argument("--deterministic", action="store_true", help="the same settings give the same bits; slower")
    parser.add_argument("--checkpoint-steps", type=int, default=500, metavar="N", help="steps between checkpoints (default %(default)s)")
    parser.add_argument("--log-steps", type=int, default=50, metavar="N", help="steps between log lines (default %(default)s)")
    parser.add_argument("--max-seconds", type=float, metavar="S", help="save and end after so many seconds, to go on another time")


def add_series_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the commands that train several times to compare.

    Args:
        parser: of the command.
    """
    parser.add_argument("--steps", type=int, default=2000, metavar="N", help="steps of each training (default %(default)s)")
    parser.add_argument("--stage", metavar="NAME", help="part of the system to train; the system's default stage without this option")
    parser.add_argument(
        "--validation-pictures", type=int, default=100, metavar="N", help="number of pictures to measure (default %(default)s)"
    )
    parser.add_argument(
        "--validation-data", metavar="SOURCE", help="take these pictures from here; by default the last of --data are kept back"
    )


def read_training_options(args: argparse.Namespace, *, fields: Iterable[str] = ()) -> tuple:
    """Makes of the options what `training` takes.

    Args:
        args: of the command, with `--system`.
        fields: of `TrainConfig` that are options of this command alone.

    Returns:
        The system's class, its settings, and the `TrainConfig`.

    Raises:
        ConfigError: if a system, stage or setting does not exist or is out of its range.
    """
    from tf_inpaint.errors import ConfigError
    from tf_inpaint.systems import SYSTEMS
    from tf_inpaint.training import TrainConfig

    if args.system not in SYSTEMS:
        raise ConfigError(f"There is no system {args.system!r}. Available: {', '.join(SYSTEMS)}.")
    system_class = SYSTEMS[args.system]
    system_class.stage_or_default(args.stage)  # an unknown one is named before anything is read
    image_size = [] if args.image_size is None else [f"image_size={args.image_size}"]
    system_config = system_class.Config().updated([*args.set, *image_size])
    train_config = TrainConfig(**{name: getattr(args, name) for name in (*_FIELDS, *fields)})
    return system_class, system_config, train_config
