"""Pictures per second of `tf_inpaint.ops.canny` beside `skimage.feature.canny`, same machine, same pictures.

    python benchmarks/canny.py

Pictures are random crops of scikit-image's bundled photographs. Ours takes a whole batch in one call; scikit-image takes
one picture after the other on one thread, and once more from as many threads as there are cores.
"""

import concurrent.futures
import os
import time
from collections.abc import Callable

import numpy as np
import skimage.color
import skimage.data
import skimage.feature
import tensorflow as tf

from tf_inpaint.ops import canny

SIGMA, LOW_THRESHOLD, HIGH_THRESHOLD = 2.0, 0.1, 0.2


def grey_crops(count: int, size: int, seed: int = 0) -> np.ndarray:
    """`[count, size, size]` float32 in [0, 1]."""
    generator = np.random.default_rng(seed)
    photographs = [skimage.color.rgb2gray(getattr(skimage.data, name)()) for name in ("astronaut", "chelsea", "coffee", "rocket")]
    crops = []
    for index in range(count):
        photograph = photographs[index % len(photographs)]
        top, left = (generator.integers(0, length - size) for length in photograph.shape)
        crops.append(photograph[top : top + size, left : left + size])
    return np.stack(crops).astype(np.float32)


def fastest(ways: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, tuple[float, float]]:
    """Least wall and least CPU seconds of each way; the ways take turns, so that other load on the machine meets all."""
    best = {name: (float("inf"), float("inf")) for name in ways}
    for run in ways.values():
        run()
    for _ in range(rounds):
        for name, run in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            taken = time.perf_counter() - wall, time.process_time() - cpu
            best[name] = tuple(map(min, best[name], taken))
    return best


def skimage_canny(picture: np.ndarray) -> np.ndarray:
    return skimage.feature.canny(picture, sigma=SIGMA, low_threshold=LOW_THRESHOLD, high_threshold=HIGH_THRESHOLD)


def ours(gray: tf.Tensor) -> tf.Tensor:
    return canny.canny(gray, sigma=SIGMA, low_threshold=LOW_THRESHOLD, high_threshold=HIGH_THRESHOLD)


def main() -> None:
    cores = len(os.sched_getaffinity(0))
    device = tf.config.list_logical_devices()[-1].name
    print(f"TensorFlow {tf.__version__}, scikit-image {skimage.__version__}, {cores} cores, ours on {device}")
    compiled = tf.function(ours)
    threads = concurrent.futures.ThreadPoolExecutor(cores)
    for batch_size, size in ((64, 256), (8, 128), (1, 256)):
        pictures = grey_crops(batch_size, size)
        batch = tf.constant(pictures[..., np.newaxis])
        ways = {
            "ours, tf.function": lambda batch=batch: compiled(batch).numpy(),
            "ours, eager": lambda batch=batch: ours(batch).numpy(),
            "skimage, one thread": lambda pictures=pictures: [skimage_canny(picture) for picture in pictures],
            f"skimage, {cores} threads": lambda pictures=pictures: list(threads.map(skimage_canny, pictures)),
        }
        rounds = max(5, 32 // batch_size)
        seconds = fastest(ways, rounds=rounds)
        agreement = np.mean(compiled(batch).numpy()[..., 0] == np.stack(ways["skimage, one thread"]()))
        print(f"\nbatch {batch_size}, {size} px: {agreement:.4%} of the pixels agree")
        for name, (wall, cpu) in seconds.items():
            ratio = seconds["skimage, one thread"][0] / wall
            print(
                f"  {name:20s}{batch_size / wall:7.0f} pictures/s, {ratio:5.2f} x skimage on one thread; "
                f"{1e3 * cpu / batch_size:6.2f} ms of CPU a picture"
            )


if __name__ == "__main__":
    main()
