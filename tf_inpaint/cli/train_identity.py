"""`tf-inpaint train-identity --data SOURCE --output FILE.npz`: an identity network of one's own, for `latent_attention`."""

import argparse


def add_parser(subparsers) -> None:
    """Adds the command and its options to the program's parsers."""
    parser = subparsers.add_parser(
        "train-identity",
        help="train a network that tells faces apart, for the identity loss of latent_attention",
        description=(
            "Trains a small network to tell persons apart (ArcFace) and writes it; a training of latent_attention takes it with --set "
            "identity=own:FILE.npz. Pictures in one folder show one person; where all lie in one folder each counts as a person of its "
            "own, seen in changed views. The faces are to be aligned as in CelebA or FFHQ. FILE.json says what was trained and measured."
        ),
        epilog="Exit status: 0 done; 1 failed; 2 wrong usage; 130 by Ctrl-C, and nothing is written then.",
    )
    parser.add_argument("--data", required=True, metavar="SOURCE", help="aligned faces: folder:PATH, tfds:NAME or tfrecord:PATH")
    parser.add_argument("-o", "--output", required=True, metavar="FILE.npz", help="where the network is written")
    parser.add_argument("--persons", default="auto", choices=("auto", "folders", "pictures"), help="what makes a person (default auto)")
    parser.add_argument("--steps", type=int, metavar="N", help="steps of the training (default 20000)")
    parser.add_argument("--batch-size", type=int, metavar="N", help="pictures in a step (default 32)")
    parser.add_argument("--image-size", type=int, metavar="PIXELS", help="size of the pictures (default 128)")
    parser.add_argument("--face-size", type=int, metavar="PIXELS", help="size of the faces cut out of them, a multiple of 16 (default 112)")
    parser.add_argument("--width-multiplier", type=float, metavar="FACTOR", help="on the network's channels (default 0.5)")
    parser.add_argument("--units", type=_numbers, metavar="N,N,N,N", help="units in each group of the network (default 3,4,14,3)")
    parser.add_argument("--embedding-size", type=int, metavar="N", help="numbers that describe a face (default 512)")
    parser.add_argument("--learning-rate", type=float, metavar="RATE", help="at the start (default 0.001)")
    parser.add_argument("--scale", type=float, metavar="S", help="of the cosines (default 64)")
    parser.add_argument("--margin", type=float, metavar="M", help="between persons, in radians (default 0.5)")
    parser.add_argument("--held-out", type=int, metavar="N", help="pictures kept back to measure with (default a tenth, 500 at most)")
    parser.add_argument("--seed", type=int, metavar="N", help="default 0")


def run(args: argparse.Namespace) -> int:
    """Trains and writes the network; returns the exit status."""
    import dataclasses

    from tf_inpaint.training import IdentityConfig, train_identity

    names = [field.name for field in dataclasses.fields(IdentityConfig) if getattr(args, field.name, None) is not None]
    train_identity(IdentityConfig(**{name: getattr(args, name) for name in names}), args.output)
    print(f"written; train with --set identity=own:{args.output}")
    return 0


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))
