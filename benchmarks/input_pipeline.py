"""Is the input pipeline ever the bottleneck? Seconds of a training step with real data beside those with one constant batch.

    python benchmarks/input_pipeline.py [--image-size 128] [--width 0.5] [--batch-size 8] [--precision mixed_bfloat16] [--masks free_form]

The system is the three-stage one; the data are scikit-image's bundled photographs, cropped and flipped at random as in training, with
masks and edges made inside the step. Both ways run the same compiled step and take turns, so that other load on the machine meets
both. The ratio of their medians should stay below 1.1.

    python benchmarks/input_pipeline.py --storage

measures instead how fast batches of the same pictures come out of memory, of a cache folder of raw pictures, of TFRecords read where they
are, and, for the first time through, out of picture files and TFRecords that have to be decoded.
"""

import argparse
import pathlib
import statistics
import tempfile
import time
import warnings

import keras

from tf_inpaint import data, masks, pictures
from tf_inpaint.ops.image import to_uint8
from tf_inpaint.systems.three_stage import ThreeStage, ThreeStageConfig
from tf_inpaint.training import make_step


def measure(*, image_size: int, width: float, batch_size: int, precision: str, mask_source: str, rounds: int, steps: int) -> float:
    """Prints both times and returns their ratio."""
    keras.mixed_precision.set_global_policy(precision)
    generator = masks.parse(mask_source)
    system = ThreeStage(ThreeStageConfig(image_size=image_size, width_multiplier=width))
    system.compile(masks=generator)
    step = make_step(system)
    source = data.dataset("photos", image_size=image_size, batch_size=batch_size, masks=generator, repeat=True, masks_on="step")
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


def measure_storage(*, image_size: int, batch_size: int, rounds: int) -> dict[str, float]:
    """Prints and returns images per second of each way to read pictures; all ways give the same pixels."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, records = pathlib.Path(scratch, "pictures"), pathlib.Path(scratch, "records")
        folder.mkdir()
        # Crops of photographs as JPEG files: what training folders hold.
        for index, image in enumerate(data.dataset("photos", image_size=256, batch_size=1, masks_on="step", repeat=True).take(200)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", pictures.LossyPictureWarning)
                pictures.write_picture(folder / f"{index:03d}.jpg", to_uint8(image["image"])[0].numpy())
        data.write_records(f"folder:{folder}", records, image_size=image_size, show_progress=False)
        cache = {"memory_limit": 0, "cache_dir": pathlib.Path(scratch, "cache")}
        ways = {
            "memory": data.prepare(f"folder:{folder}", image_size=image_size),
            "cache folder": data.prepare(f"folder:{folder}", image_size=image_size, **cache),
            "tfrecord": data.prepare(f"tfrecord:{records}", image_size=image_size, **cache),
        }
        seconds = {name: [] for name in (*ways, "decode folder", "decode tfrecord")}
        for _ in range(rounds):
            for name, bank in ways.items():
                batches = data.dataset(bank, image_size=image_size, batch_size=batch_size, masks_on="step")
                list(batches.take(1))  # tracing
                start = time.perf_counter()
                for _ in batches:
                    pass
                seconds[name].append(time.perf_counter() - start)
            for name, source in (("decode folder", f"folder:{folder}"), ("decode tfrecord", f"tfrecord:{records}")):
                start = time.perf_counter()
                data.prepare(source, image_size=image_size)
                seconds[name].append(time.perf_counter() - start)
        rates = {name: 200 / statistics.median(taken) for name, taken in seconds.items()}
    for name, rate in rates.items():
        print(f"{name:15} {rate:8.0f} images/s")
    print(f"tfrecord / cache folder: {rates['tfrecord'] / rates['cache folder']:.2f}")
    print(f"decode tfrecord / decode folder: {rates['decode tfrecord'] / rates['decode folder']:.2f}")
    return rates


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--width", type=float, default=0.5)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--precision", default="mixed_bfloat16", choices=("float32", "mixed_bfloat16", "mixed_float16"))
    parser.add_argument("--masks", default="free_form")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--storage", action="store_true", help="measure how fast pictures are read from folders, caches and TFRecords")
    args = parser.parse_args()
    if args.storage:
        measure_storage(image_size=args.image_size, batch_size=args.batch_size, rounds=args.rounds)
        raise SystemExit
    measure(
        image_size=args.image_size,
        width=args.width,
        batch_size=args.batch_size,
        precision=args.precision,
        mask_source=args.masks,
        rounds=args.rounds,
        steps=args.steps,
    )
