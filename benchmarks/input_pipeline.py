"""Is the input pipeline ever the bottleneck? Seconds of a training step with real data beside those with one constant batch.

    python benchmarks/input_pipeline.py [--image-size 128] [--width 0.5] [--batch-size 8] [--precision mixed_bfloat16] [--masks free_form]

The system is the three-stage one; the data are scikit-image's bundled photographs, cropped and flipped at random as in training, with
masks and edges made inside the step. Both ways run the same compiled step and take turns, so that other load on the machine meets
both. The ratio of their medians should stay below 1.1.
"""

import argparse
import statistics
import time

import keras

from tf_inpaint import data, masks
from tf_inpaint.systems.three_stage import ThreeStage, ThreeStageConfig
from tf_inpaint.training import make_step


def measure(*, image_size: int, width: float, batch_size: int, precision: str, mask_source: str, rounds: int, steps: int) -> float:
    """Prints both times and returns their ratio."""
    keras.mixed_precision.set_global_policy(precision)
    generator = masks.parse(mask_source)
    system = ThreeStage(ThreeStageConfig(image_size=image_size, width_multiplier=width))
    system.compile(masks=generator)
    step = make_step(system)
    source = data.dataset(
        "photos", image_size=image_size, batch_size=batch_size, masks=generator, repeat=True, masks_on="step"
    )
    batches = iter(source)
    constant = next(batches)
    for _ in range(2):  # tracing, and what the libraries do the first time
        float(step(constant)["loss"])

    seconds = {"constant batch": [], "real data": []}
    for _ in range(rounds):
        for name, taken in seconds.items():
            next(batches)  # both begin with a full prefetch buffer and an idle machine
            start = time.perf_counter()
            for _ in range(steps):
                float(step(constant if name == "constant batch" else next(batches))["loss"])
            taken.append((time.perf_counter() - start) / steps)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    for name, median in medians.items():
        print(f"{name:15} {1000 * median:8.1f} ms per step, {batch_size / median:8.1f} images/s")
    ratio = medians["real data"] / medians["constant batch"]
    print(f"real data / constant batch: {ratio:.3f} ({'within' if ratio <= 1.1 else 'NOT within'} 10 %)")
    return ratio


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--width", type=float, default=0.5)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--precision", default="mixed_bfloat16", choices=("float32", "mixed_bfloat16", "mixed_float16"))
    parser.add_argument("--masks", default="free_form")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4)
    args = parser.parse_args()
    measure(
        image_size=args.image_size,
        width=args.width,
        batch_size=args.batch_size,
        precision=args.precision,
        mask_source=args.masks,
        rounds=args.rounds,
        steps=args.steps,
    )
