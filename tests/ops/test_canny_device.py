"""Every operation of Canny runs on a GPU, and none calls back into Python."""

import pytest
import tensorflow as tf

from tests import device_kernels
from tf_inpaint.ops import canny

PLANES = tf.TensorSpec([None, None, None, 1], tf.float32)

pytestmark = pytest.mark.skipif(not device_kernels.gpu_kernels_are_registered(), reason="this build of TensorFlow registers no GPU kernels")


@pytest.fixture(scope="module", params=["whole picture", "masked"])
def traced(request):
    if request.param == "masked":
        return tf.function(lambda gray, mask: canny.canny(gray, mask=mask)).get_concrete_function(PLANES, PLANES)
    return tf.function(lambda gray: canny.canny(gray)).get_concrete_function(PLANES)


def test_each_operation_has_a_gpu_kernel(traced):
    assert device_kernels.without_gpu_kernel(traced) == []


def test_operations_inside_the_hysteresis_loop_are_listed(traced):
    types = {node.op for node in device_kernels.operations(traced)}
    assert {"Roll", "BitwiseAnd", "DepthwiseConv2dNative"} <= types


def test_no_operation_calls_python(traced):
    types = {node.op for node in device_kernels.operations(traced)}
    assert types.isdisjoint(device_kernels.HOST_ONLY_TYPES)


def test_an_operation_without_gpu_kernel_is_named():
    def called_in_a_loop(values):
        return tf.while_loop(
            lambda index, _: index < 3,
            lambda index, total: (index + 1, total + tf.strings.to_number(tf.strings.as_string(values))),
            (0, values),
        )[1]

    traced = tf.function(called_in_a_loop).get_concrete_function(tf.TensorSpec([8], tf.float32))
    assert "AsString(T=float32)" in device_kernels.without_gpu_kernel(traced)
