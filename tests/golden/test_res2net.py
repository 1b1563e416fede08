"""Res2Net block against the released block and against its norm-free form (arrays of part A, `res2net.npz`)."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.layouts import assert_close, hwio, nhwc
from tf_inpaint.layers import Res2NetBlock

CASES = ["normal_26w4s", "normal_64w4s", "normal_26w8s", "normfree_elu_64w4s"]


def build_block(arrays, meta, case):
    settings = meta["cases"][case]
    normfree = case.startswith("normfree")
    block = Res2NetBlock(
        scale=settings["scale"],
        width=settings["width"],
        norm=None if normfree else "batch",
        activation="elu" if normfree else "relu",
    )
    inputs = nhwc(arrays[f"{case}/x"])
    block.build(inputs.shape)

    def load(part, convolution, batch_norm):
        part.convolution.kernel.assign(hwio(arrays[f"{case}/w/{convolution}.weight"]))
        if normfree:
            part.convolution.bias.assign(arrays[f"{case}/w/{convolution}.bias"])
            return
        norm = part.batch_norm
        norm.gamma.assign(arrays[f"{case}/w/{batch_norm}.weight"])
        norm.beta.assign(arrays[f"{case}/w/{batch_norm}.bias"])
        norm.moving_mean.assign(arrays[f"{case}/w/{batch_norm}.running_mean"])
        norm.moving_variance.assign(arrays[f"{case}/w/{batch_norm}.running_var"])

    load(block.reduce, "conv1", "bn1")
    for index, part in enumerate(block.group_convolutions):
        load(part, f"convs.{index}", f"bns.{index}")
    load(block.restore, "conv3", "bn3")
    return block, inputs


@pytest.mark.parametrize("case", CASES)
def test_the_block_gives_the_published_values_at_inference(golden, golden_meta, case):
    arrays = golden("res2net")
    block, inputs = build_block(arrays, golden_meta("res2net"), case)
    assert_close(block(inputs, training=False), nhwc(arrays[f"{case}/y_eval"]))


@pytest.mark.parametrize("case", CASES)
def test_the_block_gives_the_published_values_and_input_gradients_in_training(golden, golden_meta, case):
    arrays = golden("res2net")
    block, inputs = build_block(arrays, golden_meta("res2net"), case)
    inputs = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = block(inputs, training=True)
    assert_close(outputs, nhwc(arrays[f"{case}/y_train"]))
    upstream = nhwc(arrays[f"{case}/gy"])
    gradient = tape.gradient(outputs, inputs, output_gradients=tf.constant(upstream / upstream.size))  # of mean(y * gy)
    assert_close(gradient, nhwc(arrays[f"{case}/dx_train"]), relative=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_the_number_of_parameters_is_the_published_one(golden, golden_meta, case):
    meta = golden_meta("res2net")
    block, _ = build_block(golden("res2net"), meta, case)
    assert sum(int(np.prod(weight.shape)) for weight in block.trainable_weights) == meta["cases"][case]["params"]
