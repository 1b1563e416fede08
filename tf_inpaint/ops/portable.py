"""The switch between the quickest operations for TensorFlow and those that other runtimes have, too.

Some functions of `ops` are quickest with operations that ONNX and OpenVINO lack, or have for known sizes only: words of 64 pixels, a
convolution whose channels are counted when it runs. Those functions have a second form, and ask here which one is wanted. Both forms
compute the same; that is tested wherever there are two (`tests/ops`). Only an export to another runtime (`serving.convert`) wants the
second one, which is slower in TensorFlow.
"""

import contextlib
import contextvars
from collections.abc import Iterator

_IS_WANTED = contextvars.ContextVar("tf_inpaint_portable_operations", default=False)


@contextlib.contextmanager
def portable_operations() -> Iterator[None]:
    """Yields a context: all that this thread calls or traces inside uses operations that other runtimes have.

    A `tf.function` remembers what it was traced with: trace a new one.
    """
    token = _IS_WANTED.set(True)
    try:
        yield
    finally:
        _IS_WANTED.reset(token)


def are_wanted() -> bool:
    """Returns whether the caller is inside `portable_operations`."""
    return _IS_WANTED.get()
