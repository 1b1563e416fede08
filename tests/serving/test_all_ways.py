"""All ways to repair a picture give the same pixels: Python, command, page, SavedModel with files and with tensors, REST, gRPC."""

import io

import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from PIL import Image

from tests.picture_files import random_rgb
from tests.serving.server.clients import Client, b64, pixels
from tf_inpaint import SYSTEMS, Inpainter, pictures, weights
from tf_inpaint.cli.main import main
from tf_inpaint.serving import encoded_pictures, export, predict_messages
from tf_inpaint.serving.server import RestServer, ServedModel
from tf_inpaint.serving.server.grpc_server import GrpcServer
from tf_inpaint.serving.web.workbench import Workbench
from tf_inpaint.systems.loading import load

HEIGHT, WIDTH = 45, 37


class Ways:
    """One picture, one mask, one set of weights; each method repairs the picture in another way."""

    def __init__(self, folder):
        self.folder = folder
        weights.save(SYSTEMS["partial_conv"].tiny(), folder / "weights")
        export(load(folder / "weights"), folder / "models/inpaint/1")
        hole = np.zeros((HEIGHT, WIDTH), np.uint8)
        hole[10:25, 5:30] = 255
        hole[40:, 30:] = 255
        pictures.write_picture(folder / "photo.png", random_rgb(HEIGHT, WIDTH))
        pictures.write_picture(folder / "mask.png", hole)
        self.files = {"image_bytes": (folder / "photo.png").read_bytes(), "mask_bytes": (folder / "mask.png").read_bytes()}
        self.photo, self.hole = pictures.read_rgb(folder / "photo.png"), pictures.read_mask(folder / "mask.png")
        self.model = ServedModel(folder / "models/inpaint")
        self.signatures = tf.saved_model.load(str(folder / "models/inpaint/1")).signatures

    def python(self):
        return Inpainter(self.folder / "weights", strategy="original")(self.photo, self.hole)

    def python_with_files(self):
        return np.asarray(Inpainter(self.folder / "weights", strategy="original")(self.folder / "photo.png", self.folder / "mask.png"))

    def command(self):
        words = ["inpaint", str(self.folder / "photo.png"), str(self.folder / "mask.png"), "-o", str(self.folder / "result.png")]
        words += ["--weights", str(self.folder / "weights"), "--strategy", "original"]
        assert main(words) == 0
        return pictures.read_rgb(self.folder / "result.png")

    def page(self):
        with Workbench(max_pixels=1_000_000) as bench:
            repaired = bench.repair(
                self.folder / "photo.png", mask=self.folder / "mask.png", weights=str(self.folder / "weights"), strategy="original"
            )
            return pictures.read_rgb(repaired.file)

    def saved_model_with_files(self):
        inputs = {key: tf.constant([data]) for key, data in self.files.items()}
        return tf.io.decode_png(self.signatures["serving_default"](**inputs)["inpainted_bytes"][0]).numpy()

    def saved_model_with_tensors(self):
        image, mask = tf.constant(self.photo[np.newaxis]), tf.constant(self.hole[np.newaxis, ..., np.newaxis])
        return self.signatures["inpaint"](image=image, mask=mask)["inpainted"][0].numpy()

    def rest_with_files(self):
        with RestServer(self.model, port=0) as server:
            status, answer = Client(server).post({"instances": [{key: b64(data) for key, data in self.files.items()}]})
        assert status == 200
        return pixels(answer["predictions"][0])

    def rest_with_pixels(self):
        row = {"image": self.photo.tolist(), "mask": self.hole[..., np.newaxis].tolist()}
        with RestServer(self.model, port=0) as server:
            status, answer = Client(server).post({"signature_name": "inpaint", "instances": [row]})
        assert status == 200
        return np.array(answer["predictions"][0], np.uint8)

    def grpc_with_files(self):
        grpc = pytest.importorskip("grpc", reason="needs grpcio: pip install 'tf_inpaint[grpc]'")
        request = predict_messages.PredictRequest()
        request.model_spec.name = "inpaint"
        for key, data in self.files.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto([data]))
        rest = RestServer(self.model, port=0)
        server = GrpcServer(self.model, rest.metrics, port=0).start()
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            call = channel.unary_unary(
                "/tensorflow.serving.PredictionService/Predict",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=predict_messages.PredictResponse.FromString,
            )
            response = call(request, timeout=120, wait_for_ready=True)
        assert server.stop(grace=60)() and rest.stop()
        return tf.io.decode_png(tf.make_ndarray(response.outputs["inpainted_bytes"])[0]).numpy()


WAYS = [name for name in vars(Ways) if not name.startswith("_")]


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    ways = Ways(tmp_path_factory.mktemp("ways"))
    yield ways
    ways.model.close()


@pytest.fixture(scope="module")
def expected(ways):
    return ways.python()


@pytest.mark.parametrize("way", WAYS)
def test_each_way_gives_the_same_pixels(ways, expected, way):
    result = getattr(ways, way)()
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, expected)


def test_the_hole_and_nothing_else_is_new(ways, expected):
    np.testing.assert_array_equal(expected[ways.hole == 0], ways.photo[ways.hole == 0])
    assert (expected[ways.hole > 0] != ways.photo[ways.hole > 0]).mean() > 0.5


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_of_a_jpeg_the_decoders_of_files_and_of_the_graph_differ_by_a_few_levels_at_most(subsampling):
    """Both use the accurate transform and smooth interpolation; with the libraries of both stacks no pixel differs."""
    file = io.BytesIO()
    Image.fromarray(skimage.data.astronaut()).save(file, "JPEG", quality=90, subsampling=subsampling)
    by_pillow = pictures.read_rgb(file).astype(int)
    by_graph = encoded_pictures.decode_image(tf.constant(file.getvalue()), max_pixels=10**6).numpy()
    difference = np.abs(by_pillow - by_graph)
    assert difference.max() <= 2 and difference.mean() < 0.01  # other builds of libjpeg may round otherwise
