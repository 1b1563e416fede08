"""What clients of a server send and get, with the standard library."""

import base64
import http.client
import io
import json

import numpy as np
from PIL import Image

from tests.picture_files import random_rgb

PREDICT = "/v1/models/inpaint:predict"
# A test waits this long for what must happen; it never does on a machine that works at all.
PATIENCE = 120.0


class Client:
    """Sends requests to a server, each on a connection of its own."""

    def __init__(self, server):
        self.address = server.url.removeprefix("http://")

    def connect(self):
        return http.client.HTTPConnection(self.address, timeout=PATIENCE)

    def ask(self, method, path, body=None, headers=None):
        """Status and body; JSON is read."""
        connection = self.connect()
        connection.request(method, path, body if body is None or isinstance(body, bytes) else json.dumps(body), headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content) if answer.headers["Content-Type"] == "application/json" else content.decode()

    def get(self, path):
        return self.ask("GET", path)

    def post(self, body, path=PREDICT):
        return self.ask("POST", path, body)


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def b64(data):
    return {"b64": base64.b64encode(data).decode("ascii")}


def pixels(value):
    """The pixels of a picture in an answer."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(value["b64"]))))


def photo_and_hole(height=5, width=6, seed=0):
    hole = np.zeros((height, width), np.uint8)
    hole[height // 2, width // 3 :] = 255
    return random_rgb(height, width, seed), hole


def row(height=5, width=6, seed=0):
    photo, hole = photo_and_hole(height, width, seed)
    return {"image_bytes": b64(png(photo)), "mask_bytes": b64(png(hole))}


def repaired(height=5, width=6, seed=0):
    """What the constant model makes of `row`."""
    photo, hole = photo_and_hole(height, width, seed)
    return np.where(hole[..., np.newaxis] > 0, np.uint8(191), photo)
