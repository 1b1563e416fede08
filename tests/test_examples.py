"""The example clients work against a server; the settings for TensorFlow Serving hold together."""

import importlib.util
import re
import subprocess

import numpy as np
import pytest

from tests.constant_system import ConstantSystem
from tests.picture_files import random_rgb
from tests.source import ROOT
from tf_inpaint import pictures
from tf_inpaint.serving import export
from tf_inpaint.serving.server import RestServer, ServedModel

EXAMPLES = ROOT / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """models/inpaint/1, photo.png, mask.png and what is expected of them."""
    folder = tmp_path_factory.mktemp("example")
    export(ConstantSystem.tiny(), folder / "models/inpaint/1")
    pictures.write_picture(folder / "photo.png", random_rgb(20, 30))
    mask = np.zeros((20, 30), np.uint8)
    mask[5:9, 10:25] = 255
    pictures.write_picture(folder / "mask.png", mask)
    pictures.write_picture(folder / "expected.png", np.where(mask[..., np.newaxis] > 0, np.uint8(191), random_rgb(20, 30)))
    return folder


@pytest.fixture(scope="module")
def server(folder):
    model = ServedModel(folder / "models/inpaint")
    with RestServer(model, port=0) as server:
        yield server
    model.close()


def words(folder, output, mask="mask.png"):
    return [str(folder / "photo.png"), str(folder / mask), str(output)]


def test_the_rest_client_repairs_a_picture(folder, server, tmp_path):
    assert load("client_rest").main([*words(folder, tmp_path / "out.png"), "--url", server.url]) == 0
    np.testing.assert_array_equal(pictures.read_rgb(tmp_path / "out.png"), pictures.read_rgb(folder / "expected.png"))


def test_the_rest_client_says_what_the_server_says(folder, server, tmp_path, capsys):
    (folder / "text.png").write_text("no picture")
    assert load("client_rest").main([*words(folder, tmp_path / "out.png", "text.png"), "--url", server.url]) == 1
    assert capsys.readouterr().err == "failed: The mask is not a PNG or JPEG file.\n"
    assert not (tmp_path / "out.png").exists()


def test_the_grpc_client_repairs_a_picture(folder, server, tmp_path, capsys):
    pytest.importorskip("grpc", reason="needs grpcio: pip install 'tf_inpaint[grpc]'")
    from tf_inpaint.serving.server.grpc_server import GrpcServer

    grpc_server = GrpcServer(server.model, server.metrics, port=0).start()
    client, address = load("client_grpc"), f"127.0.0.1:{grpc_server.port}"
    assert client.main([*words(folder, tmp_path / "out.png"), "--address", address]) == 0
    np.testing.assert_array_equal(pictures.read_rgb(tmp_path / "out.png"), pictures.read_rgb(folder / "expected.png"))
    assert client.main([*words(folder, tmp_path / "no.png"), "--address", address, "--model", "other"]) == 1
    assert "NOT_FOUND" in capsys.readouterr().err
    assert grpc_server.stop(grace=60)() is True


@pytest.mark.skipif(subprocess.run(["which", "curl", "base64"], capture_output=True).returncode != 0, reason="needs curl and base64")
def test_the_line_with_curl_repairs_a_picture(folder, server, tmp_path):
    line = next(line for line in (EXAMPLES / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("printf"))
    line = (
        line.replace("photo.jpg", "photo.png")
        .replace("http://localhost:8501", server.url)
        .replace("> repaired.png", f"> {tmp_path}/out.png")
    )
    subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=folder, check=True)
    np.testing.assert_array_equal(pictures.read_rgb(tmp_path / "out.png"), pictures.read_rgb(folder / "expected.png"))


def test_batch_sizes_rise_to_the_largest():
    text = (EXAMPLES / "batching.txt").read_text(encoding="utf-8")
    sizes = [int(number) for number in re.findall(r"^allowed_batch_sizes: (\d+)", text, flags=re.MULTILINE)]
    assert sizes == sorted(set(sizes)) and sizes[-1] == int(re.search(r"max_batch_size { value: (\d+) }", text)[1])


def test_the_container_is_pinned_and_is_given_the_files_that_are_there():
    text = (EXAMPLES / "compose.yaml").read_text(encoding="utf-8")
    assert re.search(r"image: tensorflow/serving:\d+\.\d+\.\d+\n", text)
    names = re.findall(r"/config/(\S+)", text)
    assert len(names) == 3 and all((EXAMPLES / name).is_file() for name in names)
    assert all(port.startswith("127.0.0.1:") for port in re.findall(r"- (\S+:850[01])\n", text))
