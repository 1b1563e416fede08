"""SIGTERM and Ctrl-C end a run in good order: between two steps, with a checkpoint."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(BaseException):
    """A signal arrived while there was nothing to save. Like `KeyboardInterrupt` no `except Exception` may swallow it.

    Attributes:
        signal_number: of the signal that arrived.
    """

    def __init__(self, signal_number: int):
        super().__init__(signal.Signals(signal_number).name)
        self.signal_number = signal_number


class StopSignals:
    """Notes SIGTERM and SIGINT inside a `with` block, instead of dying of them.

    Outside `deferred` blocks a signal raises `Stopped` at once: reading the data or tracing the first step can take long, and nothing
    is lost. Inside, it is only noted in `received`, and the loop looks there between two steps; a second signal raises `Stopped`
    there too. Outside the main thread, which alone may handle signals, nothing is caught.

    Attributes:
        received: number of the signal noted, or `None`.
    """

    def __init__(self):
        self.received: int | None = None
        self._deferring = False
        self._previous = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(self, *error):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Signals are only noted inside this block."""
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = False

    def _handle(self, number, frame):
        again = self.received is not None
        self.received = number
        if again or not self._deferring:
            raise Stopped(number)
