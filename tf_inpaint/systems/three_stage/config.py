"""Settings of the three-stage system; the defaults are the paper's, or our choice where it is silent."""

import dataclasses

from tf_inpaint.errors import ConfigError
from tf_inpaint.systems.canny_edges import check_canny_settings
from tf_inpaint.systems.config import SystemConfig


@dataclasses.dataclass(frozen=True)
class ThreeStageConfig(SystemConfig):
    """Architecture, loss weights and optimizer numbers of `ThreeStage`.

    Args:
        image_size: height and width of training pictures in pixels, a multiple of 4. The networks accept any such size.
        width_multiplier: factor on all widths, 1.0 = 64/128/256 channels; the widths must stay multiples of 8 after it.
        res2net: whether the edge and refinement networks have their four Res2Net blocks (table 5's ablation).
        self_attention: whether they have their four self-attention layers (table 5's ablation).
        res2net_scale, res2net_width, res2net_norm, res2net_activation: see `layers.Res2NetBlock`.
        attention_form: "icml", "arxiv" or "released", see `layers.SelfAttention2D`.
        attention_kv_pool: max-pooling factor of keys and values; 2 needs a quarter of the time and memory.
        attention_method: "blockwise" or "dense": the same numbers.
        upsample: "transpose" (transposed convolution, the tables' "DeConv") or "resize" (nearest x2 and a 3x3 convolution).
        edge_range: "signed": edge maps are -1 / +1 and 0 where unknown; "unit": 0 / 1.
        canny_sigma, canny_low_threshold, canny_high_threshold: see `ops.canny.canny`.
        critic_input: "raw" (the refinement network's output, the letter of equations 9 and 11) or "composite".
        critic_with_mask: whether the critic sees the mask as a fourth channel.
        coarse_weight, edge_weight, refinement_weight, adversarial_weight: the lambdas of equation (10), all 1. With
            `adversarial_weight=0` there is no critic step at all.
        hole_weight: weight of a hole pixel in the three L1 losses; the paper has 1.
        warmup_steps: steps at the start in which the adversarial term is left out, since a coarse stage that knows nothing yet gives
            the other stages garbage.

    Source: Rui & Guo 2024, J. Test Meas. Tech. 38(1), 34-40, tables 1 to 3, equations (1) to (11).
    """

    res2net: bool = True
    self_attention: bool = True
    res2net_scale: int = 4
    res2net_width: int | None = None
    res2net_norm: str | None = None
    res2net_activation: str = "elu"
    attention_form: str = "icml"
    attention_kv_pool: int = 1
    attention_method: str = "blockwise"
    upsample: str = "transpose"
    edge_range: str = "signed"
    canny_sigma: float = 2.0
    canny_low_threshold: float = 0.1
    canny_high_threshold: float = 0.2
    critic_input: str = "raw"
    critic_with_mask: bool = False
    coarse_weight: float = 1.0
    edge_weight: float = 1.0
    refinement_weight: float = 1.0
    adversarial_weight: float = 1.0
    hole_weight: float = 1.0
    warmup_steps: int = 0

    def __post_init__(self):
        super().__post_init__()
        self._require_multiple("image_size", 4)
        self._require_choice("upsample", ("transpose", "resize"))
        self._require_choice("edge_range", ("signed", "unit"))
        self._require_choice("critic_input", ("raw", "composite"))
        self._require_choice("attention_form", ("icml", "arxiv", "released"))
        self._require_choice("attention_method", ("blockwise", "dense"))
        self._require_choice("res2net_norm", (None, "batch"))
        self._require_at_least("res2net_scale", 2)
        self._require_at_least("attention_kv_pool", 1)
        for name in ("coarse_weight", "edge_weight", "refinement_weight", "adversarial_weight", "warmup_steps"):
            self._require_at_least(name, 0)
        if not self.hole_weight > 0:
            raise ConfigError(f"`hole_weight` must be positive. Received: hole_weight={self.hole_weight}.")
        check_canny_settings(self)
        if self.base_filters < 8 or self.base_filters % 8:
            raise ConfigError(
                "`width_multiplier` must keep 64 x width_multiplier a multiple of 8. Received: "
                f"width_multiplier={self.width_multiplier}. Use 1, 0.75, 0.5, 0.25 or 0.125."
            )

    @property
    def base_filters(self) -> int:
        """Channels of the first layer of each network: 64 in the paper."""
        return round(64 * self.width_multiplier)
