"""The messages of TensorFlow Serving's predict and model-status services, without its package.

tensorflow-serving-api brings the same classes, but it pins TensorFlow to its own version and exists for one of our two stacks only.
What goes over the wire, or into a warm-up file, is field numbers and types alone; so the few messages are described here, from
TensorFlow Serving's published `.proto` files (predict, model, prediction_log, get_model_metadata, get_model_status; version 2.15), and
protobuf makes classes of them. Their names carry a package of our own, so that both can be imported in one process.
"""

import tensorflow as tf  # noqa: F401  its messages (TensorProto, SignatureDef) are in protobuf's pool once it is imported
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2  # noqa: F401  the same

_PACKAGE = "tf_inpaint.predict_messages"
_FILE = "tf_inpaint/serving/predict_messages.proto"
_IMPORTS = (
    "google/protobuf/any.proto",
    "google/protobuf/wrappers.proto",
    "tensorflow/core/framework/tensor.proto",
    "tensorflow/core/protobuf/meta_graph.proto",
)
# message -> its fields: (number, name, type). A type with a dot is a message of another package, one of these names is ours, and
# "repeated" and "map" (from strings) are what they say.
_MESSAGES = {
    "ModelSpec": [
        (1, "name", "string"),
        (2, "version", "google.protobuf.Int64Value"),
        (3, "signature_name", "string"),
        (4, "version_label", "string"),
    ],
    "PredictRequest": [
        (1, "model_spec", "ModelSpec"),
        (2, "inputs", "map tensorflow.TensorProto"),
        (3, "output_filter", "repeated string"),
    ],
    "PredictResponse": [(1, "outputs", "map tensorflow.TensorProto"), (2, "model_spec", "ModelSpec")],
    "PredictLog": [(1, "request", "PredictRequest"), (2, "response", "PredictResponse")],
    # Of the kinds of logs that a warm-up file may hold this one alone fits our signatures.
    "PredictionLog": [(6, "predict_log", "PredictLog")],
    "SignatureDefMap": [(1, "signature_def", "map tensorflow.SignatureDef")],
    "GetModelMetadataRequest": [(1, "model_spec", "ModelSpec"), (2, "metadata_field", "repeated string")],
    "GetModelMetadataResponse": [(1, "model_spec", "ModelSpec"), (2, "metadata", "map google.protobuf.Any")],
    "StatusProto": [(1, "error_code", "int32"), (2, "error_message", "string")],
    # `state` is an enumeration there; its numbers are `STATES`. Over the wire both are the same.
    "ModelVersionStatus": [(1, "version", "int64"), (2, "state", "int32"), (3, "status", "StatusProto")],
    "GetModelStatusRequest": [(1, "model_spec", "ModelSpec")],
    "GetModelStatusResponse": [(1, "model_version_status", "repeated ModelVersionStatus")],
}
STATES = {"AVAILABLE": 30, "UNLOADING": 40}
"""Of `ModelVersionStatus.state`, those that a loaded model can have."""

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {"string": _Field.TYPE_STRING, "int32": _Field.TYPE_INT32, "int64": _Field.TYPE_INT64}


def _describe_file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name=_FILE, package=_PACKAGE, syntax="proto3", dependency=_IMPORTS)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field_name, kind in fields:
            _describe_field(message, number, field_name, kind)
    return file


def _describe_field(message: descriptor_pb2.DescriptorProto, number: int, name: str, kind: str) -> None:
    label, _, kind = kind.rpartition(" ")
    field = message.field.add(name=name, number=number)
    field.label = _Field.LABEL_REPEATED if label else _Field.LABEL_OPTIONAL
    if label == "map":
        # A map is a repeated message of a key and a value, called after the field.
        entry = message.nested_type.add(name=name.title().replace("_", "") + "Entry")
        entry.options.map_entry = True
        _describe_field(entry, 1, "key", "string")
        _describe_field(entry, 2, "value", kind)
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{message.name}.{entry.name}"
    elif kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{kind}" if "." in kind else f".{_PACKAGE}.{kind}"


_POOL = descriptor_pool.Default()
_POOL.AddSerializedFile(_describe_file().SerializeToString())


def _make_class(name: str) -> type:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


ModelSpec = _make_class("ModelSpec")
PredictRequest = _make_class("PredictRequest")
PredictResponse = _make_class("PredictResponse")
PredictionLog = _make_class("PredictionLog")
SignatureDefMap = _make_class("SignatureDefMap")
GetModelMetadataRequest = _make_class("GetModelMetadataRequest")
GetModelMetadataResponse = _make_class("GetModelMetadataResponse")
GetModelStatusRequest = _make_class("GetModelStatusRequest")
GetModelStatusResponse = _make_class("GetModelStatusResponse")
