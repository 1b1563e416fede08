"""How well predicted edges meet the true ones."""

import tensorflow as tf

# Added to counts before dividing, as in the released code of EdgeConnect.
COUNT_EPSILON = 1e-8


def edge_scores(
    edges: tf.Tensor, predicted_edges: tf.Tensor, mask: tf.Tensor, *, threshold: float = 0.5
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Precision, recall and their harmonic mean of predicted edges in the hole, pixel by pixel.

    Args:
        edges: `[B, H, W, 1]` in {0, 1}, the truth.
        predicted_edges: same shape, in [0, 1].
        mask: `[B, H, W, 1]` in {0, 1}, 1 = hole: only its pixels count.
        threshold: a predicted value above it is an edge.

    Returns:
        Three `[B]` float32 in [0, 1]: F1, precision (share of the predicted edge pixels that are true), recall (share of the true
        ones that are predicted). All are 1 where the hole has no edge on either side.

    Source: Nazeri et al. 2019, arXiv:1901.00212, section 5.2; the treatment of empty holes is that of their code, which counts over
    a batch where we count per picture.
    """

    def count(pixels):
        return tf.reduce_sum(tf.cast(pixels, tf.float32), axis=[1, 2, 3])

    inside = mask > 0.5
    true, predicted = (edges > 0.5) & inside, (predicted_edges > threshold) & inside
    relevant, selected, hits = count(true), count(predicted), count(true & predicted)
    is_empty = relevant + selected == 0.0
    precision = tf.where(is_empty, 1.0, hits / (selected + COUNT_EPSILON))
    recall = tf.where(is_empty, 1.0, hits / (relevant + COUNT_EPSILON))
    # From the counts, not from the two shares: no division by 0 where there is no hit.
    f1 = tf.where(is_empty, 1.0, 2.0 * hits / (relevant + selected + COUNT_EPSILON))
    return f1, precision, recall
