"""What is committed: short files, no path of somebody's machine, no large file that nobody meant to add."""

import re

import pytest

from tests.source import ROOT, committed_files

MAXIMAL_LINES = 400
MAXIMAL_WEIGHTS_BYTES = 30_000_000
MAXIMAL_BYTES = 1000**2

# Written in pieces, so that this file does not contain what it looks for.
MACHINE_PATHS = re.compile(
    "|".join(
        [
            r"(?<![\w.])/ro" + r"ot/",
            r"(?<![\w.])/ho" + r"me/\w",
            r"(?<![\w.])/Us" + r"ers/\w",
            r"(?<![\w./-])/wo" + r"rk/",
            "~/en" + "vs",
            "/opt/wh" + "eels",
            r"C:\\" + r"Users",
            r"py" + r"pi\.org",
            r"python" + r"hosted\.org",
            r"(extra-)?index-" + r"url",
            r"find-" + r"links",
        ]
    )
)


def _name(path):
    return str(path.relative_to(ROOT))


PYTHON_FILES = [path for path in committed_files() if path.suffix == ".py"]


@pytest.mark.parametrize("path", PYTHON_FILES, ids=_name)
def test_a_file_has_at_most_400_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAXIMAL_LINES


def test_no_file_names_a_machine_or_a_package_index():
    found = []
    for path in committed_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # weights and pictures
        found += [f"{_name(path)}:{number}: {line}" for number, line in enumerate(lines, 1) if MACHINE_PATHS.search(line)]
    assert found == []


@pytest.mark.parametrize("text", ["see /ro" + "ot/x", "'/ho" + "me/ann/photos'", "pip --index-" + "url=x", "https://py" + "pi.org/simple"])
def test_a_planted_machine_path_is_found(text):
    assert MACHINE_PATHS.search(text)


def test_only_weights_are_large_and_each_file_stays_below_30_megabytes():
    weights = [path for path in committed_files() if path.suffix in (".h5", ".npz")]
    assert [_name(path) for path in weights if path.stat().st_size > MAXIMAL_WEIGHTS_BYTES] == []
    assert [_name(path) for path in committed_files() if path not in weights and path.stat().st_size > MAXIMAL_BYTES] == []
