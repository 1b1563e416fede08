"""A training in a process of its own, which a signal ends at a line that it prints: at a known moment, without a clock."""

import os
import signal
import subprocess
import sys

from tests.source import ROOT


def run_until(line_start, module, *words, with_signal=signal.SIGKILL):
    """Runs a module to its end, or until a line begins with `line_start` and the signal has ended it: exit status, printed lines."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    lines = []
    with process:
        for line in process.stdout:
            lines.append(line.rstrip())
            if line_start is not None and line.startswith(line_start):
                process.send_signal(with_signal)
                line_start = None
    return process.returncode, lines
