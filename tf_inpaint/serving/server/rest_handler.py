"""One HTTP connection of `RestServer`: reads requests within the limits, routes them, writes answers."""

import json
import re
import socket
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler

from tf_inpaint.serving.server import metadata, rest_json
from tf_inpaint.serving.server.request_error import RequestError

_MODEL_PATH = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d{1,18})|/labels/([^/:]+))?(?::(\w+)|/(metadata))?", re.IGNORECASE)
_METRICS_PATH = "/monitoring/prometheus/metrics"
_HEALTH_PATH = "/health"
_BLOCK_BYTES = 1 << 16
_DRAIN_SECONDS = 5.0


class RestHandler(BaseHTTPRequestHandler):
    """Lives as long as its connection; `server.owner` is the `RestServer`."""

    protocol_version = "HTTP/1.1"
    server_version = "tf-inpaint"
    sys_version = ""

    def setup(self):
        """The connection begins."""
        self.owner = self.server.owner
        self.timeout = self.owner.model.limits.max_seconds  # of one read; what is sent drop by drop has a deadline of its own
        self._is_read = True  # whether nothing of a request is left
        self.close_connection = True
        super().setup()

    def handle(self):
        """Answers all requests of the connection."""
        if self.owner.is_refused(self.request):
            self._is_read = False
            self.requestline, self.request_version, self.command = "", self.protocol_version, ""
            self._answer_error(RequestError("UNAVAILABLE", "Too many connections. Come again later."))
        else:
            super().handle()
        if not self._is_read:
            self._drain()

    def handle_one_request(self):
        """Answers one request, or notes that there is none."""
        try:
            super().handle_one_request()
        except OSError:  # the client has gone, or the time is over
            self.close_connection = True
        finally:
            if not self.owner.end(self.request):
                self.close_connection = True

    def parse_request(self):
        """Returns whether the head of a request could be read."""
        self.owner.begin(self.request)  # its first line has been read
        self._began = time.monotonic()
        self._is_read = False
        return super().parse_request()

    def handle_expect_100(self):
        """Returns whether the client may send the body for whose length it asks leave."""
        try:
            self._body_length()
        except RequestError as error:  # the client has not sent the body yet
            self._answer_error(error)
            return False
        return super().handle_expect_100()

    def do_GET(self):
        """What the server and the model say of themselves."""
        self._respond(self._get)

    def do_POST(self):
        """Predictions."""
        self._respond(self._post)

    def log_message(self, format, *args):
        """Says nothing: the metrics count.

        Args:
            format: not used.
            *args: not used.
        """

    def send_error(self, code, message=None, explain=None):
        """Answers what the standard library finds wrong with a request; its own answer would be a page of HTML.

        Args:
            code: HTTP status.
            message: in a few words.
            explain: not used.
        """
        self._is_read = False
        name = {501: "UNIMPLEMENTED"}.get(code, "INVALID_ARGUMENT")
        self._answer_error(RequestError(name, f"Malformed request: {message or code}", http_status=int(code)))

    def _respond(self, make_answer):
        is_prediction = False
        try:
            path = urllib.parse.urlsplit(self.path).path
            is_prediction = path.endswith(":predict")
            content_type, body = make_answer(path)
            status = "OK"
        except RequestError as error:
            status = error.code
            self._answer_error(error)
        except OSError:  # while reading: nobody waits for an answer
            status = "CANCELLED"
            self.close_connection = True
        except Exception as error:  # a fault of ours: the client is told, and the server lives on
            status = "INTERNAL"
            self._answer_error(RequestError("INTERNAL", f"{type(error).__name__} in the server."))
        else:
            self._answer(200, content_type, body)
        if is_prediction:
            self.owner.metrics.record(entrypoint="REST", status=status, seconds=time.monotonic() - self._began)

    def _get(self, path: str) -> tuple[str, bytes]:
        model = self.owner.model
        self._read_body()  # it has no meaning, but what lies there must not be taken for the next request
        if path == _HEALTH_PATH:
            if self.owner.is_stopping:
                raise RequestError("UNAVAILABLE", "The server is stopping.")
            return "application/json", json.dumps({"status": "ok", "model": model.name, "version": str(model.version)}).encode()
        if path == _METRICS_PATH:
            gauges = {"requests_in_flight": self.owner.num_requests, "graph_functions": model.num_traces}
            return "text/plain; version=0.0.4", self.owner.metrics.page(gauges).encode()
        method, wants_metadata = self._check_model(path)
        if method is not None:
            raise self._malformed()
        return "application/json", json.dumps(metadata.of_model(model) if wants_metadata else metadata.status_of(model), indent=1).encode()

    def _post(self, path: str) -> tuple[str, bytes]:
        body = self._read_body()
        method, wants_metadata = self._check_model(path)
        if method is None or wants_metadata:
            raise self._malformed()
        if method.lower() != "predict":
            raise RequestError("INVALID_ARGUMENT", f"The model's signatures are for predict, not for {method}.")

        def predict():
            signature, inputs, as_rows = rest_json.parse(body, self.owner.model.specs_of)
            return rest_json.write(self.owner.model.predict(signature, inputs), as_rows=as_rows)

        return "application/json", self.owner.model.work(predict)

    def _check_model(self, path: str) -> tuple[str | None, bool]:
        found = _MODEL_PATH.fullmatch(path)
        if not found:
            raise self._malformed()
        name, version, label, method, suffix = found.groups()
        self.owner.model.check(urllib.parse.unquote(name), int(version) if version else None, label)
        return method, suffix is not None

    def _malformed(self) -> RequestError:
        return RequestError("INVALID_ARGUMENT", f"Malformed request: {self.command} {self.path}")

    def _body_length(self) -> int:
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or (not lengths and self.command == "POST"):
            raise RequestError("INVALID_ARGUMENT", "The length of the body must be told (Content-Length).", http_status=411)
        if self.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise RequestError("INVALID_ARGUMENT", "The body must not be compressed.", http_status=415)
        if len(set(lengths)) > 1 or any(not re.fullmatch(r"[0-9]{1,18}", length) for length in lengths):
            raise RequestError("INVALID_ARGUMENT", "Content-Length is no number.")
        length = int(lengths[0]) if lengths else 0
        if length > (most := self.owner.model.limits.max_bytes):
            raise RequestError("INVALID_ARGUMENT", f"The body has {length} bytes, more than the {most} allowed.", http_status=413)
        return length

    def _read_body(self) -> bytes:
        length, blocks = self._body_length(), []
        while length:
            block = self.rfile.read1(min(length, _BLOCK_BYTES))
            if not block:
                raise ConnectionError("The client has gone.")
            if time.monotonic() - self._began > self.timeout:
                raise RequestError("DEADLINE_EXCEEDED", f"The request did not arrive within {self.timeout:g} seconds.", http_status=408)
            blocks.append(block)
            length -= len(block)
        self._is_read = True
        return b"".join(blocks)

    def _drain(self) -> None:
        """Reads on for a while: closing a connection with unread bytes resets it, and the client might never see our answer."""
        deadline, left = time.monotonic() + _DRAIN_SECONDS, self.owner.model.limits.max_bytes
        try:
            self.request.shutdown(socket.SHUT_WR)
            self.request.settimeout(1.0)
            while left > 0 and time.monotonic() < deadline and (block := self.request.recv(_BLOCK_BYTES)):
                left -= len(block)
        except OSError:
            pass

    def _answer_error(self, error: RequestError) -> None:
        self.close_connection = self.close_connection or not self._is_read
        self._answer(error.http_status, "application/json", json.dumps({"error": str(error)}).encode())

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            if self.close_connection or self.owner.is_stopping:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # the client has gone
            self.close_connection = True
