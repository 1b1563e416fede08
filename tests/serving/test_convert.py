"""ONNX and OpenVINO: the pixels of the library, or a refusal that names what is missing; never a file that does not run."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.constant_system import ConstantSystem
from tests.picture_files import random_rgb
from tf_inpaint import SYSTEMS, Inpainter
from tf_inpaint.errors import ConfigError
from tf_inpaint.serving import convert

# Sums are rounded in another order: in the hole one grey level may come out differently.
MAXIMAL_DIFFERENCE = 1


class Unconvertible(ConstantSystem):
    """Counts bits, which no other runtime can."""

    KEY = "unconvertible"

    def call(self, inputs, training=False):
        ones = tf.raw_ops.PopulationCount(x=tf.cast(inputs["image"], tf.int32))
        return {"raw": tf.cast(ones, tf.float32) / 32.0}


def run_onnx(system, folder):
    pytest.importorskip("tf2onnx", reason="needs tf2onnx: pip install 'tf_inpaint[onnx]'")
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'tf_inpaint[onnx]'")
    path = convert.export_onnx(system, folder / "models/model.onnx")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda image, mask: session.run(["inpainted"], {"image": image, "mask": mask})[0]


def run_openvino(system, folder):
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("needs openvino: pip install 'tf_inpaint[openvino]'")
    written = convert.export_openvino(system, folder / "models/openvino")
    import openvino  # by now it was imported without its reports

    model = openvino.compile_model(written / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda image, mask: model({"image": image, "mask": mask})["inpainted"]


RUNNERS = {"onnx": run_onnx, "openvino": run_openvino}


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("form", RUNNERS)
def test_each_system_gives_the_librarys_pixels(tmp_path, form, name):
    system = SYSTEMS[name].tiny()
    run = RUNNERS[form](system, tmp_path)
    inpainter = Inpainter(system, strategy="original")
    for height, width in ((32, 32), (33, 45), (7, 5), (64, 80)):
        photo, hole = random_rgb(height, width), np.zeros((height, width), np.uint8)
        hole[height // 4 : height * 3 // 4, width // 3 : width * 2 // 3 + 1] = 255
        (result,) = run(photo[np.newaxis], hole[np.newaxis, ..., np.newaxis])
        np.testing.assert_array_equal(result[hole == 0], photo[hole == 0])
        assert np.abs(result.astype(int) - inpainter(photo, hole)).max() <= MAXIMAL_DIFFERENCE


@pytest.mark.slow
@pytest.mark.parametrize("form", RUNNERS)
def test_a_system_with_an_operation_that_the_format_lacks_is_refused_by_its_name(tmp_path, form):
    with pytest.raises(ConfigError, match="unconvertible has operations that .* does not have: .*PopulationCount"):
        RUNNERS[form](Unconvertible.tiny(), tmp_path)
    assert not any(tmp_path.rglob("*.*"))


EXPORT_WITHOUT_NETWORK = """
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request", "os.fork"):
        print("tried to reach the network:", event, arguments, flush=True)

sys.addaudithook(refuse)
from tests.constant_system import ConstantSystem
from tf_inpaint.serving import convert

convert.export_openvino(ConstantSystem.tiny(), sys.argv[1])
assert "openvino_telemetry" not in sys.modules
"""


@pytest.mark.slow
def test_openvino_reports_nothing_to_anyone(tmp_path):
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("needs openvino: pip install 'tf_inpaint[openvino]'")
    command = [sys.executable, "-c", EXPORT_WITHOUT_NETWORK, tmp_path / "model"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "network" not in ended.stdout and (tmp_path / "model/model.xml").exists()


@pytest.mark.parametrize(
    ("write", "name", "message"),
    [
        (convert.export_onnx, "there.onnx", "exists"),
        (convert.export_openvino, "there.onnx", "exists"),
        (convert.export_onnx, "model.pb", "must end in '.onnx'"),
    ],
)
def test_a_path_that_cannot_be_used_is_refused_first(tmp_path, write, name, message):
    (tmp_path / "there.onnx").write_text("mine")
    with pytest.raises(ConfigError, match=message):
        write(ConstantSystem.tiny(), tmp_path / name)
    assert (tmp_path / "there.onnx").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("write", "package", "extra"), [(convert.export_onnx, "tf2onnx", "onnx"), (convert.export_openvino, "openvino", "openvino")]
)
def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch, write, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=rf"needs the package {package}: pip install 'tf_inpaint\[{extra}\]'"):
        write(ConstantSystem.tiny(), tmp_path / "model.onnx")
