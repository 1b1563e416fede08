"""What the README shows works as it stands there."""

import os
import re
import shlex

import pytest

import tf_inpaint as tfi
from tests.source import ROOT
from tf_inpaint.cli import main as cli_main

README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
COMMAND_LINES = re.findall(r"^tf-inpaint (.+)$", README, flags=re.MULTILINE)
PYTHON_BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_a_shown_command_line_is_understood(line):
    argv = shlex.split(line)
    parser, runs = cli_main._build_parser(argv)
    assert parser.parse_args(argv).command in runs


def test_the_commands_shown_cover_the_main_ones():
    assert {line.split()[0] for line in COMMAND_LINES} >= {"inpaint", "train", "tune", "evaluate", "export", "check-data"}


def test_the_python_shown_runs(tmp_path, monkeypatch):
    """One after the other in an empty folder that has a photograph and a mask of it."""
    from tf_inpaint import pictures
    from tf_inpaint.cli.demo import demo_mask, demo_photo

    monkeypatch.chdir(tmp_path)
    with pytest.warns(pictures.LossyPictureWarning):
        pictures.write_picture("photo.jpg", demo_photo(64))
    pictures.write_picture("mask.png", demo_mask(64))
    photo = pictures.read_rgb("photo.jpg")

    names = {}
    assert len(PYTHON_BLOCKS) == 2
    for block in PYTHON_BLOCKS:
        exec(block, names)

    repaired, known = pictures.read_rgb("repaired.png"), pictures.read_mask("mask.png") == 0
    assert (repaired[known] == photo[known]).all()
    assert (repaired[~known] != photo[~known]).any()


@pytest.mark.parametrize("name", tfi.SYSTEMS)
def test_each_system_is_in_the_table_and_has_its_map(name):
    assert f"[`{name}`](tf_inpaint/systems/{name}/README.md)" in README


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)]+)\)", README + GUIDE))))
def test_a_link_leads_to_a_file(link):
    assert link.startswith("https://") or (ROOT / link).is_file()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:tf_inpaint|tests)/[\w./]+)`", README + GUIDE))))
def test_a_named_file_is_there(name):
    assert os.path.exists(ROOT / name)
