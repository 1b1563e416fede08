"""The one place where the two stacks differ: tensorflow-addons and Keras 2.15, or core TensorFlow and Keras 3.

tensorflow-addons serves where it is good and where it exists: on Python 3.10 and 3.11 beside TensorFlow 2.15. It cannot be
imported beside a later TensorFlow, and has no wheels for Linux on ARM and for Windows. Whoever needs an image transform or a
progress bar asks here and gets the same on every stack. No other module imports tensorflow-addons (a test sees to it).
"""

import functools
import importlib.util
import math
import types
import warnings
from collections.abc import Iterable

import keras
import tensorflow as tf
import tqdm

KERAS_3 = int(keras.__version__.split(".")[0]) >= 3
"""Whether this is Keras 3 (the current stack) and not Keras 2.15 (the card's stack)."""

HAS_ADDONS = not KERAS_3 and importlib.util.find_spec("tensorflow_addons") is not None
"""Whether tensorflow-addons can be used. It is imported at the first use only."""

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"tf_inpaint needs Keras on TensorFlow. Received: the Keras backend {keras.backend.backend()!r}. Unset KERAS_BACKEND, "
        "or set it to 'tensorflow' before keras is imported."
    )


def keep_float32() -> dict:
    """Returns the arguments of `Layer.add_weight` that keep a weight float32 inside `call` under a mixed precision policy."""
    return {"autocast": False} if KERAS_3 else {"experimental_autocast": False}


def only_first_replica() -> dict:
    """Returns the arguments of `Layer.add_weight` for a weight that the replicas of a strategy assign alike in `call`."""
    if KERAS_3:
        return {"aggregation": "only_first_replica"}
    return {"aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA}


def scale_loss(optimizer: keras.optimizers.Optimizer, loss: tf.Tensor) -> tf.Tensor:
    """Multiplies a loss by the scale of a `LossScaleOptimizer`; any other optimizer leaves it as it is.

    Args:
        optimizer: the optimizer that will apply the gradients, through `apply_scaled_gradients`.
        loss: scalar.

    Returns:
        Scalar of the same dtype. Call it inside the gradient tape.
    """
    if hasattr(optimizer, "get_scaled_loss"):
        return optimizer.get_scaled_loss(loss)
    return optimizer.scale_loss(loss) if hasattr(optimizer, "scale_loss") else loss


def unscale_gradients(optimizer: keras.optimizers.Optimizer, gradients: list) -> list:
    """Takes the factor of `scale_loss` out of gradients, where the optimizer does not do so itself in `apply_gradients`.

    Args:
        optimizer: the optimizer that scaled the loss.
        gradients: gradients of the scaled loss, tensors or `None`.

    Returns:
        Gradients for `optimizer.apply_gradients`.
    """
    if hasattr(optimizer, "get_unscaled_gradients"):
        return optimizer.get_unscaled_gradients(gradients)
    return gradients


def transform_images(images: tf.Tensor, transforms: tf.Tensor, *, fill_value: float = 0.0, interpolation: str = "nearest") -> tf.Tensor:
    """Moves the pixels of pictures or masks by projective transforms; what comes from outside is `fill_value`.

    Args:
        images: `[B, H, W, C]`; float32, float64, float16, uint8, int32 or int64.
        transforms: `[B, 8]` float32, or `[1, 8]` for all pictures alike: a0, a1, a2, b0, b1, b2, c0, c1. The pixel (x, y) of the
            result comes from ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k) with k = c0 x + c1 y + 1.
        fill_value: value of result pixels that come from outside the picture.
        interpolation: `"nearest"` (keeps a mask in {0, 1}) or `"bilinear"`.

    Returns:
        Same shape and dtype as `images`.

    Raises:
        ValueError: if `interpolation` is neither of the two.
    """
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"`interpolation` must be 'nearest' or 'bilinear'. Received: interpolation={interpolation!r}.")
    if HAS_ADDONS:
        return _tensorflow_addons().image.transform(
            images, transforms, interpolation=interpolation, fill_mode="constant", fill_value=fill_value
        )
    return _transform_images_core(images, transforms, fill_value=fill_value, interpolation=interpolation)


