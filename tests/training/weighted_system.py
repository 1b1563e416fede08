"""The small system with loss weights, and a search over them in a process of its own, to be killed:
`python -m tests.training.weighted_system DATA FOLDER`.
"""

import dataclasses
import sys

from tests.training.small_system import SmallSystem
from tf_inpaint.systems import SystemConfig
from tf_inpaint.training import TrainConfig, TuneConfig, tune


@dataclasses.dataclass(frozen=True)
class WeightedConfig(SystemConfig):
    """Settings of `WeightedSystem`."""

    image_size: int = 16
    learning_rate: float = 1e-3
    reconstruction_weight: float = 1.0
    adversarial_weight: float = 0.01
    unused_weight: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        self._require_at_least("adversarial_weight", 0)


class WeightedSystem(SmallSystem):
    """The small system, its two terms weighted by settings."""

    KEY = "weighted"
    Config = WeightedConfig

    @classmethod
    def tiny(cls, **overrides):
        return cls(WeightedConfig(**overrides))

    def generator_terms(self, image, mask, training=True):
        raw, terms = super().generator_terms(image, mask, training)
        weights = {"l1_loss": self.config.reconstruction_weight, "adversarial_loss": self.config.adversarial_weight / 0.01}
        return raw, {name: weights[name] * term for name, term in terms.items()}


def search(data, folder, *, system_config=None, max_seconds=None, training=None, **overrides):
    settings = {"data": f"folder:{data}", "masks": "center_square", "batch_size": 4, "steps": 2, "log_steps": 1, "deterministic": True}
    return tune(
        WeightedSystem,
        system_config or WeightedConfig(),
        TrainConfig(**{**settings, **(training or {})}),
        TuneConfig(**{"trials": 3, "validation_pictures": 6, **overrides}),
        folder,
        max_seconds=max_seconds,
    )


if __name__ == "__main__":
    result = search(*sys.argv[1:], training={"steps": 6, "checkpoint_steps": 2})
    sys.exit(0 if result.signal_number is None else 128 + result.signal_number)
