"""Requests and answers that are checked in: what clients rely on, so that a change of it shows up in the difference of a change.

`python -c "from tests.serving.server.golden_requests import write; write()"` makes them anew: REST bodies as JSON, gRPC messages as
protobuf's text. The pictures are made from random numbers, 7 x 9 pixels and smaller; the answers are those of the model that fills
holes with the level 191.
"""

import json

import numpy as np
import tensorflow as tf
from google.protobuf import text_format

from tests.serving.server.clients import b64, photo_and_hole, png, repaired, row
from tests.source import ROOT
from tf_inpaint.serving import predict_messages as messages
from tf_inpaint.serving.hole_options import EMPTY_MASK, FULL_MASK

FOLDER = ROOT / "tests/serving/requests"
SIZES = ((7, 9), (4, 5))


def rest_pairs():
    """Name -> (request, status, answer)."""
    rows = [row(*size, seed) for seed, size in enumerate(SIZES)]
    files = [b64(png(repaired(*size, seed))) for seed, size in enumerate(SIZES)]
    columns = {key: [each[key] for each in rows] for key in ("image_bytes", "mask_bytes")}
    photo, hole = photo_and_hole(2, 3)
    pixels = {"image": photo.tolist(), "mask": hole[..., np.newaxis].tolist()}
    empty, full = (b64(png(np.full((7, 9), level, np.uint8))) for level in (0, 255))
    return {
        "rows": ({"instances": rows}, 200, {"predictions": files}),
        "columns": ({"signature_name": "serving_default", "inputs": columns}, 200, {"outputs": files}),
        "pixels": ({"signature_name": "inpaint", "instances": [pixels]}, 200, {"predictions": [repaired(2, 3).tolist()]}),
        "empty_mask": ({"instances": [rows[0] | {"mask_bytes": empty}]}, 400, {"error": EMPTY_MASK}),
        "full_mask": ({"instances": [rows[0] | {"mask_bytes": full}]}, 400, {"error": FULL_MASK}),
        "no_picture": (
            {"instances": [rows[0] | {"image_bytes": b64(b"junk")}]}, 400, {"error": "The image is not a PNG or JPEG file."},
        ),
        "two_sizes": (
            {"instances": [rows[0] | {"mask_bytes": rows[1]["mask_bytes"]}]},
            400,
            {"error": "Image and mask differ in size: [1 7 9] [1 4 5]"},
        ),
    }  # fmt: skip


def grpc_pairs():
    """Name -> (request, response)."""
    files = {
        "image_bytes": [png(photo_and_hole(*size, seed)[0]) for seed, size in enumerate(SIZES)],
        "mask_bytes": [png(photo_and_hole(*size, seed)[1]) for seed, size in enumerate(SIZES)],
    }
    photo, hole = photo_and_hole(2, 3)
    pixels = {"image": photo[np.newaxis], "mask": hole[np.newaxis, ..., np.newaxis]}
    results = [png(repaired(*size, seed)) for seed, size in enumerate(SIZES)]
    pairs = {}
    for signature, inputs, outputs in (
        ("serving_default", files, {"inpainted_bytes": results}),
        ("inpaint", pixels, {"inpainted": repaired(2, 3)[np.newaxis]}),
    ):
        request, response = messages.PredictRequest(), messages.PredictResponse()
        for message, tensors in ((request.inputs, inputs), (response.outputs, outputs)):
            for key, value in tensors.items():
                message[key].CopyFrom(tf.make_tensor_proto(value))
        for spec in (request.model_spec, response.model_spec):
            spec.name, spec.signature_name = "inpaint", signature
        response.model_spec.version.value = 1
        pairs[signature] = request, response
    return pairs


def write():
    """Writes all pairs over the checked-in ones."""
    FOLDER.mkdir(exist_ok=True)
    for name, (request, status, answer) in rest_pairs().items():
        pair = {"request": request, "status": status, "answer": answer}
        (FOLDER / f"rest_{name}.json").write_text(json.dumps(pair, indent=1) + "\n", encoding="utf-8")
    for name, pair in grpc_pairs().items():
        for message, role in zip(pair, ("request", "response")):
            (FOLDER / f"grpc_{name}.{role}.txtpb").write_text(text_format.MessageToString(message), encoding="utf-8")
