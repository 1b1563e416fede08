"""A server that is stopped answers the requests that came, and keeps nobody waiting for ever.

No test depends on when something happens: a worker of the model waits for an event of the test, and a request has come when the server
says so.
"""

import concurrent.futures
import contextlib
import json
import socket
import threading

import numpy as np
import pytest

from tests.serving.server.clients import PATIENCE, PREDICT, Client, pixels, repaired, row
from tf_inpaint.serving.server import Limits, RestServer, ServedModel


@pytest.fixture(scope="module")
def model(model_folder):
    model = ServedModel(model_folder, limits=Limits(max_running=1))
    yield model
    model.close()


@contextlib.contextmanager
def occupied(model):
    """The only worker is busy until the event that this gives is set."""
    release, started = threading.Event(), threading.Event()

    def wait():
        started.set()
        release.wait(PATIENCE)

    thread = threading.Thread(target=model.work, args=[wait])
    thread.start()
    assert started.wait(PATIENCE)
    try:
        yield release
    finally:
        release.set()
        thread.join(PATIENCE)


def wait_until_closed(server):
    """Until the server's door is closed: whoever knocks afterwards is refused."""
    host, port = server.url.removeprefix("http://").split(":")
    for _ in range(int(PATIENCE)):
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            return
        threading.Event().wait(0.05)
    raise AssertionError("the server still listens")


def test_requests_that_came_are_answered(model):
    server = RestServer(model, port=0).start()
    client = Client(server)
    with concurrent.futures.ThreadPoolExecutor(7) as pool, occupied(model) as release:
        answers = [pool.submit(client.post, {"instances": [row(seed=seed)]}) for seed in range(6)]
        assert server.wait_for_requests(6, timeout=PATIENCE)
        stopping = pool.submit(server.stop, grace=PATIENCE)
        wait_until_closed(server)
        assert not stopping.done() and server.num_requests == 6
        release.set()
        for seed, answer in enumerate(answers):
            status, content = answer.result(PATIENCE)
            assert status == 200
            np.testing.assert_array_equal(pixels(content["predictions"][0]), repaired(seed=seed))
        assert stopping.result(PATIENCE) is True
    assert server.num_requests == 0 and server.metrics.count("OK") == 6


def test_a_request_that_has_half_arrived_is_answered(model):
    server = RestServer(model, port=0).start()
    body = json.dumps({"instances": [row()]}).encode()
    connection = Client(server).connect()
    connection.putrequest("POST", PREDICT)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:100])
    assert server.wait_for_requests(1, timeout=PATIENCE)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(server.stop, grace=PATIENCE)
        wait_until_closed(server)
        connection.send(body[100:])
        answer = connection.getresponse()
        assert answer.status == 200 and answer.headers["Connection"] == "close"
        np.testing.assert_array_equal(pixels(json.loads(answer.read())["predictions"][0]), repaired())
        assert stopping.result(PATIENCE) is True
    connection.close()


def test_connections_without_a_request_do_not_delay_the_end(model):
    server = RestServer(model, port=0).start()
    client = Client(server)
    used, unused = client.connect(), client.connect()
    used.request("GET", "/health")
    assert used.getresponse().read()
    unused.connect()
    assert server.wait_for_connections(2, timeout=PATIENCE)
    assert server.stop(grace=PATIENCE) is True
    assert used.sock.recv(1) == b"" and unused.sock.recv(1) == b""
    used.close()
    unused.close()


def test_after_the_grace_connections_are_closed(model):
    server = RestServer(model, port=0).start()
    with concurrent.futures.ThreadPoolExecutor(1) as pool, occupied(model):

        def ask():
            try:
                return Client(server).post({"instances": [row()]})
            except OSError:  # cut off, which is what this is about
                return None

        answer = pool.submit(ask)
        assert server.wait_for_requests(1, timeout=PATIENCE)
        assert server.stop(grace=0.05) is False
        assert answer.result(PATIENCE) is None


def test_stopping_twice_or_before_the_start_does_no_harm(model):
    server = RestServer(model, port=0)
    assert server.stop() is True
    server = RestServer(model, port=0).start()
    assert server.stop() is True and server.stop() is True
