"""Does a server stand many clients with pictures of many sizes? Errors, latency, memory and traces under load.

    python benchmarks/load_test.py [--weights partial_conv.faces_128] [--clients 16] [--seconds 60]
    python benchmarks/load_test.py --model models/inpaint

Exports the weights, starts `tf-inpaint serve` as a process of its own, and has each client send one request after the other: files of
sides between 64 and 1024 in a random order. What is asked of the server: no error, p95 below 4 times p50, no new trace, steady memory:
what is in flight makes it swing from one moment to the next, so means of quarters of the time are compared, the last with the second by
5 %; the first sees the allocator fill up.
"""

import argparse
import base64
import http.client
import io
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np
from PIL import Image

SIDES = (64, 96, 128, 192, 256, 384, 512, 768, 1024)
QUARTERS = 4
SAMPLE_SECONDS = 0.25


def make_body(side: int, *, seed: int = 0) -> bytes:
    """A request: smooth random colours, and a hole of a quarter of each side."""
    generator = np.random.RandomState(seed)
    photo = Image.fromarray(generator.randint(0, 256, (side // 8, side // 8, 3), np.uint8)).resize((side, side))
    mask = np.zeros((side, side), np.uint8)
    mask[side // 3 : side // 3 + side // 4, side // 3 : side // 3 + side // 4] = 255
    row = {}
    for key, picture in (("image_bytes", photo), ("mask_bytes", Image.fromarray(mask))):
        file = io.BytesIO()
        picture.save(file, "PNG")
        row[key] = {"b64": base64.b64encode(file.getvalue()).decode("ascii")}
    return json.dumps({"instances": [row]}).encode("ascii")


def run_client(address: str, bodies: list[bytes], *, path: str, seed: int, should_go_on, results: list) -> None:
    """Sends bodies in a random order; appends (seconds, error or `None`) for each. Raises nothing: it runs in a thread."""
    order = random.Random(seed)
    connection = http.client.HTTPConnection(address, timeout=120)
    sent = 0
    while should_go_on(sent):
        began = time.perf_counter()
        error = None
        try:
            connection.request("POST", path, order.choice(bodies))
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200:
                error = f"{answer.status}: {content[:200]!r}"
        except (OSError, http.client.HTTPException) as problem:
            error = repr(problem)
            connection.close()
        results.append((time.perf_counter() - began, error))
        sent += 1
    connection.close()


def run_clients(address: str, bodies: list[bytes], *, path: str, clients: int, should_go_on, watch=lambda: None) -> list:
    """Runs all clients to their end; returns their results. `watch` is called meanwhile, in this thread."""
    results = []
    options = {"path": path, "should_go_on": should_go_on, "results": results}
    threads = [threading.Thread(target=run_client, args=(address, bodies), kwargs={**options, "seed": seed}) for seed in range(clients)]
    for thread in threads:
        thread.start()
    watch()
    for thread in threads:
        thread.join()
    return results


def read_memory(pid: int) -> dict[str, float]:
    """A process's memory of now and its peak, in MB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in file if line.startswith(("VmRSS", "VmHWM"))}


def read_number(address: str, name: str) -> float:
    """A number of the server's metrics."""
    connection = http.client.HTTPConnection(address, timeout=120)
    connection.request("GET", "/monitoring/prometheus/metrics")
    page = connection.getresponse().read().decode()
    connection.close()
    return float(re.search(rf"^{re.escape(name)}{{.*}} (\S+)$", page, flags=re.MULTILINE)[1])


def measure(model: str, *, clients: int, seconds: float, sides: tuple[int, ...]) -> bool:
    """Starts the server, loads it, prints what came of it; returns whether all demands are met."""
    words = [sys.executable, "-m", "tf_inpaint.cli.main", "serve", "--model", model, "--port", "0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        found = re.search(r"http://(\S+?)(/v1/models/\S+:predict)$", process.stdout.readline().strip())
        address, path = found[1], found[2]
        bodies = [make_body(side, seed=side) for side in sides]
        for body in bodies:  # each size once
            run_client(address, [body], path=path, seed=0, should_go_on=lambda sent: sent < 1, results=[])
        traces = read_number(address, ":tf_inpaint:graph_functions")
        samples = []
        end = time.monotonic() + seconds

        def watch():
            while time.monotonic() < end:
                samples.append(read_memory(process.pid)["VmRSS"])
                time.sleep(SAMPLE_SECONDS)

        results = run_clients(address, bodies, path=path, clients=clients, should_go_on=lambda _: time.monotonic() < end, watch=watch)
        peak = read_memory(process.pid)["VmHWM"]
        new_traces = read_number(address, ":tf_inpaint:graph_functions") - traces
        process.terminate()
        status = process.wait(60)
    finally:
        process.kill()
    latencies = sorted(latency for latency, _ in results)
    errors = [error for _, error in results if error]
    p50, p95 = statistics.median(latencies), latencies[int(0.95 * (len(latencies) - 1))]
    means = [float(part.mean()) for part in np.array_split(samples, QUARTERS)]
    growth = means[-1] / means[1] - 1
    print(f"{len(results)} requests of {clients} clients in {seconds:.0f} s: {len(results) / seconds:.1f} requests/s, {len(errors)} errors")
    for error in errors[:5]:
        print(f"  {error}")
    print(f"latency: p50 {p50:.3f} s, p95 {p95:.3f} s, p95/p50 {p95 / p50:.2f}, longest {latencies[-1]:.3f} s")
    written = ", ".join(f"{mean:.0f}" for mean in means)
    print(f"memory: {written} MB, means of the quarters; the last to the second {growth:+.1%}; peak {peak:.0f} MB")
    print(f"new traces: {new_traces:.0f}; exit status of the server: {status}")
    return not errors and p95 < 4 * p50 and growth < 0.05 and new_traces == 0 and status == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", default="partial_conv.faces_128")
    parser.add_argument("--model", help="an exported model instead of weights")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES)
    args = parser.parse_args()
    options = {"clients": args.clients, "seconds": args.seconds, "sides": tuple(args.sides)}
    if args.model:
        return 0 if measure(args.model, **options) else 1
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "tf_inpaint.cli.main", "export", "--weights", args.weights, "--output", f"{folder}/inpaint/1"]
        subprocess.run(words, check=True)
        return 0 if measure(f"{folder}/inpaint", **options) else 1


if __name__ == "__main__":
    sys.exit(main())
