"""TensorFlow Serving's REST answers over real connections: answers, errors with their status, limits, metrics."""

import socket

import numpy as np
import pytest

from tests.picture_files import png_bytes
from tests.serving.server.clients import PATIENCE, PREDICT, Client, b64, photo_and_hole, pixels, png, repaired, row
from tf_inpaint.errors import ConfigError
from tf_inpaint.serving.server import Limits, RestServer, ServedModel


def raw(server, data):
    """What comes back for these very bytes, until the server closes the connection."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts).decode()


# --- predictions


def test_rows_of_several_sizes_are_repaired(client):
    status, answer = client.post({"instances": [row(5, 6), row(30, 20, seed=1)]})
    assert status == 200 and set(answer) == {"predictions"}
    for value, expected in zip(answer["predictions"], [repaired(5, 6), repaired(30, 20, seed=1)], strict=True):
        assert set(value) == {"b64"}
        np.testing.assert_array_equal(pixels(value), expected)


def test_columns_are_repaired(client):
    columns = {key: [row()[key], row(seed=1)[key]] for key in ("image_bytes", "mask_bytes")}
    status, answer = client.post({"inputs": columns, "signature_name": "serving_default"})
    assert status == 200 and set(answer) == {"outputs"}
    np.testing.assert_array_equal([pixels(value) for value in answer["outputs"]], [repaired(), repaired(seed=1)])


@pytest.mark.parametrize("form", ["instances", "inputs"])
def test_pixels_are_repaired(client, form):
    photo, hole = photo_and_hole()
    values = {"image": photo.tolist(), "mask": hole[..., np.newaxis].tolist()}
    request = [values] if form == "instances" else {key: [value] for key, value in values.items()}
    status, answer = client.post({"signature_name": "inpaint", form: request})
    assert status == 200
    np.testing.assert_array_equal(answer["predictions" if form == "instances" else "outputs"], [repaired()])


@pytest.mark.parametrize("path", ["/v1/models/inpaint/versions/1:predict", "/V1/models/%69npaint:predict", f"{PREDICT}?x=1"])
def test_other_ways_to_write_the_path(client, path):
    assert client.post({"instances": [row()]}, path)[0] == 200


def test_a_connection_serves_one_request_after_the_other(client, server):
    import json

    connection = client.connect()
    for expected in (200, 400, 200):
        body = {"instances": [row()] if expected == 200 else []}
        connection.request("POST", PREDICT, json.dumps(body))
        answer = connection.getresponse()
        assert answer.status == expected and answer.read()
    connection.close()


# --- errors

ERRORS = {
    "no JSON": ("POST", PREDICT, b"junk", 400, "JSON Parse error"),
    "another model": ("POST", "/v1/models/other:predict", {"instances": [row()]}, 404, "Servable not found for request: Latest(other)"),
    "another version": ("POST", "/v1/models/inpaint/versions/2:predict", {}, 404, "Specific(inpaint, 2)"),
    "a label": ("POST", "/v1/models/inpaint/labels/stable:predict", {}, 404, "version label: stable"),
    "another signature": ("POST", PREDICT, {"signature_name": "x", "instances": [1]}, 400, 'name: "x" not found in signature def'),
    "another method": ("POST", "/v1/models/inpaint:classify", {}, 400, "not for classify"),
    "no method": ("POST", "/v1/models/inpaint", {}, 400, "Malformed request: POST /v1/models/inpaint"),
    "to get a prediction": ("GET", PREDICT, None, 400, "Malformed request: GET"),
    "another page": ("GET", "/", None, 400, "Malformed request: GET /"),
    "another verb": ("PUT", PREDICT, b"", 501, "Malformed request: Unsupported method"),
    "no picture": ("POST", PREDICT, {"instances": [row() | {"image_bytes": b64(b"junk")}]}, 400, "The image is not a PNG or JPEG file."),
    "an empty mask": (
        "POST", PREDICT, {"instances": [row() | {"mask_bytes": b64(png(np.zeros((5, 6), np.uint8)))}]}, 400, "The mask is empty",
    ),
    "a bomb": (
        "POST", PREDICT, {"instances": [row() | {"image_bytes": b64(png_bytes(20_000, 20_000))}]}, 400, "400000000 pixels in all",
    ),
    "one bad row of two": ("POST", PREDICT, {"instances": [row(), row() | {"mask_bytes": b64(b"")}]}, 400, "The mask is not a PNG or JPEG"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_has_its_status_and_one_sentence(client, name):
    method, path, body, status, message = ERRORS[name]
    answered, answer = client.ask(method, path, body)
    assert (answered, set(answer)) == (status, {"error"})
    assert message in answer["error"] and len(answer["error"]) < 300 and "\n" not in answer["error"]
    assert client.post({"instances": [row()]})[0] == 200  # and the server lives on


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"Content-Length": "100001"}, 413, "100001 bytes, more than the 100000"),
        ({"Content-Length": "-1"}, 400, "Content-Length is no number"),
        ({"Content-Length": "1e3"}, 400, "Content-Length is no number"),
        ({"Content-Length": "9" * 19}, 400, "Content-Length is no number"),
        ({"Transfer-Encoding": "chunked"}, 411, "length of the body must be told"),
        ({}, 411, "length of the body must be told"),
        ({"Content-Length": "4", "Content-Encoding": "gzip"}, 415, "must not be compressed"),
        ({"Content-Length": "100001", "Expect": "100-continue"}, 413, "100001 bytes"),
    ],
)
def test_a_body_over_the_limits_is_refused_before_it_is_read(server, headers, status, message):
    lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    answer = raw(server, f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
    assert answer.startswith(f"HTTP/1.1 {status} ") and message in answer and "Connection: close" in answer


def test_a_client_that_sends_too_much_still_sees_why(client):
    status, answer = client.ask("POST", PREDICT, b"x" * 100_001)
    assert status == 413 and "more than the 100000 allowed" in answer["error"]


def test_a_client_that_waits_for_leave_to_send_gets_it(server):
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    answer = raw(server, head.encode() + b"[]")
    assert answer.startswith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 ") and "not a JSON object" in answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"junk\r\n\r\n", 400),
        (b"GET /health HTTP/3.1\r\n\r\n", 505),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /health HTTP/1.1\r\nA: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        (b"GET /health HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
    ],
    ids=["junk", "version", "long path", "long header", "many headers"],
)
def test_what_is_no_http_is_refused_in_json(server, data, status):
    answer = raw(server, data)
    assert f" {status} " in answer.split("\r\n")[0] or answer.startswith("{")  # version 0.9 knows no status
    assert '{"error": "Malformed request' in answer


@pytest.mark.parametrize("data", [b"", b"POST", f"POST {PREDICT} HTTP/1.1\r\nContent-Length: 50\r\n\r\n{{".encode()])
def test_a_client_that_leaves_early_does_no_harm(server, client, data):
    assert raw(server, data) in ("",) or data == b"POST"
    assert client.get("/health")[0] == 200


def test_a_fault_of_ours_is_told_and_the_server_lives_on(client, model, monkeypatch):
    monkeypatch.setattr(model, "predict", lambda *_: 1 / 0)
    assert client.post({"instances": [row()]}) == (500, {"error": "ZeroDivisionError in the server."})
    monkeypatch.undo()
    assert client.post({"instances": [row()]})[0] == 200


def test_one_connection_too_many_is_sent_away_until_another_ends(model_folder):
    model = ServedModel(model_folder, limits=Limits(max_connections=1))
    with RestServer(model, port=0) as server:
        client = Client(server)
        first = client.connect()
        first.request("GET", "/health")
        assert first.getresponse().read()  # the connection stays open
        status, answer = client.get("/health")
        assert status == 503 and "Too many connections" in answer["error"]
        first.close()
        assert server.wait_for_connections(0, timeout=PATIENCE)
        assert client.get("/health")[0] == 200
    model.close()


# --- what the server says of itself


def test_the_model_is_available(client):
    expected = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    for path in ("/v1/models/inpaint", "/v1/models/inpaint/versions/1"):
        assert client.get(path) == (200, {"model_version_status": [expected]})


def test_health_names_the_model(client):
    assert client.get("/health") == (200, {"status": "ok", "model": "inpaint", "version": "1"})


def numbers(client):
    status, page = client.get("/monitoring/prometheus/metrics")
    assert status == 200
    lines = [line for line in page.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_metrics_count_predictions_by_status_and_latency(client):
    client.post({"instances": [row()]})
    before = numbers(client)
    client.post({"instances": [row()]})
    client.post({"instances": []})
    client.get("/v1/models/inpaint")  # is no prediction
    after = numbers(client)
    change = {key: after[key] - before.get(key, 0.0) for key in after}
    count = ':tensorflow:serving:request_count{model_name="inpaint",status="%s"}'
    latency = ':tensorflow:serving:request_latency_%s{model_name="inpaint",API="predict",entrypoint="REST"%s}'
    assert change[count % "OK"] == 1 and change[count % "INVALID_ARGUMENT"] == 1
    assert change[latency % ("count", "")] == 2 and change[latency % ("bucket", ',le="+Inf"')] == 2
    assert change[latency % ("sum", "")] > 0
    assert after[':tf_inpaint:requests_in_flight{model_name="inpaint"}'] == 1  # the one that asks
    assert change[':tf_inpaint:graph_functions{model_name="inpaint"}'] == 0


def test_a_port_that_is_none_is_refused(model):
    with pytest.raises(ConfigError, match="port=65536"):
        RestServer(model, port=65536)


def test_an_address_that_is_taken_is_an_error_of_the_system(model, server):
    with pytest.raises(OSError):
        RestServer(model, port=int(server.url.rsplit(":", 1)[1]))


def test_it_listens_on_the_new_protocol_too(model):
    try:
        server = RestServer(model, host="::1", port=0)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        assert server.url.startswith("http://[::1]:")
        assert Client(server).get("/health")[0] == 200
