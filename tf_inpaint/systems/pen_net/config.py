"""Settings of PEN-Net; the defaults are those of the paper and its released PyTorch code, holes aside."""

import dataclasses

from tf_inpaint.errors import ConfigError
from tf_inpaint.layers.attention_transfer import COMPOSES, MASK_RESIZES, OVERLAPS
from tf_inpaint.ops.patches import MASK_MODES
from tf_inpaint.systems.config import SystemConfig
from tf_inpaint.systems.pen_net.networks import KERNEL_INITIALIZERS, UPSAMPLINGS

SIZE_MULTIPLE = 64
# So deep that the halved map has a pixel left for the smallest picture.
MAX_RESCALE_LEVELS = 4


@dataclasses.dataclass(frozen=True)
class PenNetConfig(SystemConfig):
    """Architecture, loss weights and optimizer numbers of `PenNet`.

    Args:
        image_size: height and width of training pictures in pixels, a multiple of 64.
        width_multiplier: factor on all widths, 1.0 = 32 to 512 channels in the generator (multiples of 4), 64 to 512 in the critic.
        normalize_query: whether both patches of a cosine are normalised, equation (2); the released code normalises the keys alone.
        mask_mode: "published" or "strict", see `layers.AttentionTransfer`.
        compose: "everywhere" (as published), "hole" or "inside", see there.
        overlap: "constant" (as published) or "count", see there.
        mask_resize: "bilinear_align_corners" (as published), "nearest" or "max", see there.
        rescale_levels: how many of the finest attention levels run on halved maps, 0 to 4: less memory and time, less detail there; with
            `compose="everywhere"` also at known places.
        hole_value: what the network sees in the hole, in [-1, 1]: 0 in the paper (equation 7), 1 in the released code and for its weights.
        upsample: "bilinear" (the released PyTorch form) or "deconvolution" (the TensorFlow form, with attention at full resolution).
        kernel_initializer: "published" (deviation 0.02) or "he_normal", which networks narrower than the paper's need to start learning.
        gan: "hinge" (the paper's) or "nsgan" (the released code's for DTD and Facade).
        adversarial_weight, pyramid_weight, hole_weight, valid_weight: of the four loss terms. With `adversarial_weight=0` the critic is
            neither trained nor run.
        critic_learning_rate_factor: the critic's learning rate as a multiple of the generator's.
        adam_epsilon: of both optimizers; PyTorch's default, a tenth of Keras'.

    Raises:
        ConfigError: if a value is out of its range, naming it.

    Source: Zeng et al. 2019, arXiv:1904.07475; the released code and its settings for CelebA-HQ.
    """

    normalize_query: bool = False
    mask_mode: str = "published"
    compose: str = "everywhere"
    overlap: str = "constant"
    mask_resize: str = "bilinear_align_corners"
    rescale_levels: int = 0
    hole_value: float = 0.0
    upsample: str = "bilinear"
    kernel_initializer: str = "published"
    gan: str = "hinge"
    adversarial_weight: float = 0.1
    pyramid_weight: float = 0.5
    hole_weight: float = 6.0
    valid_weight: float = 1.0
    critic_learning_rate_factor: float = 1.0
    adam_epsilon: float = 1e-8

    def __post_init__(self):
        super().__post_init__()
        self._require_multiple("image_size", SIZE_MULTIPLE)
        choices = {
            "mask_mode": MASK_MODES,
            "compose": COMPOSES,
            "overlap": OVERLAPS,
            "mask_resize": MASK_RESIZES,
            "upsample": UPSAMPLINGS,
            "kernel_initializer": KERNEL_INITIALIZERS,
            "gan": ("hinge", "nsgan"),
        }
        for name, allowed in choices.items():
            self._require_choice(name, allowed)
        for name in ("adversarial_weight", "pyramid_weight", "hole_weight", "valid_weight"):
            self._require_at_least(name, 0)
        if not (self.pyramid_weight or self.hole_weight or self.valid_weight):
            raise ConfigError("One of `pyramid_weight`, `hole_weight` and `valid_weight` must be above 0: a critic alone shows no picture.")
        for name in ("critic_learning_rate_factor", "adam_epsilon"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"`{name}` must be positive. Received: {name}={getattr(self, name)}.")
        if not 0 <= self.rescale_levels <= MAX_RESCALE_LEVELS:
            raise ConfigError(f"`rescale_levels` must be 0 to {MAX_RESCALE_LEVELS}. Received: rescale_levels={self.rescale_levels}.")
        if not -1 <= self.hole_value <= 1:
            raise ConfigError(f"`hole_value` must be in [-1, 1]. Received: hole_value={self.hole_value}.")
        if self.base_filters < 4:
            raise ConfigError(f"`width_multiplier` must be at least 1/8. Received: width_multiplier={self.width_multiplier}.")

    @property
    def base_filters(self) -> int:
        """Channels of the generator's first level, a multiple of 4: the refining branches have a quarter each. 32 in the paper."""
        return 4 * round(8 * self.width_multiplier)

    @property
    def critic_filters(self) -> int:
        """Channels of the critic's first layer: 64 in the paper."""
        return max(round(64 * self.width_multiplier), 1)

    @property
    def attention(self) -> dict:
        """The arguments of all `layers.AttentionTransfer`."""
        names = ("normalize_query", "mask_mode", "compose", "overlap", "mask_resize")
        return {name: getattr(self, name) for name in names}
