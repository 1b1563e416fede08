"""Narrow networks for metrics, as the dictionaries of arrays that their files hold; random weights."""

import numpy as np


def squeezenet_arrays(seed=0):
    rng = np.random.RandomState(seed)
    arrays = {}

    def add(name, size, inputs, outputs):
        arrays[f"{name}/kernel"] = rng.normal(0, (2 / (size * size * inputs)) ** 0.5, (size, size, inputs, outputs)).astype(np.float32)
        arrays[f"{name}/bias"] = rng.normal(0, 0.1, outputs).astype(np.float32)

    add("conv1", 3, 3, 6)
    channels = 6
    for fire in range(2, 10):
        add(f"fire{fire}/squeeze1x1", 1, channels, 4)
        add(f"fire{fire}/expand1x1", 1, 4, 5)
        add(f"fire{fire}/expand3x3", 3, 4, 5)
        channels = 10
    return arrays


def mobilefacenet_arrays(seed=0):
    """Two blocks, of which the first halves the map and the second adds its input: the last map has 28 x 24 places."""
    rng = np.random.RandomState(seed)
    arrays = {}

    def add(name, filters, channels, size, *, norm, slopes=None):
        kernel = rng.normal(0, (2 / (size[0] * size[1] * channels)) ** 0.5, (filters, channels, *size))
        arrays[f"{name}.weight"] = kernel.astype(np.float32)
        for kind, low, high in (("weight", 0.5, 1.5), ("bias", -0.2, 0.2), ("running_mean", -0.2, 0.2), ("running_var", 0.5, 1.5)):
            arrays[f"{norm}.{kind}"] = rng.uniform(low, high, filters).astype(np.float32)
        if slopes:
            arrays[f"{slopes}.weight"] = rng.uniform(0.1, 0.4, filters).astype(np.float32)

    add("conv1.conv", 4, 3, (3, 3), norm="conv1.bn", slopes="conv1.prelu")
    add("dw_conv1.conv", 4, 1, (3, 3), norm="dw_conv1.bn", slopes="dw_conv1.prelu")
    for block in ("blocks.0.conv", "blocks.1.conv"):
        add(f"{block}.0", 6, 4, (1, 1), norm=f"{block}.1", slopes=f"{block}.2")
        add(f"{block}.3", 6, 1, (3, 3), norm=f"{block}.4", slopes=f"{block}.5")
        add(f"{block}.6", 4, 6, (1, 1), norm=f"{block}.7")
    add("conv2.conv", 5, 4, (1, 1), norm="conv2.bn", slopes="conv2.prelu")
    add("linear7.conv", 5, 1, (28, 24), norm="linear7.bn")
    add("linear1.conv", 3, 5, (1, 1), norm="linear1.bn")
    return arrays


def lpips_arrays(seed=0, widths=(4, 5, 6, 5, 4)):
    """AlexNet under torchvision's names, and the heads."""
    rng = np.random.RandomState(seed)
    arrays, channels = {}, 3
    for index, (number, size, width) in enumerate(zip((0, 3, 6, 8, 10), (11, 5, 3, 3, 3), widths)):
        kernel = rng.normal(0, (2 / (size * size * channels)) ** 0.5, (width, channels, size, size))
        arrays[f"features.{number}.weight"] = kernel.astype(np.float32)
        arrays[f"features.{number}.bias"] = rng.normal(0, 0.1, width).astype(np.float32)
        arrays[f"lin{index}.model.1.weight"] = rng.uniform(0, 1, (1, width, 1, 1)).astype(np.float32)
        channels = width
    return arrays
