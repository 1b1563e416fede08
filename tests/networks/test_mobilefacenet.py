"""MobileFaceNet beside its definition in NumPy, its crop, and files that do not fit."""

import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from tests.networks.feature_arrays import mobilefacenet_arrays
from tf_inpaint.errors import WeightsError
from tf_inpaint.networks import mobilefacenet


def convolve(x, kernel, *, stride=1, padding=0):
    """`[H, W, C]` float64, kernel OIHW; with one input channel each channel alone."""
    x = np.pad(x, [(padding, padding), (padding, padding), (0, 0)])
    outputs = []
    for index, filters in enumerate(kernel):
        channels = [index] if kernel.shape[1] == 1 else range(kernel.shape[1])
        outputs.append(sum(scipy.signal.correlate(x[..., c], filters[i], mode="valid") for i, c in enumerate(channels)))
    return np.stack(outputs, axis=-1)[::stride, ::stride]


def test_the_embedding_is_that_of_its_definition():
    arrays = {name: array.astype(float) for name, array in mobilefacenet_arrays().items()}
    face = np.random.RandomState(1).uniform(-1, 1, (1, 112, 96, 3)).astype(np.float32)

    def step(x, name, norm, slopes=None, **arguments):
        x = convolve(x, arrays[f"{name}.weight"], **arguments)
        scale, shift, mean, variance = (arrays[f"{norm}.{kind}"] for kind in ("weight", "bias", "running_mean", "running_var"))
        x = (x - mean) / np.sqrt(variance + 1e-5) * scale + shift
        return x if slopes is None else np.where(x > 0, x, arrays[f"{slopes}.weight"] * x)

    x = step(face[0] * (127.5 / 128), "conv1.conv", "conv1.bn", "conv1.prelu", stride=2, padding=1)
    x = step(x, "dw_conv1.conv", "dw_conv1.bn", "dw_conv1.prelu", padding=1)
    for block, stride in (("blocks.0.conv", 2), ("blocks.1.conv", 1)):
        y = step(x, f"{block}.0", f"{block}.1", f"{block}.2")
        y = step(y, f"{block}.3", f"{block}.4", f"{block}.5", stride=stride, padding=1)
        y = step(y, f"{block}.6", f"{block}.7")
        x = x + y if stride == 1 else y
    x = step(x, "conv2.conv", "conv2.bn", "conv2.prelu")
    x = step(step(x, "linear7.conv", "linear7.bn"), "linear1.conv", "linear1.bn")
    expected = x.ravel() / np.linalg.norm(x)
    model = mobilefacenet.build_mobilefacenet(mobilefacenet_arrays(), origin="test")
    np.testing.assert_allclose(model(face)[0], expected, atol=1e-4)
    assert not model.trainable_weights


def test_the_face_is_where_it_is_in_celeba():
    """Of 128 pixels rows 33 to 113 and columns 29 to 98, and nothing else."""
    rows, columns = np.meshgrid(np.arange(128.0), np.arange(128.0), indexing="ij")
    picture = np.stack([rows, columns, rows], axis=-1)[None].astype(np.float32)
    face = mobilefacenet.crop_celeba_faces(tf.constant(picture)).numpy()[0]
    assert face.shape == (112, 96, 3)
    np.testing.assert_allclose([face[0, 0, 0], face[-1, -1, 0]], [33.1, 113.6], atol=1.0)
    np.testing.assert_allclose([face[0, 0, 1], face[-1, -1, 1]], [29.5, 98.5], atol=1.0)


@pytest.mark.parametrize("change", ["conv2.conv.weight", "blocks.1.conv.4.running_var", "more"])
def test_arrays_that_are_no_such_network_are_refused(change):
    arrays = mobilefacenet_arrays()
    if change == "more":
        arrays["head.weight"] = np.zeros([2, 2], np.float32)
    else:
        del arrays[change]
    with pytest.raises(WeightsError, match=change if change != "more" else "head"):
        mobilefacenet.build_mobilefacenet(arrays, origin="faces.npz")
