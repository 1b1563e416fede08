"""What repairing costs by strategy and size of the photo, with the same hole, and how many pictures a second a folder takes.

    python benchmarks/strategies.py                        # 1, 4, 12, 24 megapixels, strategies crop and tile
    python benchmarks/strategies.py --folder 40            # pictures of many sizes one after another: pictures/s, number of traces

Each line is measured in a process of its own, because memory that was taken once is not given back. Milliseconds are of CPU time, of
all threads together (so that other work on the machine counts little), the least of several runs after the first, divided into reading,
repairing and writing a PNG file. Peak memory is of the whole process: interpreter, TensorFlow and weights included, photograph and mask
decoded, result encoded.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEGAPIXELS = (1, 4, 12, 24)
HOLE_SIDE = 100
REPEATS = 5


def measure(megapixels: int, strategy: str, weights: str) -> dict:
    """Times and peak memory of one photo, in this process."""
    import numpy as np
    import skimage.data

    from tf_inpaint import peak_memory, pictures
    from tf_inpaint.serving import Inpainter

    height, width = {1: (816, 1224), 4: (1632, 2448), 12: (2832, 4248), 24: (4000, 6000)}[megapixels]
    with tempfile.TemporaryDirectory() as folder:
        photo, mask = Path(folder, "photo.png"), Path(folder, "mask.png")
        astronaut = skimage.data.astronaut()
        tiled = np.tile(astronaut, (-(-height // 512), -(-width // 512), 1))[:height, :width]
        pictures.write_picture(photo, tiled)
        hole = np.zeros((height, width), np.uint8)
        hole[300 : 300 + HOLE_SIDE, 400 : 400 + HOLE_SIDE] = 255
        pictures.write_picture(mask, hole)
        del astronaut, tiled, hole
        inpainter = Inpainter(weights, strategy=strategy)
        seconds = []
        for _ in range(REPEATS + 1):
            marks = [time.process_time()]
            picture, hole = pictures.read_picture(photo), pictures.read_mask(mask)
            marks.append(time.process_time())
            result = inpainter.fill(picture, hole)
            marks.append(time.process_time())
            pictures.write_picture(Path(folder, "result.png"), result)
            marks.append(time.process_time())
            seconds.append(np.diff(marks))
    reading, repairing, writing = np.min(seconds[1:], axis=0) * 1000
    return {
        "strategy": strategy,
        "megapixels": megapixels,
        "reading_ms": round(reading, 1),
        "repairing_ms": round(repairing, 1),
        "writing_ms": round(writing, 1),
        "peak_mb": round((peak_memory.peak_bytes() or 0) / 1e6),
    }


def measure_folder(num_pictures: int, strategy: str, weights: str) -> dict:
    """Pictures a second of CPU time over pictures that all differ in size, the first trace left out."""
    import numpy as np

    from tf_inpaint.serving import Inpainter

    random, inpainter = np.random.RandomState(0), Inpainter(weights, strategy=strategy)
    seconds = []
    for _ in range(num_pictures + 1):
        height, width = random.randint(150, 600, 2)
        photo, hole = random.randint(0, 256, (height, width, 3), np.uint8), np.zeros((height, width), bool)
        hole[height // 3 : height // 3 + 30, width // 4 : width // 4 + 50] = True
        begin = time.process_time()
        inpainter(photo, hole)
        seconds.append(time.process_time() - begin)
    return {
        "strategy": strategy,
        "pictures": num_pictures,
        "pictures_per_second": round(num_pictures / sum(seconds[1:]), 2),
        "slowest_ms": round(max(seconds[1:]) * 1000),
        "traces": inpainter.num_traces,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="three_stage.faces_128")
    parser.add_argument("--strategies", default="crop,tile")
    parser.add_argument("--folder", type=int, metavar="N", help="measure a folder of N pictures instead")
    parser.add_argument("--one", type=int, choices=MEGAPIXELS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one or arguments.folder:
        for strategy in arguments.strategies.split(","):
            if arguments.folder:
                result = measure_folder(arguments.folder, strategy, arguments.weights)
            else:
                result = measure(arguments.one, strategy, arguments.weights)
            print(json.dumps(result), flush=True)
        return
    for strategy in arguments.strategies.split(","):
        repairing = []
        for megapixels in MEGAPIXELS:
            command = [sys.executable, __file__, "--one", str(megapixels), "--strategies", strategy, "--weights", arguments.weights]
            line = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
            print(json.dumps(line), flush=True)
            repairing.append(line["repairing_ms"])
        print(f"{strategy}: {MEGAPIXELS[-1]} megapixels take {repairing[-1] / repairing[0]:.2f} times as long to repair as {MEGAPIXELS[0]}")


if __name__ == "__main__":
    main()
