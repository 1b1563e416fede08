"""Trains an identity network of one's own, for the identity loss of `latent_attention`: with named faces, or without names.

A short training beside the systems': one process, without checkpoints; the network is written when it is finished.
"""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_inpaint import data, losses, ops
from tf_inpaint.errors import ConfigError, NonFiniteError
from tf_inpaint.files import atomic_write
from tf_inpaint.systems.latent_attention import identity
from tf_inpaint.systems.learning_rate import LearningRate
from tf_inpaint.training.identity_config import IdentityConfig
from tf_inpaint.training.validation import num_held_out

LOG_STEPS = 50
# What is done to the pictures: where each is a person of its own, nothing but the face must tell them apart.
_POLICIES = {"folders": ("translation",), "pictures": ("color", "translation", "cutout")}


def train_identity(config: IdentityConfig, output: str | os.PathLike) -> float | None:
    """Trains an identity network, measures it on faces kept back and writes it; `identity="own:OUTPUT"` names it afterwards.

    Args:
        config: the settings.
        output: the `.npz` file. Beside it a `.json` file says what was trained and measured.

    Returns:
        Share of the faces kept back whose nearest other one is of the same person (with "pictures": the other view of the same picture);
        `None` where no person has two.

    Raises:
        ConfigError: if the file has another suffix, its folder does not exist, or there are less than two persons to train on.
        DataError: if the pictures are missing or mostly broken.
        NonFiniteError: if the loss is not finite any more.
        OSError: if the files cannot be written.
    """
    output = Path(output).expanduser()
    if output.suffix != ".npz" or not output.parent.is_dir():
        raise ConfigError(f"`output` must be an .npz file in a folder that exists. Received: {str(output)!r}.")
    bank = data.prepare(config.data, image_size=config.image_size)
    print(bank.report.summary(), flush=True)
    persons, kind = find_persons(bank.names, config.persons)
    held_out = num_held_out(len(bank)) if config.held_out is None else config.held_out
    num_training = len(bank) - held_out
    labels = np.unique(persons[: max(num_training, 0)], return_inverse=True)[1]
    num_persons = len(set(labels))
    if num_persons < 2:
        raise ConfigError(f"Telling persons apart takes two of them to train on. Received: {num_persons}, {held_out} pictures kept back.")
    print(f"training on {num_training} pictures of {num_persons} persons (by {kind}), {held_out} kept back", flush=True)
    keras.utils.set_random_seed(config.seed)
    network = identity.build_identity_network(
        image_size=config.face_size,
        base_filters=config.base_filters,
        units=config.units,
        embedding_size=config.embedding_size,
        dropout=config.dropout,
        seed=config.seed,
    )
    _train(network, config, bank, labels, num_persons, kind)
    share = None
    if held_out:
        share = _measure(network, config, bank, persons, slice(num_training, None), kind)
        found = "no person has two faces among those" if share is None else f"{share:.1%} found again among the faces"
        print(f"{found} kept back", flush=True)
    with atomic_write(output) as file:
        np.savez(file, **identity.identity_arrays(network))
    notes = {**dataclasses.asdict(config), "persons": kind, "num_persons": num_persons, "num_pictures": num_training, "found_again": share}
    with atomic_write(output.with_suffix(".json"), "w") as file:
        file.write(json.dumps(notes, indent=2) + "\n")
    return share


def find_persons(names: Sequence[str], persons: str) -> tuple[np.ndarray, str]:
    """Says who is in each picture.

    Args:
        names: of the pictures in their source, "FOLDER/FILE" or "FILE".
        persons: as in `IdentityConfig`.

    Returns:
        `[N]` whole numbers, equal for pictures of one person; and what made the difference, "folders" or "pictures".
    """
    folders = [os.path.dirname(name) for name in names]
    if persons == "auto":
        persons = "folders" if len(set(folders)) > 1 else "pictures"
    return (np.unique(folders, return_inverse=True)[1] if persons == "folders" else np.arange(len(names))), persons


def _train(network, config, bank, labels, num_persons, kind):
    centres = tf.Variable(tf.random.stateless_normal([num_persons, config.embedding_size], [config.seed, 1]))
    variables = [*network.trainable_variables, centres]
    optimizer = keras.optimizers.Adam(LearningRate(config.learning_rate, decay_steps=config.steps))
    optimizer.build(variables)
    numbers = tf.constant(labels, tf.int64)

    @tf.function(autograph=False)
    def take_step(batch, seed):
        faces = _faces(batch["image"], seed, config, kind)
        with tf.GradientTape() as tape:
            embeddings = network(faces, training=True)
            chosen = tf.gather(numbers, batch["number"])
            loss = losses.arcface_loss(embeddings, centres, chosen, scale=config.scale, margin=config.margin)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    batches = _batches(bank, config, select=slice(0, len(labels)), repeat=True)
    recent = []
    for step, batch in enumerate(batches.take(config.steps), start=1):
        recent.append(float(take_step(batch, tf.constant([config.seed, step]))))
        if not np.isfinite(recent[-1]):
            raise NonFiniteError(f"Training stopped at step {step}: the loss is not finite. Try a smaller `learning_rate`.")
        if step % LOG_STEPS == 0 or step == config.steps:
            print(f"step {step}: loss {np.mean(recent):.3f}", flush=True)
            recent.clear()


def _measure(network, config, bank, persons, kept_back, kind):
    embeddings, shown = [], []
    # Of a picture that is a person two views, else it has no like.
    for view in range(2 if kind == "pictures" else 1):
        for batch in _batches(bank, config, select=kept_back, shuffle=False, flip=False):
            image, seed = batch["image"], tf.constant([int(batch["number"][0]), view])
            faces = _faces(image, seed, config, kind) if kind == "pictures" else _cropped(image, config)
            embeddings.append(network(faces, training=False).numpy())
            shown.append(persons[batch["number"].numpy()])
    embeddings, shown = np.concatenate(embeddings), np.concatenate(shown)
    likeness = embeddings @ embeddings.T
    np.fill_diagonal(likeness, -np.inf)
    has_like = np.sum(shown[:, None] == shown, axis=1) > 1
    return float(np.mean(shown[likeness.argmax(axis=1)] == shown, where=has_like)) if has_like.any() else None


def _batches(bank, config, **options):
    return data.dataset(
        bank,
        image_size=config.image_size,
        batch_size=config.batch_size,
        seed=config.seed,
        crop="center",
        masks_on="step",
        numbers=True,
        **options,
    )


def _faces(image, seed, config, kind):
    changed = ops.augmentation.differentiable_augment(image, seed, policies=_POLICIES[kind])
    return _cropped(tf.clip_by_value(changed, -1.0, 1.0), config)


def _cropped(image, config):
    return identity.crop_faces(image, config.face_size)
