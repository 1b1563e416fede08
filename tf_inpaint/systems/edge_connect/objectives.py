"""The objectives of both generators as functions of what the networks made; claim and equation numbers as in system.py."""

import keras
import tensorflow as tf

from tf_inpaint import losses, ops
from tf_inpaint.systems.edge_connect.adversarial import generator_loss
from tf_inpaint.systems.edge_connect.config import EdgeConnectConfig


def edge_losses(
    config: EdgeConnectConfig,
    edges: tf.Tensor,
    predicted_edges: tf.Tensor,
    *,
    real_features: list[tf.Tensor] | None,
    features: list[tf.Tensor] | None,
) -> dict[str, tf.Tensor]:
    """The edge generator's terms, claim 4.

    Args:
        config: names the weights.
        edges: `[B, H, W, 1]` in {0, 1}, the true ones.
        predicted_edges: same shape, in (0, 1), as they are, also outside the hole.
        real_features: what the edge critic makes of the true edges, its scores last; `None` if it is not used.
        features: the same of the predicted ones.

    Returns:
        Name of `EdgeConnect.LOGS` -> weighted term, scalar float32; of terms with a weight only.
    """
    terms = {}
    if features is not None:
        terms["edge_adversarial_loss"] = config.edge_adversarial_weight * generator_loss(config.adversarial_loss, features[-1])
        # All five features, the scores among them.
        terms["feature_matching_loss"] = config.feature_matching_weight * losses.feature_matching_loss(real_features, features)
    if config.edge_cross_entropy_weight:
        cross_entropy = tf.reduce_mean(keras.losses.binary_crossentropy(edges, predicted_edges))
        terms["edge_cross_entropy_loss"] = config.edge_cross_entropy_weight * cross_entropy
    return terms


def completion_losses(
    config: EdgeConnectConfig,
    image: tf.Tensor,
    mask: tf.Tensor,
    raw: tf.Tensor,
    *,
    scores: tf.Tensor | None,
    feature_network: keras.Model | None,
) -> dict[str, tf.Tensor]:
    """The completion network's terms, claim 7 and the paper's L1 and style, of pictures in [0, 1].

    Args:
        config: names the weights.
        image: `[B, H, W, 3]` float32 in [-1, 1], the truth.
        mask: `[B, H, W, 1]` float32 in {0, 1}, 1 = hole.
        raw: shape and range of `image`, the network's picture.
        scores: of `raw` by the completion critic; `None` if it is not used.
        feature_network: gives the layers `config.feature_layers`; `None` leaves perceptual and style term out.

    Returns:
        As `edge_losses`.
    """
    weights, terms = config.completion_weights, {}
    if weights["l1"]:
        l1_loss = losses.l1_loss(ops.image.to_unit(raw), ops.image.to_unit(image), mask, hole_weight=config.l1_hole_weight)
        if config.l1_normalisation == "mask_mean":
            l1_loss = tf.math.divide_no_nan(l1_loss, tf.reduce_mean(mask))
        terms["l1_loss"] = weights["l1"] * l1_loss
    if scores is not None:
        terms["adversarial_loss"] = weights["adversarial"] * generator_loss(config.adversarial_loss, scores)
    if feature_network is not None:
        terms.update(_feature_losses(config, feature_network, image, mask, raw))
    if weights["total_variation"]:
        composite = ops.image.to_unit(ops.image.composite(raw, image, mask))
        terms["total_variation_loss"] = weights["total_variation"] * losses.total_variation_loss(composite)
    return terms


def _feature_losses(config, feature_network, image, mask, raw):
    """Perceptual term of the whole pictures, style term of their holes, what is outside blackened."""

    def features(picture, layers):
        by_layer = dict(zip(config.feature_layers, feature_network(picture, training=False), strict=True))
        return [by_layer[layer] for layer in layers]

    weights, terms = config.completion_weights, {}
    if weights["perceptual"]:
        perceptual_loss = losses.perceptual_loss(*(features(each, config.perceptual_layers) for each in (raw, image)))
        terms["perceptual_loss"] = weights["perceptual"] * perceptual_loss
    if weights["style"]:
        holes = [tf.where(mask > 0.5, each, -1.0) for each in (raw, image)]
        style_loss = losses.style_loss(*(features(each, config.style_layers) for each in holes))
        terms["style_loss"] = weights["style"] * style_loss
    return terms
