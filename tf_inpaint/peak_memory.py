"""The largest memory that this process has taken, as the operating system counts it.

`resource.getrusage` does not serve: on Linux a new process inherits the peak of the one that started it.
"""

from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_bytes() -> int | None:
    """Reads the largest resident set of this process since it began.

    Returns:
        Bytes (Linux: VmHWM), interpreter and libraries included; `None` where the system does not say it.
    """
    try:
        status = _STATUS.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return 1024 * int(status.split("VmHWM:", 1)[1].split(None, 1)[0])
