"""The command line finds its commands, is quick to help, and ends with a sentence and a status that scripts can rely on."""

import argparse
import importlib
import subprocess
import sys

import pytest

from tests.source import ROOT
from tf_inpaint import errors
from tf_inpaint.cli import main as cli_main
from tf_inpaint.cli.main import COMMANDS, main


@pytest.fixture
def command_that(monkeypatch):
    """Registers a command `act` whose `run` is the given function."""

    def register(run):
        module = type(sys)("planted_command")
        module.add_parser = lambda subparsers: subparsers.add_parser("act").add_argument("--size", type=int, default=3)
        module.run = run
        monkeypatch.setitem(sys.modules, "planted_command", module)
        monkeypatch.setitem(COMMANDS, "act", "planted_command")

    return register


def test_the_status_of_the_command_is_the_status_of_the_program(command_that):
    command_that(lambda args: args.size)
    assert main(["act"]) == 3
    assert main(["act", "--size", "0"]) == 0


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.PictureError("The picture is broken: a.png."), 1),
        (errors.ConfigError("`size` must be positive."), 2),
        (PermissionError(13, "Permission denied", "out.png"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_an_error_is_one_line_on_standard_error(command_that, capsys, error, status):
    def fail(args):
        raise error

    command_that(fail)
    assert main(["act"]) == status
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1
    assert (str(error) or "interrupted") in shown.err


def test_an_error_that_nobody_foresaw_keeps_its_traceback(command_that):
    def fail(args):
        raise ZeroDivisionError

    command_that(fail)
    with pytest.raises(ZeroDivisionError):
        main(["act"])


@pytest.mark.parametrize("argv", [[], ["paint"], ["--no-such-option"], ["demo", "--no-such-option"]])
def test_wrong_usage_ends_with_2_and_says_how_to_use_it(capsys, argv):
    assert main(argv) == 2
    assert "usage: tf-inpaint" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_there_and_explains_itself(capsys, command):
    assert main([command, "--help"]) == 0
    assert f"usage: tf-inpaint {command}" in capsys.readouterr().out


def test_the_general_help_names_each_command(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n    {command} " in shown or f"\n    {command}\n" in shown


def test_the_version_is_printed(capsys):
    from tf_inpaint import __version__

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tf-inpaint {__version__}\n"


def test_help_does_not_wait_for_tensorflow():
    program = (
        "import sys\n"
        "from tf_inpaint.cli.main import main\n"
        "assert main(['--help']) == 0\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'skimage', 'cv2', 'matplotlib', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_the_scripts_at_the_top_are_the_commands(name):
    ended = subprocess.run([sys.executable, ROOT / f"{name}.py", "--help"], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert f"usage: tf-inpaint {name}" in ended.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_module_offers_the_two_functions(command):
    module = importlib.import_module(COMMANDS[command])
    parser = argparse.ArgumentParser()
    module.add_parser(parser.add_subparsers())
    assert callable(module.run)


def test_ctrl_c_has_the_status_that_shells_use():
    assert cli_main._INTERRUPTED == 128 + 2
