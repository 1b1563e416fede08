"""`tf-inpaint serve`: one real process that answers, hears the signal, and leaves with the right status."""

import http.client
import json
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests.constant_system import ConstantSystem
from tests.serving.server.clients import PATIENCE, PREDICT, pixels, repaired, row
from tests.source import ROOT
from tf_inpaint.cli.main import main
from tf_inpaint.serving import export


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_it_after_the_request_that_is_under_way(tmp_path, number):
    """Half of the request's body is sent before the signal and half after it, so the request is there when the signal comes."""
    export(ConstantSystem.tiny(), tmp_path / "inpaint/1", max_pixels=5000)
    words = [sys.executable, "-m", "tf_inpaint.cli.main", "serve", "--model", str(tmp_path / "inpaint"), "--port", "0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        line = process.stdout.readline()
        address = re.fullmatch(r"Serving inpaint, version 1: http://(127\.0\.0\.1:\d+)/v1/models/inpaint:predict\n", line)
        assert address, line + process.stderr.read()
        body = json.dumps({"instances": [row()]}).encode()
        connection = http.client.HTTPConnection(address[1], timeout=PATIENCE)
        connection.putrequest("POST", PREDICT)
        connection.putheader("Content-Length", str(len(body)))
        connection.putheader("Expect", "100-continue")
        connection.endheaders()
        # The server has read the head of the request when it gives leave to send its body.
        assert connection.sock.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(body[:50])
        process.send_signal(number)
        assert process.stdout.readline().startswith("Stopping")
        connection.send(body[50:])
        answer = connection.getresponse()
        assert answer.status == 200
        np.testing.assert_array_equal(pixels(json.loads(answer.read())["predictions"][0]), repaired())
        connection.close()
        assert process.wait(PATIENCE) == 0
        assert process.stdout.read() == "All requests were answered.\n"
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--model", "."], 2, "There is no model in"),
        (["--model", ".", "--max-bytes", "0"], 2, "max_bytes=0"),
        (["--model", "no_such"], 2, "There is no model in"),
        ([], 2, "--model"),
    ],
)
def test_what_goes_wrong_is_told_in_a_line(tmp_path, monkeypatch, capsys, words, status, message):
    monkeypatch.chdir(tmp_path)
    assert main(["serve", *words]) == status
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("words", "message"), [(["--port", "-1"], "port=-1"), (["--port", "65536"], "port=65536")])
def test_a_port_that_is_none_is_told_in_a_line(tmp_path, capsys, words, message):
    export(ConstantSystem.tiny(), tmp_path / "1")
    assert main(["serve", "--model", str(tmp_path), *words]) == 2
    assert message in capsys.readouterr().err
