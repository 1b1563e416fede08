"""The checked-in requests get the checked-in answers; keys, types and shapes of the signatures are the checked-in ones."""

import json

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from tests.serving.server.clients import PATIENCE, pixels
from tests.serving.server.golden_requests import FOLDER
from tf_inpaint.serving import predict_messages as messages
from tf_inpaint.serving.server.metrics import Metrics

REST = sorted(FOLDER.glob("rest_*.json"))
GRPC = sorted(FOLDER.glob("grpc_*.request.txtpb"))


def test_there_are_requests_of_each_kind():
    assert len(REST) >= 6 and len(GRPC) >= 2


def decoded(answer):
    """Files as pixels: another version of the PNG library may pack the same pixels otherwise."""
    if isinstance(answer, dict):
        return pixels(answer).tolist() if set(answer) == {"b64"} else {key: decoded(value) for key, value in answer.items()}
    return [decoded(value) for value in answer] if isinstance(answer, list) else answer


@pytest.mark.parametrize("path", REST, ids=lambda path: path.stem)
def test_a_rest_request_is_answered_as_before(client, path):
    pair = json.loads(path.read_text(encoding="utf-8"))
    status, answer = client.post(pair["request"])
    assert status == pair["status"]
    assert decoded(answer) == decoded(pair["answer"])


@pytest.mark.parametrize("path", GRPC, ids=lambda path: path.stem)
def test_a_grpc_request_is_answered_as_before(model, path):
    grpc = pytest.importorskip("grpc", reason="needs grpcio: pip install 'tf_inpaint[grpc]'")
    from tf_inpaint.serving.server.grpc_server import GrpcServer

    request = text_format.Parse(path.read_text(encoding="utf-8"), messages.PredictRequest())
    response_path = path.with_name(path.name.replace(".request.", ".response."))
    expected = text_format.Parse(response_path.read_text(encoding="utf-8"), messages.PredictResponse())
    server = GrpcServer(model, Metrics("inpaint"), port=0).start()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        call = channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            lambda message: message.SerializeToString(),
            messages.PredictResponse.FromString,
        )
        response = call(request, timeout=PATIENCE, wait_for_ready=True)
    assert server.stop(grace=PATIENCE)() is True
    assert response.model_spec == expected.model_spec and set(response.outputs) == set(expected.outputs)
    for key, value in expected.outputs.items():
        for ours, theirs in zip(tf.make_ndarray(response.outputs[key]), tf.make_ndarray(value), strict=True):
            if isinstance(theirs, bytes):
                ours, theirs = tf.io.decode_png(ours), tf.io.decode_png(theirs)
            np.testing.assert_array_equal(ours, theirs)


def test_the_signatures_are_the_checked_in_ones(client):
    """Clients depend on these keys: they must not change from one version of a model to the next."""
    status, answer = client.get("/v1/models/inpaint/metadata")
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    found = {
        name: {
            "method_name": signature["method_name"],
            **{
                side: {
                    key: {"dtype": info["dtype"], "shape": [int(dim["size"]) for dim in info["tensor_shape"]["dim"]]}
                    for key, info in signature[side].items()
                }
                for side in ("inputs", "outputs")
            },
        }
        for name, signature in signatures.items()
        if not name.startswith("__")
    }
    assert status == 200 and answer["model_spec"] == {"name": "inpaint", "signature_name": "", "version": "1"}
    assert found == json.loads((FOLDER / "signatures.json").read_text(encoding="utf-8"))
