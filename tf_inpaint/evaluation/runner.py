"""Runs systems and baselines over a protocol and measures their composites."""

import math
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import cv2
import keras
import numpy as np
import tensorflow as tf

from tf_inpaint import __version__, compat, metrics, ops, pictures
from tf_inpaint.data.sources import Source
from tf_inpaint.errors import ConfigError, NonFiniteError
from tf_inpaint.evaluation import baselines as baseline_methods
from tf_inpaint.evaluation import report as reports
from tf_inpaint.evaluation.protocol import BINS, Protocol, make_protocol
from tf_inpaint.masks import MaskGenerator
from tf_inpaint.systems import InpaintingSystem


def evaluate(
    systems: Mapping[str, InpaintingSystem],
    *,
    baselines: Sequence[str] = (),
    data: str | Source,
    masks: str | MaskGenerator,
    limit: int | None = None,
    image_size: int | None = None,
    bins: Sequence[tuple[float, float]] = BINS,
    seed: int = 0,
    batch_size: int = 1,
    max_pixels: int = pictures.MAX_PIXELS,
    show_progress: bool | None = None,
) -> dict:
    """Measures systems and baselines on the same pictures and masks.

    Two calls with the same arguments give the same report but for the times. Pictures, masks and metrics do not depend on
    `batch_size` at all; a convolution over a larger batch may sum in another order, which moves the networks' outputs by about
    1e-6, so that now and then one level of one pixel changes.

    Args:
        systems: name in the report -> system. May be empty.
        baselines: names of `BASELINES`.
        data: see `make_protocol`.
        masks: see `make_protocol`.
        limit: see `make_protocol`.
        image_size: see `make_protocol`.
        bins: see `make_protocol`.
        seed: see `make_protocol`.
        batch_size: pictures that go through a system at once, as far as they have the same size and follow each other.
        max_pixels: see `make_protocol`.
        show_progress: whether to show a bar; `None`: where standard error is a terminal.

    Returns:
        The report, JSON values: "version"; "protocol" with its "items"; "metrics", the definition of each number; "rows", see
        `report.make_rows`; "per_image", method -> number -> one value per item (`None` where it is undefined); "environment".
        "seconds_per_image" in the rows and in "per_image" are the only times.

    Raises:
        ConfigError: if an argument is out of its range or unknown, or a system is called like a baseline.
        DataError: see `make_protocol`.
        MaskError: see `make_protocol`.
        NonFiniteError: if a system gives values that are not finite.
    """
    if batch_size < 1:
        raise ConfigError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}.")
    baseline_methods.check_baselines(baselines)
    if not systems and not baselines:
        raise ConfigError("There is nothing to evaluate. Name weights, baselines, or both.")
    taken = sorted(set(systems) & set(baseline_methods.BASELINES))
    if taken:
        raise ConfigError(f"A system cannot have the name of a baseline. Received: {', '.join(taken)}.")
    protocol = make_protocol(
        data, masks, limit=limit, image_size=image_size, bins=bins, seed=seed, max_pixels=max_pixels
    )
    methods: dict[str, Callable] = {name: _SystemMethod(name, system) for name, system in systems.items()}
    methods |= {name: _BaselineMethod(baseline_methods.BASELINES[name]) for name in baselines}
    values = _measure(protocol, methods, batch_size, show_progress)
    return {
        "version": reports.VERSION,
        "protocol": protocol.to_dict(),
        "metrics": reports.METRICS,
        "rows": reports.make_rows(protocol, values),
        "per_image": {
            method: {name: [float(v) if math.isfinite(v) else None for v in series] for name, series in numbers.items()}
            for method, numbers in values.items()
        },
        "environment": _environment(batch_size),
    }


class _SystemMethod:
    """A system as a function of a batch of 8-bit pictures; one trace for all sizes and batches."""

    def __init__(self, name: str, system: InpaintingSystem):
        self._name = name
        self._system = system
        self._graph = tf.function(
            self._inpaint,
            input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8), tf.TensorSpec([None, None, None], tf.uint8)],
        )

    def __call__(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        composites, is_finite = self._graph(images, masks)
        if not is_finite:
            raise NonFiniteError(f"{self._name} gave values that are not finite; the weights are unusable. No report was made.")
        return composites.numpy()

    def _inpaint(self, images, masks):
        composites = self._system.inpaint(ops.image.from_uint8(images), ops.image.binary_mask(masks)[..., tf.newaxis])
        return ops.image.to_uint8(composites), tf.reduce_all(tf.math.is_finite(composites))


class _BaselineMethod:
    """A function of one picture as a function of a batch."""

    def __init__(self, function: Callable):
        self._function = function

    def __call__(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        return np.stack([self._function(image, mask) for image, mask in zip(images, masks, strict=True)])


def _measure(
    protocol: Protocol, methods: Mapping[str, Callable], batch_size: int, show_progress: bool | None
) -> dict[str, dict[str, list[float]]]:
    """Method -> name of a number -> its value for each item, in order."""
    values = {method: {name: [] for name in (*reports.METRICS, "seconds_per_image")} for method in methods}
    warm = set()
    picture = tf.TensorSpec([None, None, 3], tf.uint8)
    measure = tf.function(_measure_one, input_signature=[picture, picture, tf.TensorSpec([None, None], tf.uint8)])
    bar = compat.progress(total=len(protocol.items), description="evaluating", unit="picture", show=show_progress)
    with bar:
        for images, masks in _batches(protocol, batch_size):
            for method, run in methods.items():
                if method not in warm:  # the first call traces the graph: not counted
                    run(images, masks)
                    warm.add(method)
                start = time.perf_counter()
                composites = run(images, masks)
                seconds = (time.perf_counter() - start) / len(images)
                # One by one: a number of a picture must not depend on its neighbours, be it in the last bit.
                for image, composite, mask in zip(images, composites, masks, strict=True):
                    for name, value in measure(image, composite, mask).items():
                        values[method][name].append(float(value))
                    values[method]["seconds_per_image"].append(seconds)
            bar.update(len(images))
    return values


def _batches(protocol: Protocol, batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Items in order, as many together as follow each other with the same size."""
    indices = []
    for index, item in enumerate(protocol.items):
        first = protocol.items[indices[0]] if indices else item
        if len(indices) == batch_size or (item.height, item.width) != (first.height, first.width):
            yield _stack(protocol, indices)
            indices = []
        indices.append(index)
    yield _stack(protocol, indices)


def _stack(protocol: Protocol, indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    images, masks = zip(*(protocol.load(index) for index in indices), strict=True)
    return np.stack(images), np.stack(masks)


def _measure_one(image: tf.Tensor, composite: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
    """The numbers of one picture, `reports.METRICS`; uint8 `[H, W, 3]`, `[H, W, 3]` and `[H, W]`."""
    image, composite, hole = image[tf.newaxis], composite[tf.newaxis], mask[tf.newaxis, ..., tf.newaxis]
    measured = {
        "psnr": metrics.psnr(image, composite),
        "ssim": metrics.ssim(image, composite),
        "l1": metrics.l1(image, composite),
        "psnr_hole": metrics.psnr(image, composite, mask=hole),
        "l1_hole": metrics.l1(image, composite, mask=hole),
    }
    return {name: value[0] for name, value in measured.items()}


def _environment(batch_size: int) -> dict:
    """What may move the last digits, and the times."""
    return {
        "tf_inpaint": __version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "devices": [device.device_type for device in tf.config.list_physical_devices()],
        "batch_size": batch_size,
    }
