"""What is evaluated: systems and baselines as functions of batches of 8-bit pictures."""

import abc
import hashlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_inpaint import metrics, ops
from tf_inpaint.errors import NonFiniteError
from tf_inpaint.systems import InpaintingSystem

# In the order in which `metrics.edge_scores` returns them; `report.EDGE_METRICS` defines them.
_EDGE_METRICS = ("edge_f1", "edge_precision", "edge_recall")


class Method(abc.ABC):
    """A way to fill holes.

    Called with pictures, uint8 `[B, H, W, 3]`, and masks, uint8 `[B, H, W]` with 255 in the hole, it returns the composites, uint8
    `[B, H, W, 3]`.

    Attributes:
        needs_warming: whether the first call does more than the later ones, such as tracing a graph.
    """

    needs_warming = False

    def __call__(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        return self.run(images, masks)["composite"]

    @abc.abstractmethod
    def run(self, images: np.ndarray, masks: np.ndarray) -> dict:
        """Fills holes.

        Args:
            images: see the class.
            masks: see the class.

        Returns:
            "composite", uint8 `[B, H, W, 3]`, and what `edge_scores` needs.
        """

    @abc.abstractmethod
    def describe(self) -> dict:
        """Returns what stands in the report: "kind", "parameters" (trained numbers that inpainting needs), and what tells one
        method from another of the same name."""

    def edge_scores(self, images: np.ndarray, masks: np.ndarray, outputs: dict) -> dict[str, np.ndarray]:
        """Measures the edges that were completed in the hole.

        Args:
            images: see the class.
            masks: see the class.
            outputs: what `run` made of them.

        Returns:
            The numbers of `report.EDGE_METRICS`, each `[B]` float32; empty for a method without edges.
        """
        return {}


class BaselineMethod(Method):
    """A function of one picture as a function of a batch.

    Args:
        function: one of `BASELINES`.
    """

    def __init__(self, function: Callable[[np.ndarray, np.ndarray], np.ndarray]):
        self._function = function

    def run(self, images: np.ndarray, masks: np.ndarray) -> dict:
        """See `Method.run`.

        Args:
            images: see `Method`.
            masks: see `Method`.

        Returns:
            "composite".
        """
        return {"composite": np.stack([self._function(image, mask) for image, mask in zip(images, masks, strict=True)])}

    def describe(self) -> dict:
        """Returns the kind, and that there are no parameters."""
        return {"kind": "baseline", "parameters": 0}


class SystemMethod(Method):
    """A system as a function of a batch of 8-bit pictures; one trace for all sizes and batches.

    Args:
        name: in messages.
        system: with the weights to evaluate.
    """

    needs_warming = True

    def __init__(self, name: str, system: InpaintingSystem):
        self._name = name
        self._system = system
        # Traced without AutoGraph: nothing here branches on a tensor.
        inputs = [tf.TensorSpec([None, None, None, 3], tf.uint8), tf.TensorSpec([None, None, None], tf.uint8)]
        self._inpaint = tf.function(self._outputs, input_signature=inputs, autograph=False)
        maps = [*inputs, tf.TensorSpec([None, None, None, 1], tf.float32)]
        self._measure_edges = tf.function(self._edge_scores, input_signature=maps, autograph=False)

    def run(self, images: np.ndarray, masks: np.ndarray) -> dict:
        """See `Method.run`.

        Args:
            images: see `Method`.
            masks: see `Method`.

        Returns:
            "composite" and, of systems that complete edges, "edge_map".

        Raises:
            NonFiniteError: if a value is not finite.
        """
        outputs = self._inpaint(images, masks)
        if not outputs["is_finite"]:
            raise NonFiniteError(f"{self._name} gave values that are not finite; the weights are unusable. No report was made.")
        return {**outputs, "composite": outputs["composite"].numpy()}

    def describe(self) -> dict:
        """Returns kind and key of the system, its settings, the number of its parameters and the SHA-256 of its weights."""
        digest = hashlib.sha256()
        for weight in self._system.generator_weights:
            digest.update(np.ascontiguousarray(weight.numpy()).tobytes())
        return {
            "kind": "system",
            "system": self._system.KEY,
            "config": self._system.config.to_dict(),
            "parameters": self._system.num_parameters,
            "weights_sha256": digest.hexdigest(),
        }

    def edge_scores(self, images: np.ndarray, masks: np.ndarray, outputs: dict) -> dict[str, np.ndarray]:
        """See `Method.edge_scores`; the true edges are those that the system's own detector finds in the whole picture.

        Args:
            images: see `Method`.
            masks: see `Method`.
            outputs: what `run` made of them.

        Returns:
            The numbers of `report.EDGE_METRICS`, each `[B]` float32; empty for a system without edges.
        """
        if "edge_map" not in outputs:
            return {}
        return {name: values.numpy() for name, values in self._measure_edges(images, masks, outputs["edge_map"]).items()}

    def _outputs(self, images, masks):
        outputs = self._system.inpaint_outputs(ops.image.from_uint8(images), ops.image.binary_mask(masks)[..., tf.newaxis])
        composite = outputs["composite"]
        kept = {"edge_map": outputs["edge_map"]} if "edge_map" in outputs else {}
        return {"composite": ops.image.to_uint8(composite), "is_finite": tf.reduce_all(tf.math.is_finite(composite)), **kept}

    def _edge_scores(self, images, masks, edge_map):
        if getattr(self._system.config, "edge_range", "unit") == "signed":  # three_stage draws edges as -1 and 1
            edge_map = ops.image.to_unit(edge_map)
        true_edges = self._system.find_edges(ops.image.from_uint8(images))
        scores = metrics.edge_scores(true_edges, edge_map, ops.image.binary_mask(masks)[..., tf.newaxis])
        return dict(zip(_EDGE_METRICS, scores, strict=True))
