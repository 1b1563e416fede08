"""Many clients with pictures of many sizes, and bodies and files that are damaged at random: no error, no new trace, no fault.

The load is that of `benchmarks/load_test.py` with a number of requests instead of seconds; nothing here depends on the clock.
"""

import importlib.util
import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.serving.server.clients import PREDICT, photo_and_hole, png, row
from tests.source import ROOT
from tf_inpaint.serving.server import Limits, RestServer, ServedModel, rest_json
from tf_inpaint.serving.server.request_error import RequestError


@pytest.fixture(scope="module")
def load_test():
    spec = importlib.util.spec_from_file_location("load_test", ROOT / "benchmarks/load_test.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_many_clients_with_many_sizes_get_answers_and_leave_no_trace(model_folder, load_test):
    model = ServedModel(model_folder, limits=Limits(max_running=2))
    bodies = [load_test.make_body(side) for side in (16, 24, 40, 64)]
    with RestServer(model, port=0) as server:
        address = server.url.removeprefix("http://")
        options = {"path": PREDICT, "should_go_on": lambda sent: sent < 8}
        load_test.run_clients(address, bodies, clients=1, **options)
        traces = load_test.read_number(address, ":tf_inpaint:graph_functions")
        results = load_test.run_clients(address, bodies, clients=8, **options)
        assert load_test.read_number(address, ":tf_inpaint:graph_functions") == traces
    assert len(results) == 64 and [error for _, error in results if error] == []
    assert server.metrics.count("OK") == 72
    model.close()


def mutated(data, generator, alphabet=None):
    """The bytes with one to eight places changed, cut or doubled."""
    data = bytearray(data)
    for _ in range(generator.randint(1, 9)):
        place, kind = generator.randint(len(data) + 1), generator.randint(4)
        if kind == 0 and place < len(data):
            data[place] = generator.randint(256) if alphabet is None else alphabet[generator.randint(len(alphabet))]
        elif kind == 1:
            data[place:] = b"" if generator.randint(4) == 0 else data[place:]
        elif kind == 2:
            data[place:place] = data[place : place + generator.randint(1, 40)]
        else:
            del data[place : place + generator.randint(1, 6)]
    return bytes(data)


BODIES = [
    {"instances": [row(2, 2)]},
    {"inputs": {key: [value] for key, value in row(2, 2).items()}, "signature_name": "serving_default"},
    {"signature_name": "inpaint", "instances": [{"image": [[[1, 2, 3]]], "mask": [[[255]]]}]},
]


@pytest.mark.parametrize("seed", range(4))
def test_damaged_bodies_are_understood_or_refused(model, seed):
    generator = np.random.RandomState(seed)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(150):
        body = mutated(json.dumps(BODIES[generator.randint(len(BODIES))]).encode(), generator, alphabet=b'[]{}",:0129.e-+tfn\\ \x00\xff')
        try:
            signature, inputs, _ = rest_json.parse(body, model.specs_of)
            assert set(inputs) == set(model.specs_of(signature))
            outcomes["read"] += 1
        except RequestError as error:
            assert error.code == "INVALID_ARGUMENT" and len(str(error)) < 300
            outcomes["refused"] += 1
    assert outcomes["refused"] > 50 and outcomes["read"] > 0


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("damaged", ["image_bytes", "mask_bytes"])
def test_damaged_files_are_repaired_or_refused(model, damaged, seed):
    generator = np.random.RandomState(seed)
    photo, hole = photo_and_hole(9, 11)
    jpeg = io.BytesIO()
    Image.fromarray(photo).save(jpeg, "JPEG")
    seeds = [png(photo), png(hole), jpeg.getvalue()]
    good = {"image_bytes": png(photo), "mask_bytes": png(hole)}
    refused = 0
    for _ in range(60):
        files = good | {damaged: mutated(seeds[generator.randint(len(seeds))], generator)}
        try:
            (data,) = model.predict("serving_default", {key: np.array([value], dtype=object) for key, value in files.items()})[
                "inpainted_bytes"
            ]
            assert np.asarray(Image.open(io.BytesIO(data))).dtype == np.uint8
        except RequestError as error:
            assert error.code == "INVALID_ARGUMENT" and str(error) and len(str(error)) < 300 and "\n" not in str(error)
            refused += 1
    assert refused > 20


def test_damaged_heads_leave_the_server_alive(server, client):
    from tests.serving.server.test_rest_server import raw

    generator = np.random.RandomState(0)
    body = json.dumps({"instances": [row(2, 2)]}).encode()
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    for _ in range(25):
        answer = raw(server, mutated(head, generator) + body)
        assert answer == "" or answer.startswith(("HTTP/1.1 ", "{"))
        assert "Traceback" not in answer
    assert client.post({"instances": [row()]})[0] == 200
