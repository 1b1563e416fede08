"""What the machine under the tests can do."""

import pathlib


def has_half_precision_kernels() -> bool:
    """Whether TensorFlow's convolutions have half precision kernels of their own here.

    On a CPU without AVX-512 oneDNN is off: bfloat16 is emulated, nothing is fused, and a training step takes 20 times as long as in
    float32. Linux alone says what its CPU has; elsewhere the answer is yes.
    """
    cpu = pathlib.Path("/proc/cpuinfo")
    return not cpu.exists() or "avx512f" in cpu.read_text(encoding="utf-8")
