"""Stage 1: the encoder learns to find the styles of a damaged face; StyleGAN2 stands still."""

import tensorflow as tf

from tf_inpaint import losses
from tf_inpaint.systems.latent_attention.identity import crop_faces

LOGS = ("l2_loss", "perceptual_loss", "identity_loss", "hole_loss", "valid_loss")


def train(system, batch: dict, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """One step of the encoder.

    Args:
        system: a compiled `LatentAttention`.
        batch: `{"image", "mask"}`.
        seed: `[2]` integers, of StyleGAN2's noise.

    Returns:
        Name of `LOGS` -> weighted term, scalar float32; of terms with a weight and a network only.
    """
    with tf.GradientTape() as tape:
        structure = system.reconstruct(batch["image"], batch["mask"], training=True, seed=seed)
        terms = objectives(system, batch, structure)
        total = tf.add_n(list(terms.values()))
    system.minimize(system.optimizer_of("encoder"), tape, total, system.encoder_network.trainable_variables)
    return terms


def objectives(system, batch: dict, structure: tf.Tensor) -> dict[str, tf.Tensor]:
    """The five losses L_s of the whole reconstructed picture, before its known part is pasted back.

    Args:
        system: a compiled `LatentAttention`.
        batch: `{"image", "mask"}`.
        structure: `[B, H, W, 3]` float32, I_r.

    Returns:
        As `train`.
    """
    config, image, mask = system.config, batch["image"], batch["mask"]
    perceptual_distance, identity_network = system.encoder_judges
    difference, terms = tf.abs(structure - image), {}
    if config.l2_weight:
        terms["l2_loss"] = config.l2_weight * tf.reduce_mean(tf.square(difference))
    if perceptual_distance is not None:
        terms["perceptual_loss"] = config.perceptual_weight * perceptual_distance(structure, image)
    if identity_network is not None:
        face_size = identity_network.input_shape[1]
        true, painted = (identity_network(crop_faces(each, face_size), training=False) for each in (image, structure))
        terms["identity_loss"] = config.identity_weight * losses.identity_loss(true, painted)
    # The paper's masks are 1 where pixels are known. Both means are over all pixels, so that small holes count little.
    if config.hole_weight:
        terms["hole_loss"] = config.hole_weight * tf.reduce_mean(mask * difference)
    if config.valid_weight:
        terms["valid_loss"] = config.valid_weight * tf.reduce_mean((1.0 - mask) * difference)
    return terms
