"""PEN-Net: an encoder whose maps are filled from deep to shallow by attention transfer, and a decoder that shows a picture at each level.

Equation numbers are the paper's.
"""

import keras
import tensorflow as tf

from tf_inpaint import ops
from tf_inpaint.errors import PictureError
from tf_inpaint.systems.base import InpaintingSystem
from tf_inpaint.systems.pen_net import networks, objectives, official_names
from tf_inpaint.systems.pen_net.config import SIZE_MULTIPLE, PenNetConfig


@keras.saving.register_keras_serializable(package="tf_inpaint")
class PenNet(InpaintingSystem):
    """Inpainting by a pyramid-context encoder, a multi-scale decoder and a PatchGAN critic.

    Call arguments:
        inputs: `{"image": [B, H, W, 3] in [-1, 1], "mask": [B, H, W, 1] in {0, 1}}`, float32, H and W multiples of 64. Pixels inside the
            hole have no influence. (`inpaint` takes any size.)
        training: no layer of the generator looks at it.

    Output: dict of float32 tensors in [-1, 1]: "raw" `[B, H, W, 3]`, "composite" (with the known pixels pasted back), and "pyramid", the
        list of the five side outputs, from `[B, H / 2, W / 2, 3]` to `[B, H / 32, W / 32, 3]`.

    Source: Zeng, Fu, Chao & Guo 2019, arXiv:1904.07475; the released code. README.md in this folder maps the paper to this code and lists
    where the sources differ and what we chose.
    """

    Config = PenNetConfig
    KEY = "pen_net"
    GENERATORS = ("generator",)
    LOGS = (
        "loss",
        "hole_loss",
        "valid_loss",
        "pyramid_loss",
        "adversarial_loss",
        "critic_loss",
        "psnr",
    )
    ABLATIONS = {
        "published": {},
        "without_pyramid_loss": {"pyramid_weight": 0.0},
        "without_critic": {"adversarial_weight": 0.0},
        "normalized_query": {"normalize_query": True},
        "strict_mask": {"mask_mode": "strict", "mask_resize": "max"},
        "fill_hole_only": {"compose": "hole"},
        "counted_overlap": {"overlap": "count"},
        "deconvolution": {"upsample": "deconvolution"},
    }
    size_multiple = SIZE_MULTIPLE

    def __init__(self, config: PenNetConfig | None = None, *, name: str | None = None):
        super().__init__(config, name=name)
        config = self.config
        generator = networks.build_generator(
            base_filters=config.base_filters,
            upsample=config.upsample,
            rescale_levels=config.rescale_levels,
            attention=config.attention,
            kernel_initializer=config.kernel_initializer,
        )
        critic = networks.build_critic(base_filters=config.critic_filters, kernel_initializer=config.kernel_initializer)
        self._set_networks(generator=generator, critic=critic)

    @classmethod
    def tiny(cls, **overrides) -> "PenNet":
        """Builds the system at a quarter of the width for pictures of 64 pixels.

        Args:
            **overrides: settings that differ, by name.

        Returns:
            A `PenNet` with all its parts; its adversarial loss is "nsgan".
        """
        # Under the hinge loss the critic's last bias has the gradient 0 as long as all scores lie between -1 and 1: nothing to test.
        settings = {"image_size": 64, "width_multiplier": 1 / 4, "kernel_initializer": "he_normal", "gan": "nsgan"}
        return cls(PenNetConfig(**{**settings, **overrides}))

    def assign_official_weights(self, arrays: dict) -> None:
        """Takes over the published weights, see `tf_inpaint.load_official`. They were trained with white holes: `hole_value=1.0`.

        Args:
            arrays: name -> NumPy array, as `official_weights.read` makes them of `gen_*.pth` and `dis_*.pth`, or of `gen_*.pth` alone (the
                critic stays as it is then).

        Raises:
            ConfigError: if `upsample` is "deconvolution": of that form no weights were published.
            WeightsError: if an array is missing, left over, there twice or of another shape; nothing has changed then.
        """
        official_names.assign(self.config, self.networks, arrays)

    @tf.autograph.experimental.do_not_convert
    def call(self, inputs, training=False):
        image, mask = inputs["image"], inputs["mask"]
        raw, *pyramid = self.run_network(image, mask, training=training)
        return {"raw": raw, "composite": ops.image.composite(raw, image, mask), "pyramid": pyramid}

    def run_network(self, image: tf.Tensor, mask: tf.Tensor, *, training: bool = False) -> list[tf.Tensor]:
        """Runs the generator on a picture whose hole is blanked: y = G(x * (1 - M), M), equation (7).

        Args:
            image: `[B, H, W, 3]` float32 in [-1, 1]; values in the hole have no influence.
            mask: `[B, H, W, 1]` float32 in {0, 1}, 1 = hole.
            training: passed to the network.

        Returns:
            The picture y and the five side outputs, finest first, float32 in [-1, 1].

        Raises:
            PictureError: if H or W is known and no multiple of 64.
        """
        if any(size is not None and size % SIZE_MULTIPLE for size in image.shape[1:3]):
            raise PictureError(
                f"PEN-Net's networks take heights and widths that are multiples of {SIZE_MULTIPLE}. Received: {tuple(image.shape)}. "
                "`inpaint` takes any size."
            )
        masked_image = tf.where(mask > 0.5, self.config.hole_value, image)
        return self.generator_network([tf.concat([masked_image, mask], axis=-1), mask], training=training)

    # Properties, not attributes: Keras 2.15 would save a list of variables a second time, as the system's own.
    @property
    def _uses_critic(self):
        return bool(self.config.adversarial_weight)

    def _build_optimizers(self):
        config = self.config
        optimizers = {"generator": self._adam(self.generator_network.trainable_variables, epsilon=config.adam_epsilon)}
        if self._uses_critic:
            rate = config.critic_learning_rate_factor * config.learning_rate
            optimizers["critic"] = self._adam(self.critic_network.trainable_variables, learning_rate=rate, epsilon=config.adam_epsilon)
        return optimizers

    # Nothing here branches in Python on a tensor: without AutoGraph's rewriting it is traced in less than half the time.
    @tf.autograph.experimental.do_not_convert
    def train_step(self, batch):
        """One step of the critic, then one of the generator against the new critic; the same in `fit` and in a bare loop.

        Args:
            batch: `{"image", "mask"}` as in `call`, or "mask_seed" instead of "mask".

        Returns:
            Running means of the loss terms.
        """
        batch = self.with_masks(batch)
        image, mask = batch["image"], batch["mask"]
        with tf.GradientTape() as generator_tape:
            raw, *pyramid = self.run_network(image, mask, training=True)
            composite = ops.image.composite(raw, image, mask)  # z
        critic_terms = {}
        if self._uses_critic:
            # Each of the three calls in a step makes a power iteration of its own, as in the released code.
            with tf.GradientTape() as critic_tape:
                real_scores = self.critic_network(image, training=True)
                fake_scores = self.critic_network(tf.stop_gradient(composite), training=True)
                critic_total = objectives.critic_loss(self.config.gan, real_scores, fake_scores)  # (9)
            self.minimize("critic", critic_tape, critic_total, self.critic_network.trainable_variables)
            critic_terms["critic_loss"] = critic_total
        with generator_tape:
            terms = self._generator_losses(image, mask, raw, composite, pyramid, training=True)
            total = tf.add_n(list(terms.values()))  # (10)
        self.minimize("generator", generator_tape, total, self.generator_network.trainable_variables)
        if self.average is not None:
            self.average.update(self.steps_taken)
        return self.track(num_examples=tf.shape(image)[0], loss=total, **terms, **critic_terms)

    @tf.autograph.experimental.do_not_convert
    def test_step(self, batch):
        """Losses and mean PSNR of a batch, as `evaluate` and `fit`'s validation show them.

        Args:
            batch: as in `train_step`.

        Returns:
            Running means of the generator's loss terms and of the composites' PSNR in dB (`metrics.psnr`).
        """
        batch = self.with_masks(batch)
        outputs = self(batch, training=False)
        terms = self._generator_losses(
            batch["image"], batch["mask"], outputs["raw"], outputs["composite"], outputs["pyramid"], training=False
        )
        psnr = self.validation_metrics(batch, outputs)["psnr"]
        loss = tf.add_n(list(terms.values()))
        return self.track(num_examples=tf.shape(psnr)[0], loss=loss, **terms, psnr=tf.reduce_mean(psnr))

    def _generator_losses(self, image, mask, raw, composite, pyramid, *, training):
        """The weighted terms of equation (10), and the released code's two; terms of weight 0 are left out."""
        config, terms = self.config, {}
        hole_loss, valid_loss = objectives.hole_and_valid_loss(raw, image, mask)
        if config.hole_weight:
            terms["hole_loss"] = config.hole_weight * hole_loss
        if config.valid_weight:
            terms["valid_loss"] = config.valid_weight * valid_loss
        if config.pyramid_weight:
            terms["pyramid_loss"] = config.pyramid_weight * objectives.pyramid_loss(image, pyramid)  # (6)
        if self._uses_critic:
            scores = self.critic_network(composite, training=training)
            terms["adversarial_loss"] = config.adversarial_weight * objectives.generator_loss(config.gan, scores)  # (8)
        return terms
