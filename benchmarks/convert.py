"""How near the pixels of the ONNX and OpenVINO exports are to the library's, and how long they take beside TensorFlow.

    python benchmarks/convert.py --images FOLDER           # PNG or JPEG files; without it scikit-image's photographs at 128 px

Each picture gets a mask of its own. The reference is `Inpainter(strategy="original")`. Milliseconds are of CPU time, of all threads
together (so that other work on the machine counts little), the least of several runs after the first, the median over the pictures.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import skimage.data
import tensorflow as tf

from tf_inpaint import masks, ops, pictures
from tf_inpaint.serving import Inpainter, convert

FORMATS = ("onnx", "openvino")
REPEATS = 5


def runner(name: str, inpainter: Inpainter, folder: Path) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Exports the system, and returns what runs it: image `[1, H, W, 3]` and mask `[1, H, W, 1]` uint8 -> `[1, H, W, 3]`."""
    if name == "onnx":
        import onnxruntime

        path = convert.export_onnx(inpainter.system, folder / "model.onnx")
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return lambda image, mask: session.run(["inpainted"], {"image": image, "mask": mask})[0]
    path = convert.export_openvino(inpainter.system, folder / "openvino")
    import openvino

    model = openvino.compile_model(path / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda image, mask: model({"image": image, "mask": mask})["inpainted"]


def photographs(folder: str | None, limit: int) -> Iterator[np.ndarray]:
    """`[H, W, 3]` uint8."""
    if folder is None:
        for name in ("astronaut", "chelsea", "coffee", "rocket")[:limit]:
            photograph = getattr(skimage.data, name)()[np.newaxis, :256, :256] / np.float32(127.5) - 1.0
            yield ops.image.to_uint8(ops.image.resize(photograph, (128, 128), method="area"))[0].numpy()
        return
    for path in sorted(each for each in Path(folder).iterdir() if each.suffix.lower() in (".png", ".jpg", ".jpeg"))[:limit]:
        yield pictures.read_picture(path).rgb


def least_seconds(run: Callable, *arguments: np.ndarray) -> tuple[np.ndarray, float]:
    """The result, and the least CPU seconds of a run."""
    result, seconds = run(*arguments), []
    for _ in range(REPEATS):
        begin = time.process_time()
        run(*arguments)
        seconds.append(time.process_time() - begin)
    return result, min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description="Pixels and speed of exported systems beside the library's.")
    parser.add_argument("--weights", metavar="NAME|PATH", default="three_stage.faces_128")
    parser.add_argument("--images", metavar="FOLDER", help="pictures (default: four photographs of scikit-image)")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many pictures (default: %(default)s)")
    parser.add_argument("--masks", default="free_form", help="as for `tf-inpaint evaluate` (default: %(default)s)")
    parser.add_argument("--formats", default=",".join(FORMATS), help="comma-separated (default: %(default)s)")
    args = parser.parse_args()

    inpainter, generator = Inpainter(args.weights, strategy="original"), masks.parse(args.masks)
    cases = []
    for index, image in enumerate(photographs(args.images, args.limit)):
        height, width = image.shape[:2]
        mask = generator.per_example(tf.constant([[0, index]]), height=height, width=width).numpy()[0, ..., 0]
        hole = np.uint8(255) * mask.astype(np.uint8)
        cases.append((image, hole, *least_seconds(inpainter, image, hole)))
    reference = np.median([seconds for *_, seconds in cases])
    print(f"{args.weights}, {len(cases)} pictures; TensorFlow {tf.__version__}: {1e3 * reference:.1f} ms of CPU a picture")
    for name in args.formats.split(","):
        with tempfile.TemporaryDirectory() as folder:
            run = runner(name, inpainter, Path(folder))
            largest, differing, known, taken = 0, [], True, []
            for image, hole, expected, _ in cases:
                (result,), seconds = least_seconds(run, image[np.newaxis], hole[np.newaxis, ..., np.newaxis])
                difference = np.abs(result.astype(int) - expected)
                largest = max(largest, difference.max())
                differing.append(np.mean(difference[hole > 0] > 0))
                known &= np.array_equal(result[hole == 0], image[hole == 0])
                taken.append(seconds)
        print(f"{name}: {1e3 * np.median(taken):.1f} ms, {np.median(taken) / reference:.2f} x TensorFlow")
        print(f"  in the hole at most {largest} of 255 levels off, {np.mean(differing):.3%} of the values differ")
        print(f"  known pixels {'identical' if known else 'NOT identical'}")


if __name__ == "__main__":
    main()
