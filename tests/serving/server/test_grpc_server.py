"""TensorFlow Serving's gRPC answers over real connections; messages and names that its own clients know."""

import threading

import numpy as np
import pytest
import tensorflow as tf

from tests.serving.server.clients import PATIENCE, photo_and_hole, png, repaired
from tf_inpaint.serving import predict_messages as messages
from tf_inpaint.serving.server import Limits, ServedModel
from tf_inpaint.serving.server.grpc_server import GrpcServer
from tf_inpaint.serving.server.metrics import Metrics

grpc = pytest.importorskip("grpc", reason="needs grpcio: pip install 'tf_inpaint[grpc]'")

PREDICT = "/tensorflow.serving.PredictionService/Predict"
METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
STATUS = "/tensorflow.serving.ModelService/GetModelStatus"


@pytest.fixture(scope="module")
def metrics():
    return Metrics("inpaint")


@pytest.fixture(scope="module")
def server(model, metrics):
    server = GrpcServer(model, metrics, port=0).start()
    yield server
    assert server.stop(grace=PATIENCE)() is True


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


def call(channel, method, request, response_class, **options):
    stub = channel.unary_unary(
        method, request_serializer=lambda message: message.SerializeToString(), response_deserializer=response_class.FromString
    )
    return stub(request, timeout=PATIENCE, wait_for_ready=True, **options)


def predict_request(signature="", name="inpaint", version=None, **inputs):
    request = messages.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = name, signature
    if version is not None:
        request.model_spec.version.value = version
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return request


def pixels(seed=0):
    photo, hole = photo_and_hole(seed=seed)
    return {"image": photo[np.newaxis], "mask": hole[np.newaxis, ..., np.newaxis]}


def files(*seeds):
    return {
        "image_bytes": [png(photo_and_hole(seed=seed)[0]) for seed in seeds],
        "mask_bytes": [png(photo_and_hole(seed=seed)[1]) for seed in seeds],
    }


def test_files_are_repaired(channel):
    response = call(channel, PREDICT, predict_request(**files(0, 1)), messages.PredictResponse)
    assert set(response.outputs) == {"inpainted_bytes"}
    assert (response.model_spec.name, response.model_spec.version.value) == ("inpaint", 1)
    assert response.model_spec.signature_name == "serving_default"
    for seed, data in enumerate(tf.make_ndarray(response.outputs["inpainted_bytes"])):
        np.testing.assert_array_equal(tf.io.decode_png(data), repaired(seed=seed))


@pytest.mark.parametrize("output_filter", [[], ["inpainted"]])
def test_pixels_are_repaired(channel, output_filter):
    request = predict_request("inpaint", version=1, **pixels())
    request.output_filter.extend(output_filter)
    response = call(channel, PREDICT, request, messages.PredictResponse)
    np.testing.assert_array_equal(tf.make_ndarray(response.outputs["inpainted"])[0], repaired())


def _with_filter(name):
    request = predict_request(**files(0))
    request.output_filter.append(name)
    return request


def _with_broken_tensor():
    request = predict_request("inpaint", **pixels())
    request.inputs["image"].tensor_content = b"123"
    return request


@pytest.mark.parametrize(
    ("request_of", "code", "message"),
    [
        (lambda: predict_request(name="other", **files(0)), "NOT_FOUND", r"Latest\(other\)"),
        (lambda: predict_request(version=3, **files(0)), "NOT_FOUND", r"Specific\(inpaint, 3\)"),
        (lambda: predict_request("other", **files(0)), "INVALID_ARGUMENT", '"other" not found'),
        (lambda: predict_request("inpaint", **files(0)), "INVALID_ARGUMENT", "input keys must be equal to: image,mask"),
        (lambda: predict_request("inpaint", image=[1], mask=[1]), "INVALID_ARGUMENT", "Input image: expecting uint8 of shape"),
        (lambda: predict_request("inpaint", image=[b"a"], mask=[1]), "INVALID_ARGUMENT", "Input image: expecting uint8"),
        (_with_broken_tensor, "INVALID_ARGUMENT", "Input image: is no tensor"),
        (lambda: _with_filter("edges"), "INVALID_ARGUMENT", "not found in signature: edges"),
        (
            lambda: predict_request(image_bytes=[b"junk"], mask_bytes=[b"junk"]),
            "INVALID_ARGUMENT",
            "^The image is not a PNG or JPEG file.$",
        ),
        (lambda: predict_request(image_bytes=[bytes(200_000)], mask_bytes=[b""]), "RESOURCE_EXHAUSTED", "larger than max"),
    ],
)
def test_an_error_has_its_code_and_one_sentence(channel, request_of, code, message):
    with pytest.raises(grpc.RpcError) as caught:
        call(channel, PREDICT, request_of(), messages.PredictResponse)
    assert caught.value.code() is grpc.StatusCode[code]
    import re

    assert re.search(message, caught.value.details()) and len(caught.value.details()) < 300


