"""setup.cfg chooses the right stack for each Python, and forgets no file of the package."""

import configparser
import importlib.metadata
import re

import pytest
from packaging.requirements import Requirement

from tests.source import PACKAGE, ROOT, committed_files

SETUP = configparser.ConfigParser(interpolation=None)
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")
REQUIREMENTS = [Requirement(line) for line in SETUP["options"]["install_requires"].split("\n") if line]


def _chosen(**platform) -> dict[str, Requirement]:
    environment = {"sys_platform": "linux", "platform_machine": "x86_64", **platform}
    chosen = [each for each in REQUIREMENTS if each.marker is None or each.marker.evaluate(environment)]
    assert len(chosen) == len({each.name for each in chosen}), "two requirements for one package"
    return {each.name: each for each in chosen}


@pytest.mark.parametrize("python", ["3.10", "3.11"])
def test_python_3_10_and_3_11_get_the_cards_stack(python):
    chosen = _chosen(python_version=python)
    assert str(chosen["tensorflow"].specifier) == "==2.15.1"
    assert str(chosen["tensorflow-addons"].specifier) == "==0.23.0"


@pytest.mark.parametrize("python", ["3.12", "3.13"])
def test_python_3_12_and_3_13_get_the_current_stack(python):
    chosen = _chosen(python_version=python)
    assert str(chosen["tensorflow"].specifier) == ">=2.21"
    assert "tensorflow-addons" not in chosen


@pytest.mark.parametrize("platform", [{"platform_machine": "aarch64"}, {"sys_platform": "win32"}])
def test_addons_is_not_asked_for_where_it_has_no_wheels(platform):
    assert "tensorflow-addons" not in _chosen(python_version="3.11", **platform)


def test_what_is_installed_here_is_what_setup_cfg_asks_for():
    wrong = {
        each.name: importlib.metadata.version(each.name)
        for each in REQUIREMENTS
        if (each.marker is None or each.marker.evaluate())
        and not each.specifier.contains(importlib.metadata.version(each.name), prereleases=True)
    }
    assert wrong == {}


def test_each_data_file_of_the_package_is_installed_with_it():
    endings = set(re.findall(r"\*\*/\*(\.\w+)", SETUP["options.package_data"][PACKAGE]))
    data_files = [path for path in committed_files() if ROOT / PACKAGE in path.parents and path.suffix != ".py"]
    assert [str(path.relative_to(ROOT)) for path in data_files if path.suffix not in endings] == []
