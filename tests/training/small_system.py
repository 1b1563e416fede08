"""A real system with all that a run has to carry (two optimizers, spectral norm, averages), small enough to trace in a moment."""

import keras
import tensorflow as tf

from tf_inpaint import losses, ops
from tf_inpaint.networks import build_sn_patch_critic
from tf_inpaint.systems import InpaintingSystem, SystemConfig
from tf_inpaint.training.checkpoints import TrainState


class SmallSystem(InpaintingSystem):
    """Two convolutions and a critic of two layers."""

    KEY = "small"
    GENERATORS = ("painter",)
    LOGS = ("loss", "l1_loss", "adversarial_loss", "critic_loss")

    def __init__(self, config=None, *, name=None):
        super().__init__(config, name=name)
        filters = round(8 * self.config.width_multiplier)
        masked = keras.Input((None, None, 4), dtype="float32")
        features = keras.layers.Conv2D(filters, 3, padding="same", activation="elu", name="inner")(masked)
        raw = keras.layers.Conv2D(3, 3, padding="same", name="outer")(features)
        raw = keras.layers.Activation("tanh", dtype="float32", name="output")(raw)
        self._set_networks(painter=keras.Model(masked, raw, name="painter"), critic=build_sn_patch_critic(base_filters=4, num_layers=2))

    @classmethod
    def tiny(cls, **overrides):
        return cls(SystemConfig(**{"image_size": 16, "learning_rate": 1e-3, **overrides}))

    def call(self, inputs, training=False):
        image, mask = inputs["image"], inputs["mask"]
        raw = self.painter_network(tf.concat([ops.image.mask_image(image, mask), mask], axis=-1), training=training)
        return {"raw": raw, "composite": ops.image.composite(raw, image, mask)}

    def _build_optimizers(self):
        return {
            "generator": self._adam(self.painter_network.trainable_variables),
            "critic": self._adam(self.critic_network.trainable_variables),
        }

    def generator_terms(self, image, mask, training=True):
        raw = self({"image": image, "mask": mask}, training=training)["raw"]
        terms = {
            "l1_loss": losses.l1_loss(raw, image, mask, hole_weight=1.0),
            "adversarial_loss": 0.01 * losses.hinge_generator_loss(self.critic_network(raw, training=training)),
        }
        return raw, terms

    def train_step(self, batch):
        batch = self.with_masks(batch)
        image, mask = batch["image"], batch["mask"]
        with tf.GradientTape() as generator_tape:
            raw, terms = self.generator_terms(image, mask)
            total = tf.add_n(list(terms.values()))
        with tf.GradientTape() as critic_tape:
            scores = self.critic_network(tf.concat([image, tf.stop_gradient(raw)], axis=0), training=True)
            critic_loss = losses.hinge_critic_loss(*tf.split(scores, 2, axis=0))
        self.minimize("critic", critic_tape, critic_loss, self.critic_network.trainable_variables)
        self.minimize("generator", generator_tape, total, self.painter_network.trainable_variables)
        self.average.update(self.steps_taken)
        return self.track(num_examples=tf.shape(image)[0], loss=total, **terms, critic_loss=critic_loss)

    def test_step(self, batch):
        batch = self.with_masks(batch)
        _, terms = self.generator_terms(batch["image"], batch["mask"], training=False)
        return self.track(num_examples=tf.shape(batch["image"])[0], loss=tf.add_n(list(terms.values())), **terms)


def small_config(**overrides):
    return SystemConfig(**{"image_size": 16, "learning_rate": 1e-3, **overrides})


def make_batch(batch_size=2, size=16, seed=0):
    image = tf.random.stateless_uniform([batch_size, size, size, 3], [seed, 1], -1.0, 1.0)
    mask = tf.pad(tf.ones([batch_size, size // 2, size // 2, 1]), [[0, 0], [size // 4, size // 4], [size // 4, size // 4], [0, 0]])
    return {"image": image, "mask": mask}


def all_values(system):
    """Every number that training changes: networks, optimizers, averages."""

    return [variable.numpy() for variable in TrainState(system, seed=0).variables]
