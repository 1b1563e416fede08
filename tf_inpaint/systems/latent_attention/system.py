"""Latent reconstruction and attention. Section numbers are the paper's (Zhang & Liu 2023)."""

import keras
import tensorflow as tf

from tf_inpaint import ops
from tf_inpaint.networks import build_feature_network
from tf_inpaint.systems.base import InpaintingSystem
from tf_inpaint.systems.latent_attention import networks, official_names, stages, style_networks
from tf_inpaint.systems.latent_attention.config import ENCODER_WEIGHTS, GENERATOR_WEIGHTS, TEXTURE_WEIGHTS, LatentAttentionConfig
from tf_inpaint.systems.latent_attention.identity import open_identity_network
from tf_inpaint.systems.latent_attention.perceptual import open_distance

# Of PyTorch, in whose codes the parts of the system were tuned.
ADAM_EPSILON = 1e-8
SAMPLE_LAYERS = ("relu1_2", "relu2_2", "relu3_4", "relu4_4")


@keras.saving.register_keras_serializable(package="tf_inpaint")
class LatentAttention(InpaintingSystem):
    """Inpainting in two stages on a third: a StyleGAN2, an encoder that finds the styles of a damaged face, a generator of texture.

    Call arguments:
        inputs: `{"image": [B, H, W, 3] in [-1, 1], "mask": [B, H, W, 1] in {0, 1}}`, float32. The networks have one size: pictures of
            any other are resized to `config.image_size`, and what is painted is resized back. Pixels inside the hole have no influence.
        training: passed to the networks.

    Output: dict of float32 tensors: "structure" `[B, H, W, 3]` (I_r, stage 1's whole picture, about in [-1, 1]), "raw" `[B, H, W, 3]` in
        [-1, 1] (I_out; without `config.refine` the structure, clipped), "composite" (with the known pixels pasted back).

    Stages: "generator" trains StyleGAN2 and its critic on whole pictures, without masks; "encoder" the encoder, whose StyleGAN2 stands
    still; "texture" the texture generator and its critic on the results of both; "joint", the one of `compile()`, takes a step of each.

    Source: Zhang & Liu 2023, J. Chongqing Tech. Business Univ. 40(2). README.md in this folder maps it to this code and lists where it is
    silent or wrong and what we chose.
    """

    Config = LatentAttentionConfig
    KEY = "latent_attention"
    STAGES = ("generator", "encoder", "texture", "joint")
    DEFAULT_STAGE = "joint"
    PREDECESSORS = {"encoder": "generator", "texture": "encoder", "joint": "texture"}
    STAGE_WEIGHTS = {"generator": GENERATOR_WEIGHTS, "encoder": ENCODER_WEIGHTS, "texture": TEXTURE_WEIGHTS}
    GENERATORS = ("mapping", "synthesis", "encoder", "texture")
    VERIFIERS = ("critic", "texture_critic")
    LOGS = ("loss", *stages.LOGS, "sample_likeness", "psnr")
    ABLATIONS = {
        "full": {},
        "variant_1": {"structure": False, "score_levels": (6, 6, 6)},
        "variant_2": {"score_levels": (6, 6, 6)},
    }

    def __init__(self, config: LatentAttentionConfig | None = None, *, name: str | None = None):
        super().__init__(config, name=name)
        self._set_networks(**networks.build_networks(self.config))

    @classmethod
    def tiny(cls, **overrides) -> "LatentAttention":
        """Builds the system at an eighth of the width, for pictures of 32 pixels.

        Args:
            **overrides: settings that differ, by name.

        Returns:
            A `LatentAttention` with all its networks; losses with features take StyleGAN2's critic. The regularisers are due in each step:
            steps that leave them out take twice as long to trace.
        """
        settings = {"image_size": 32, "width_multiplier": 1 / 8, "generator_size": 8, "style_size": 64, "mapping_layers": 2}
        settings |= {"channel_budget": 1024, "max_channels": 64, "r1_interval": 1, "path_length_interval": 1}
        settings |= {"shared_trunk": True, "encoder_units": (1, 1, 1, 1), "features": "discriminator", "identity": "none"}
        settings |= {"level_sizes": (32, 16, 16, 16, 8, 4), "texture_features": "discriminator", "critic_steps": 1}
        return cls(LatentAttentionConfig(**{**settings, **overrides}))

    @property
    def num_styles(self) -> int:
        """How many styles a picture has: 2 log2(generator_size) - 2."""
        return style_networks.num_styles(self.config.generator_size)

    @property
    def mean_style(self) -> tf.Tensor:
        """`[S]` float32, the mean of the styles that the mapping network makes."""
        return tf.convert_to_tensor(self.mapping_network.get_layer("statistics").mean)

    # A property, not an attribute: Keras 2.15 would save a list of variables a second time, as the system's own.
    @property
    def style_variables(self) -> list:
        """The trainable variables of StyleGAN2's generator."""
        return [*self.mapping_network.trainable_variables, *self.synthesis_network.trainable_variables]

    def assign_official_weights(self, arrays: dict) -> None:
        """Takes over published weights of StyleGAN2, see `tf_inpaint.load_official`; networks whose arrays are not there stay.

        Args:
            arrays: name -> NumPy array, with the names that `official_names` lists.

        Raises:
            WeightsError: if an array is missing, left over or of another shape; nothing has changed then.
        """
        official_names.assign(self.networks, arrays)

    def compile(self, *, stage: str | None = None, **kwargs) -> None:
        """Prepares training, see `InpaintingSystem.compile`.

        Args:
            stage: one of `STAGES`; `None` for "joint".
            **kwargs: of `InpaintingSystem.compile`.

        Raises:
            ConfigError: as there.
        """
        config, stage, state = self.config, self.stage_or_default(stage), self._training
        state.sample_features = build_feature_network("random", SAMPLE_LAYERS) if stage == "generator" else None
        state.encoder_judges, state.texture_judge = (None, None), None
        if "encoder" in stages.TRAINED[stage]:
            purpose = "the encoder's perceptual loss"
            source = config.features if config.perceptual_weight else "none"
            distance = open_distance(source, self, layers=config.feature_layers, purpose=purpose)
            state.encoder_judges = distance, open_identity_network(config.identity if config.identity_weight else "none")
        if "texture" in stages.TRAINED[stage]:
            purpose = "the texture generator's perceptual loss"
            source = config.texture_features if config.texture_perceptual_weight else "none"
            state.texture_judge = open_distance(source, self, layers=config.feature_layers, purpose=purpose)
        super().compile(stage=stage, **kwargs)

    def _build_optimizers(self):
        optimizers = {}
        for part in stages.TRAINED[self.stage]:
            variables, rate, betas = stages.optimizer_settings(self, part)
            optimizers[self.optimizer_of(part)] = self._adam(variables, learning_rate=rate, betas=betas, epsilon=ADAM_EPSILON)
        return optimizers

    def optimizer_of(self, part: str) -> str:
        """Returns the name of the optimizer of a part: the first part that a stage trains has the one called "generator".

        Args:
            part: of `stages.TRAINED[stage]`.
        """
        return "generator" if part == stages.TRAINED[self.stage][0] else part

    @property
    def active_networks(self) -> tuple[str, ...]:
        """The networks that the stage computes with."""
        names = tuple(self.networks)
        return {"generator": names[:3], "encoder": names[:4]}.get(self.stage, names)

    @property
    def encoder_judges(self) -> tuple:
        """The perceptual distance and the identity network of the encoder's losses, each `None` where it is off; after `compile`."""
        return self._training.encoder_judges

    @property
    def texture_judge(self):
        """The perceptual distance of the texture generator's losses, `None` where it is off; after `compile`."""
        return self._training.texture_judge

    def sample(self, count: tf.Tensor | int, seed: tf.Tensor, *, truncation: float = 1.0) -> tf.Tensor:
        """Paints pictures from nothing.

        Args:
            count: how many.
            seed: `[2]` integers; equal seeds give equal pictures.
            truncation: distance of the styles from their mean, 1 as they are drawn, 0 the mean face.

        Returns:
            `[count, generator_size, generator_size, 3]` float32, about in [-1, 1], with the fixed noise.
        """
        styles = self.mapping_network(tf.random.stateless_normal([count, self.config.style_size], seed), training=False)
        styles = self.mean_style + truncation * (styles - self.mean_style)
        return self.synthesise(tf.tile(styles[:, None], [1, self.num_styles, 1]))

    def synthesise(self, styles: tf.Tensor, *, training: bool = False, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Runs StyleGAN2's synthesis.

        Args:
            styles: `[B, num_styles, S]` float32.
            training: whether the noise is drawn anew, and not the fixed one.
            seed: `[2]` integers, of that noise.

        Returns:
            `[B, generator_size, generator_size, 3]` float32, about in [-1, 1].
        """
        seed = tf.zeros([2], tf.int32) if seed is None else tf.cast(seed, tf.int32)
        return self.synthesis_network([styles, tf.tile(seed[None], [tf.shape(styles)[0], 1])], training=training)

    def measure_mean_style(self, count: int = 100_000) -> None:
        """Sets the mean style to the mean of so many styles; for published weights without one. Training keeps it by itself.

        Args:
            count: number of random styles, rounded up to thousands.
        """
        rounds = -(-count // 1000)
        parts = [
            tf.reduce_mean(self.mapping_network(tf.random.stateless_normal([1000, self.config.style_size], [index, 0])), axis=0)
            for index in range(rounds)
        ]
        self.mapping_network.get_layer("statistics").mean.assign(tf.add_n(parts) / rounds)

    def sample_features(self, image: tf.Tensor) -> list[tf.Tensor]:
        """Features by which `generator_stage.likeness` compares samples with pictures; after `compile(stage="generator")`.

        Args:
            image: `[B, H, W, 3]` float32 in [-1, 1].

        Returns:
            List of maps `[B, H', W', C]` float32.
        """
        return self._training.sample_features(image, training=False)

    @tf.autograph.experimental.do_not_convert
    def call(self, inputs, training=False):
        image, mask = inputs["image"], inputs["mask"]
        known, hole = self._resized(ops.image.mask_image(image, mask), mask)
        structure = self.reconstruct(known, hole, training=training)
        if self.config.refine and self.stage not in ("generator", "encoder"):
            raw = self.refine(self._stitched(structure, known, hole), hole, training=training)
        else:
            raw = tf.clip_by_value(structure, -1.0, 1.0)
        structure, raw = (self._enlarged(each, image) for each in (structure, raw))
        return {"structure": structure, "raw": raw, "composite": ops.image.composite(raw, image, mask)}

    def encode(self, image: tf.Tensor, mask: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Finds the styles of damaged pictures: the mean style plus what the encoder says.

        Args:
            image: `[B, image_size, image_size, 3]` float32 in [-1, 1], of which only the known part is used.
            mask: `[B, image_size, image_size, 1]` float32, 1 = hole.
            training: passed to the encoder.

        Returns:
            `[B, num_styles, S]` float32.
        """
        inputs = ops.image.mask_image(image, mask)
        if self.config.mask_channel:
            inputs = tf.concat([inputs, mask], axis=-1)
        return self.mean_style + self.encoder_network(inputs, training=training)

    def reconstruct(self, image: tf.Tensor, mask: tf.Tensor, *, training: bool = False, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Stage 1: I_r = G(E(I_in)). While StyleGAN2 is trained there is no encoder yet, and it is the mean face.

        Args:
            image: `[B, image_size, image_size, 3]` float32 in [-1, 1], of which only the known part is used.
            mask: `[B, image_size, image_size, 1]` float32, 1 = hole.
            training: passed to the networks; the noise is drawn anew then.
            seed: `[2]` integers, of that noise.

        Returns:
            Shape of `image`, float32, about in [-1, 1].
        """
        if self.stage == "generator":
            styles = tf.tile(self.mean_style[None, None], [tf.shape(image)[0], self.num_styles, 1])
        else:
            styles = self.encode(image, mask, training=training)
        painted = self.synthesise(styles, training=training, seed=seed)
        size = self.config.image_size
        if self.config.generator_size > size:
            return ops.resampling.adaptive_average_pool(painted, (size, size))
        return ops.resampling.resize_align_corners(painted, (size, size)) if self.config.generator_size < size else painted

    def stitch(self, image: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """What the texture generator sees: C(I_r), or without `config.structure` the picture with an empty hole.

        Args:
            image: `[B, image_size, image_size, 3]` float32 in [-1, 1], of which only the known part is used.
            mask: `[B, image_size, image_size, 1]` float32, 1 = hole.

        Returns:
            Shape of `image`, float32.
        """
        known = ops.image.mask_image(image, mask)
        return self._stitched(self.reconstruct(image, mask), known, mask) if self.config.structure else known

    def refine(self, stitched: tf.Tensor, mask: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Stage 2: I_out = T(C(I_r), M).

        Args:
            stitched: `[B, image_size, image_size, 3]` float32, see `stitch`.
            mask: `[B, image_size, image_size, 1]` float32, 1 = hole.
            training: passed to the texture generator.

        Returns:
            Shape of `stitched`, float32 in [-1, 1].
        """
        return self.texture_network([stitched, mask], training=training)

    def step_seed(self, batch: dict) -> tf.Tensor:
        """The seed of all that a training step draws: of the batch where it brings one, else of the number of steps.

        Args:
            batch: with "mask_seed" `[B, 2]`, or not.

        Returns:
            `[2]` int32.
        """
        if "mask_seed" in batch:
            return tf.cast(batch["mask_seed"][0], tf.int32)
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        return tf.stack([tf.cast(self.steps_taken, tf.int32), tf.cast(replica, tf.int32)])

    @tf.autograph.experimental.do_not_convert
    def train_step(self, batch):
        """One step of the networks of the stage; the same in `fit` and in a bare `tf.function` loop.

        Args:
            batch: `{"image", "mask"}` as in `call`, or "mask_seed" instead of "mask".

        Returns:
            Running means of the loss terms.
        """
        batch = self.with_masks(batch)
        terms = stages.train(self, batch, self.step_seed(batch))
        if self.average is not None:
            self.average.update(self.steps_taken)
        return self.track(num_examples=tf.shape(batch["image"])[0], loss=stages.total(terms), **terms)

    @tf.autograph.experimental.do_not_convert
    def test_step(self, batch):
        """Losses and metrics of a batch, as `evaluate` and `fit`'s validation show them.

        Args:
            batch: as in `train_step`.

        Returns:
            Running means of the generators' loss terms and of what `validation_metrics` gives.
        """
        batch = self.with_masks(batch)
        outputs = self(batch, training=False)
        terms = stages.evaluate(self, batch, outputs)
        measured = {name: tf.reduce_mean(values) for name, values in self.validation_metrics(batch, outputs).items()}
        return self.track(num_examples=tf.shape(batch["image"])[0], loss=stages.total(terms), **terms, **measured)

    def validation_metrics(self, batch, outputs):
        """Measures results; while StyleGAN2 is trained, how much its samples are like pictures decides.

        Args:
            batch: `{"image", "mask"}` as in `call`.
            outputs: what `call` made of it.

        Returns:
            "sample_likeness" (stage "generator" only, see `generator_stage.likeness`) and "psnr", each `[B]` float32.
        """
        measured = super().validation_metrics(batch, outputs)
        if self.stage != "generator":
            return measured
        return {"sample_likeness": stages.generator_stage.likeness(self, batch["image"]), **measured}

    def sample_columns(self, batch, outputs):
        """Shows samples from nothing while StyleGAN2 is trained, later results.

        Args:
            batch: as in `call`.
            outputs: what `call` made of it.

        Returns:
            Columns of pictures, see `InpaintingSystem.sample_columns`.
        """
        if self.stage == "generator":
            count = batch["image"].shape[0]
            return tf.split(self.sample(8 * count, tf.constant([0, 1])), 8, axis=0)
        columns = super().sample_columns(batch, outputs)
        return [*columns[:2], tf.clip_by_value(outputs["structure"], -1.0, 1.0), *columns[2:]]

    def _stitched(self, structure, known, mask):
        return ops.image.composite(structure, known, mask) if self.config.structure else known

    def _resized(self, known, mask):
        """All networks have one size. Small holes stay holes."""
        size = self.config.image_size
        if known.shape[1:3] == (size, size):
            return known, mask
        hole = tf.cast(ops.image.resize(mask, (size, size), method="area") > 0.0, tf.float32)
        # A new pixel is the mean of the known ones that it covers: beside a hole their sum alone would be too dark.
        share = ops.image.resize(1.0 - mask, (size, size))
        known = tf.math.divide_no_nan(ops.image.resize(known, (size, size)), share)
        return ops.image.mask_image(known, hole), hole

    def _enlarged(self, picture, image):
        if picture.shape[1:3] == image.shape[1:3]:
            return picture
        resized = ops.image.resize(picture, tf.shape(image)[1:3])
        return tf.ensure_shape(resized, [None, *image.shape[1:3], 3])
