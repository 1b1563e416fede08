"""Loads a model, serves it until a signal comes, and answers the requests that came before."""

import os
import signal
import threading
from collections.abc import Callable

from tf_inpaint.serving.server.grpc_server import GrpcServer
from tf_inpaint.serving.server.limits import Limits
from tf_inpaint.serving.server.rest_server import RestServer
from tf_inpaint.serving.server.served_model import ServedModel


def serve(
    directory: str | os.PathLike,
    *,
    name: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8501,
    grpc_port: int | None = None,
    limits: Limits = Limits(),  # noqa: B008  frozen
    grace: float = 30.0,
    report: Callable[[str], None] = print,
) -> bool:
    """Serves a model until SIGTERM or SIGINT; must be called in the main thread, which alone may handle signals.

    A second signal ends the process at once, as if nobody had caught the first.

    Args:
        directory: see `ServedModel`.
        name: see `ServedModel`.
        host: see `RestServer`.
        port: see `RestServer`.
        grpc_port: `None`, or where gRPC requests are answered as well.
        limits: see `Limits`.
        grace: seconds in which the requests that came must be answered.
        report: takes the lines that say what happens.

    Returns:
        Whether all requests that came were answered.

    Raises:
        ConfigError: if the model cannot be loaded, or gRPC cannot be had.
        OSError: if the address is taken.
    """
    stop = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def note(number, frame):
        for each in numbers:
            signal.signal(each, signal.SIG_DFL)
        stop.set()

    model = ServedModel(directory, name=name, limits=limits)
    rest = RestServer(model, host=host, port=port)
    grpc = None if grpc_port is None else GrpcServer(model, rest.metrics, host=host, port=grpc_port)
    previous = {number: signal.signal(number, note) for number in numbers}
    try:
        rest.start()
        report(f"Serving {model.name}, version {model.version}: {rest.url}/v1/models/{model.name}:predict")
        if grpc:
            grpc.start()
            report(f"gRPC at {host}, port {grpc.port}")
        while not stop.wait(0.5):  # a wait without end would not let the handler run on every system
            pass
        report("Stopping: no new requests; those that came are answered.")
        wait_for_grpc = grpc.stop(grace=grace) if grpc else lambda: True  # both take leave at the same time
        all_answered = rest.stop(grace=grace)
        all_answered &= wait_for_grpc()
        report("All requests were answered." if all_answered else "Some requests were not answered in time.")
        return all_answered
    finally:
        model.close()
        for number, handler in previous.items():
            signal.signal(number, handler)
