"""How much a server does for strangers."""

import dataclasses
import os

from tf_inpaint.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits of a server; what is beyond is refused with a sentence that says so.

    Attributes:
        max_bytes: of a request's body.
        max_pictures: of a request: even small ones cost a run of the networks each.
        max_pixels: of all pictures of a request together. The model has its own limit for each picture.
        max_seconds: within which a request must have been received, and from then on answered. A client that is slower is cut off; one
            that would wait longer is told so. A graph that runs cannot be stopped: it then ends for nobody, in its place.
        max_running: requests that run at once; 0: as many as there are processors.
        max_waiting: requests that wait beside those that run; the next ones are told to come again.
        max_connections: open connections; others are told to come again.

    Raises:
        ConfigError: if a limit leaves nothing to do.
    """

    max_bytes: int = 32 * 2**20
    max_pictures: int = 256
    max_pixels: int = 4096 * 4096
    max_seconds: float = 60.0
    max_running: int = 0
    max_waiting: int = 64
    max_connections: int = 256

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value, least = getattr(self, field.name), 0 if field.name in ("max_running", "max_waiting") else 1
            if field.name == "max_seconds" and value > 0:
                continue
            if not value >= least:
                raise ConfigError(f"`{field.name}` must be at least {least}, seconds above 0. Received: {field.name}={value}.")

    @property
    def num_workers(self) -> int:
        """`max_running`, or the number of processors."""
        return self.max_running or os.cpu_count() or 1
