"""What a server counts, as Prometheus reads it: TensorFlow Serving's names where it has them."""

import collections
import threading

_BUCKETS = [10 * 1.8**power for power in range(33)]
"""Upper ends of the classes of latency in microseconds: 10 us to 25 minutes."""


class Metrics:
    """Counts requests by their status, and their latency by classes. May be used from many threads.

    Args:
        model_name: stands as a label beside each number.
    """

    def __init__(self, model_name: str):
        self._label = f'model_name="{model_name}"'
        self._lock = threading.Lock()
        self._counts = collections.Counter()
        self._latencies = collections.defaultdict(lambda: [0] * (len(_BUCKETS) + 1))
        self._sums = collections.Counter()

    def record(self, *, entrypoint: str, status: str, seconds: float) -> None:
        """Counts one request.

        Args:
            entrypoint: "REST" or "GRPC".
            status: "OK" or a key of `request_error.HTTP_STATUS`.
            seconds: from its arrival to its answer.
        """
        microseconds = seconds * 1e6
        bucket = next((place for place, end in enumerate(_BUCKETS) if microseconds <= end), len(_BUCKETS))
        with self._lock:
            self._counts[status] += 1
            self._latencies[entrypoint][bucket] += 1
            self._sums[entrypoint] += microseconds

    def count(self, status: str) -> int:
        """Returns how many requests ended with a status.

        Args:
            status: see `record`.
        """
        with self._lock:
            return self._counts[status]

    def page(self, gauges: dict[str, float]) -> str:
        """Writes all numbers in Prometheus' text format.

        Args:
            gauges: numbers of this moment, by name.

        Returns:
            The page.
        """
        lines = ["# TYPE :tensorflow:serving:request_count counter"]
        with self._lock:
            for status, number in sorted(self._counts.items()):
                lines.append(f':tensorflow:serving:request_count{{{self._label},status="{status}"}} {number}')
            lines.append("# TYPE :tensorflow:serving:request_latency histogram")
            for entrypoint, numbers in sorted(self._latencies.items()):
                labels = f'{self._label},API="predict",entrypoint="{entrypoint}"'
                total = 0
                for end, number in zip([*(f"{end:.6g}" for end in _BUCKETS), "+Inf"], numbers, strict=True):
                    total += number
                    lines.append(f':tensorflow:serving:request_latency_bucket{{{labels},le="{end}"}} {total}')
                lines.append(f":tensorflow:serving:request_latency_sum{{{labels}}} {self._sums[entrypoint]:.0f}")
                lines.append(f":tensorflow:serving:request_latency_count{{{labels}}} {total}")
        for name, value in gauges.items():
            lines += [f"# TYPE :tf_inpaint:{name} gauge", f":tf_inpaint:{name}{{{self._label}}} {value:g}"]
        return "\n".join(lines) + "\n"
