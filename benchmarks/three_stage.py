"""Speed of the three-stage system at full width: half precision beside float32, and our build beside a plain Keras one.

    python benchmarks/three_stage.py [--size 256] [--batch-size 2] [--width 1.0]

`forward`: one picture through all three generators; ours in mixed_bfloat16 and float32 beside the same networks built from Keras'
own Conv2D and ELU with dense attention in float32. `training`: pictures/s of a whole step (generators and critic) in mixed_bfloat16
beside float32, with the same custom gradients. Everything is interleaved in one process, the best of several runs counts.
"""

import argparse
import pathlib
import time
import unittest.mock

import keras
import tensorflow as tf

from tf_inpaint.layers import res2net_block, self_attention2d
from tf_inpaint.systems.three_stage import ThreeStage, ThreeStageConfig, networks

HALF_PRECISION_FLAGS = ("amx_bf16", "avx512_bf16")


def build(precision, *, plain=False, **settings):
    """Builds a compiled system; `plain` takes Keras' own convolution and ELU and dense attention."""
    keras.mixed_precision.set_global_policy(precision)
    if not plain:
        system = ThreeStage(ThreeStageConfig(**settings))
    else:
        keras_convolution = {"FusableConv2D": keras.layers.Conv2D}
        with (
            unittest.mock.patch.multiple(networks, **keras_convolution, elu=keras.activations.elu),
            unittest.mock.patch.multiple(res2net_block, **keras_convolution),
            unittest.mock.patch.multiple(self_attention2d, **keras_convolution),
        ):
            system = ThreeStage(ThreeStageConfig(**settings, attention_method="dense"))
    system.compile()
    return system


def best_seconds(functions, *, repetitions):
    """Runs each function in turn, `repetitions` times after one to warm up; returns name -> least seconds."""
    seconds = {name: [] for name in functions}
    for repetition in range(repetitions + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if repetition:
                seconds[name].append(time.perf_counter() - start)
    return {name: min(values) for name, values in seconds.items()}


def benchmark_forward(size, settings, repetitions):
    image = tf.random.stateless_uniform([1, size, size, 3], [0, 0], -1.0, 1.0)
    inputs = {"image": image, "mask": tf.cast(image[..., :1] > 0.5, tf.float32)}
    systems = {
        "ours, mixed_bfloat16": build("mixed_bfloat16", **settings),
        "ours, float32": build("float32", **settings),
        "plain Keras, float32": build("float32", plain=True, **settings),
    }

    def runner(system):
        traced = tf.function(lambda batch: system(batch, training=False)["raw"])
        return lambda: float(traced(inputs)[0, 0, 0, 0])

    seconds = best_seconds({name: runner(system) for name, system in systems.items()}, repetitions=repetitions)
    for name, value in seconds.items():
        print(f"forward   {name:22} {value:7.3f} s/picture")
    plain = seconds["plain Keras, float32"]
    print(f"forward   ours is {plain / seconds['ours, mixed_bfloat16']:.2f} times as fast as the plain build")
    print(f"forward   ours in float32 is {plain / seconds['ours, float32']:.2f} times as fast as the plain build")


def benchmark_training(size, batch_size, settings, repetitions):
    image = tf.random.stateless_uniform([batch_size, size, size, 3], [0, 0], -1.0, 1.0)
    batch = {"image": image, "mask": tf.cast(image[..., :1] > 0.5, tf.float32)}

    def runner(system):
        step = tf.function(system.train_step)
        return lambda: float(step(batch)["loss"])

    functions = {precision: runner(build(precision, **settings)) for precision in ("mixed_bfloat16", "float32")}
    seconds = best_seconds(functions, repetitions=repetitions)
    for name, value in seconds.items():
        print(f"training  {name:22} {batch_size / value:7.3f} pictures/s, {value:.3f} s/step")
    print(f"training  mixed_bfloat16 is {seconds['float32'] / seconds['mixed_bfloat16']:.2f} times as fast as float32")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--only", choices=("forward", "training"))
    arguments = parser.parse_args()
    information = pathlib.Path("/proc/cpuinfo")
    flags = information.read_text().split() if information.exists() else []
    found = [flag for flag in HALF_PRECISION_FLAGS if flag in flags] or ["none"]
    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}, half precision in the CPU: {', '.join(found)}")
    settings = {"image_size": arguments.size, "width_multiplier": arguments.width}
    if arguments.only != "training":
        benchmark_forward(arguments.size, settings, arguments.repetitions)
    if arguments.only != "forward":
        benchmark_training(arguments.size, arguments.batch_size, settings, arguments.repetitions)


if __name__ == "__main__":
    main()
