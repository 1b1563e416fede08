"""Milliseconds per free-form mask, beside Pillow drawing strokes of the same recipe in the same run.

    python benchmarks/masks.py [--irregular FOLDER]

Rounds alternate between the rivals, so that other load on the machine falls on all of them alike. The median counts; the
best rounds say what an idle machine would give.
"""

import argparse
import math
import os
import statistics
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw

from tf_inpaint import masks

ROUNDS = 25


def draw_with_pillow(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """One mask as data loaders make it: strokes of the published recipe, one Pillow call per line and disc."""
    image = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(image)
    mean_length = math.hypot(height, width) / 8
    scale = min(height, width) / 256
    for _ in range(random.integers(1, 4)):
        low = 2 * math.pi / 5 - random.uniform(0, 2 * math.pi / 15)
        high = 2 * math.pi / 5 + random.uniform(0, 2 * math.pi / 15)
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        vertices = [(x, y)]
        for step in range(random.integers(4, 12)):
            angle = random.uniform(low, high) * (1 if step % 2 else -1)
            length = min(max(random.normal(mean_length, mean_length // 2), 0), 2 * mean_length)
            x = int(min(max(x + length * math.cos(angle), 0), width))
            y = int(min(max(y + length * math.sin(angle), 0), height))
            vertices.append((x, y))
        brush = max(int(int(random.uniform(12, 40)) * scale), 1)
        draw.line(vertices, fill=1, width=brush)
        for x, y in vertices:
            draw.ellipse((x - brush // 2, y - brush // 2, x + brush // 2, y + brush // 2), fill=1)
    return np.asarray(image, np.float32)[..., None]


def rivals(batch_size: int, size: int, folder: str | None) -> dict[str, Callable[[int], object]]:
    """Name -> function of the round that makes one batch."""
    specs = ["free_form", "free_form?ratio=0.1-0.2", "free_form?ratio=0.5-0.6", "random_square"]
    specs += [f"irregular:{folder}"] if folder else []
    random = np.random.default_rng(0)

    def pillow(_: int) -> np.ndarray:
        return np.stack([draw_with_pillow(random, size, size) for _ in range(batch_size)])

    def compiled(spec: str) -> Callable[[int], tf.Tensor]:
        generator = masks.parse(spec)
        make = tf.function(lambda seed: generator(seed, batch_size=batch_size, height=size, width=size))
        return lambda number: make(tf.constant([number, 0]))

    return {"Pillow, one core": pillow, **{spec.partition(":")[0]: compiled(spec) for spec in specs}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--irregular", metavar="FOLDER", help="measure masks from this folder as well")
    folder = parser.parse_args().irregular
    tf.get_logger().setLevel("ERROR")  # one function per kind and size is meant, and no retracing
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"TensorFlow {tf.__version__}, {cores} cores")
    for batch_size, size in ((8, 256), (64, 256), (8, 128)):
        makers = rivals(batch_size, size, folder)
        seconds = {name: [] for name in makers}
        for number in range(-2, ROUNDS):
            for name, make in makers.items():
                start = time.perf_counter()
                make(number)
                if number >= 0:  # before that: tracing and warming up
                    seconds[name].append(time.perf_counter() - start)
        print(f"\n{batch_size} masks of {size} px     ms a mask     masks/s    Pillow's time / ours    the same, best rounds")
        pillow = seconds["Pillow, one core"]
        for name, times in seconds.items():
            median = statistics.median(times)
            print(
                f"{name:26s}{1e3 * median / batch_size:12.3f}{batch_size / median:12.0f}"
                f"{statistics.median(pillow) / median:24.2f}{min(pillow) / min(times):25.2f}"
            )


if __name__ == "__main__":
    main()
