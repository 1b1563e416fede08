"""Attention transfer of PEN-Net: ours beside the released code's form, which loops over the pictures, forward and backward.

    python benchmarks/attention_transfer.py [--places 64] [--batch-size 4] [--channels 32]

The finest level of a picture of 256 x 256 has 64 x 64 = 4,096 places; 32 channels are the paper's width there (64 on the map below).

* `ours`: `layers.AttentionTransfer`, all pictures in the same matrix products, weights made in blocks and again for the gradient.
* `per picture`: the released code's form: for each picture a convolution whose kernels are its patches, a softmax over the whole map, and a
  transposed convolution whose kernels are its patches; TensorFlow's own gradient, which keeps all of it.

Both run in processes of their own, so that the peak memory is theirs; the peak of the same process before the first step is taken off.
Where other programs keep the processor busy, its own time tells more than the clock's. float32, on whatever TensorFlow finds; the best of
several runs counts. The results are compared: the same numbers, or the comparison is worth nothing.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

METHODS = ("ours", "per picture")
REPETITIONS = 3


def transfer_per_picture(low, high, mask):
    """Computes `AttentionTransfer()` as the released code does: picture by picture, patches as the kernels of convolutions."""
    import tensorflow as tf

    from tf_inpaint.ops import patches, resampling

    rows, columns = high.shape[1:3]
    small = resampling.sample_align_corners(mask, (rows, columns))
    valid = tf.reshape(patches.valid_patches(small, 3), [-1, 1, 1, rows * columns])
    keys = patches.extract_patches(high, 3, padding=1)
    values = patches.extract_patches(low, 4, stride=2, padding=1)
    filled = []
    for index in range(low.shape[0]):
        key = patches.normalise_patches(tf.reshape(keys[index], [rows * columns, -1]))
        kernel = tf.transpose(tf.reshape(key, [-1, 3, 3, high.shape[3]]), [1, 2, 3, 0])
        scores = tf.nn.conv2d(high[index : index + 1], kernel, 1, "SAME")
        weights = tf.maximum(tf.nn.softmax(10.0 * scores * valid[index]) * valid[index], 1e-8)
        kernel = tf.transpose(tf.reshape(values[index], [-1, 4, 4, low.shape[3]]), [1, 2, 3, 0])
        filled.append(tf.nn.conv2d_transpose(weights, kernel, [1, *low.shape[1:]], 2, "SAME") / 4.0)
    return tf.concat(filled, axis=0)


def peak_kibibytes():
    """Peak memory of this process alone: a child's `getrusage` begins with its parent's on Linux."""
    status = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0])


def measure(method: str, places: int, batch_size: int, channels: int) -> dict:
    import tensorflow as tf

    from tf_inpaint.layers import AttentionTransfer

    low = tf.random.stateless_normal([batch_size, 2 * places, 2 * places, channels], [0, 0])
    high = 0.2 * tf.random.stateless_normal([batch_size, places, places, 2 * channels], [0, 1])
    mask = tf.pad(tf.ones([batch_size, 2 * places, 2 * places, 1]), [[0, 0], *[[places, places]] * 2, [0, 0]])
    layer = AttentionTransfer()

    @tf.function
    def step(low, high):
        with tf.GradientTape() as tape:
            tape.watch([low, high])
            filled = layer((low, high, mask)) if method == "ours" else transfer_per_picture(low, high, mask)
            loss = tf.reduce_mean(filled**2)
        return loss, [tf.norm(gradient) for gradient in tape.gradient(loss, [low, high])]

    step.get_concrete_function(low, high)
    before = peak_kibibytes()
    seconds, processor_seconds = [], []
    for _ in range(REPETITIONS):
        start, processor_start = time.perf_counter(), time.process_time()
        loss, norms = step(low, high)
        float(loss)
        seconds.append(time.perf_counter() - start)
        processor_seconds.append(time.process_time() - processor_start)
    times = {"seconds": min(seconds), "processor_seconds": min(processor_seconds)}
    return {**times, "mebibytes": (peak_kibibytes() - before) / 1024, "numbers": [float(each) for each in (loss, *norms)]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", type=int, default=64, help="height and width of the deeper map")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--method", choices=METHODS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    numbers = (arguments.places, arguments.batch_size, arguments.channels)
    if arguments.method:
        print(json.dumps(measure(arguments.method, *numbers)))
        return
    results = {}
    for method in METHODS:
        sizes = zip(("--places", "--batch-size", "--channels"), map(str, numbers), strict=True)
        command = [sys.executable, __file__, "--method", method, *[word for pair in sizes for word in pair]]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        results[method] = result = json.loads(output.splitlines()[-1])
        times = f"{result['seconds']:7.3f} s forward and backward ({result['processor_seconds']:.3f} s of the processor)"
        print(f"{method:11} {result['mebibytes']:7.0f} MiB, {times}, {arguments.places**2} places")
    ours, other = (results[method] for method in METHODS)
    for number, expected in zip(ours["numbers"], other["numbers"], strict=True):
        if abs(number - expected) > 1e-3 * abs(expected):
            raise SystemExit(f"The results differ: {ours['numbers']} and {other['numbers']}.")
    for text, name in (("time", "seconds"), ("processor's time", "processor_seconds"), ("memory", "mebibytes")):
        print(f"picture by picture takes {other[name] / ours[name]:.2f} times the {text} of ours")


if __name__ == "__main__":
    main()
