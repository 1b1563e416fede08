"""What is measured on finished weights and stored beside them: the thresholds by which a system judges its results."""

import os
from pathlib import Path

import keras
import tensorflow as tf

from tf_inpaint import data, weights
from tf_inpaint.errors import ConfigError
from tf_inpaint.systems.loading import load
from tf_inpaint.systems.verification_thresholds import VerificationThresholds


def calibrate(
    name_or_path: str | os.PathLike,
    *,
    source: str,
    masks: str = "free_form",
    percentile: float = 5.0,
    limit: int | None = None,
    image_size: int | None = None,
    batch_size: int = 8,
    seed: int = 0,
) -> tuple[Path, VerificationThresholds]:
    """Measures the thresholds of stored weights on real pictures, and stores them beside the weights.

    Two calls with the same arguments store the same numbers. The arrays of the weights stay as they are.

    Args:
        name_or_path: see `weights.find`.
        source: pictures that training has not seen, see `data.dataset`.
        masks: text for `masks.parse`: masks as those of the pictures to judge.
        percentile: 0 to 100: so many percent of true pictures would be rejected.
        limit: the last so many pictures by name: those that a training on the same source keeps back; `None` for all.
        image_size: size of the pictures in pixels, `None` for the weights' own.
        batch_size: pictures at once; has no influence on the result but for rounding.
        seed: chooses the masks.

    Returns:
        The folder of the weights, and the thresholds.

    Raises:
        ConfigError: if the system has no verification, or an argument is out of its range.
        DataError: if the pictures are missing or mostly broken.
        WeightsError: if there are no such weights.
        OSError: if the weights' description cannot be written.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"`limit` must be at least 1, or None for all pictures. Received: limit={limit}.")
    folder = weights.find(name_or_path)
    system = _load(folder)
    batches = data.dataset(
        source,
        image_size=system.config.image_size if image_size is None else image_size,
        batch_size=batch_size,
        masks=masks,
        seed=seed,
        shuffle=False,
        flip=False,
        crop="center",
        select=None if limit is None else slice(-limit, None),
    )
    return folder, _calibrate(system, folder, batches, percentile)


def calibrate_on(folder: str | os.PathLike, batches: tf.data.Dataset, *, percentile: float = 5.0) -> VerificationThresholds:
    """Measures the thresholds of the weights in a folder, and stores them there.

    Args:
        folder: a weights folder.
        batches: one finite pass of `{"image", "mask"}` batches, see `Verification.calibrate`.
        percentile: see `calibrate`.

    Returns:
        The thresholds.

    Raises:
        ConfigError: as `calibrate`.
        WeightsError: as `calibrate`.
        OSError: as `calibrate`.
    """
    return _calibrate(_load(folder), folder, batches, percentile)


def _load(folder):
    policy = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy("float32")  # as the weights will be used, however they were trained
    try:
        system = load(folder)
    finally:
        keras.mixed_precision.set_global_policy(policy)
    if system.verification is None:
        raise ConfigError(f"{system.KEY} cannot verify its results: it has no scores for them, and so no thresholds to measure.")
    return system


def _calibrate(system, folder, batches, percentile):
    system.verification.calibrate(batches, percentile=percentile)
    weights.store_extras(folder, system.extras)
    return system.verification.thresholds
