"""The warm-up file of a SavedModel: requests that a server runs before it takes others, so that the first client does not wait.

TensorFlow Serving looks for `assets.extra/tf_serving_warmup_requests` beside the graph, a TFRecord file of `PredictionLog` messages. It
refuses to load a model whose file is damaged or whose requests fail, so the requests are kept within the model's own limits.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_inpaint.serving import predict_messages

WARMUP_FILE = os.path.join("assets.extra", "tf_serving_warmup_requests")
"""Where servers look for the requests, below the model's version folder."""


def write_warmup(directory: str | os.PathLike, *, image_size: int, max_pixels: int) -> None:
    """Writes one request for each signature: a grey picture with a hole in its midst.

    Args:
        directory: the model's version folder.
        image_size: height and width of the picture, the size that the system was trained at.
        max_pixels: the model's limit, at least 2; where it is lower than `image_size` squared the picture is as much smaller.
    """
    height = min(image_size, math.isqrt(max_pixels))
    width = min(image_size, max_pixels // height)
    image = np.full((height, width, 3), 127, np.uint8)
    mask = np.zeros((height, width, 1), np.uint8)
    mask[height // 4 : height // 2 + 1, width // 4 : width // 2] = 255  # neither empty nor full, of two pixels either
    inputs = {
        "serving_default": {
            "image_bytes": [tf.io.encode_png(image).numpy()],
            "mask_bytes": [tf.io.encode_png(mask).numpy()],
        },
        "inpaint": {"image": image[np.newaxis], "mask": mask[np.newaxis]},
    }
    path = Path(directory, WARMUP_FILE)
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(os.fspath(path)) as writer:
        for signature, values in inputs.items():
            log = predict_messages.PredictionLog()
            request = log.predict_log.request
            request.model_spec.signature_name = signature  # the model's name is given to it where it is served
            for key, value in values.items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
            writer.write(log.SerializeToString(deterministic=True))


def read_warmup(directory: str | os.PathLike) -> Iterator[tuple[str, dict[str, tf.Tensor]]]:
    """Yields the requests of a model's warm-up file; none where it has no such file.

    Args:
        directory: the model's version folder.

    Yields:
        The signature's name and its inputs by name.

    Raises:
        tf.errors.DataLossError: if the file is damaged.
    """
    path = Path(directory, WARMUP_FILE)
    if not path.exists():
        return
    for record in tf.data.TFRecordDataset(os.fspath(path)):
        request = predict_messages.PredictionLog.FromString(record.numpy()).predict_log.request
        inputs = {key: tf.constant(tf.make_ndarray(value)) for key, value in request.inputs.items()}
        yield request.model_spec.signature_name or "serving_default", inputs
