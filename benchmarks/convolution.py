"""Convolutions, forward and all gradients, each beside the plain way to write it.

    python benchmarks/convolution.py

First padded convolutions: `ops.convolution.conv2d` beside TensorFlow's own explicit padding, which has no oneDNN kernel on a CPU. The
shapes are those of a U-Net of partial convolutions at half width and 128 px, 8 pictures. Then `layers.GatedConv2D`, whose features and
gate are split, beside slices, whose gradients are padded to the whole map and added; shapes of a texture generator of quarter width.
Both ways take turns, so that other work on the machine meets both alike; the ratio is that of the fastest runs.
"""

import argparse
import time
from collections.abc import Callable

# Height and width, channels in and out, kernel, stride.
PADDED = ((64, 96, 32, 3, 1), (32, 192, 64, 3, 1), (64, 32, 64, 5, 2), (128, 3, 32, 7, 2))
GATED = ((128, 16, 8, 3, 1), (64, 32, 16, 3, 1), (32, 64, 64, 3, 1))


def padded_ways(kernel_size: int, strides: int) -> dict[str, Callable]:
    """Returns way -> function of inputs and one kernel."""
    import tensorflow as tf

    from tf_inpaint import ops

    margin = (kernel_size - 1) // 2
    margins = [[0, 0], [margin, margin], [margin, margin], [0, 0]]
    return {
        "ours": lambda inputs, kernel: ops.convolution.conv2d(inputs, kernel, strides=strides, padding=margin),
        "explicit padding": lambda inputs, kernel: tf.nn.conv2d(inputs, kernel, strides, margins),
    }


def gated_ways(filters: int, kernel_size: int) -> dict[str, Callable]:
    """Returns way -> function of inputs and one kernel, that of features and gate."""
    import tensorflow as tf

    from tf_inpaint import layers, ops

    def ours(inputs, kernel):
        # The layer's own arithmetic, on tensors instead of weights: the gradients are those of the other way's arguments.
        layer = layers.GatedConv2D(filters, kernel_size, dtype=inputs.dtype.name)
        layer.kernel, layer.gate_kernel = tf.split(kernel, 2, axis=3)
        layer.bias = layer.gate_bias = tf.zeros([filters], inputs.dtype)
        return layer.call(inputs)

    def slices(inputs, kernel):
        both = ops.convolution.add_bias(ops.convolution.conv2d(inputs, kernel, padding="SAME"), tf.zeros([2 * filters], inputs.dtype))
        return ops.activation.elu(both[..., :filters]) * tf.sigmoid(both[..., filters:])

    return {"ours": ours, "slices": slices}


def measure(ways: dict[str, Callable], shape: tuple, kernel_shape: tuple, dtype: str, rounds: int) -> dict[str, float]:
    """Returns way -> seconds of its fastest round."""
    import tensorflow as tf

    inputs = tf.cast(tf.random.stateless_normal(shape, [0, 1]), dtype)
    kernel = tf.cast(tf.random.stateless_normal(kernel_shape, [0, 2]), dtype)

    def step_of(way):
        @tf.function
        def step(inputs, kernel):
            with tf.GradientTape() as tape:
                tape.watch([inputs, kernel])
                loss = tf.reduce_sum(tf.cast(way(inputs, kernel), tf.float32) ** 2)
            return tape.gradient(loss, [inputs, kernel])

        return step

    steps = {name: step_of(way) for name, way in ways.items()}
    seconds = {name: [] for name in steps}
    for _ in range(rounds + 1):  # the first one traces
        for name, step in steps.items():
            start = time.perf_counter()
            step(inputs, kernel)[0].numpy()
            seconds[name].append(time.perf_counter() - start)
    return {name: min(each[1:]) for name, each in seconds.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    for kind, shapes in (("padded", PADDED), ("gated", GATED)):
        for dtype in ("float32", "bfloat16"):
            for size, channels, filters, kernel_size, strides in shapes:
                is_gated = kind == "gated"
                ways = gated_ways(filters, kernel_size) if is_gated else padded_ways(kernel_size, strides)
                kernel_shape = (kernel_size, kernel_size, channels, 2 * filters if is_gated else filters)
                seconds = measure(ways, (8, size, size, channels), kernel_shape, dtype, rounds)
                (_, ours), (other, theirs) = seconds.items()
                print(
                    f"{kind} {dtype:8} {size:3} px, {channels:3} -> {filters:2}, kernel {kernel_size}, stride {strides}: "
                    f"{1000 * ours:6.1f} ms, {other} {1000 * theirs:7.1f} ms, ratio {theirs / ours:5.2f}"
                )


if __name__ == "__main__":
    main()
