"""Runs systems and baselines over a protocol and measures their composites."""

import math
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence

import cv2
import keras
import numpy as np
import skimage
import tensorflow as tf

from tf_inpaint import __version__, compat, metrics, pictures
from tf_inpaint.data.sources import Source
from tf_inpaint.errors import ConfigError
from tf_inpaint.evaluation import baselines as baseline_methods
from tf_inpaint.evaluation import memory
from tf_inpaint.evaluation import report as reports
from tf_inpaint.evaluation.features import NetworkMetrics
from tf_inpaint.evaluation.measurements import Measurements
from tf_inpaint.evaluation.methods import BaselineMethod, Method, SystemMethod
from tf_inpaint.evaluation.presentation import samples
from tf_inpaint.evaluation.protocol import BINS, Protocol, make_protocol
from tf_inpaint.masks import MaskGenerator
from tf_inpaint.systems import InpaintingSystem

_TIME = "seconds_per_image"


def evaluate(
    systems: Mapping[str, InpaintingSystem],
    *,
    baselines: Sequence[str] = (),
    data: str | Source,
    masks: str | MaskGenerator,
    limit: int | None = None,
    image_size: int | None = None,
    bins: Sequence[tuple[float, float]] = BINS,
    by_border: bool = False,
    seed: int = 0,
    batch_size: int = 1,
    ssim_window: int | None = None,
    lpips: str | os.PathLike | None = None,
    identity: str | os.PathLike | None = None,
    features: Sequence[str] = (),
    allow_small_fid: bool = False,
    max_pixels: int = pictures.MAX_PIXELS,
    show_progress: bool | None = None,
    report_folder: str | os.PathLike | None = None,
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
        bins: see `make_protocol`; those of papers are in `BIN_SETS`.
        by_border: whether there are further rows for the holes that touch the border of the picture and for those that do not.
        seed: see `make_protocol`.
        batch_size: pictures that go through a system at once, as far as they have the same size and follow each other.
        ssim_window: `None`, or the side of a uniform window with which SSIM is taken besides (51: the scripts of EdgeConnect, PEN-Net).
        lpips: path of the network for LPIPS, see `features.NetworkMetrics`; `None` leaves LPIPS out.
        identity: path of the network for the likeness of faces, see `features.NetworkMetrics`; `None` leaves it out.
        features: networks for FID and KID, see `features.NetworkMetrics`; without any both are left out.
        allow_small_fid: whether FID is taken of fewer than `features.MIN_FID_IMAGES` pictures too.
        max_pixels: see `make_protocol`.
        show_progress: whether to show a bar; `None`: where standard error is a terminal.
        report_folder: where the report will lie: the pictures that its page shows, see `presentation.samples`, are written there, and
            while the evaluation is unfinished what was measured so far: called again with the same arguments, it goes on from there.
            `None` writes nothing.

    Returns:
        The report, JSON values: "version"; "protocol" with its "items"; "metrics", the definition of each number; "methods", what each
        is; "rows", see `report.make_rows`; "per_image", method -> number -> one value per item (`None` where it is undefined);
        "environment"; "resources", see `report.read_resources`. "seconds_per_image" in the rows and in "per_image" are the only times;
        they and the resources are all that differs between two runs.

    Raises:
        ConfigError: if an argument is out of its range or unknown, or a system is called like a baseline.
        DataError: see `make_protocol`.
        MaskError: see `make_protocol`.
        WeightsError: if the weights of a network for LPIPS, faces, FID or KID are missing or of another network.
        NonFiniteError: if a system gives values that are not finite.
    """
    if batch_size < 1:
        raise ConfigError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}.")
    if ssim_window is not None and (ssim_window < 3 or ssim_window % 2 == 0):
        raise ConfigError(f"`ssim_window` must be odd and at least 3. Received: ssim_window={ssim_window}.")
    baseline_methods.check_baselines(baselines)
    if not systems and not baselines:
        raise ConfigError("There is nothing to evaluate. Name weights, baselines, or both.")
    taken = sorted(set(systems) & set(baseline_methods.BASELINES))
    if taken:
        raise ConfigError(f"A system cannot have the name of a baseline. Received: {', '.join(taken)}.")
    networks = NetworkMetrics(lpips=lpips, features=features, allow_small_fid=allow_small_fid, seed=seed, identity=identity)
    protocol = make_protocol(data, masks, limit=limit, image_size=image_size, bins=bins, seed=seed, max_pixels=max_pixels)
    networks.check_number(protocol)
    methods: dict[str, Method] = {name: SystemMethod(name, system) for name, system in systems.items()}
    methods |= {name: BaselineMethod(baseline_methods.BASELINES[name]) for name in baselines}
    definitions = {
        **reports.METRICS,
        **({} if ssim_window is None else reports.window_metrics(ssim_window)),
        **networks.definitions,
    }
    report = {
        "version": reports.VERSION,
        "protocol": protocol.to_dict(),
        "metrics": definitions,
        "methods": {name: method.describe() for name, method in methods.items()},
        "environment": _environment(batch_size),
    }
    names = {
        method: (*(name for name in definitions if name not in networks.set_definitions), *reports.EDGE_METRICS, _TIME)
        for method in methods
    }
    measured = Measurements(len(protocol.items), names, settings=report, folder=report_folder)
    if measured.discarded:
        warnings.warn(
            f"{report_folder} holds an unfinished evaluation of other settings, which cannot be gone on with. It begins anew.",
            stacklevel=2,
        )
    peaks = _measure(protocol, methods, networks, measured, batch_size, ssim_window, show_progress)
    values = measured.numbers
    if any(np.isfinite(numbers[name]).any() for numbers in values.values() for name in reports.EDGE_METRICS):
        report["metrics"] = {**definitions, **reports.EDGE_METRICS}
    else:  # no method completes edges
        values = {
            method: {name: series for name, series in numbers.items() if name not in reports.EDGE_METRICS}
            for method, numbers in values.items()
        }
    constants = {name: {"parameters": described["parameters"]} for name, described in report["methods"].items()}
    over_sets = networks.sets(protocol, measured.features)
    report |= {
        "rows": reports.make_rows(protocol, values, constants=constants, over_sets=over_sets, by_border=by_border),
        "per_image": {
            method: {name: [float(v) if math.isfinite(v) else None for v in series] for name, series in numbers.items()}
            for method, numbers in values.items()
        },
        "resources": {"peak_memory": memory.DEFINITION, "peak_memory_bytes": peaks},
    }
    if report_folder is not None:
        samples.keep(report, report_folder, load=protocol.load, methods=methods)
    return report


def _measure(
    protocol: Protocol,
    methods: Mapping[str, Method],
    networks: NetworkMetrics,
    measured: Measurements,
    batch_size: int,
    ssim_window: int | None,
    show_progress: bool | None,
) -> dict[str, int | None]:
    """Fills `measured`; returns the peak of memory for each method."""
    picture = tf.TensorSpec([None, None, 3], tf.uint8)
    inputs = [picture, picture, tf.TensorSpec([None, None], tf.uint8)]
    # Nothing in it branches in Python on a tensor: without AutoGraph's rewriting it is traced in a fraction of the time.
    measure = tf.function(_measure_one(ssim_window), input_signature=inputs, autograph=False)
    peaks = {}
    total = len(protocol.items) * len(methods)
    bar = compat.progress(total=total, initial=sum(measured.done.values()), description="evaluating", unit="picture", show=show_progress)
    try:
        with bar:
            # One method after the other: so each has its own peak of memory.
            for name, method in methods.items():
                bar.set_postfix_str(name)
                peak = memory.PeakMemory()
                is_warm = not method.needs_warming
                for indices in _batches(protocol, batch_size, first=measured.done[name]):
                    images, masks = _stack(protocol, indices)
                    with peak:
                        if not is_warm:  # the first call traces the graph: not counted
                            method.run(images, masks)
                            is_warm = True
                        start = time.perf_counter()
                        outputs = method.run(images, masks)
                        seconds = (time.perf_counter() - start) / len(images)
                    edges = method.edge_scores(images, masks, outputs)
                    # One by one: a number of a picture must not depend on its neighbours, be it in the last bit.
                    for place, index in enumerate(indices):
                        image, composite = images[place], outputs["composite"][place]
                        numbers = {key: float(value) for key, value in measure(image, composite, masks[place]).items()}
                        numbers |= networks.of_picture(image, composite)
                        numbers |= {key: float(values[place]) for key, values in edges.items()}
                        measured.add(name, index, {**numbers, _TIME: seconds}, networks.features_of(composite))
                    measured.save(now=False)
                    bar.update(len(images))
                peaks[name] = peak.bytes
    finally:
        measured.save(now=True)
    return peaks


def _batches(protocol: Protocol, batch_size: int, *, first: int) -> Iterator[list[int]]:
    """Positions of the items from the first on, in order, as many together as follow each other with the same size."""
    indices = []
    for index, item in enumerate(protocol.items[first:], start=first):
        before = protocol.items[indices[0]] if indices else item
        if len(indices) == batch_size or (item.height, item.width) != (before.height, before.width):
            yield indices
            indices = []
        indices.append(index)
    if indices:
        yield indices


def _stack(protocol: Protocol, indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    images, masks = zip(*(protocol.load(index) for index in indices), strict=True)
    return np.stack(images), np.stack(masks)


def _measure_one(ssim_window: int | None) -> Callable:
    """Function of a picture, its composite (uint8 `[H, W, 3]`) and its mask (uint8 `[H, W]`): name in the report -> scalar."""

    def measure(image, composite, mask):
        image, composite, hole = image[tf.newaxis], composite[tf.newaxis], mask[tf.newaxis, ..., tf.newaxis]
        measured = {
            "psnr": metrics.psnr(image, composite),
            "ssim": metrics.ssim(image, composite),
            "l1": metrics.l1(image, composite),
            "psnr_hole": metrics.psnr(image, composite, mask=hole),
            "ssim_hole": metrics.ssim(image, composite, mask=hole),
            "l1_hole": metrics.l1(image, composite, mask=hole),
            "mae": metrics.mae(image, composite, gray=True),
        }
        if ssim_window is not None:
            window = {"uniform_window": ssim_window}
            measured[f"ssim_{ssim_window}"] = metrics.ssim(image, composite, **window)
            measured[f"ssim_{ssim_window}_hole"] = metrics.ssim(image, composite, mask=hole, **window)
            measured[f"ssim_{ssim_window}_gray"] = metrics.ssim(image, composite, gray=True, **window)
        return {name: value[0] for name, value in measured.items()}

    return measure


def _environment(batch_size: int) -> dict:
    """What may move the last digits, and the times."""
    return {
        "tf_inpaint": __version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "scikit-image": skimage.__version__,
        "devices": [device.device_type for device in tf.config.list_physical_devices()],
        "batch_size": batch_size,
    }
