"""Padded convolutions, forward and both gradients: `ops.convolution.conv2d` beside TensorFlow's own explicit padding.

    python benchmarks/convolution.py

The shapes are those of a U-Net of partial convolutions at half width and 128 px, 8 pictures. Both ways take turns, so that other work on
the machine meets both alike; the ratio is that of the fastest runs. On a CPU TensorFlow's explicit padding has no oneDNN kernel.
"""

import argparse
import time

# Height and width, channels in and out, kernel, stride.
SHAPES = ((64, 96, 32, 3, 1), (32, 192, 64, 3, 1), (64, 32, 64, 5, 2), (128, 3, 32, 7, 2))


def measure(shape: tuple, dtype: str, rounds: int) -> dict[str, float]:
    """Returns way -> seconds of its fastest round."""
    import tensorflow as tf

    from tf_inpaint import ops

    size, channels, filters, kernel_size, strides = shape
    margin = (kernel_size - 1) // 2
    margins = [[0, 0], [margin, margin], [margin, margin], [0, 0]]
    inputs = tf.cast(tf.random.stateless_normal([8, size, size, channels], [0, 1]), dtype)
    kernel = tf.cast(tf.random.stateless_normal([kernel_size, kernel_size, channels, filters], [0, 2]), dtype)
    ways = {
        "ours": lambda inputs, kernel: ops.convolution.conv2d(inputs, kernel, strides=strides, padding=margin),
        "explicit": lambda inputs, kernel: tf.nn.conv2d(inputs, kernel, strides, margins),
    }

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
    for dtype in ("float32", "bfloat16"):
        for shape in SHAPES:
            size, channels, filters, kernel_size, strides = shape
            seconds = measure(shape, dtype, rounds)
            print(
                f"{dtype:8} {size:3} px, {channels:3} -> {filters:2}, kernel {kernel_size}, stride {strides}: "
                f"{1000 * seconds['ours']:6.1f} ms, explicit padding {1000 * seconds['explicit']:7.1f} ms, "
                f"ratio {seconds['explicit'] / seconds['ours']:5.2f}"
            )


if __name__ == "__main__":
    main()
