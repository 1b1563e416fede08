"""What a model says of itself: its state and its signatures, in TensorFlow Serving's JSON."""

from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from tf_inpaint.serving.server.served_model import ServedModel


def status_of(model: ServedModel) -> dict:
    """Describes the version that is served.

    Args:
        model: any.

    Returns:
        The answer to `GET /v1/models/NAME`.
    """
    version = {"version": str(model.version), "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    return {"model_version_status": [version]}


def of_model(model: ServedModel) -> dict:
    """Describes the signatures: the keys, types and shapes that clients rely on.

    Args:
        model: any.

    Returns:
        The answer to `GET /v1/models/NAME/metadata`.
    """
    signatures = {name: _describe(signature) for name, signature in sorted(model.signature_defs.items())}
    return {
        "model_spec": {"name": model.name, "signature_name": "", "version": str(model.version)},
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def _describe(signature: meta_graph_pb2.SignatureDef) -> dict:
    return {
        "inputs": {key: _describe_tensor(info) for key, info in sorted(signature.inputs.items())},
        "outputs": {key: _describe_tensor(info) for key, info in sorted(signature.outputs.items())},
        "method_name": signature.method_name,
        "defaults": {},
    }


def _describe_tensor(info: meta_graph_pb2.TensorInfo) -> dict:
    dims = [{"size": str(dim.size), "name": dim.name} for dim in info.tensor_shape.dim]
    shape = {"dim": dims, "unknown_rank": info.tensor_shape.unknown_rank}
    return {"dtype": types_pb2.DataType.Name(info.dtype), "tensor_shape": shape, "name": info.name}
