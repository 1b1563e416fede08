"""A SavedModel that answers requests: found, loaded and warmed up once, then run by a fixed number of workers."""

import concurrent.futures
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf import message
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.eager import context

from tf_inpaint.errors import ConfigError
from tf_inpaint.serving import encoded_pictures
from tf_inpaint.serving.server.limits import Limits
from tf_inpaint.serving.server.request_error import RequestError, from_tensorflow
from tf_inpaint.serving.warmup import read_warmup

_GRAPH_FILE = "saved_model.pb"


class ServedModel:
    """One version of one model, which any number of threads may ask.

    Only so many requests run at once as there are workers, and only so many wait; the memory that is needed has a limit therefore.

    Args:
        directory: a version's folder, or the folder around the versions, of which the largest is taken, as TensorFlow Serving does.
        name: what clients call the model; by default the name of the folder around the versions.
        limits: see `Limits`.

    Raises:
        ConfigError: if there is no SavedModel, or it cannot be loaded or warmed up.
    """

    def __init__(self, directory: str | os.PathLike, *, name: str | None = None, limits: Limits = Limits()):  # noqa: B008  frozen
        folder = _find_version(Path(directory).resolve())
        is_version = folder.name.isdecimal()
        self.name = name or (folder.parent.name if is_version else folder.name)
        self.version = int(folder.name) if is_version else 1
        self.limits = limits
        try:
            saved = saved_model_pb2.SavedModel.FromString((folder / _GRAPH_FILE).read_bytes())
            self.signature_defs = dict(saved.meta_graphs[0].signature_def)
            self._loaded = tf.saved_model.load(os.fspath(folder))
            self._signatures = dict(self._loaded.signatures)
            for signature, inputs in read_warmup(folder):
                self._signatures[signature](**inputs)
        except (tf.errors.OpError, message.DecodeError, OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise ConfigError(f"The model {os.fspath(folder)!r} cannot be loaded: {str(error).splitlines()[0]}") from error
        scalar = [tf.TensorSpec([], tf.string)]
        self._stored_size = tf.function(encoded_pictures.stored_size, input_signature=scalar).get_concrete_function()
        self._pool = concurrent.futures.ThreadPoolExecutor(limits.num_workers, thread_name_prefix="model")
        self._places = threading.BoundedSemaphore(limits.num_workers + limits.max_waiting)

    @property
    def num_traces(self) -> int:
        """How many functions TensorFlow holds in this process: a number that grows tells of graphs that are traced anew."""
        return len(context.context().list_function_names())

    def check(self, name: str, version: int | None = None, label: str | None = None) -> None:
        """Checks that this is the model which a client asks for.

        Args:
            name: the model's.
            version: `None`: whichever there is.
            label: of a version; none is given here.

        Raises:
            RequestError: NOT_FOUND if it is another one.
        """
        if name != self.name or version not in (None, self.version):
            wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise RequestError("NOT_FOUND", f"Servable not found for request: {wanted}")
        if label is not None:
            raise RequestError("NOT_FOUND", f"Unrecognized servable version label: {label}")

    def specs_of(self, signature: str) -> dict[str, tf.TensorSpec]:
        """Returns the inputs of a signature.

        Args:
            signature: its name.

        Returns:
            Specs by name.

        Raises:
            RequestError: INVALID_ARGUMENT if there is no such signature.
        """
        if signature not in self._signatures:
            raise RequestError("INVALID_ARGUMENT", f'Serving signature name: "{signature}" not found in signature def')
        return dict(sorted(self._signatures[signature].structured_input_signature[1].items()))

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a signature in the calling thread; `work` keeps to the limit of workers.

        Args:
            signature: its name.
            inputs: arrays by name, checked against `specs_of`.

        Returns:
            Arrays by name.

        Raises:
            RequestError: if the inputs are over `max_pictures` or `max_pixels`, or the graph refuses them.
        """
        try:
            tensors = {key: tf.constant(value, spec.dtype) for key, spec in self.specs_of(signature).items() for value in [inputs[key]]}
            self._check_limits(tensors)
            return {key: value.numpy() for key, value in self._signatures[signature](**tensors).items()}
        except tf.errors.OpError as error:
            raise from_tensorflow(error) from error

    def work(self, task: Callable[[], object]) -> object:
        """Has a worker do something, and waits for it.

        Args:
            task: called without arguments.

        Returns:
            What `task` returns. What it raises is raised here.

        Raises:
            RequestError: RESOURCE_EXHAUSTED if too many wait already, DEADLINE_EXCEEDED after `max_seconds`.
        """
        if not self._places.acquire(blocking=False):
            raise RequestError("RESOURCE_EXHAUSTED", "Too many requests wait already. Come again later.")
        try:
            future = self._pool.submit(task)
        except RuntimeError as error:
            self._places.release()
            raise RequestError("UNAVAILABLE", "The server is stopping.") from error
        future.add_done_callback(lambda _: self._places.release())
        try:
            return future.result(timeout=self.limits.max_seconds)
        except concurrent.futures.CancelledError as error:
            raise RequestError("UNAVAILABLE", "The server is stopping.") from error
        # Before Python 3.11 it was a class of its own.
        except (TimeoutError, concurrent.futures.TimeoutError) as error:
            future.cancel()
            raise RequestError("DEADLINE_EXCEEDED", f"No answer within {self.limits.max_seconds:g} seconds.") from error

    def close(self) -> None:
        """Takes no more work; what runs is finished by its worker."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _check_limits(self, tensors: dict[str, tf.Tensor]) -> None:
        for key, tensor in tensors.items():
            num_pictures = tensor.shape[0]
            if num_pictures > self.limits.max_pictures:
                reason = f"Input {key}: {num_pictures} pictures are more than the {self.limits.max_pictures} of a request."
                raise RequestError("INVALID_ARGUMENT", reason)
            if tensor.dtype == tf.string:
                num_pixels = sum(map(self._num_pixels, tensor))
            else:
                num_pixels = int(np.prod(tensor.shape[:3], dtype=np.int64))
            if num_pixels > self.limits.max_pixels:
                reason = f"Input {key}: {num_pixels} pixels in all are more than the {self.limits.max_pixels} of a request."
                raise RequestError("INVALID_ARGUMENT", reason)

    def _num_pixels(self, data: tf.Tensor) -> int:
        """Of a picture's file; 0 of what the graph will refuse: it says why, with the name, but what is before it must be counted."""
        try:
            height, width = self._stored_size(data).numpy()
        except tf.errors.InvalidArgumentError:
            return 0
        return max(int(height), 0) * max(int(width), 0)


def _find_version(directory: Path) -> Path:
    if (directory / _GRAPH_FILE).is_file():
        return directory
    versions = [path for path in directory.glob("*") if path.name.isdecimal() and (path / _GRAPH_FILE).is_file()]
    if not versions:
        raise ConfigError(
            f"There is no model in {os.fspath(directory)!r}: neither a {_GRAPH_FILE} nor a folder called by a number with one. "
            "`tf-inpaint export --weights NAME --output DIR/1` writes one."
        )
    return max(versions, key=lambda path: int(path.name))
