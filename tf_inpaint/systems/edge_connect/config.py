"""Settings of EdgeConnect; the defaults are those of the paper and its released code, which the patent leaves open."""

import dataclasses

from tf_inpaint.errors import ConfigError
from tf_inpaint.systems.canny_edges import check_canny_settings
from tf_inpaint.systems.config import SystemConfig
from tf_inpaint.systems.edge_connect.networks import SMALLEST_CRITIC_INPUT

EDGE_WEIGHTS = ("edge_adversarial_weight", "feature_matching_weight", "edge_cross_entropy_weight")
COMPLETION_WEIGHTS = ("l1_weight", "adversarial_weight", "perceptual_weight", "style_weight", "tv_weight", "l1_hole_weight")


@dataclasses.dataclass(frozen=True)
class EdgeConnectConfig(SystemConfig):
    """Architecture, loss weights and optimizer numbers of `EdgeConnect`.

    Args:
        image_size: height and width of training pictures in pixels, a multiple of 4, at least 24. The generators accept any multiple of 4.
        width_multiplier: factor on all widths, 1.0 = 64/128/256 channels in the generators, 64 to 512 in the critics.
        critic_learning_rate_factor: the critics' learning rate as a multiple of the generators'.
        adam_epsilon: of all optimizers; PyTorch's default, a tenth of Keras'.
        canny_sigma, canny_low_threshold, canny_high_threshold: see `ops.canny.canny`.
        adversarial_loss: "nsgan", "lsgan" or "hinge".
        edge_adversarial_weight, feature_matching_weight: of the edge generator's two terms. With both 0 its critic is not trained.
        edge_cross_entropy_weight: of a further term of ours, the mean binary cross-entropy between predicted and true edges. It trains
            the edge generator without a critic, for a cheap start; the paper has none.
        objective: "paper", or "patent": the completion network has the adversarial and the perceptual term only.
        l1_weight, adversarial_weight, perceptual_weight, style_weight: of the completion network's terms. With `adversarial_weight=0` its
            critic is not trained.
        tv_weight: of the total variation of the composite, a regulariser that the patent mentions without a number.
        l1_normalisation: "mask_mean": the mean over the whole picture is divided by the mean of the batch's masks, or "picture": it is not.
        l1_hole_weight: weight of a hole pixel in the L1 term; the paper has 1.
        d2_edge_condition: whether the completion critic sees the edge map as a fourth channel (the paper's equation; the released code has
            three channels).
        feature_network: source of the features of the perceptual and style terms, see `networks.open_feature_network`, or "none".
        perceptual_layers, style_layers: the layers whose features these terms compare.

    Source: CN 110689495 A; Nazeri et al. 2019, arXiv:1901.00212; `config.yml.example` of the released code.
    """

    beta_1: float = 0.0
    beta_2: float = 0.9
    critic_learning_rate_factor: float = 0.1
    adam_epsilon: float = 1e-8
    canny_sigma: float = 2.0
    canny_low_threshold: float = 0.1
    canny_high_threshold: float = 0.2
    adversarial_loss: str = "nsgan"
    edge_adversarial_weight: float = 1.0
    feature_matching_weight: float = 10.0
    edge_cross_entropy_weight: float = 0.0
    objective: str = "paper"
    l1_weight: float = 1.0
    adversarial_weight: float = 0.1
    perceptual_weight: float = 0.1
    style_weight: float = 250.0
    tv_weight: float = 0.0
    l1_normalisation: str = "mask_mean"
    l1_hole_weight: float = 1.0
    d2_edge_condition: bool = False
    feature_network: str = "vgg19"
    perceptual_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    style_layers: tuple[str, ...] = ("relu2_2", "relu3_4", "relu4_4", "relu5_2")

    def __post_init__(self):
        super().__post_init__()
        self._require_multiple("image_size", 4)
        self._require_at_least("image_size", SMALLEST_CRITIC_INPUT)
        self._require_choice("adversarial_loss", ("nsgan", "lsgan", "hinge"))
        self._require_choice("objective", ("paper", "patent"))
        self._require_choice("l1_normalisation", ("mask_mean", "picture"))
        for name in ("critic_learning_rate_factor", "adam_epsilon", "l1_hole_weight"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"`{name}` must be positive. Received: {name}={getattr(self, name)}.")
        for name in (*EDGE_WEIGHTS, *COMPLETION_WEIGHTS):
            self._require_at_least(name, 0)
        check_canny_settings(self)
        if self.base_filters < 1:
            raise ConfigError(f"`width_multiplier` must leave 64 x width_multiplier at least 1. Received: {self.width_multiplier}.")

    @property
    def base_filters(self) -> int:
        """Channels of the first layer of each network: 64 in the paper."""
        return round(64 * self.width_multiplier)

    @property
    def completion_weights(self) -> dict[str, float]:
        """Term -> weight of the completion network's objective: "l1", "adversarial", "perceptual", "style", "total_variation"."""
        in_paper_only = 0.0 if self.objective == "patent" else 1.0
        return {
            "l1": in_paper_only * self.l1_weight,
            "adversarial": self.adversarial_weight,
            "perceptual": self.perceptual_weight,
            "style": in_paper_only * self.style_weight,
            "total_variation": self.tv_weight,
        }

    @property
    def feature_layers(self) -> list[str]:
        """The layers that the feature network gives: those of the perceptual and the style term, where these have a weight."""
        weights = self.completion_weights
        layers = [
            *(self.perceptual_layers if weights["perceptual"] else ()),
            *(self.style_layers if weights["style"] else ()),
        ]
        return list(dict.fromkeys(layers))
