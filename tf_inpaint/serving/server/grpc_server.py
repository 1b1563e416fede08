"""TensorFlow Serving's gRPC answers for one model: Predict, GetModelMetadata, GetModelStatus.

Needs `grpcio` (`pip install 'tf_inpaint[grpc]'`); the messages are `predict_messages`, so tensorflow-serving-api is needed neither here nor
by a client that does the same.
"""

import concurrent.futures
import threading
import time
from collections.abc import Callable

import tensorflow as tf

from tf_inpaint.errors import ConfigError
from tf_inpaint.serving import predict_messages as messages
from tf_inpaint.serving.server.metrics import Metrics
from tf_inpaint.serving.server.request_error import RequestError
from tf_inpaint.serving.server.rest_json import DEFAULT_SIGNATURE
from tf_inpaint.serving.server.served_model import ServedModel

_SPARE_THREADS = 8
_METADATA_FIELD = "signature_def"
_METADATA_TYPE = "type.googleapis.com/tensorflow.serving.SignatureDefMap"


class GrpcServer:
    """Answers gRPC requests until it is stopped.

    Args:
        model: what is served; its limits hold for the server too.
        metrics: where requests are counted.
        host: address to listen at.
        port: 0 takes a free one.

    Raises:
        ConfigError: if grpcio is not installed, or the address cannot be had.
    """

    def __init__(self, model: ServedModel, metrics: Metrics, *, host: str = "127.0.0.1", port: int = 8500):
        try:
            import grpc
        except ImportError as error:
            raise ConfigError("gRPC needs the package grpcio: pip install 'tf_inpaint[grpc]'.") from error
        self._grpc, self._model, self._metrics = grpc, model, metrics
        self._lock, self._num_requests = threading.Lock(), 0
        limits = model.limits
        # A thread waits while a worker works, so there must be as many as requests may wait. The others send away those that come then,
        # and tell the model's state; beyond them gRPC itself refuses, where it would keep requests without end.
        num_threads = limits.num_workers + limits.max_waiting + _SPARE_THREADS
        pool = concurrent.futures.ThreadPoolExecutor(num_threads, thread_name_prefix="grpc")
        options = [("grpc.max_receive_message_length", limits.max_bytes), ("grpc.so_reuseport", 0)]
        self._server = grpc.server(pool, options=options, maximum_concurrent_rpcs=num_threads)
        predict = self._handler(self._predict, messages.PredictRequest)
        get_metadata = self._handler(self._get_metadata, messages.GetModelMetadataRequest)
        get_status = self._handler(self._get_status, messages.GetModelStatusRequest)
        for service, methods in {
            "tensorflow.serving.PredictionService": {"Predict": predict, "GetModelMetadata": get_metadata},
            "tensorflow.serving.ModelService": {"GetModelStatus": get_status},
        }.items():
            self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, methods)])
        try:
            self.port = self._server.add_insecure_port(f"{f'[{host}]' if ':' in host else host}:{port}")
        except RuntimeError as error:
            raise ConfigError(f"gRPC cannot listen at {host}, port {port}.") from error

    def start(self) -> "GrpcServer":
        """Starts to answer; returns at once with the server itself."""
        self._server.start()
        return self

    def stop(self, *, grace: float = 30.0) -> Callable[[], bool]:
        """Takes no new requests; those that came are answered. Does not wait for that.

        Args:
            grace: seconds after which the others are cancelled.

        Returns:
            A function that waits for the end, and tells whether all requests were answered.
        """
        ended = self._server.stop(grace)

        def wait() -> bool:
            ended.wait()
            with self._lock:
                return self._num_requests == 0

        return wait

    def _handler(self, answer: Callable, request_class: type) -> object:
        def respond(request, context):
            began, status = time.monotonic(), "OK"
            self._count(1)
            try:
                return answer(request)
            except RequestError as error:
                status = error.code
                context.abort(self._grpc.StatusCode[error.code], str(error))
            except Exception as error:  # a fault of ours: the client is told, and the server lives on
                status = "INTERNAL"
                context.abort(self._grpc.StatusCode.INTERNAL, f"{type(error).__name__} in the server.")
            finally:
                self._count(-1)
                if request_class is messages.PredictRequest:
                    self._metrics.record(entrypoint="GRPC", status=status, seconds=time.monotonic() - began)

        return self._grpc.unary_unary_rpc_method_handler(
            respond, request_deserializer=request_class.FromString, response_serializer=lambda message: message.SerializeToString()
        )

    def _count(self, change: int) -> None:
        with self._lock:
            self._num_requests += change

    def _check(self, spec) -> None:
        self._model.check(spec.name, spec.version.value if spec.HasField("version") else None, spec.version_label or None)

    def _describe_model(self, spec, signature: str = "") -> None:
        spec.name, spec.signature_name = self._model.name, signature
        spec.version.value = self._model.version

    def _predict(self, request):
        self._check(request.model_spec)
        signature = request.model_spec.signature_name or DEFAULT_SIGNATURE
        outputs = self._model.work(lambda: self._model.predict(signature, self._inputs(signature, request)))
        names = set(request.output_filter) or set(outputs)
        if unknown := sorted(names - set(outputs)):
            raise RequestError("INVALID_ARGUMENT", f"output tensor alias not found in signature: {unknown[0]}")
        response = messages.PredictResponse()
        self._describe_model(response.model_spec, signature)
        for name in names:
            response.outputs[name].CopyFrom(tf.make_tensor_proto(outputs[name]))
        return response

    def _inputs(self, signature: str, request) -> dict:
        specs = self._model.specs_of(signature)
        if set(request.inputs) != set(specs):
            raise RequestError("INVALID_ARGUMENT", f"input keys must be equal to: {','.join(sorted(specs))}")
        inputs = {}
        for key, spec in specs.items():
            try:
                inputs[key] = tf.make_ndarray(request.inputs[key])
            except (TypeError, ValueError, IndexError) as error:
                raise RequestError("INVALID_ARGUMENT", f"Input {key}: is no tensor: {error}") from error
            if request.inputs[key].dtype != spec.dtype.as_datatype_enum or not spec.shape.is_compatible_with(inputs[key].shape):
                raise RequestError("INVALID_ARGUMENT", f"Input {key}: expecting {spec.dtype.name} of shape {spec.shape}.")
        return inputs

    def _get_metadata(self, request):
        self._check(request.model_spec)
        if set(request.metadata_field) != {_METADATA_FIELD}:
            raise RequestError("INVALID_ARGUMENT", f"metadata_field must be {_METADATA_FIELD}.")
        response = messages.GetModelMetadataResponse()
        self._describe_model(response.model_spec)
        signatures = messages.SignatureDefMap(signature_def=self._model.signature_defs)
        response.metadata[_METADATA_FIELD].type_url = _METADATA_TYPE
        response.metadata[_METADATA_FIELD].value = signatures.SerializeToString()
        return response

    def _get_status(self, request):
        self._check(request.model_spec)
        response = messages.GetModelStatusResponse()
        response.model_version_status.add(version=self._model.version, state=messages.STATES["AVAILABLE"]).status.SetInParent()
        return response
