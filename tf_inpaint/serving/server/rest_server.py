"""TensorFlow Serving's REST answers for one model, from the standard library's HTTP server.

    POST /v1/models/NAME[/versions/N]:predict        see `rest_json`
    GET  /v1/models/NAME[/versions/N]                whether it is there
    GET  /v1/models/NAME[/versions/N]/metadata       its signatures
    GET  /monitoring/prometheus/metrics              numbers
    GET  /health                                     200 while it serves, 503 while it stops; TensorFlow Serving has no such page

Errors are `{"error": "..."}` with TensorFlow Serving's HTTP status. Beyond it: 413 for bodies over the limit, 411 without a length.
"""

import logging
import socket
import socketserver
import sys
import threading
import time
from http.server import ThreadingHTTPServer

from tf_inpaint.errors import ConfigError
from tf_inpaint.serving.server.metrics import Metrics
from tf_inpaint.serving.server.rest_handler import RestHandler
from tf_inpaint.serving.server.served_model import ServedModel


class RestServer:
    """Answers HTTP requests, each connection in a thread of its own, until it is stopped.

        with RestServer(ServedModel("models/inpaint"), port=8501) as server:
            print(server.url)
            wait()

    Args:
        model: what is served; its limits hold for the server too.
        host: address to listen at. The default can be reached from this machine alone.
        port: 0 takes a free one.

    Raises:
        ConfigError: if the port is no port.
        OSError: if the address is taken or not to be had.
    """

    def __init__(self, model: ServedModel, *, host: str = "127.0.0.1", port: int = 8501):
        if not 0 <= port <= 65535:
            raise ConfigError(f"`port` must lie between 0 and 65535. Received: port={port}.")
        self.model = model
        self.metrics = Metrics(model.name)
        self._changed = threading.Condition()
        self._refused = set()
        self._busy = {}  # connection -> whether a request of it is being read, run or answered
        self._is_stopping = False
        self._http = _HttpServer((host, port), self)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, name="accept", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens, with the port that was found."""
        host, port = self._http.server_address[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._is_stopping

    @property
    def num_requests(self) -> int:
        """Requests that came and are not yet answered."""
        with self._changed:
            return sum(self._busy.values())

    def start(self) -> "RestServer":
        """Starts to answer; returns at once with the server itself."""
        self._thread.start()
        return self

    def wait_for_requests(self, number: int, *, timeout: float) -> bool:
        """Waits until so many requests are there at once.

        Args:
            number: of requests that came and are not answered.
            timeout: seconds.

        Returns:
            Whether they came in time.
        """
        with self._changed:
            return self._changed.wait_for(lambda: sum(self._busy.values()) >= number, timeout)

    def wait_for_connections(self, number: int, *, timeout: float) -> bool:
        """Waits until so many connections are open.

        Args:
            number: of connections.
            timeout: seconds.

        Returns:
            Whether there were so many in time.
        """
        with self._changed:
            return self._changed.wait_for(lambda: len(self._busy) == number, timeout)

    def stop(self, *, grace: float = 30.0) -> bool:
        """Takes no new requests, answers those that came, and closes all connections.

        A request has come when its first line was read, or lay in the buffer of a connection that was open. What a client sends
        later finds a closed door: its connection is refused or reset.

        Args:
            grace: seconds after which connections are closed though a request is not answered.

        Returns:
            Whether all requests were answered.
        """
        deadline = time.monotonic() + grace
        with self._changed:
            self._is_stopping = True
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.take_waiting()
        self._http.server_close()
        with self._changed:
            for connection, is_busy in self._busy.items():
                if not is_busy:
                    _shut(connection, socket.SHUT_RD)  # its thread reads what is there already, then the end
            all_answered = self._changed.wait_for(lambda: not self._busy, max(0.0, deadline - time.monotonic()))
            for connection in self._busy:
                _shut(connection, socket.SHUT_RDWR)
        return all_answered

    def open(self, connection: socket.socket) -> None:
        """A connection has come; called before its thread begins, so that `stop` overlooks none.

        Args:
            connection: the client's.
        """
        with self._changed:
            self._busy[connection] = False
            self._changed.notify_all()
            if len(self._busy) > self.model.limits.max_connections:
                self._refused.add(connection)

    def is_refused(self, connection: socket.socket) -> bool:
        """Tells whether a connection was one too many.

        Args:
            connection: the client's.

        Returns:
            Whether its client must be told to come again.
        """
        return connection in self._refused

    def begin(self, connection: socket.socket) -> None:
        """A request has come.

        Args:
            connection: on which.
        """
        with self._changed:
            self._busy[connection] = True
            self._changed.notify_all()

    def end(self, connection: socket.socket) -> bool:
        """A request was answered, or its client has gone.

        Args:
            connection: on which.

        Returns:
            Whether the connection may be used for another one.
        """
        with self._changed:
            self._busy[connection] = False
            self._changed.notify_all()
            return not self._is_stopping

    def close(self, connection: socket.socket) -> None:
        """A connection has ended.

        Args:
            connection: the client's.
        """
        with self._changed:
            self._busy.pop(connection, None)
            self._refused.discard(connection)
            self._changed.notify_all()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True  # `RestServer.stop` waits for them, and not for ever
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: RestServer):
        self.owner = owner
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, RestHandler)

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)  # the HTTP server's own asks the network for our name
        self.server_name, self.server_port = self.server_address[:2]

    def process_request(self, request, client_address):
        self.owner.open(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        # Each connection ends here, also one for which no thread could be started.
        super().shutdown_request(request)
        self.owner.close(request)

    def take_waiting(self) -> None:
        """Takes the connections that the system has accepted in our name; closing the door now would reset them."""
        if self.socket.fileno() < 0:  # closed already
            return
        self.socket.setblocking(False)
        while True:
            try:
                connection, address = self.socket.accept()
            except OSError:  # none is left
                return
            connection.setblocking(True)
            self.process_request(connection, address)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):  # a client that went away is its own business
            logging.getLogger(__name__).exception("A fault of the server ended a connection.")


def _shut(connection: socket.socket, how: int) -> None:
    try:
        connection.shutdown(how)
    except OSError:  # it has ended by itself
        pass
