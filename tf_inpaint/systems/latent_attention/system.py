"""Latent reconstruction and attention. Section numbers are the paper's (Zhang & Liu 2023)."""

import keras
import tensorflow as tf

from tf_inpaint import ops
from tf_inpaint.networks import build_feature_network
from tf_inpaint.systems.base import InpaintingSystem
from tf_inpaint.systems.latent_attention import generator_stage, official_names, style_networks
from tf_inpaint.systems.latent_attention.config import LatentAttentionConfig

# Of PyTorch, in whose codes the parts of the system were tuned.
ADAM_EPSILON = 1e-8
SAMPLE_LAYERS = ("relu1_2", "relu2_2", "relu3_4", "relu4_4")


@keras.saving.register_keras_serializable(package="tf_inpaint")
class LatentAttention(InpaintingSystem):
    """Inpainting in two stages on a third: a StyleGAN2, an encoder that finds the styles of a damaged face, a generator of texture.

    Call arguments:
        inputs: `{"image": [B, H, W, 3] in [-1, 1], "mask": [B, H, W, 1] in {0, 1}}`, float32, H and W divisible by `size_multiple`.
            Pixels inside the hole have no influence. (`inpaint` takes any size.)
        training: passed to the networks.

    Output: dict of float32 tensors: "structure" `[B, H, W, 3]` (I_r, stage 1's whole picture, about in [-1, 1]), "raw" `[B, H, W, 3]` in
        [-1, 1] (I_out; without `config.refine` the structure, clipped), "composite" (with the known pixels pasted back).

    Stages: "generator" trains StyleGAN2 and its critic on whole pictures, without masks; "joint", the one of `compile()`, all networks.

    Source: Zhang & Liu 2023, J. Chongqing Tech. Business Univ. 40(2). README.md in this folder maps it to this code and lists where it is
    silent or wrong and what we chose.
    """

    Config = LatentAttentionConfig
    KEY = "latent_attention"
    STAGES = ("generator", "joint")
    DEFAULT_STAGE = "joint"
    PREDECESSORS = {"joint": "generator"}
    GENERATORS = ("mapping", "synthesis")
    VERIFIERS = ("critic",)
    LOGS = ("loss", *generator_stage.LOGS, "sample_likeness", "psnr")
    ABLATIONS = {
        "full": {},
        "variant_1": {"structure": False, "score_levels": (6, 6, 6)},
        "variant_2": {"score_levels": (6, 6, 6)},
    }

    def __init__(self, config: LatentAttentionConfig | None = None, *, name: str | None = None):
        super().__init__(config, name=name)
        config = self.config
        style = {"size": config.generator_size, "channels": config.generator_channels}
        self._set_networks(
            mapping=style_networks.build_mapping(style_size=config.style_size, num_layers=config.mapping_layers),
            synthesis=style_networks.build_synthesis(**style, style_size=config.style_size),
            critic=style_networks.build_critic(**style),
        )

    @classmethod
    def tiny(cls, **overrides) -> "LatentAttention":
        """Builds the system at an eighth of the width, for pictures of 32 pixels.

        Args:
            **overrides: settings that differ, by name.

        Returns:
            A `LatentAttention` with all its layers; losses with features take StyleGAN2's critic.
        """
        settings = {"image_size": 32, "width_multiplier": 1 / 8, "generator_size": 16, "style_size": 64, "mapping_layers": 2}
        settings |= {"channel_budget": 1024, "max_channels": 64, "shared_trunk": True, "encoder_units": (1, 1, 1, 1)}
        settings |= {"level_sizes": (32, 16, 16, 16, 8, 4), "features": "discriminator", "identity": "none"}
        settings |= {"texture_features": "discriminator", "critic_steps": 1}
        return cls(LatentAttentionConfig(**{**settings, **overrides}))

    @property
    def num_styles(self) -> int:
        """How many styles a picture has: 2 log2(generator_size) - 2."""
        return style_networks.num_styles(self.config.generator_size)

    @property
    def size_multiple(self) -> int:
        """H and W of what the networks see are multiples of this."""
        return self.config.levels[0] // self.config.levels[-1]

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
        stage = self.stage_or_default(stage)
        self._training.sample_features = build_feature_network("random", SAMPLE_LAYERS) if stage == "generator" else None
        super().compile(stage=stage, **kwargs)

    def _build_optimizers(self):
        config = self.config
        style = {"learning_rate": config.generator_learning_rate, "betas": (config.generator_beta_1, config.generator_beta_2)}
        return {
            "generator": self._adam(self.style_variables, **style, epsilon=ADAM_EPSILON),
            "critic": self._adam(self.critic_network.trainable_variables, **style, epsilon=ADAM_EPSILON),
        }

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

    @tf.autograph.experimental.do_not_convert
    def call(self, inputs, training=False):
        image, mask = inputs["image"], inputs["mask"]
        structure = self.reconstruct(image)
        raw = tf.clip_by_value(structure, -1.0, 1.0)
        return {"structure": structure, "raw": raw, "composite": ops.image.composite(raw, image, mask)}

    def reconstruct(self, image: tf.Tensor) -> tf.Tensor:
        """The face of the mean style, at the size of the picture: what is known without an encoder.

        Args:
            image: `[B, H, W, 3]`, of which only the shape counts.

        Returns:
            `[B, H, W, 3]` float32, about in [-1, 1].
        """
        shape = tf.shape(image)
        small = self.synthesise(tf.tile(self.mean_style[None, None], [shape[0], self.num_styles, 1]))
        return tf.ensure_shape(ops.image.resize(small, shape[1:3]), [None, *image.shape[1:3], 3])

    def sample_features(self, image: tf.Tensor) -> list[tf.Tensor]:
        """Features by which `generator_stage.likeness` compares samples with pictures; after `compile(stage="generator")`.

        Args:
            image: `[B, H, W, 3]` float32 in [-1, 1].

        Returns:
            List of maps `[B, H', W', C]` float32.
        """
        return self._training.sample_features(image, training=False)

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
        seed = self.step_seed(batch)
        terms = generator_stage.train(self, batch, seed)
        loss = terms["generator_loss"]
        if self.average is not None:
            self.average.update(self.steps_taken)
        return self.track(num_examples=tf.shape(batch["image"])[0], loss=loss, **terms)

    @tf.autograph.experimental.do_not_convert
    def test_step(self, batch):
        """Losses and metrics of a batch, as `evaluate` and `fit`'s validation show them.

        Args:
            batch: as in `train_step`.

        Returns:
            Running means of the generators' loss terms and of what `validation_metrics` gives.
        """
        batch = self.with_masks(batch)
        terms = generator_stage.evaluate(self, batch)
        measured = self.validation_metrics(batch, self(batch, training=False))
        measured = {name: tf.reduce_mean(values) for name, values in measured.items()}
        return self.track(num_examples=tf.shape(batch["image"])[0], loss=terms["generator_loss"], **terms, **measured)

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
        return {"sample_likeness": generator_stage.likeness(self, batch["image"]), **measured}

    def sample_columns(self, batch, outputs):
        """Samples from nothing while StyleGAN2 is trained, later results.

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
        return [*columns[:2], outputs["structure"], *columns[2:]]
