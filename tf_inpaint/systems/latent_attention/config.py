"""Settings of latent reconstruction and attention; the defaults are the paper's, or of the works that it builds on where it is silent."""

import dataclasses

from tf_inpaint.errors import ConfigError
from tf_inpaint.layers.patch_transfer import WINDOWS
from tf_inpaint.ops.augmentation import POLICIES
from tf_inpaint.systems.config import SystemConfig
from tf_inpaint.systems.latent_attention.style_networks import picture_sizes
from tf_inpaint.systems.latent_attention.texture import ATTENTION_MODES, LEVEL_SIZES

POSITIVE = (
    "generator_learning_rate",
    "encoder_learning_rate",
    "style_size",
    "mapping_layers",
    "channel_budget",
    "max_channels",
    "r1_interval",
    "path_length_interval",
    "critic_steps",
    "texture_l1_hole_weight",
)
GENERATOR_WEIGHTS = ("r1_weight", "path_length_weight")
ENCODER_WEIGHTS = ("l2_weight", "perceptual_weight", "identity_weight", "hole_weight", "valid_weight")
TEXTURE_WEIGHTS = (
    "texture_l1_weight",
    "texture_l1_hole_weight",
    "texture_perceptual_weight",
    "adversarial_weight",
    "gradient_penalty_weight",
)
# The paper has six levels.
NUM_LEVELS = len(LEVEL_SIZES)


