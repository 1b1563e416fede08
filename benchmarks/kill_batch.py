"""Kills a batch at random moments: what is there is whole, and a resumed run does what is missing and nothing else.

    python benchmarks/kill_batch.py [--points 50] [--pictures 100] [--seed 0]

Each point: a folder of pictures is repaired by a process that is ended by SIGKILL after a random time, up to what a whole batch takes; then
every file under its own name must hold the pixels that an undisturbed run gives, and a run with `resume` must leave these untouched, do
the others, and remove what was half-written. Ends with status 0 if that was so at every point.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIDE = 48


def make_folder(folder: Path, num_pictures: int) -> None:
    """Writes photographs of random numbers, and the mask of them all."""
    from tf_inpaint import pictures

    (folder / "in").mkdir()
    for number in range(num_pictures):
        rgb = np.random.RandomState(number).randint(0, 256, (SIDE, SIDE, 3), np.uint8)
        pictures.write_picture(folder / f"in/{number:03}.png", rgb)
    hole = np.zeros((SIDE, SIDE), np.uint8)
    hole[10:20, 10:30] = 255
    pictures.write_picture(folder / "mask.png", hole)


def start_batch(folder: Path, output: str, *, resume: bool) -> tuple[int, int]:
    """Forks a process that repairs the folder; returns its number and the pipe on which it tells that it begins, and how it ended."""
    reader, writer = os.pipe()
    process = os.fork()  # TensorFlow has been imported, but has not begun any thread
    if process:
        os.close(writer)
        return process, reader
    try:
        import keras

        from tf_inpaint import SYSTEMS
        from tf_inpaint.serving import Inpainter
        from tf_inpaint.serving.batch import plan, repair_files

        keras.utils.set_random_seed(0)  # each process has the same weights
        inpainter = Inpainter(SYSTEMS["partial_conv"].tiny())
        rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
        inpainter(rgb, np.eye(SIDE) > 0)  # traces the graph, which takes longer than many pictures
        os.write(writer, b"b")
        outcome = repair_files(inpainter, plan(folder / "in", folder / "mask.png", folder / output), resume=resume, show_progress=False)
        os.write(writer, f"{outcome.num_done} {outcome.num_skipped} {len(outcome.failures)}".encode())
        os._exit(0)
    finally:
        os._exit(1)


def run_batch(folder: Path, output: str, *, resume: bool) -> tuple[float, list[int]]:
    """Repairs the folder without disturbance; returns the seconds and the numbers of pictures done, skipped and failed."""
    process, pipe = start_batch(folder, output, resume=resume)
    os.read(pipe, 1)
    began = time.perf_counter()
    numbers = [int(word) for word in os.read(pipe, 100).split()]
    seconds = time.perf_counter() - began
    os.close(pipe)
    if os.waitpid(process, 0)[1]:
        raise SystemExit("A run that nobody killed failed.")
    return seconds, numbers


def contents(folder: Path) -> dict[str, bytes]:
    """Name -> bytes of the files that are finished."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if ".tmp-" not in path.name} if folder.exists() else {}


def check_point(folder: Path, output: str, delay: float, expected: dict[str, bytes]) -> str:
    """Kills one batch, resumes it, and compares; returns a line, which begins with "WRONG" if something was."""
    process, pipe = start_batch(folder, output, resume=True)
    os.read(pipe, 1)
    time.sleep(delay)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    os.close(pipe)
    path = folder / output
    whole = contents(path)
    times = {name: (path / name).stat().st_mtime_ns for name in whole}
    num_torn = sum(".tmp-" in name for name in os.listdir(path)) if path.exists() else 0
    _, numbers = run_batch(folder, output, resume=True)
    faults = [name for name, data in whole.items() if data != expected[name]]
    faults += [name for name in times if (path / name).stat().st_mtime_ns != times[name]]
    is_right = not faults and numbers == [len(expected) - len(whole), len(whole), 0] and contents(path) == expected
    is_right &= sorted(os.listdir(path)) == sorted(expected) and num_torn <= 1
    verdict = "right" if is_right else "WRONG"
    return f"{verdict}: killed with {len(whole)} files done and {num_torn} half-written; resumed: {numbers} {' '.join(faults)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=50)
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    generator = random.Random(args.seed)
    num_wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_folder(folder, args.pictures)
        seconds, _ = run_batch(folder, "whole", resume=False)
        expected = contents(folder / "whole")
        for number in range(args.points):
            line = check_point(folder, f"out{number}", generator.uniform(0, seconds), expected)
            num_wrong += line.startswith("WRONG")
            print(f"{number}: {line}", flush=True)
    print(f"{args.points} points, {num_wrong} wrong")
    return 1 if num_wrong or len(expected) != args.pictures else 0


if __name__ == "__main__":
    sys.exit(main())
