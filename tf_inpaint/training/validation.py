"""How good the averaged weights are, on pictures kept back from training, and how that looks."""

import contextlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_inpaint.ops import image as image_ops

MAX_HELD_OUT = 500
_GRID_ROWS = 8
_GAP = 2


def num_held_out(num_pictures: int) -> int:
    """Returns how many pictures, the last by name, are kept back from training: a tenth, `MAX_HELD_OUT` at most.

    Args:
        num_pictures: number of pictures there are.
    """
    return min(MAX_HELD_OUT, num_pictures // 10)


class Validation:
    """Measures a system's averaged weights on a fixed set of pictures and masks.

    Args:
        system: a compiled `InpaintingSystem`.
        dataset: one finite pass of `{"image", "mask"}` batches, the same at each iteration.

    Attributes:
        dataset: as given.
    """

    def __init__(self, system, dataset: tf.data.Dataset):
        self._system = system
        self.dataset = dataset
        image = tf.TensorSpec([None, *dataset.element_spec["image"].shape[1:]], tf.float32)
        mask = tf.TensorSpec([*image.shape[:3], 1], tf.float32)

        @tf.autograph.experimental.do_not_convert
        def run(image, mask):
            batch = {"image": image, "mask": mask}
            outputs = system(batch, training=False)
            return outputs, system.validation_metrics(batch, outputs)

        # One trace, whatever the size of the last batch; and now, so that a fault shows before hours of training.
        self._run = tf.function(run, [image, mask])
        self._run.get_concrete_function()

    def measure(self, should_stop: Callable[[], bool] = lambda: False) -> dict[str, float] | None:
        """Measures what the system's `validation_metrics` say, which is of the stage that it was compiled for.

        Args:
            should_stop: asked between batches.

        Returns:
            name -> mean over the pictures, in the order of `validation_metrics`, or `None` if stopped.
        """
        values = {}
        with _averages_in(self._system):
            for batch in self.dataset:
                if should_stop():
                    return None
                _, measured = self._run(batch["image"], batch["mask"])
                for name, value in measured.items():
                    values.setdefault(name, []).append(value.numpy())
        return {name: float(np.mean(np.concatenate(parts))) for name, parts in values.items()}

    def sample_grid(self) -> np.ndarray:
        """Paints the first pictures, one a row, in the columns that the system chooses (`sample_columns`).

        Returns:
            uint8 `[H, W, 3]`.
        """
        batch = {name: value[:_GRID_ROWS] for name, value in next(iter(self.dataset)).items()}
        with _averages_in(self._system):
            outputs, _ = self._run(batch["image"], batch["mask"])
            columns = self._system.sample_columns(batch, outputs)
        columns = [_as_rgb(column) for column in columns]
        framed = [np.pad(column, [(0, 0), (0, _GAP), (0, _GAP), (0, 0)]) for column in columns]
        rows = np.concatenate(framed, axis=2)
        return np.concatenate(list(rows), axis=0)[:-_GAP, :-_GAP]


def _averages_in(system):
    return system.average.swapped_in() if system.average is not None else contextlib.nullcontext()


def _as_rgb(values: tf.Tensor) -> np.ndarray:
    return image_ops.to_uint8(tf.repeat(values, 3 // values.shape[-1], axis=-1)).numpy()