def test_the_signatures_are_told(channel):
    request = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "inpaint"
    response = call(channel, METADATA, request, messages.GetModelMetadataResponse)
    packed = response.metadata["signature_def"]
    assert packed.type_url == "type.googleapis.com/tensorflow.serving.SignatureDefMap"
    signatures = messages.SignatureDefMap.FromString(packed.value).signature_def
    assert set(signatures["serving_default"].inputs) == {"image_bytes", "mask_bytes"}
    assert signatures["inpaint"].outputs["inpainted"].dtype == tf.uint8.as_datatype_enum
    request.metadata_field[:] = ["weights"]
    with pytest.raises(grpc.RpcError, match="metadata_field must be signature_def"):
        call(channel, METADATA, request, messages.GetModelMetadataResponse)


def test_the_model_is_available(channel):
    request = messages.GetModelStatusRequest()
    request.model_spec.name = "inpaint"
    (version,) = call(channel, STATUS, request, messages.GetModelStatusResponse).model_version_status
    assert (version.version, version.state, version.status.error_code) == (1, 30, 0)


def test_predictions_are_counted(channel, metrics):
    before = metrics.count("OK"), metrics.count("INVALID_ARGUMENT")
    call(channel, PREDICT, predict_request(**files(0)), messages.PredictResponse)
    with pytest.raises(grpc.RpcError):
        call(channel, PREDICT, predict_request("x"), messages.PredictResponse)
    assert (metrics.count("OK"), metrics.count("INVALID_ARGUMENT")) == (before[0] + 1, before[1] + 1)


def hold_back(model):
    """Lets the model's work wait; returns the event that lets it go on, and the one that says that there is some."""
    release, started = threading.Event(), threading.Event()
    work = model.work

    def work_after_release(task):
        started.set()
        return work(lambda: release.wait(PATIENCE) and task())

    model.work = work_after_release
    return release, started


def test_requests_that_came_are_answered_when_it_stops(model):
    server = GrpcServer(model, Metrics("inpaint"), port=0).start()
    release, started = hold_back(model)
    try:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            stub = channel.unary_unary(PREDICT, lambda message: message.SerializeToString(), messages.PredictResponse.FromString)
            answer = stub.future(predict_request("inpaint", **pixels()), timeout=PATIENCE, wait_for_ready=True)
            assert started.wait(PATIENCE)
            wait = server.stop(grace=PATIENCE)
            release.set()
            np.testing.assert_array_equal(tf.make_ndarray(answer.result().outputs["inpainted"])[0], repaired())
            assert wait() is True
    finally:
        del model.work


def test_more_than_may_wait_are_sent_away_and_the_state_is_told_all_the_same(model_folder):
    model = ServedModel(model_folder, limits=Limits(max_running=1, max_waiting=0))
    server = GrpcServer(model, Metrics("inpaint"), port=0).start()
    release, started = hold_back(model)
    request = predict_request("inpaint", **pixels())
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = channel.unary_unary(PREDICT, lambda message: message.SerializeToString(), messages.PredictResponse.FromString)
        answer = stub.future(request, timeout=PATIENCE, wait_for_ready=True)
        assert started.wait(PATIENCE)
        status = messages.GetModelStatusRequest()
        status.model_spec.name = "inpaint"
        assert call(channel, STATUS, status, messages.GetModelStatusResponse).model_version_status[0].version == 1
        with pytest.raises(grpc.RpcError) as caught:
            call(channel, PREDICT, request, messages.PredictResponse)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and "Too many requests wait" in caught.value.details()
        release.set()
        np.testing.assert_array_equal(tf.make_ndarray(answer.result().outputs["inpainted"])[0], repaired())
    assert server.stop(grace=PATIENCE)() is True
    model.close()


def test_the_messages_are_those_of_tensorflow_serving():
    """Where its package is installed: the same bytes mean the same in both."""
    apis = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2", reason="needs tensorflow-serving-api")
    from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2

    request = predict_request("inpaint", version=7, **pixels())
    request.output_filter.append("inpainted")
    log = messages.PredictionLog()
    log.predict_log.request.CopyFrom(request)
    response = messages.PredictResponse()
    response.outputs["inpainted"].CopyFrom(tf.make_tensor_proto([1.5]))
    response.model_spec.version_label = "stable"
    status = messages.GetModelStatusResponse()
    status.model_version_status.add(version=7, state=30).status.error_message = "no"
    metadata = messages.GetModelMetadataResponse()
    metadata.metadata["signature_def"].value = b"x"
    for message, their_class in (
        (request, predict_pb2.PredictRequest),
        (log, apis.PredictionLog),
        (response, predict_pb2.PredictResponse),
        (status, get_model_status_pb2.GetModelStatusResponse),
        (metadata, get_model_metadata_pb2.GetModelMetadataResponse),
    ):
        theirs = their_class.FromString(message.SerializeToString())
        assert str(theirs).replace("state: AVAILABLE", "state: 30") == str(message)
        assert theirs.SerializeToString(deterministic=True) == message.SerializeToString(deterministic=True)
