"""`tf-inpaint COMMAND ...`: finds the command, runs it, and turns errors into one sentence and an exit status.

Each command is a module with two functions: `add_parser(subparsers)`, which needs nothing but argparse so that `--help` is quick,
and `run(args) -> int`, which imports what it needs and returns the exit status.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from tf_inpaint.errors import TfInpaintError

COMMANDS = {
    "demo": "tf_inpaint.cli.demo",
    "inpaint": "tf_inpaint.cli.inpaint",
    "train": "tf_inpaint.cli.train",
    "train-identity": "tf_inpaint.cli.train_identity",
    "calibrate": "tf_inpaint.cli.calibrate",
    "tune": "tf_inpaint.cli.tune",
    "ablate": "tf_inpaint.cli.ablate",
    "evaluate": "tf_inpaint.cli.evaluate",
    "report": "tf_inpaint.cli.report",
    "export": "tf_inpaint.cli.export",
    "serve": "tf_inpaint.cli.serve",
    "batch": "tf_inpaint.cli.batch",
    "web": "tf_inpaint.cli.web",
    "check-data": "tf_inpaint.cli.check_data",
    "prepare": "tf_inpaint.cli.prepare",
}

_INTERRUPTED = 130  # the shells' number for a process ended by Ctrl-C


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: the words after `tf-inpaint`; `None` takes those of this process.

    Returns:
        The exit status: 0 all done; 1 something failed, named on standard error; 2 wrong usage; 130 interrupted; or what else
        the command documents.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's notes on the processor would bury our own lines
    parser, runs = _build_parser(argv)
    try:
        args = parser.parse_args(argv)
    except SystemExit as exit_request:  # argparse: 0 after --help and --version, 2 after wrong usage
        return exit_request.code
    try:
        return runs[args.command](args)
    except TfInpaintError as error:
        return _fail(error, error.exit_code)
    except OSError as error:  # no space left, no permission: the system's own sentence names the file
        return _fail(error, 1)
    except KeyboardInterrupt:
        return _fail("interrupted", _INTERRUPTED)


def _build_parser(argv: list[str]) -> tuple[argparse.ArgumentParser, dict]:
    """The parser of the command that `argv` names, or of all commands for the general help; and each command's function."""
    parser = argparse.ArgumentParser(prog="tf-inpaint", description="Image inpainting for TensorFlow and Keras.")
    parser.add_argument("--version", action=_PrintVersion, help="print the version and leave")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    names = [argv[0]] if argv and argv[0] in COMMANDS else list(COMMANDS)
    runs = {}
    for name in names:
        module = importlib.import_module(COMMANDS[name])
        module.add_parser(subparsers)
        runs[name] = module.run
    return parser, runs


class _PrintVersion(argparse.Action):
    def __init__(self, option_strings, dest, help=None):
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser, namespace, values, option_string=None):
        from tf_inpaint import __version__

        print(f"tf-inpaint {__version__}")
        parser.exit(0)


def _fail(message: object, status: int) -> int:
    print(f"tf-inpaint: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
