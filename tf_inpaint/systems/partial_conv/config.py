"""Settings of the partial-convolution system; the defaults are the paper's, or our choice where it is silent."""

import dataclasses

from tf_inpaint.errors import ConfigError
from tf_inpaint.systems.base import SystemConfig
from tf_inpaint.systems.partial_conv.networks import MAX_LEVELS


@dataclasses.dataclass(frozen=True)
class PartialConvConfig(SystemConfig):
    """Architecture, loss weights and optimizer numbers of `PartialConv`.

    Args:
        image_size: height and width of training pictures in pixels, a multiple of 2 ** levels.
        learning_rate: of the first phase; 0.0002.
        fine_tuning_learning_rate: of the second phase, in which the encoder's batch normalisation is frozen.
        levels: how often the encoder halves the picture, 2 to 8; 8 is the paper's for 512 px.
        filters: channels of the first levels, times `width_multiplier`; further levels have as many as the last.
        partial: whether convolutions are partial. With `False` all pixels count as valid, also those of the hole, which are 0: the
            network is the same U-Net of ordinary convolutions, with the same weights, and is not told where the hole is. (At the
            picture's border its windows are renormalised as ever.) It stands for the paper's comparison with typical convolutions.
        scale: "window" or "inverse_sum", see `layers.PartialConv2D`.
        input_normalisation: what the network sees and gives: "unit", pictures in [0, 1]; "imagenet", these minus ImageNet's mean,
            divided by its deviation, as published weights of the PyTorch peer want them. Losses compare pictures in [0, 1] either way.
        convolution_bias: whether all convolutions have biases; the last always has.
        valid_weight, hole_weight, perceptual_weight, style_weight, total_variation_weight: of the five loss terms, equation (7).
        feature_network: where the perceptual and style losses take their features from, see `networks.build_feature_network`; "none"
            switches both off.
        feature_layers: the layers of it that are compared.

    Source: Liu et al. 2018, arXiv:1804.07723.
    """

    image_size: int = 512
    learning_rate: float = 2e-4
    beta_1: float = 0.9
    fine_tuning_learning_rate: float = 5e-5
    levels: int = 8
    filters: tuple[int, ...] = (64, 128, 256, 512)
    partial: bool = True
    scale: str = "window"
    input_normalisation: str = "unit"
    convolution_bias: bool = True
    valid_weight: float = 1.0
    hole_weight: float = 6.0
    perceptual_weight: float = 0.05
    style_weight: float = 120.0
    total_variation_weight: float = 0.1
    feature_network: str = "vgg16"
    feature_layers: tuple[str, ...] = ("pool1", "pool2", "pool3")

    def __post_init__(self):
        super().__post_init__()
        if not 2 <= self.levels <= MAX_LEVELS:
            raise ConfigError(f"`levels` must be 2 to {MAX_LEVELS}. Received: levels={self.levels}.")
        self._require_multiple("image_size", 2**self.levels)
        self._require_choice("scale", ("window", "inverse_sum"))
        self._require_choice("input_normalisation", ("unit", "imagenet"))
        for name in ("valid_weight", "hole_weight", "perceptual_weight", "style_weight", "total_variation_weight"):
            self._require_at_least(name, 0)
        if not self.fine_tuning_learning_rate > 0:
            raise ConfigError(
                f"`fine_tuning_learning_rate` must be positive. Received: fine_tuning_learning_rate={self.fine_tuning_learning_rate}."
            )
        if not self.filters or min(self.filters) < 1:
            raise ConfigError(f"`filters` must hold positive numbers of channels. Received: filters={self.filters}.")
