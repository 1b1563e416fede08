"""The three-stage system: coarse picture, edges, refinement. Equation numbers are the paper's."""

import keras
import tensorflow as tf

from tf_inpaint import losses, ops
from tf_inpaint.networks import build_sn_patch_critic
from tf_inpaint.systems.base import InpaintingSystem
from tf_inpaint.systems.canny_edges import CannyEdges
from tf_inpaint.systems.three_stage import networks
from tf_inpaint.systems.three_stage.config import ThreeStageConfig


@keras.saving.register_keras_serializable(package="tf_inpaint")
class ThreeStage(CannyEdges, InpaintingSystem):
    """Inpainting in three stages: a coarse network, an edge network and a refinement network, with one critic.

    Call arguments:
        inputs: `{"image": [B, H, W, 3] in [-1, 1], "mask": [B, H, W, 1] in {0, 1}}`, float32, H and W divisible by `size_multiple`.
            Pixels inside the hole have no influence. (`inpaint` takes any size.)
        training: passed to the networks.

    Output: dict of float32 tensors: "raw" `[B, H, W, 3]` (the refinement network's picture), "composite" (with the known pixels pasted
        back), "coarse" `[B, H, W, 3]`, "edge_map" `[B, H, W, 1]` (predicted edges in the hole, Canny's elsewhere, in the configured range).

    Source: Rui & Guo 2024, J. Test Meas. Tech. 38(1), 34-40. README.md in this folder maps the paper to this code and lists where it is
    silent and what we chose.
    """

    Config = ThreeStageConfig
    KEY = "three_stage"
    GENERATORS = ("coarse", "edge", "refinement")
    LOGS = ("loss", "coarse_loss", "edge_loss", "refinement_loss", "adversarial_loss", "critic_loss", "psnr")
    ABLATIONS = {  # table 5; without both is not in it
        "full": {},
        "without_res2net": {"res2net": False},
        "without_self_attention": {"self_attention": False},
        "without_both": {"res2net": False, "self_attention": False},
    }
    size_multiple = 4

    def __init__(self, config: ThreeStageConfig | None = None, *, name: str | None = None):
        super().__init__(config, name=name)
        config = self.config
        if config.self_attention:
            # The smallest maps, a quarter of the picture, are pooled: an odd row or column would drop out of the keys.
            self.size_multiple = 4 * config.attention_kv_pool
        res2net = attention = None
        if config.res2net:
            res2net = {
                "scale": config.res2net_scale,
                "width": config.res2net_width,
                "norm": config.res2net_norm,
                "activation": config.res2net_activation,
            }
        if config.self_attention:
            attention = {
                "form": config.attention_form,
                "kv_pool": config.attention_kv_pool,
                "method": config.attention_method,
            }
        guided = {
            "base_filters": config.base_filters,
            "upsample": config.upsample,
            "res2net": res2net,
            "attention": attention,
        }
        self._set_networks(
            coarse=networks.build_coarse_network(base_filters=config.base_filters, upsample=config.upsample),
            edge=networks.build_edge_network(**guided),
            refinement=networks.build_refinement_network(**guided),
            critic=build_sn_patch_critic(channels=4 if config.critic_with_mask else 3, base_filters=config.base_filters),
        )

    @classmethod
    def tiny(cls, **overrides) -> "ThreeStage":
        """Builds the system at an eighth of the width, for pictures of 32 pixels.

        Args:
            **overrides: settings that differ, by name.

        Returns:
            A `ThreeStage` with all its layers.
        """
        return cls(ThreeStageConfig(**{"image_size": 32, "width_multiplier": 0.125, **overrides}))

    @tf.autograph.experimental.do_not_convert
    def call(self, inputs, training=False):
        image, mask = inputs["image"], inputs["mask"]
        # Edges next to the hole would betray what is in it: Canny sees known pixels only.
        known_edges = self.find_edges(image, usable=1.0 - mask)
        return self.run_stages(image, mask, known_edges, training=training)

    def run_stages(self, image: tf.Tensor, mask: tf.Tensor, known_edges: tf.Tensor, *, training: bool) -> dict:
        """Runs the three networks, equations (1) to (5).

        Args:
            image: I_gt, `[B, H, W, 3]` float32 in [-1, 1], of which only the known part is used.
            mask: M, `[B, H, W, 1]` float32, 1 = hole.
            known_edges: B_gt, `[B, H, W, 1]` in {0, 1}, of which only the known part is used.
            training: passed to the networks.

        Returns:
            "raw" (I_r), "composite", "coarse" (I_c), "edge_map" (B_in) and "predicted_edges" (B_pre), float32.
        """
        masked_image = ops.image.mask_image(image, mask)
        coarse = self.coarse_network(tf.concat([masked_image, mask], axis=-1), training=training)  # (1)
        # Canny has no gradient: the edge stage does not train the coarse one through its input.
        canny_edges = self.edge_values(self.find_edges(tf.clip_by_value(coarse, -1.0, 1.0)))
        predicted_edges = self.edge_network(tf.concat([canny_edges, mask], axis=-1), training=training)  # (2)
        coarse_composite = ops.image.composite(coarse, image, mask)  # (3)
        edge_map = ops.image.composite(predicted_edges, self.edge_values(known_edges), mask)  # (4)
        raw = self.refinement_network(tf.concat([coarse_composite, edge_map, mask], axis=-1), training=training)  # (5)
        return {
            "raw": raw,
            "composite": ops.image.composite(raw, image, mask),
            "coarse": coarse,
            "edge_map": edge_map,
            "predicted_edges": predicted_edges,
        }

    def edge_values(self, edges: tf.Tensor) -> tf.Tensor:
        """Maps edges in {0, 1} to the range the networks see: -1 / +1, so that tanh's whole range is used, or 0 / 1.

        Args:
            edges: any shape, float32 in {0, 1}.

        Returns:
            Same shape, float32.
        """
        return ops.image.from_unit(edges) if self.config.edge_range == "signed" else edges

    @property
    def _generator_variables(self):
        # Not an attribute: Keras 2.15 would save a list of variables a second time, as the system's own.
        return [variable for name in self.GENERATORS for variable in self.networks[name].trainable_variables]

    def _build_optimizers(self):
        return {
            "generator": self._adam(self._generator_variables),
            "critic": self._adam(self.critic_network.trainable_variables),
        }

    # Nothing here branches in Python on a tensor: without AutoGraph's rewriting it is traced in less than half the time.
    @tf.autograph.experimental.do_not_convert
    def train_step(self, batch):
        """One step of every network; the same in `fit` and in a bare `tf.function` loop.

        Args:
            batch: `{"image", "mask"}` as in `call`, or "mask_seed" instead of "mask"; "edge_map" `[B, H, W, 1]` in {0, 1} if
                Canny's edges of the whole picture are already there.

        Returns:
            Running means of the loss terms.
        """
        batch = self._with_edges(self.with_masks(batch))
        image, mask = batch["image"], batch["mask"]
        with tf.GradientTape() as generator_tape:
            outputs = self.run_stages(image, mask, batch["edge_map"], training=True)
            terms = self._generator_losses(batch, outputs)
            total = tf.add_n(list(terms.values()))  # (10)
        if self.config.adversarial_weight:
            with tf.GradientTape() as critic_tape:
                critic_loss = self._critic_loss(batch, outputs)  # (11)
            self.minimize("critic", critic_tape, critic_loss, self.critic_network.trainable_variables)
            terms["critic_loss"] = critic_loss
        self.minimize("generator", generator_tape, total, self._generator_variables)
        if self.average is not None:
            self.average.update(self.steps_taken)
        return self.track(num_examples=tf.shape(image)[0], loss=total, **terms)

    @tf.autograph.experimental.do_not_convert
    def test_step(self, batch):
        """Losses and mean PSNR of a batch, as `evaluate` and `fit`'s validation show them.

        Args:
            batch: as in `train_step`.

        Returns:
            Running means of the loss terms and of the composites' PSNR in dB (`metrics.psnr`).
        """
        batch = self._with_edges(self.with_masks(batch))
        outputs = self(batch, training=False)
        terms = self._generator_losses(batch, outputs, training=False)
        psnr = self.validation_metrics(batch, outputs)["psnr"]
        loss = tf.add_n(list(terms.values()))
        return self.track(num_examples=tf.shape(psnr)[0], loss=loss, **terms, psnr=tf.reduce_mean(psnr))

    def _generator_losses(self, batch, outputs, *, training=True):
        """The weighted terms of equation (10)."""
        config, image, mask = self.config, batch["image"], batch["mask"]
        edge_values = self.edge_values(batch["edge_map"])

        def l1(raw, truth):  # (6), (7), (8)
            return losses.l1_loss(raw, truth, mask, hole_weight=config.hole_weight)

        terms = {
            "coarse_loss": config.coarse_weight * l1(outputs["coarse"], image),
            "edge_loss": config.edge_weight * l1(outputs["predicted_edges"], edge_values),
            "refinement_loss": config.refinement_weight * l1(outputs["raw"], image),
        }
        if config.adversarial_weight:
            scores = self.critic_network(self._critic_input(outputs, mask), training=training)
            adversarial_loss = losses.hinge_generator_loss(scores)  # (9)
            if training and config.warmup_steps:
                adversarial_loss *= tf.cast(self.steps_taken >= config.warmup_steps, tf.float32)
            terms["adversarial_loss"] = config.adversarial_weight * adversarial_loss
        return terms

    def _critic_loss(self, batch, outputs):
        real = self._with_mask(batch["image"], batch["mask"])
        fake = tf.stop_gradient(self._critic_input(outputs, batch["mask"]))
        # One call for both halves, so that both are judged with the same power iteration, as in the released code of DeepFill v2.
        scores = self.critic_network(tf.concat([real, fake], axis=0), training=True)
        real_scores, fake_scores = tf.split(scores, 2, axis=0)
        return losses.hinge_critic_loss(real_scores, fake_scores)

    def _critic_input(self, outputs, mask):
        return self._with_mask(outputs[self.config.critic_input], mask)

    def _with_mask(self, image, mask):
        return tf.concat([image, mask], axis=-1) if self.config.critic_with_mask else image
