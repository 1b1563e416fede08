"""What a worker of a pipeline does: one picture after another through an exported model."""

import functools
import io
import json
import os
import tempfile
import threading
import uuid
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tf_inpaint import pictures
from tf_inpaint.errors import PictureError, TfInpaintError, WeightsError
from tf_inpaint.serving.beam_plan import BeamJob
from tf_inpaint.serving.hole_options import HoleOptions
from tf_inpaint.serving.server.request_error import from_tensorflow

MAX_FILE_BYTES = 2**28
"""Larger files are refused before they are in memory."""

_loading = threading.Lock()


class PictureRepairer:
    """Repairs pictures of a pipeline by the signature `serving_default` of an exported model.

    Files are read as `tf-inpaint inpaint` reads them, so every format and orientation will do, and a mask of the same shape in another
    size; they go to the model as PNG, and what comes back is pasted into the hole alone. The result has the picture's mode; pixels
    outside the hole keep their bits.

    It is sent to the workers, so it holds texts and numbers only. The model is loaded once a process, for all of its threads.

    Args:
        model: folder of the exported model; every worker must be able to read it.
        max_pixels: pictures with more pixels fail, before they are decoded.
    """

    def __init__(self, model: str, *, max_pixels: int):
        self._model = model
        self._max_pixels = max_pixels

    def repair(self, job: BeamJob) -> Iterator[str]:
        """Repairs one picture; its result appears under its name only when it is whole.

        Args:
            job: from `beam_plan.plan`.

        Yields:
            Nothing if it went well, else one line of JSON: the picture's name, its path, its mask's path and the reason.

        Raises:
            RuntimeError: if the model cannot be loaded; no other picture would do better.
        """
        try:
            if job.problem:
                raise PictureError(job.problem)
            image = pictures.read_picture(io.BytesIO(read_file(job.image)), max_pixels=self._max_pixels, name="the picture")
            mask = pictures.read_mask(io.BytesIO(read_file(job.mask)), max_pixels=self._max_pixels, name="the mask")
            hole = HoleOptions().hole(mask, height=image.rgb.shape[0], width=image.rgb.shape[1])
            write_file(job.output, _png_file(image.fill(self._fill(image.rgb, hole), hole), image.metadata))
        except (TfInpaintError, OSError) as error:
            yield json.dumps(
                {
                    "name": job.name,
                    "image": pictures.printable(job.image),
                    "mask": job.mask and pictures.printable(job.mask),
                    "reason": str(error),
                }
            )

    def _fill(self, rgb, hole):
        with _loading:
            signature = _load(self._model)
        files = [tf.io.encode_png(pixels, compression=1)[tf.newaxis] for pixels in (rgb, np.uint8(255) * hole[..., np.newaxis])]
        try:
            answer = signature(image_bytes=files[0], mask_bytes=files[1])["inpainted_bytes"]
        except (tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError) as error:
            raise from_tensorflow(error) from error
        return pictures.read_rgb(io.BytesIO(answer.numpy()[0]), max_pixels=self._max_pixels, name="the model's answer")


@functools.lru_cache(maxsize=1)
def _load(model: str):
    try:
        loaded = tf.saved_model.load(model)
    except (OSError, ValueError) as error:
        raise RuntimeError(f"The model {model!r} cannot be loaded: {error}") from error
    signature = loaded.signatures["serving_default"]
    signature.model = loaded  # a signature alone does not keep its variables
    return signature


def check_model(model: str) -> None:
    """Loads a model once, before any worker does.

    Args:
        model: folder of an exported model.

    Raises:
        WeightsError: if it is missing, damaged, or has no signature that takes picture files.
    """
    try:
        inputs = _load(model).structured_input_signature[1]
    except (RuntimeError, KeyError) as error:
        raise WeightsError(f"{pictures.printable(model)!r} is not an exported model: make one with `tf-inpaint export`.") from error
    if set(inputs) != {"image_bytes", "mask_bytes"}:
        raise WeightsError(
            f"The model {pictures.printable(model)!r} must take image_bytes and mask_bytes, as those of `tf-inpaint export` do. It takes "
            f"{', '.join(sorted(inputs))}."
        )


def read_file(path: str) -> bytes:
    """Reads a file on any file system that Beam knows.

    Args:
        path: of the file.

    Returns:
        Its bytes.

    Raises:
        PictureError: if it has more than `MAX_FILE_BYTES`.
        OSError: if it cannot be read.
    """
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise PictureError(f"{pictures.printable(path)} has more than {MAX_FILE_BYTES:,} bytes.")
    return data


def write_file(path: str, data: bytes) -> None:
    """Writes a file on any file system that Beam knows; it appears under its name only when it is whole.

    Args:
        path: where to write; missing folders are made, a file of this name is replaced.
        data: the file's bytes.

    Raises:
        OSError: if it cannot be written; nothing is left then.
    """
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    # A runner may start a picture twice, on two machines. The name is as short as a name can be: that of the result may be the longest.
    temporary = FileSystems.join(FileSystems.split(path)[0], f".tmp-{uuid.uuid4().hex}")
    try:
        with FileSystems.create(temporary, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            file.write(data)
        FileSystems.rename([temporary], [path])
    except OSError:
        if FileSystems.exists(temporary):
            FileSystems.delete([temporary])
        raise


def _png_file(image, metadata) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "result.png")
        pictures.write_picture(path, image, metadata=metadata)
        with open(path, "rb") as file:
            return file.read()
