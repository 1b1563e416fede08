"""Importing the package, all of it, opens no connection and asks no name server."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind", "urllib.Request"):
        raise RuntimeError(f"tried to reach the network: {event} {arguments}")

sys.addaudithook(refuse)

import importlib
import pkgutil
import tf_inpaint

for module in pkgutil.walk_packages(tf_inpaint.__path__, "tf_inpaint."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def _run(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_importing_every_module_opens_no_connection():
    ended = _run(PROGRAM)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import urllib.request; urllib.request.urlopen('http://localhost:9')",
    ],
)
def test_the_check_would_notice_one(attempt):
    ended = _run(PROGRAM.split("import importlib")[0] + attempt)
    assert ended.returncode != 0 and "tried to reach the network" in ended.stderr
