"""Stage 2: the texture generator learns to refine what stage 1 painted, which stands still; its critic is a Wasserstein critic."""

import tensorflow as tf

from tf_inpaint import losses, ops

LOGS = ("texture_l1_loss", "texture_perceptual_loss", "adversarial_loss", "texture_critic_loss", "gradient_penalty")


def train(system, batch: dict, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """`config.critic_steps` steps of the critic, then one of the texture generator.

    The critic's steps see the same pictures, and the gradient penalty other points between them. With `config.adversarial_weight=0` it is
    not trained: the cheap start of the texture generator.

    Args:
        system: a compiled `LatentAttention`.
        batch: `{"image", "mask"}`.
        seed: `[2]` integers.

    Returns:
        Name of `LOGS` -> weighted term, scalar float32; those of the critic are means over its steps.
    """
    image, mask = batch["image"], batch["mask"]
    stitched = tf.stop_gradient(system.stitch(image, mask))
    with tf.GradientTape() as tape:
        raw = system.refine(stitched, mask, training=True)
        composite = ops.image.composite(raw, image, mask)
    critic_terms = _train_critic(system, image, tf.stop_gradient(composite), seed) if system.config.adversarial_weight else {}
    with tape:
        terms = objectives(system, batch, raw, composite)
        total = tf.add_n(list(terms.values()))
    system.minimize(system.optimizer_of("texture"), tape, total, system.texture_network.trainable_variables)
    return {**terms, **critic_terms}


def _train_critic(system, image: tf.Tensor, fake: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    config, critic = system.config, system.texture_critic_network
    distances, penalties = [], []
    seeds = tf.random.experimental.stateless_split(seed, config.critic_steps)
    for step_seed in tf.unstack(seeds):
        share = tf.random.stateless_uniform([tf.shape(image)[0], 1, 1, 1], step_seed)
        with tf.GradientTape() as tape:
            distance = losses.wasserstein_critic_loss(critic(image, training=True), critic(fake, training=True))
            points = losses.mix_pictures(image, fake, share=share)
            penalty = losses.gradient_penalty(lambda pictures: critic(pictures, training=True), points)
            penalty = config.gradient_penalty_weight * penalty
            total = distance + penalty
        system.minimize(system.optimizer_of("texture_critic"), tape, total, critic.trainable_variables)
        distances.append(distance)
        penalties.append(penalty)
    means = {"texture_critic_loss": distances, "gradient_penalty": penalties}
    return {name: tf.add_n(values) / len(values) for name, values in means.items()}


def objectives(system, batch: dict, raw: tf.Tensor, composite: tf.Tensor) -> dict[str, tf.Tensor]:
    """The texture generator's terms.

    Args:
        system: a compiled `LatentAttention`.
        batch: `{"image", "mask"}`: `[B, H, W, 3]` float32 in [-1, 1], the truth, and `[B, H, W, 1]`, 1 in the hole.
        raw: shape of the truth, I_out.
        composite: same shape, I_out in the hole and the truth elsewhere, which the critic sees.

    Returns:
        Name of `LOGS` -> weighted term, scalar float32; of terms with a weight and a network only.
    """
    config, image, terms = system.config, batch["image"], {}
    if config.texture_l1_weight:
        distance = losses.l1_loss(raw, image, batch["mask"], hole_weight=config.texture_l1_hole_weight)
        terms["texture_l1_loss"] = config.texture_l1_weight * distance
    if system.texture_judge is not None:
        # The paper prints I_r for I_out here, which would give no gradient.
        terms["texture_perceptual_loss"] = config.texture_perceptual_weight * system.texture_judge(raw, image)
    if config.adversarial_weight:
        scores = system.texture_critic_network(composite, training=False)
        terms["adversarial_loss"] = config.adversarial_weight * losses.wasserstein_generator_loss(scores)
    return terms
