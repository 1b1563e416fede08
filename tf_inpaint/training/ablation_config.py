"""What an ablation is, beside the training of its variants."""

import dataclasses

from tf_inpaint.errors import ConfigError

# These may change when an ablation goes on: they do not touch what a training finds.
FREE_TO_CHANGE = ("variants", "own_variants", "seeds", "checkpoint_steps", "log_steps")


@dataclasses.dataclass(frozen=True)
class AblationConfig:
    """Settings of an ablation.

    Args:
        variants: names among the system's `ABLATIONS`; `None` for all of them.
        own_variants: further ones, texts such as "heavy_hole: hole_weight=12 warmup_steps=100" as `variants.find_variants` reads them.
        seeds: each variant is trained once with each.
        validation_pictures: number of pictures that are measured.
        validation_data: source of these pictures, its first ones by name; `None` keeps the last ones of the training data back.
    """

    variants: tuple[str, ...] | None = None
    own_variants: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    validation_pictures: int = 100
    validation_data: str | None = None

    def __post_init__(self):
        if self.validation_pictures < 1:
            raise ConfigError(f"`validation_pictures` must be at least 1. Received: {self.validation_pictures}.")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or not all(0 <= seed < 2**31 for seed in self.seeds):
            raise ConfigError(
                f"`seeds` must be different numbers in 0 to 2**31 - 1. Received: {', '.join(map(str, self.seeds)) or 'none'}."
            )
