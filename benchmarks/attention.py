"""Memory and time of self-attention: blocks of queries beside the dense form, forward and backward.

    python benchmarks/attention.py

Each case runs in a process of its own, so that its peak memory is its own; the peak of the same process before the attention is taken
off. One picture, 16 channels of queries, keys and values (form "icml" at 128 channels), float32.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

DEPTH = 16
CASES = [("dense", 16384), ("blockwise", 16384), ("blockwise", 65536)]


def measure(method: str, num_tokens: int) -> dict:
    import tensorflow as tf

    from tf_inpaint.ops import attention

    function = attention.attend if method == "blockwise" else attention.attend_densely
    inputs = [tf.random.stateless_normal([1, num_tokens, DEPTH], [0, index]) for index in range(3)]

    @tf.function
    def step(*arguments):
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            loss = tf.reduce_sum(function(*arguments) ** 2)
        return loss, tape.gradient(loss, arguments)

    step.get_concrete_function(*inputs)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        float(step(*inputs)[0])
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": min(seconds), "mebibytes": (peak - before) / 1024}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    case = parser.parse_args().case
    if case:
        print(json.dumps(measure(case[0], int(case[1]))))
        return
    results = {}
    for method, num_tokens in CASES:
        command = [sys.executable, __file__, "--case", method, str(num_tokens)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        results[method, num_tokens] = result = json.loads(output.splitlines()[-1])
        print(f"{method:10} {num_tokens:6} tokens: {result['mebibytes']:8.0f} MiB, {result['seconds']:6.2f} s forward and backward")
    dense, blocks, more = (results[case] for case in CASES)
    print(f"16384 tokens: dense needs {dense['mebibytes'] / blocks['mebibytes']:.0f} times the memory of blocks")
    print(f"               and {dense['seconds'] / blocks['seconds']:.2f} times their time")
    print(f"4 times the tokens: {more['mebibytes'] / blocks['mebibytes']:.1f} times the memory of blocks (N squared would be 16)")


if __name__ == "__main__":
    main()
