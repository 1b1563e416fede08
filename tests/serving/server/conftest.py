"""A model that is exported once, and a server of it that each file starts once."""

import pytest

from tests.constant_system import ConstantSystem
from tests.serving.server.clients import Client
from tf_inpaint.serving import export
from tf_inpaint.serving.server import Limits, RestServer, ServedModel

MAX_PIXELS = 5000


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """models/inpaint, with version 1: fills holes with the level 191, in pictures of up to 5000 pixels."""
    folder = tmp_path_factory.mktemp("models") / "inpaint"
    export(ConstantSystem.tiny(), folder / "1", max_pixels=MAX_PIXELS)
    return folder


@pytest.fixture(scope="module")
def model(model_folder):
    model = ServedModel(model_folder, limits=Limits(max_bytes=100_000, max_pixels=8000, max_running=2))
    yield model
    model.close()


@pytest.fixture(scope="module")
def server(model):
    with RestServer(model, port=0) as server:
        yield server


@pytest.fixture
def client(server):
    return Client(server)
