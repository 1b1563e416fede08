"""The patent's steps S2, S4 and S5, which no public implementation has: unrealistic edges and pictures are told from good ones.

The critics that trained the generators judge their results: the first one the edge map on the grey picture, the second one the picture.
Both look at patches; those that touch the hole count.
"""

import dataclasses

import tensorflow as tf

from tf_inpaint import ops
from tf_inpaint.errors import ConfigError
from tf_inpaint.systems.edge_connect import networks
from tf_inpaint.systems.verification import Verification

# Of the critics' five 4x4 convolutions with padding 1 and strides 2, 2, 2, 1, 1: score (i, j) sees the pixels of a square of
# `PATCH_SIZE` that begins at (i, j) times `PATCH_STRIDE` minus `PATCH_PADDING`, as far as they lie in the picture.
PATCH_SIZE = 70
PATCH_STRIDE = 8
PATCH_PADDING = 23


@dataclasses.dataclass(frozen=True)
class _Candidate:
    """A way to make a result, as it differs from the plain one.

    Attributes:
        flip: whether the networks see the picture mirrored left to right.
        threshold_factor: on both thresholds of Canny's detector: below 1 it finds more edges around the hole.
        sigma_factor: on its smoothing: below 1 it finds finer edges.
    """

    flip: bool = False
    threshold_factor: float = 1.0
    sigma_factor: float = 1.0


# The cheapest changes first: mirrored, the networks see what they were trained on.
_CANDIDATES = {
    "plain": _Candidate(),
    "flipped": _Candidate(flip=True),
    "more edges": _Candidate(threshold_factor=0.5),
    "fewer edges": _Candidate(threshold_factor=1.5),
    "finer edges": _Candidate(sigma_factor=0.75),
    "coarser edges": _Candidate(sigma_factor=1.5),
    "more edges, flipped": _Candidate(threshold_factor=0.5, flip=True),
    "fewer edges, flipped": _Candidate(threshold_factor=1.5, flip=True),
    "finer edges, flipped": _Candidate(sigma_factor=0.75, flip=True),
    "coarser edges, flipped": _Candidate(sigma_factor=1.5, flip=True),
}


class EdgeConnectVerification(Verification):
    """Scores by the two critics: "edges" and "picture", each the mean probability of being real over the patches that touch the hole.

    The edge critic sees the result's grey picture, where training showed it the truth's: at inference nobody knows that.

    Args:
        system: an `EdgeConnect`.

    Source: CN 110689495 A, steps S2, S4 and S5, which say that unrealistic edges and pictures are discarded and not how. Scores,
    thresholds and candidates are ours.
    """

    SCORES = ("edges", "picture")
    STAGES = ("completion_true_edges", "completion_predicted_edges", "joint")
    SMALLEST_SIZE = networks.SMALLEST_CRITIC_INPUT

    def __init__(self, system):
        super().__init__()
        self._system = system

    @property
    def candidates(self) -> tuple[str, ...]:
        """Plain; mirrored; with other thresholds and another smoothing of Canny's detector; and these mirrored."""
        return tuple(_CANDIDATES)

    @property
    def judged_scores(self) -> tuple[str, ...]:
        """Scores of critics that are trained: one whose losses have the weight 0 knows nothing."""
        config = self._system.config
        trained = {
            "edges": config.edge_adversarial_weight > 0 or config.feature_matching_weight > 0,
            "picture": config.adversarial_weight > 0,
        }
        return tuple(name for name in self.SCORES if trained[name])

    def inpaint(self, image, mask, *, candidate="plain"):
        if candidate not in _CANDIDATES:
            raise ConfigError(f"There is no candidate {candidate!r}. Available: {', '.join(_CANDIDATES)}.")
        shape = tf.shape(image)
        image, mask = (ops.image.pad_to_multiple(each, self._system.size_multiple) for each in (image, mask))
        outputs = self._paint(image, mask, _CANDIDATES[candidate])
        # All candidates are judged on the same known edges: what they do in the hole decides, not how Canny was set.
        known_edges = self._system.find_edges(image, usable=1.0 - mask)
        edge_map = ops.image.composite(outputs["predicted_edges"], known_edges, mask)
        scores = self.score(outputs["composite"], edge_map, mask)
        return outputs["composite"][:, : shape[1], : shape[2]], scores

    def score_truth(self, image, mask):
        return self.score(image, self._system.find_edges(image), mask)

    def score(self, image: tf.Tensor, edge_map: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """Lets both critics judge a picture and its edges.

        Args:
            image: `[B, H, W, 3]` float32 in [-1, 1], H and W at least `SMALLEST_SIZE`.
            edge_map: `[B, H, W, 1]` float32 in [0, 1].
            mask: `[B, H, W, 1]` float32 in {0, 1}, 1 = hole.

        Returns:
            "edges" and "picture": `[B]` float32 in [0, 1], NaN where the mask is empty.
        """
        patches = patches_on_hole(mask)
        picture = ops.image.to_unit(image)
        if self._system.config.d2_edge_condition:
            picture = tf.concat([picture, edge_map], axis=-1)
        edges = tf.concat([ops.image.to_gray(image), edge_map], axis=-1)
        return {
            "edges": _mean_probability(self._system.networks["edge_critic"](edges, training=False)[-1], patches),
            "picture": _mean_probability(self._system.networks["completion_critic"](picture, training=False)[-1], patches),
        }

    def _paint(self, image, mask, candidate):
        config = self._system.config
        if candidate.flip:
            image, mask = image[:, :, ::-1], mask[:, :, ::-1]
        known_edges = ops.canny.canny(
            ops.image.to_gray(image),
            sigma=candidate.sigma_factor * config.canny_sigma,
            low_threshold=candidate.threshold_factor * config.canny_low_threshold,
            high_threshold=candidate.threshold_factor * config.canny_high_threshold,
            mask=1.0 - mask,
        )
        outputs = self._system.paint(image, mask, known_edges)
        return {name: value[:, :, ::-1] for name, value in outputs.items()} if candidate.flip else outputs


def patches_on_hole(mask: tf.Tensor) -> tf.Tensor:
    """Finds the patches of a critic that touch the hole: those whose score may depend on it.

    Args:
        mask: `[B, H, W, 1]` float32 in {0, 1}, 1 = hole, H and W at least 24.

    Returns:
        `[B, H // 8 - 2, W // 8 - 2, 1]` float32 in {0, 1}, in the place of the critic's scores.
    """
    padding = [PATCH_PADDING, PATCH_PADDING]
    return tf.nn.max_pool2d(tf.pad(mask, [[0, 0], padding, padding, [0, 0]]), PATCH_SIZE, PATCH_STRIDE, "VALID")


def _mean_probability(scores, patches):
    """Mean over the patches that count, `[B]`; NaN where there are none."""
    probabilities = tf.where(patches > 0.5, tf.sigmoid(scores), 0.0)
    return tf.reduce_sum(probabilities, axis=[1, 2, 3]) / tf.reduce_sum(patches, axis=[1, 2, 3])
