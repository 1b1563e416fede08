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
