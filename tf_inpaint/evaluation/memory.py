"""How much memory a call needs at its peak, as the operating system counts it."""

from pathlib import Path

from tf_inpaint import peak_memory

DEFINITION = (
    "largest resident set of the process while the method worked (Linux: VmHWM, set back before each call); it holds the interpreter, "
    " the libraries and all weights that are loaded as well"
)
"""What `PeakMemory` measures, as it stands beside the numbers."""

_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): sets the peak of the resident set to its present size


class PeakMemory:
    """Context manager around a call; afterwards `bytes` is the largest resident set of the process during the calls so far.

    Attributes:
        bytes: the peak, `None` before the first call and where the system cannot say it (everything but Linux).
    """

    def __init__(self):
        self.bytes = None
        self._can_reset = False

    def __enter__(self) -> "PeakMemory":
        try:
            _CLEAR.write_text(_RESET_PEAK, encoding="ascii")
            self._can_reset = True
        except OSError:
            self._can_reset = False  # without it the peak would be that of another method
        return self

    def __exit__(self, *error) -> None:
        if self._can_reset:
            self.bytes = max(self.bytes or 0, peak_memory.peak_bytes())
