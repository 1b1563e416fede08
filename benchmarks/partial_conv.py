"""Memory and time of the mask in a partial convolution: ours beside full masks and beside no mask, forward and backward.

    python benchmarks/partial_conv.py [--size 256] [--batch-size 1]

Two layers of the network for pictures of that size: PConv2 of the encoder (5 x 5, stride 2, 64 to 128 channels) and PConv14 of the decoder
(3 x 3, 256 and 128 channels from two sources to 128).

* `ours`: `layers.PartialConv2D`, one mask channel for each source.
* `full masks`: the arithmetic of the published layer (NVIDIA/partialconv, `multi_channel=True`): a mask value for each feature value,
  counted by a convolution with a kernel of ones of the size of the weights, one result for each output channel.
* `ordinary`: the convolution alone, without any mask.

Each case runs in a process of its own, so that its peak memory is its own; the peak of the same process before the layer is taken off.
float32, on whatever TensorFlow finds; the best of several runs counts.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

METHODS = ("ours", "full masks", "ordinary")
# Name -> (pixels of a picture for one of the input, kernel size, strides, channels of the sources, filters).
LAYERS = {"PConv2": (2, 5, 2, (64,), 128), "PConv14": (4, 3, 1, (256, 128), 128)}
REPETITIONS = 5


def convolve_with_full_masks(features, mask, kernel, bias, *, strides, margin):
    """Returns what the published layer computes, from masks `[B, H, W, C]`."""
    import tensorflow as tf

    padding = [[0, 0], [margin, margin], [margin, margin], [0, 0]]
    counts = tf.nn.conv2d(mask, tf.ones_like(kernel), strides, padding)
    window = kernel.shape[0] * kernel.shape[1] * kernel.shape[2]
    valid = tf.clip_by_value(counts, 0.0, 1.0)
    ratio = tf.stop_gradient(window / (counts + 1e-8) * valid)
    return (tf.nn.conv2d(features * mask, kernel, strides, padding) * ratio + bias) * valid, valid


def measure(method: str, layer_name: str, size: int, batch_size: int) -> dict:
    import keras
    import tensorflow as tf

    from tf_inpaint.layers import PartialConv2D

    keras.utils.set_random_seed(0)  # the same kernel in each process
    shrink, kernel_size, strides, sources, filters = LAYERS[layer_name]
    size, channels, margin = size // shrink, sum(sources), kernel_size // 2
    features = tf.random.stateless_normal([batch_size, size, size, channels], [0, 0])
    validity = tf.cast(tf.random.stateless_uniform([batch_size, size, size, len(sources)], [0, 1]) < 0.7, tf.float32)
    layer = PartialConv2D(filters, kernel_size, strides=strides, source_channels=sources)
    layer.build([features.shape, validity.shape])
    kernel, bias = (tf.convert_to_tensor(weight) for weight in layer.trainable_weights)
    padding = [[0, 0], [margin, margin], [margin, margin], [0, 0]]

    def run(x, kernel, bias):
        if method == "ours":
            return layer((x, validity))[0]
        if method == "ordinary":
            return tf.nn.bias_add(tf.nn.conv2d(x, kernel, strides, padding), bias)
        mask = tf.repeat(validity, sources, axis=-1)
        return convolve_with_full_masks(x, mask, kernel, bias, strides=strides, margin=margin)[0]

    @tf.function
    def step(x, kernel, bias):
        variables = layer.trainable_weights if method == "ours" else [kernel, bias]
        with tf.GradientTape() as tape:
            tape.watch([x, kernel, bias])
            outputs = run(x, kernel, bias)
            loss = tf.reduce_mean(outputs**2)
        return loss, tape.gradient(loss, [x, *variables])

    step.get_concrete_function(features, kernel, bias)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        float(step(features, kernel, bias)[0])
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": min(seconds), "mebibytes": (peak - before) / 1024, "loss": float(step(features, kernel, bias)[0])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(measure(*arguments.case, arguments.size, arguments.batch_size)))
        return
    for layer_name in LAYERS:
        results = {}
        for method in METHODS:
            command = [sys.executable, __file__, "--size", str(arguments.size), "--batch-size", str(arguments.batch_size)]
            command += ["--case", method, layer_name]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            results[method] = result = json.loads(output.splitlines()[-1])
            print(f"{layer_name:8} {method:11} {result['mebibytes']:7.0f} MiB, {result['seconds']:7.3f} s forward and backward")
        ours, full, ordinary = (results[method] for method in METHODS)
        # The same numbers, or the comparison is worth nothing.
        if abs(ours["loss"] - full["loss"]) > 1e-4 * abs(full["loss"]):
            raise SystemExit(f"{layer_name}: the results differ, {ours['loss']} and {full['loss']}.")
        for name, other in (("full masks", full), ("an ordinary convolution", ordinary)):
            times, memory = other["seconds"] / ours["seconds"], other["mebibytes"] / ours["mebibytes"]
            print(f"{layer_name:8} {name} takes {times:.2f} times the time of ours and {memory:.2f} times its memory")


if __name__ == "__main__":
    main()
