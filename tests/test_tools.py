"""The Python of the stack is found wherever it is: on PATH under any name, or among pyenv's versions."""

import os
import subprocess
import sys

import pytest

from tests.source import ROOT

VERSION = "{}.{}".format(*sys.version_info[:2])
OTHER_VERSION = "3.13" if VERSION != "3.13" else "3.11"


def _find_python(tmp_path, *wanted):
    """Runs the script with nothing on PATH but `tmp_path/bin`, and pyenv at `tmp_path/pyenv`."""
    environment = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), "PYENV_ROOT": str(tmp_path / "pyenv")}
    ended = subprocess.run(["/bin/sh", ROOT / "tools" / "find_python", *wanted], capture_output=True, text=True, env=environment)
    return ended.returncode, ended.stdout.strip(), ended.stderr


def _install(path, program='exec "{python}" "$@"'):
    """Puts an executable at `path`: this Python, or another program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + program.format(python=sys.executable) + "\n")
    path.chmod(0o755)


@pytest.mark.parametrize("place", [f"bin/python{VERSION}", "bin/python3", "bin/python", f"pyenv/versions/{VERSION}.99/bin/python{VERSION}"])
@pytest.mark.parametrize("wanted", [(), (VERSION,), (f"python{VERSION}",)])
def test_the_interpreter_is_found(tmp_path, place, wanted):
    _install(tmp_path / place)
    status, found, _ = _find_python(tmp_path, *wanted)
    assert status == 0
    assert os.path.realpath(found) == os.path.realpath(sys.executable)


def test_a_command_that_pyenv_has_not_activated_is_passed_over(tmp_path):
    _install(tmp_path / "bin" / f"python{VERSION}", program="echo 'command not found' >&2; exit 127")
    _install(tmp_path / "pyenv" / "versions" / f"{VERSION}.1" / "bin" / f"python{VERSION}")
    assert _find_python(tmp_path, VERSION)[0] == 0


def test_a_wanted_path_is_taken(tmp_path):
    _install(tmp_path / "my-python")
    assert _find_python(tmp_path, str(tmp_path / "my-python"))[0] == 0


def test_another_version_is_not_taken_for_the_wanted_one(tmp_path):
    _install(tmp_path / "bin" / "python3")
    status, found, message = _find_python(tmp_path, OTHER_VERSION)
    assert status == 1 and found == ""
    assert OTHER_VERSION in message and "PYTHON=" in message


def test_the_first_wanted_version_that_exists_wins(tmp_path):
    _install(tmp_path / "bin" / "python3")
    assert _find_python(tmp_path, OTHER_VERSION, VERSION)[0] == 0
