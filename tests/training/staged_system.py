"""A real system in three stages, small enough to trace in a moment: gray levels, colours on them judged by a critic, both together."""

import keras
import tensorflow as tf

from tests.training.small_system import small_config
from tf_inpaint import losses, ops
from tf_inpaint.networks import build_sn_patch_critic
from tf_inpaint.systems import InpaintingSystem


class StagedSystem(InpaintingSystem):
    """A sketcher of gray pictures, a painter that sees them, and the painter's critic."""

    KEY = "staged"
    STAGES = ("sketch", "paint", "joint")
    DEFAULT_STAGE = "joint"
    PREDECESSORS = {"paint": "sketch", "joint": "paint"}
    GENERATORS = ("sketcher", "painter")
    VERIFIERS = ("critic",)
    LOGS = ("loss", "sketch_loss", "l1_loss", "adversarial_loss", "critic_loss")

    def __init__(self, config=None, *, name=None):
        super().__init__(config, name=name)
        filters = round(8 * self.config.width_multiplier)
        self._set_networks(
            sketcher=build_network(4, filters, 1, name="sketcher"),
            painter=build_network(5, filters, 3, name="painter"),
            critic=build_sn_patch_critic(base_filters=4, num_layers=2),
        )

    @classmethod
    def tiny(cls, **overrides):
        return cls(small_config(**overrides))

    def call(self, inputs, training=False):
        image, mask = inputs["image"], inputs["mask"]
        masked = tf.concat([ops.image.mask_image(image, mask), mask], axis=-1)
        sketch = self.sketcher_network(masked, training=training)
        # The colours alone are learned in their own stage.
        seen = tf.stop_gradient(sketch) if self.stage == "paint" else sketch
        raw = self.painter_network(tf.concat([masked, seen], axis=-1), training=training)
        return {"raw": raw, "composite": ops.image.composite(raw, image, mask), "sketch": sketch}

    @property
    def _generator_variables(self):
        names = {"sketch": ["sketcher"], "paint": ["painter"], "joint": ["sketcher", "painter"]}[self.stage]
        return [variable for name in names for variable in self.networks[name].trainable_variables]

    def _build_optimizers(self):
        optimizers = {"generator": self._adam(self._generator_variables)}
        if self.stage != "sketch":
            optimizers["critic"] = self._adam(self.critic_network.trainable_variables)
        return optimizers

    def generator_terms(self, batch, outputs, *, training):
        image, mask = batch["image"], batch["mask"]
        terms = {}
        if self.stage != "paint":
            gray = tf.reduce_mean(image, axis=-1, keepdims=True)
            terms["sketch_loss"] = losses.l1_loss(outputs["sketch"], gray, mask, hole_weight=1.0)
        if self.stage != "sketch":
            terms["l1_loss"] = losses.l1_loss(outputs["raw"], image, mask, hole_weight=1.0)
            scores = self.critic_network(outputs["raw"], training=training)
            terms["adversarial_loss"] = 0.01 * losses.hinge_generator_loss(scores)
        return terms

    def train_step(self, batch):
        batch = self.with_masks(batch)
        image = batch["image"]
        with tf.GradientTape() as generator_tape:
            outputs = self(batch, training=True)
            terms = self.generator_terms(batch, outputs, training=True)
            total = tf.add_n(list(terms.values()))
        if self.stage != "sketch":
            with tf.GradientTape() as critic_tape:
                scores = self.critic_network(tf.concat([image, tf.stop_gradient(outputs["raw"])], axis=0), training=True)
                critic_loss = losses.hinge_critic_loss(*tf.split(scores, 2, axis=0))
            self.minimize("critic", critic_tape, critic_loss, self.critic_network.trainable_variables)
            terms["critic_loss"] = critic_loss
        self.minimize("generator", generator_tape, total, self._generator_variables)
        if self.average is not None:
            self.average.update(self.steps_taken)
        return self.track(num_examples=tf.shape(image)[0], loss=total, **terms)

    def test_step(self, batch):
        batch = self.with_masks(batch)
        terms = self.generator_terms(batch, self(batch, training=False), training=False)
        return self.track(num_examples=tf.shape(batch["image"])[0], loss=tf.add_n(list(terms.values())), **terms)

    def validation_metrics(self, batch, outputs):
        gray = tf.reduce_mean(batch["image"], axis=-1, keepdims=True)
        likeness = {"likeness": 1.0 - tf.reduce_mean(tf.abs(outputs["sketch"] - gray), axis=[1, 2, 3])}
        psnr = super().validation_metrics(batch, outputs)
        return {**likeness, **psnr} if self.stage == "sketch" else {**psnr, **likeness}


def build_network(channels, filters, output_channels, *, name):
    inputs = keras.Input((None, None, channels), dtype="float32")
    features = keras.layers.Conv2D(filters, 3, padding="same", activation="elu", name="inner")(inputs)
    outputs = keras.layers.Conv2D(output_channels, 3, padding="same", name="outer")(features)
    return keras.Model(inputs, keras.layers.Activation("tanh", dtype="float32", name="output")(outputs), name=name)
