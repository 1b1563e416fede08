"""The partial-convolution system: one U-Net whose convolutions look at valid pixels only. Equation numbers are the paper's."""

import keras
import tensorflow as tf

from tf_inpaint import losses, ops
from tf_inpaint.networks import open_feature_network
from tf_inpaint.networks.vgg_weights import IMAGENET_DEVIATION, IMAGENET_MEAN
from tf_inpaint.official_weights import OfficialWeights
from tf_inpaint.systems.base import InpaintingSystem
from tf_inpaint.systems.partial_conv import networks
from tf_inpaint.systems.partial_conv.config import PartialConvConfig


@keras.saving.register_keras_serializable(package="tf_inpaint")
class PartialConv(InpaintingSystem):
    """Inpainting by a U-Net of partial convolutions, without critic.

    Call arguments:
        inputs: `{"image": [B, H, W, 3] in [-1, 1], "mask": [B, H, W, 1] in {0, 1}}`, float32, H and W divisible by `size_multiple`.
            Pixels inside the hole have no influence. (`inpaint` takes any size.)
        training: whether batch normalisation uses the statistics of the batch.

    Output: dict of float32 tensors: "raw" `[B, H, W, 3]` in [-1, 1] (the network's linear output, clipped), "composite" (with the known
        pixels pasted back). Where the whole picture is hole the network gives exactly 0: black, "raw" is -1.

    Stages: "initial"; then "fine_tuning" at `fine_tuning_learning_rate`, with the encoder's batch normalisation in inference mode, since
    holes disturb the statistics. Its gamma and beta go on learning.

    Source: Liu et al. 2018, arXiv:1804.07723. README.md in this folder maps the paper to this code and lists where it is silent and what
    we chose. The paper's mask is 1 where ours is 0: "validity" in this folder.
    """

    Config = PartialConvConfig
    KEY = "partial_conv"
    STAGES = ("initial", "fine_tuning")
    PREDECESSORS = {"fine_tuning": "initial"}
    GENERATORS = ("encoder", "decoder")
    LOGS = (
        "loss",
        "valid_loss",
        "hole_loss",
        "perceptual_loss",
        "style_loss",
        "total_variation_loss",
        "psnr",
    )
    ABLATIONS = {
        "partial": {},
        "plain_convolution": {"partial": False},
        "inverse_sum_scale": {"scale": "inverse_sum"},
        "without_perceptual": {"perceptual_weight": 0.0},
        "without_style": {"style_weight": 0.0},
    }

    def __init__(self, config: PartialConvConfig | None = None, *, name: str | None = None):
        super().__init__(config, name=name)
        config = self.config
        self.size_multiple = 2**config.levels
        filters = networks.level_filters(config.filters, levels=config.levels, width_multiplier=config.width_multiplier)
        shared = {"filters": filters, "scale": config.scale, "use_bias": config.convolution_bias}
        self._set_networks(encoder=networks.build_encoder(**shared), decoder=networks.build_decoder(**shared))
        self._training.feature_network = None

    @classmethod
    def tiny(cls, **overrides) -> "PartialConv":
        """Builds the system at an eighth of the width with three levels, for pictures of 32 pixels.

        Args:
            **overrides: settings that differ, by name.

        Returns:
            A `PartialConv` with all its parts; its feature network is a small one with random weights.
        """
        settings = {"image_size": 32, "width_multiplier": 0.125, "levels": 3, "feature_network": "random"}
        return cls(PartialConvConfig(**{**settings, **overrides}))

    def compile(self, *, stage: str | None = None, feature_network: keras.Model | None = None, **kwargs) -> None:
        """Prepares training, see `InpaintingSystem.compile`.

        Args:
            stage: "initial" (also for `None`) or "fine_tuning".
            feature_network: what the perceptual and style losses take features from, as `networks.build_feature_network` returns it;
                `None` opens the configured one. Where that cannot be had, a warning says so and both losses are left out.
            **kwargs: of `InpaintingSystem.compile`.
        """
        config = self.config
        if not (config.perceptual_weight or config.style_weight):
            feature_network = None
        elif feature_network is None:
            feature_network = open_feature_network(
                config.feature_network, config.feature_layers, purpose="the perceptual and the style loss of partial_conv"
            )
        super().compile(stage=stage, **kwargs)
        self._training.feature_network = feature_network

    def assign_official_weights(self, arrays: dict) -> None:
        """Takes the weights of the PyTorch peers, see `load_official`.

        Args:
            arrays: names as in github.com/naoto0804/pytorch-inpainting-with-partial-conv, `enc_1.conv.input_conv.weight` to
                `dec_1.conv.input_conv.bias` with `bn.weight`, `bn.bias`, `bn.running_mean`, `bn.running_var`, perhaps behind "model/"; or
                the same names without `input_conv.`, where the layer is NVIDIA's. Their `dec_i` leads to level i - 1. README.md in
                this folder names the settings that the published file needs.
        """
        official = OfficialWeights({name.removeprefix("model/"): array for name, array in arrays.items()}, origin="the published U-Net")
        official.ignore("optimizer/", because="training goes on with an optimizer of our own")
        has_inner_convolution = any(".input_conv." in name for name in arrays)
        for side, network in (("enc", self.encoder_network), ("dec", self.decoder_network)):
            for level in range(1, self.config.levels + 1):
                number = level if side == "enc" else 2 * self.config.levels + 1 - level
                convolution = network.get_layer(f"partial_conv_{number}")
                prefix = f"{side}_{level}.conv.{'input_conv.' if has_inner_convolution else ''}"
                official.assign(convolution.kernel, f"{prefix}weight", layout="conv")
                if convolution.use_bias:
                    official.assign(convolution.bias, f"{prefix}bias")
                official.ignore(f"{side}_{level}.conv.mask_conv.weight", because="the kernel of the mask is the constant 1")
                if level > 1:
                    normalisation = network.get_layer(f"batch_norm_{number}")
                    official.assign(normalisation.gamma, f"{side}_{level}.bn.weight")
                    official.assign(normalisation.beta, f"{side}_{level}.bn.bias")
                    official.assign(normalisation.moving_mean, f"{side}_{level}.bn.running_mean")
                    official.assign(normalisation.moving_variance, f"{side}_{level}.bn.running_var")
        official.finish()

    @tf.autograph.experimental.do_not_convert
    def call(self, inputs, training=False):
        image, mask = inputs["image"], inputs["mask"]
        raw = tf.clip_by_value(ops.image.from_unit(self.run_network(image, mask, training=training)), -1.0, 1.0)
        return {"raw": raw, "composite": ops.image.composite(raw, image, mask)}

    def run_network(self, image: tf.Tensor, mask: tf.Tensor, *, training: bool, encoder_training: bool | None = None) -> tf.Tensor:
        """Runs the U-Net, section 3.2.

        Args:
            image: I_gt, `[B, H, W, 3]` float32 in [-1, 1], of which only the known part is used.
            mask: `[B, H, W, 1]` float32, 1 = hole.
            training: whether batch normalisation uses the statistics of the batch.
            encoder_training: the same for the encoder alone; `None` for `training`.

        Returns:
            I_out, `[B, H, W, 3]` float32, in [0, 1] but for overshoots.
        """
        is_normalised = self.config.input_normalisation == "imagenet"
        picture = ops.image.to_unit(image)
        if is_normalised:
            picture = (picture - IMAGENET_MEAN) / IMAGENET_DEVIATION
        # Holes are 0, as in the published codes. Partial convolutions never look at them; the ordinary ones of the ablation do.
        masked_image = ops.image.mask_image(picture, mask)
        validity = 1.0 - mask if self.config.partial else tf.ones_like(mask)
        levels = self.encoder_network([masked_image, validity], training=training if encoder_training is None else encoder_training)
        features, validities = levels[: self.config.levels], levels[self.config.levels :]
        output, _ = self.decoder_network([masked_image, *features, validity, *validities], training=training)
        return output * IMAGENET_DEVIATION + IMAGENET_MEAN if is_normalised else output

    @property
    def _generator_variables(self):
        # Not an attribute: Keras 2.15 would save a list of variables a second time, as the system's own.
        return [variable for name in self.GENERATORS for variable in self.networks[name].trainable_variables]

    def _build_optimizers(self):
        config = self.config
        rate = config.fine_tuning_learning_rate if self._training.stage == "fine_tuning" else config.learning_rate
        return {"generator": self._adam(self._generator_variables, learning_rate=rate)}

    # Nothing here branches in Python on a tensor: without AutoGraph's rewriting it is traced in less than half the time.
    @tf.autograph.experimental.do_not_convert
    def train_step(self, batch):
        """One step; the same in `fit` and in a bare `tf.function` loop.

        Args:
            batch: `{"image", "mask"}` as in `call`, or "mask_seed" instead of "mask".

        Returns:
            Running means of the loss terms.
        """
        batch = self.with_masks(batch)
        with tf.GradientTape() as tape:
            output = self.run_network(batch["image"], batch["mask"], training=True, encoder_training=self._training.stage != "fine_tuning")
            terms = self.loss_terms(output, batch["image"], batch["mask"])
            total = tf.add_n(list(terms.values()))  # (7)
        self.minimize("generator", tape, total, self._generator_variables)
        if self.average is not None:
            self.average.update(self.steps_taken)
        return self.track(num_examples=tf.shape(output)[0], loss=total, **terms)

    @tf.autograph.experimental.do_not_convert
    def test_step(self, batch):
        """Losses and mean PSNR of a batch, as `evaluate` and `fit`'s validation show them.

        Args:
            batch: as in `train_step`.

        Returns:
            Running means of the loss terms and of the composites' PSNR in dB (`metrics.psnr`).
        """
        batch = self.with_masks(batch)
        image, mask = batch["image"], batch["mask"]
        output = self.run_network(image, mask, training=False)
        terms = self.loss_terms(output, image, mask)
        outputs = {"composite": ops.image.composite(ops.image.from_unit(output), image, mask)}
        psnr = self.validation_metrics(batch, outputs)["psnr"]
        loss = tf.add_n(list(terms.values()))
        return self.track(num_examples=tf.shape(psnr)[0], loss=loss, **terms, psnr=tf.reduce_mean(psnr))

    def loss_terms(self, output: tf.Tensor, image: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """Computes the weighted terms of equation (7), all on pictures in [0, 1].

        Args:
            output: I_out, `[B, H, W, 3]` float32, as `run_network` returns it.
            image: I_gt, `[B, H, W, 3]` float32 in [-1, 1].
            mask: `[B, H, W, 1]` float32, 1 = hole.

        Returns:
            name -> float32 scalar. Terms of weight 0 are left out, and the perceptual and style terms where there is no feature network.
        """
        config = self.config
        truth = ops.image.to_unit(image)
        composite = ops.image.composite(output, truth, mask)  # I_comp
        difference = tf.abs(output - truth)
        # Means over all elements, not over those of the hole: so the first author, github.com/NVIDIA/partialconv, issue 9.
        terms = {
            "valid_loss": config.valid_weight * tf.reduce_mean((1.0 - mask) * difference),
            "hole_loss": config.hole_weight * tf.reduce_mean(mask * difference),
        }
        if self._training.feature_network is not None:
            true_features, output_features, composite_features = self._features(image, output, composite)
            for name, weight, feature_loss in (
                ("perceptual_loss", config.perceptual_weight, losses.perceptual_loss),  # (3)
                ("style_loss", config.style_weight, losses.style_loss),  # (4) and (5)
            ):
                if weight:
                    both = feature_loss(output_features, true_features) + feature_loss(composite_features, true_features)
                    terms[name] = weight * both
        if config.total_variation_weight:
            region = ops.morphology.dilate_mask(mask)  # the hole, one pixel wider
            terms["total_variation_loss"] = config.total_variation_weight * losses.total_variation_loss(composite, region)  # (6)
        return terms

    def _features(self, image, output, composite):
        """Feature maps of I_gt, I_out and I_comp. Those of I_gt come from a pass of their own, which needs no gradient."""
        network = self._training.feature_network
        painted = network(ops.image.from_unit(tf.concat([output, composite], axis=0)), training=False)
        output_features, composite_features = zip(*[tf.split(each, 2, axis=0) for each in painted], strict=True)
        return network(image, training=False), output_features, composite_features