@dataclasses.dataclass(frozen=True)
class LatentAttentionConfig(SystemConfig):
    """Architecture, loss weights and optimizer numbers of `LatentAttention`.

    Args:
        image_size: height and width of training pictures in pixels, a multiple of 16, at least 32.
        width_multiplier: factor on the channels of all networks; styles keep their size.
        learning_rate, beta_1, beta_2: of the texture generator and its critic.
        generator_learning_rate, generator_beta_1, generator_beta_2: of StyleGAN2 and its critic.
        encoder_learning_rate, encoder_beta_1, encoder_beta_2: of the encoder.
        generator_size: side of StyleGAN2's pictures, a power of 2, at least 8. Pictures of another size are averaged down or enlarged.
        style_size: length of latents and styles.
        mapping_layers: number of dense layers from latents to styles.
        channel_budget, max_channels: StyleGAN2 and its critic have min(max_channels, channel_budget / size) channels at a size.
        r1_weight, r1_interval: gamma of the critic's R1 penalty, and the steps between two of them; 0 for none.
        path_length_weight, path_length_interval: the same of the generator's path length penalty.
        style_mixing: share of pictures that are made with two styles, in [0, 1].
        augmentation: what is done to all pictures that StyleGAN2's critic sees, of `ops.augmentation.POLICIES`. For small sets, below
            10,000 pictures or so, that are trained on for long.
        shared_trunk: whether the styles of a group share the encoder's convolutions. The paper's do not, and 18 have 236 million weights.
        encoder_units: residual units in each of the four groups of the encoder's trunk.
        mask_channel: whether the encoder sees the mask.
        features: source of the features of the encoder's perceptual loss, see `perceptual.open_features`: "lpips:PATH", "vgg16" and the
            like, "discriminator" (StyleGAN2's critic), "none".
        identity: source of the identity loss: "arcface:PATH" or "own:PATH", or "none".
        l2_weight, perceptual_weight, identity_weight, hole_weight, valid_weight: of the encoder's losses; 0 leaves one out.
        level_sizes: sides of the texture generator's six levels for pictures of `image_size`, each the one before or half of it; empty for
            `image_size`, its half and so on to a 32nd.
        score_levels: the levels whose attention scores fill the levels 1, 2 and 3.
        attention_mode: "strict" (the paper), "hifill" (the released code of the work it follows) or "hifill_hard" (of that the best patch
            alone).
        transfer: whether the patches that attention moves overlap by half, "overlap", or lie side by side, "block" (the formula's letter).
        structure: whether the texture generator sees the reconstruction of stage 1 in the hole; without, an empty hole (variant 1).
        refine: whether results pass through the texture generator; without, stage 1 alone paints them.
        texture_features: source of the features of the texture generator's perceptual loss, as `features`.
        feature_layers: the maps that are compared where `features` or `texture_features` is a VGG.
        texture_l1_weight, texture_perceptual_weight, adversarial_weight: of the texture generator's losses. With
            `adversarial_weight=0` its critic is not trained.
        texture_l1_hole_weight: weight of a hole pixel in the texture generator's L1 term; the paper has 1.
        gradient_penalty_weight: of its critic's.
        critic_steps: steps of its critic for each of its own.

    Raises:
        ConfigError: if a value is out of its range, naming it.

    Source: Zhang & Liu 2023; Richardson et al. 2021, arXiv:2008.00951; Karras et al. 2020, arXiv:1912.04958; Yi et al. 2020,
    arXiv:2005.09704 (HiFill).
    """

    learning_rate: float = 1e-4
    beta_1: float = 0.5
    beta_2: float = 0.9
    generator_learning_rate: float = 2e-3
    generator_beta_1: float = 0.0
    generator_beta_2: float = 0.99
    encoder_learning_rate: float = 1e-3
    encoder_beta_1: float = 0.9
    encoder_beta_2: float = 0.999
    generator_size: int = 1024
    style_size: int = 512
    mapping_layers: int = 8
    channel_budget: int = 32768
    max_channels: int = 512
    r1_weight: float = 10.0
    r1_interval: int = 16
    path_length_weight: float = 2.0
    path_length_interval: int = 4
    style_mixing: float = 0.9
    augmentation: tuple[str, ...] = ()
    shared_trunk: bool = False
    encoder_units: tuple[int, ...] = (3, 4, 14, 3)
    mask_channel: bool = False
    features: str = "lpips"
    identity: str = "arcface"
    l2_weight: float = 1.0
    perceptual_weight: float = 0.8
    identity_weight: float = 0.1
    hole_weight: float = 6.0
    valid_weight: float = 1.0
    level_sizes: tuple[int, ...] = ()
    score_levels: tuple[int, ...] = (6, 5, 4)
    attention_mode: str = "strict"
    transfer: str = "overlap"
    structure: bool = True
    refine: bool = True
    texture_features: str = "vgg16"
    feature_layers: tuple[str, ...] = ("pool1", "pool2", "pool3")
    texture_l1_weight: float = 100.0
    texture_l1_hole_weight: float = 1.0
    texture_perceptual_weight: float = 10.0
    adversarial_weight: float = 1.0
    gradient_penalty_weight: float = 10.0
    critic_steps: int = 3

    def __post_init__(self):
        super().__post_init__()
        self._require_multiple("image_size", 16)
        self._require_at_least("image_size", 32)
        self._require_choice("attention_mode", tuple(ATTENTION_MODES))
        self._require_choice("transfer", WINDOWS)
        for name in POSITIVE:
            if not getattr(self, name) > 0:
                raise ConfigError(f"`{name}` must be positive. Received: {name}={getattr(self, name)}.")
        for name in (*GENERATOR_WEIGHTS, *ENCODER_WEIGHTS, *TEXTURE_WEIGHTS):
            self._require_at_least(name, 0)
        for names in (("l2_weight", "hole_weight", "valid_weight"), ("texture_l1_weight", "adversarial_weight")):
            if not any(getattr(self, name) for name in names):
                listed = ", ".join(f"`{name}`" for name in names)
                raise ConfigError(f"One of {listed} must be above 0: the other losses need networks that may be missing.")
        for name in ("generator_beta_1", "generator_beta_2", "encoder_beta_1", "encoder_beta_2"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"`{name}` must be in [0, 1). Received: {name}={getattr(self, name)}.")
        if not 0 <= self.style_mixing <= 1:
            raise ConfigError(f"`style_mixing` must be in [0, 1]. Received: style_mixing={self.style_mixing}.")
        if self.generator_size < 8 or self.generator_size & (self.generator_size - 1):
            raise ConfigError(f"`generator_size` must be a power of 2, at least 8. Received: generator_size={self.generator_size}.")
        if self.base_filters < 8 or min(self.generator_channels.values()) < 1:
            raise ConfigError(
                "`width_multiplier` must leave 64 x width_multiplier at least 8, and each size a channel. Received: "
                f"width_multiplier={self.width_multiplier}, channel_budget={self.channel_budget}."
            )
        if unknown := [policy for policy in self.augmentation if policy not in POLICIES]:
            raise ConfigError(f"`augmentation` must be of {POLICIES}. Received: {', '.join(unknown)}.")
        if len(self.encoder_units) != 4 or min(self.encoder_units) < 1:
            raise ConfigError(f"`encoder_units` must be four positive numbers. Received: encoder_units={self.encoder_units}.")
        self._check_levels()

    def _check_levels(self):
        sizes = self.levels
        halvings = [larger == smaller or larger == 2 * smaller for larger, smaller in zip(sizes, sizes[1:], strict=False)]
        if len(sizes) != NUM_LEVELS or not all(halvings) or sizes[0] != self.image_size or sizes[-1] < 1:
            raise ConfigError(
                f"`level_sizes` must be {NUM_LEVELS} sizes, the first `image_size`, each the one before or half of it. Received: "
                f"level_sizes={self.level_sizes}, image_size={self.image_size}."
            )
        if len(self.score_levels) != 3 or any(level not in (4, 5, 6) for level in self.score_levels):
            raise ConfigError(
                f"`score_levels` must be three of the levels 4, 5 and 6, for the levels 1, 2 and 3. Received: {self.score_levels}."
            )

    @property
    def levels(self) -> tuple[int, ...]:
        """Sides of the texture generator's levels, for pictures of `image_size`."""
        return self.level_sizes or tuple(self.image_size >> index for index in range(NUM_LEVELS))

    @property
    def base_filters(self) -> int:
        """Channels of the encoder's stem: 64 in the paper."""
        return round(64 * self.width_multiplier)

    @property
    def generator_channels(self) -> dict[int, int]:
        """Size -> channels of StyleGAN2 and its critic there."""
        widths = {size: min(self.max_channels, self.channel_budget // size) for size in picture_sizes(self.generator_size)}
        return {size: round(width * self.width_multiplier) for size, width in widths.items()}
