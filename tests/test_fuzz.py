"""Damaged input of every kind is understood or refused by an error of the library; `benchmarks/fuzz.py` tries as many as one wants."""

import importlib.util
import os

import pytest

from tests.source import ROOT

# 100,000 divided by the six targets, for one night: TF_INPAINT_FUZZ_INPUTS=16700.
NUM_INPUTS = int(os.environ.get("TF_INPAINT_FUZZ_INPUTS", "100"))

spec = importlib.util.spec_from_file_location("fuzz", ROOT / "benchmarks/fuzz.py")
fuzz = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fuzz)


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_damaged_input_is_understood_or_refused(target, tmp_path, capsys):
    outcomes = fuzz.run_target(target, tmp_path, first=0, count=NUM_INPUTS, seed=0)
    assert outcomes["faulty"] == 0, capsys.readouterr().out
    assert outcomes["understood"] + outcomes["refused"] == NUM_INPUTS
    assert outcomes["refused"] > NUM_INPUTS / 10


def test_what_is_neither_is_told_with_its_number(tmp_path, capsys, monkeypatch):
    taken = []

    def take(data):
        taken.append(data)
        if len(taken) > 1:  # the first is the whole input
            raise ZeroDivisionError

    monkeypatch.setitem(fuzz.TARGETS, "broken", lambda folder: ([b"whole"], fuzz.damage, take))
    outcomes = fuzz.run_target("broken", tmp_path, first=7, count=3, seed=0)
    assert outcomes["faulty"] == 3
    assert "broken 7:" in capsys.readouterr().out


def test_an_input_is_a_function_of_its_number(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setitem(fuzz.TARGETS, "seeing", lambda folder: ([b"some bytes"], fuzz.damage, seen.append))
    fuzz.run_target("seeing", tmp_path, first=0, count=5, seed=3)
    fuzz.run_target("seeing", tmp_path, first=4, count=1, seed=3)
    assert len(set(seen)) > 4 and seen[-1] == seen[5]