def _transform_images_core(images: tf.Tensor, transforms: tf.Tensor, *, fill_value: float, interpolation: str) -> tf.Tensor:
    """`transform_images` from core TensorFlow alone: the operation that tensorflow-addons calls as well."""
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.cast(transforms, tf.float32),
        output_shape=tf.shape(images)[1:3],
        fill_value=tf.cast(fill_value, tf.float32),
        interpolation=interpolation.upper(),
        fill_mode="CONSTANT",
    )


def progress_bar_callback() -> keras.callbacks.Callback:
    """Makes a tqdm progress bar for `fit` and `evaluate`; pass `verbose=0` beside it.

    Returns:
        A Keras callback that shows epochs, steps, time left and the loss terms: tensorflow-addons' `TQDMProgressBar` where it
        exists, otherwise the small one of this module. Both accept datasets of unknown length.
    """
    return _addons_progress_bar_class()() if HAS_ADDONS else TqdmProgressBar()


def progress(
    iterable: Iterable | None = None,
    *,
    total: int | None = None,
    initial: int = 0,
    description: str | None = None,
    unit: str = "it",
    show: bool | None = None,
) -> tqdm.tqdm:
    """Makes a tqdm progress bar for the library's own loops.

    Args:
        iterable: what to iterate over; `None` for a bar moved by hand with `.update(n)` inside a `with` block.
        total: number of rounds, where `iterable` does not tell its length.
        initial: rounds done before (a resumed run); they do not count into the speed.
        description: text before the bar.
        unit: name of one round, "step" or "image" for instance.
        show: `True` always, `False` never, `None` only where standard error is a terminal, so that log files stay readable.

    Returns:
        The bar, which yields the elements of `iterable`. It writes to standard error;
        `.set_postfix(...)` shows numbers behind it.
    """
    disable = None if show is None else not show
    return tqdm.tqdm(iterable, total=total, initial=initial, desc=description, unit=unit, disable=disable, dynamic_ncols=True)


class TqdmProgressBar(keras.callbacks.Callback):
    """A tqdm bar per epoch of `fit` and per `evaluate`, with the current loss terms behind it."""

    def __init__(self):
        super().__init__()
        self._bar = None
        self._training = False

    def on_train_begin(self, logs=None):
        self._training = True

    def on_train_end(self, logs=None):
        self._training = False

    def on_epoch_begin(self, epoch, logs=None):
        self._open(f"Epoch {epoch + 1}/{self.params.get('epochs', '?')}")

    def on_train_batch_end(self, batch, logs=None):
        self._move(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._close(logs)

    def on_test_begin(self, logs=None):
        if not self._training:  # the validation inside `fit` belongs to the epoch's bar
            self._open("Evaluating")

    def on_test_batch_end(self, batch, logs=None):
        if not self._training:
            self._move(logs)

    def on_test_end(self, logs=None):
        if not self._training:
            self._close(logs)

    def _open(self, description: str) -> None:
        self._bar = progress(total=self.params.get("steps"), description=description, unit="step", show=True)

    def _move(self, logs: dict | None) -> None:
        if self._bar.update(1):  # drawn: a few times a second, not at each step
            self._bar.set_postfix_str(_format_logs(logs))

    def _close(self, logs: dict | None) -> None:
        self._bar.set_postfix_str(_format_logs(logs))
        self._bar.close()


def _format_logs(logs: dict | None) -> str:
    return " - ".join(f"{name}: {float(value):.4f}" for name, value in (logs or {}).items())


@functools.cache
def _tensorflow_addons() -> types.ModuleType:
    """Imports tensorflow-addons without its end-of-life notice: we know, and the current stack is the answer to it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow_addons
    return tensorflow_addons


@functools.cache
def _addons_progress_bar_class() -> type:
    """tensorflow-addons' bar, made to work when the number of steps is unknown (the first epoch of many a tf.data pipeline).

    The original compares and subtracts `total_steps`, which is `None` then, and ends in a TypeError.
    """

    class ProgressBar(_tensorflow_addons().callbacks.TQDMProgressBar):
        """The bar, which takes an unknown number of steps for an endless one until the first epoch has ended."""

        def _initialize_progbar(self, hook, epoch, logs=None):
            super()._initialize_progbar(hook, epoch, logs)
            if self.total_steps is None:
                self.total_steps = math.inf

        def _clean_up_progbar(self, hook, logs):
            if hook != "train_overall" and self.total_steps == math.inf:
                self.total_steps = self.steps_so_far
            super()._clean_up_progbar(hook, logs)

    return ProgressBar
