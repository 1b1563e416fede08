"""Exports a system to ONNX and to OpenVINO, for programs that run networks without TensorFlow.

Both need packages of their own: `pip install 'tf_inpaint[onnx]'`, `pip install 'tf_inpaint[openvino]'`. The graph takes and gives
pixels, as the signature `inpaint` of the SavedModel does: `image` uint8 `[N, H, W, 3]` and `mask` uint8 `[N, H, W, 1]`, white = fill, of
any size -> `inpainted` uint8 `[N, H, W, 3]`, known pixels bit-identical. Neither format has checks inside the graph: sizes, limits and
empty masks are the caller's business.

Every system can be exported. What TensorFlow computes by operations that the formats lack is computed by others, to the same effect
(`ops.portable`). Sums may be rounded in another order than TensorFlow's, so the hole may differ by one grey level
(tests/serving/test_convert.py). Measured with `three_stage.faces_128` on three photographs of 128 px (benchmarks/convert.py): with
onnxruntime no value differed, at 1.5 times TensorFlow's CPU time.
"""

import contextlib
import importlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import tensorflow as tf

from tf_inpaint import ops, systems
from tf_inpaint.errors import ConfigError
from tf_inpaint.files import atomic_directory, atomic_write
from tf_inpaint.serving import encoded_pictures
from tf_inpaint.serving.export import fill_hole, float32_copy

OPSET = 17
"""Version of ONNX's operations: understood by onnxruntime from 1.12 on."""

_SIGNATURE = [tf.TensorSpec([None, None, None, channels], tf.uint8, name=name) for name, channels in (("image", 3), ("mask", 1))]


def export_onnx(system: systems.InpaintingSystem, path: str | os.PathLike) -> Path:
    """Writes an ONNX file.

    Args:
        system: its present weights are exported, in float32.
        path: a file name that ends in `.onnx`; must not exist yet, appears only when it is whole.

    Returns:
        The path.

    Raises:
        ConfigError: if tf2onnx is not installed, the path exists or has another ending, or ONNX lacks an operation of the system.
        OSError: if it cannot be written.
    """
    path = _new_path(path, ".onnx")
    tf2onnx = _import("tf2onnx", "onnx")
    onnx = _import("onnx", "onnx")
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # what it cannot convert it logs, and goes on; that is looked for below
    model, _ = tf2onnx.convert.from_function(_function(system), input_signature=_SIGNATURE, opset=OPSET)
    if unknown := sorted({node.op_type for node in _nodes(model.graph) if not onnx.defs.has(node.op_type, node.domain)}):
        raise _unconvertible(system, "ONNX", ", ".join(unknown))
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise _unconvertible(system, "ONNX", str(error).splitlines()[0]) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(model.SerializeToString())
    return path


def export_openvino(system: systems.InpaintingSystem, directory: str | os.PathLike) -> Path:
    """Writes OpenVINO's pair of files, `model.xml` and `model.bin`, with float32 weights.

    On processors with bfloat16 OpenVINO computes in it unless told otherwise; `INFERENCE_PRECISION_HINT` "f32" keeps to the bound above.

    Args:
        system: its present weights are exported.
        directory: where to; must not exist yet, appears only when it is whole.

    Returns:
        The directory.

    Raises:
        ConfigError: if openvino is not installed, the directory exists, or OpenVINO lacks an operation of the system.
        OSError: if it cannot be written.
    """
    directory = _new_path(directory, "")
    with _without_reports():
        openvino = _import("openvino", "openvino")
    function = _function(system).get_concrete_function()
    module = tf.Module()
    module.network_variables = list(function.variables)
    with tempfile.TemporaryDirectory() as temporary, _without_reports():
        tf.saved_model.save(module, temporary, signatures={"inpaint": function})
        try:
            model = openvino.convert_model(temporary)
        except openvino.frontend.OpConversionFailure as error:
            lines = [line for line in str(error).splitlines() if line.startswith("--")]
            raise _unconvertible(system, "OpenVINO", lines[0].removeprefix("-- ") if lines else "") from error
    for port, spec in zip(model.inputs, sorted(_SIGNATURE, key=lambda spec: spec.name), strict=True):
        port.get_tensor().set_names({spec.name})
    directory.parent.mkdir(parents=True, exist_ok=True)
    with atomic_directory(directory) as folder:
        openvino.save_model(model, folder / "model.xml", compress_to_fp16=False)
    return directory


def _new_path(path: str | os.PathLike, suffix: str) -> Path:
    path = Path(path)
    if path.exists():
        raise ConfigError(f"The output {os.fspath(path)!r} exists. Remove it, or choose another name.")
    if suffix and path.suffix != suffix:
        raise ConfigError(f"The output must end in {suffix!r}. Received: {os.fspath(path)!r}.")
    return path


def _import(package: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ConfigError(f"This needs the package {package}: pip install 'tf_inpaint[{extra}]'.") from error


@contextlib.contextmanager
def _without_reports() -> Iterator[None]:
    """OpenVINO would tell its makers of each import and conversion, over the network; it works without the package that does so."""
    name = "openvino_telemetry"
    is_free = name not in sys.modules  # else somebody else has imported it, and may want it
    if is_free:
        sys.modules[name] = None
    try:
        yield
    finally:
        if is_free:
            del sys.modules[name]


def _nodes(graph) -> Iterator:
    """All nodes of an ONNX graph, also those of the graphs inside conditions and loops."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def _unconvertible(system: systems.InpaintingSystem, name: str, reason: str) -> ConfigError:
    return ConfigError(f"{system.KEY} has operations that {name} does not have: {reason}. Export a SavedModel instead.")


def _function(system: systems.InpaintingSystem) -> tf.types.experimental.PolymorphicFunction:
    copy = float32_copy(system)

    @tf.function(input_signature=_SIGNATURE, autograph=False)
    def inpaint(image, mask):
        with ops.portable.portable_operations():
            return {"inpainted": fill_hole(copy, image, encoded_pictures.hole_of(mask))}

    return inpaint
