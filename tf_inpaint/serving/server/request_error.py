"""A request that cannot be answered: the code that gRPC has for it, the HTTP status, and a sentence for the client."""

import re

import tensorflow as tf

from tf_inpaint.errors import TfInpaintError

HTTP_STATUS = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 401,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
}
"""HTTP status of each code, as TensorFlow Serving 2.15 has it."""

_CODE_NAMES = {getattr(tf.errors, name): name for name in HTTP_STATUS}
_LONGEST_MESSAGE = 280
# Lines of TensorFlow's messages that tell where in the graph, and not what.
_ABOUT_PLACE = re.compile(r"Graph execution error|Detected at|Node: |<stack|Stack trace|File \"|\d+ root error|\[\[")


class RequestError(TfInpaintError):
    """A request that is not answered.

    Args:
        code: a key of `HTTP_STATUS`.
        message: for the client; cut where it is long.
        http_status: where HTTP knows better than the code's own status.
    """

    def __init__(self, code: str, message: str, *, http_status: int | None = None):
        super().__init__(message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 3] + "...")
        self.code = code
        self.http_status = HTTP_STATUS[code] if http_status is None else http_status


def from_tensorflow(error: tf.errors.OpError) -> RequestError:
    """Makes of an error of a graph what a client is told.

    Args:
        error: from running a signature.

    Returns:
        The error with the same code. TensorFlow's message names nodes and operations; what a check of the graph says is taken out of it.
    """
    if found := re.search(r"assertion failed: (.*)", error.message):
        # Each part stands in brackets of its own: "[The image has too many pixels:] [60000 60000]".
        message = re.sub(r"^\[([^]]*)\]", r"\1", found[1])
    else:
        lines = [line.strip() for line in error.message.splitlines()]
        message = next((line for line in lines if line and not _ABOUT_PLACE.match(line)), "The graph failed.")
    message = re.split(r"\s*\[\[?\{\{", re.sub(r"^\(\d\) [A-Z_ ]+: ", "", message))[0]
    return RequestError(_CODE_NAMES.get(error.error_code, "UNKNOWN"), message)
