"""The stages of the training: what each trains, with which optimizers, and a step of it."""

import tensorflow as tf

from tf_inpaint import ops
from tf_inpaint.systems.latent_attention import encoder_stage, generator_stage, texture_stage

# Stage -> the parts that it trains, each with an optimizer of its own. The step of the first is that of the stage.
TRAINED = {
    "generator": ("generator", "critic"),
    "encoder": ("encoder",),
    "texture": ("texture", "texture_critic"),
    "joint": ("generator", "critic", "encoder", "texture", "texture_critic"),
}
STEPS = {"generator": generator_stage, "encoder": encoder_stage, "texture": texture_stage}
LOGS = (*generator_stage.LOGS, *encoder_stage.LOGS, *texture_stage.LOGS)
CRITIC_TERMS = ("critic_loss", "r1_penalty", "texture_critic_loss", "gradient_penalty")


def optimizer_settings(system, part: str) -> tuple[list, float, tuple[float, float]]:
    """What Adam needs for a part.

    Args:
        system: a `LatentAttention`.
        part: of `TRAINED`.

    Returns:
        Its variables, the learning rate, and the two decay rates.
    """
    config = system.config
    if part in ("generator", "critic"):
        variables = system.style_variables if part == "generator" else system.critic_network.trainable_variables
        return variables, config.generator_learning_rate, (config.generator_beta_1, config.generator_beta_2)
    variables = system.networks[part].trainable_variables
    if part == "encoder":
        return variables, config.encoder_learning_rate, (config.encoder_beta_1, config.encoder_beta_2)
    return variables, config.learning_rate, (config.beta_1, config.beta_2)


def train(system, batch: dict, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """One step of each part that the compiled stage trains.

    Args:
        system: a compiled `LatentAttention`.
        batch: `{"image", "mask"}`.
        seed: `[2]` integers.

    Returns:
        Name of `LOGS` -> weighted term, scalar float32.
    """
    terms, seeds = {}, tf.unstack(tf.random.experimental.stateless_split(seed, len(STEPS)))
    for (part, stage), part_seed in zip(STEPS.items(), seeds, strict=True):
        if part in TRAINED[system.stage]:
            terms |= stage.train(system, batch, part_seed)
    return terms


def evaluate(system, batch: dict, outputs: dict) -> dict[str, tf.Tensor]:
    """The terms of the generators that the compiled stage trains, outside of training.

    Args:
        system: a compiled `LatentAttention`.
        batch: `{"image", "mask"}`.
        outputs: what `call` made of it.

    Returns:
        Name of `LOGS` -> weighted term, scalar float32.
    """
    terms, trained = {}, TRAINED[system.stage]
    image, mask = batch["image"], batch["mask"]
    if "generator" in trained:
        terms |= generator_stage.evaluate(system, batch)
    if "encoder" in trained:
        terms |= encoder_stage.objectives(system, batch, outputs["structure"])
    if "texture" in trained:
        raw = system.refine(system.stitch(image, mask), mask)
        terms |= texture_stage.objectives(system, batch, raw, ops.image.composite(raw, image, mask))
    return terms


def total(terms: dict[str, tf.Tensor]) -> tf.Tensor:
    """The sum of what those networks minimise that are no critics.

    Args:
        terms: name of `LOGS` -> term.

    Returns:
        Scalar float32.
    """
    return tf.add_n([value for name, value in terms.items() if name not in CRITIC_TERMS])
