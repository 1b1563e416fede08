"""What a search of loss weights is, beside the training of its trials."""

import dataclasses

from tf_inpaint.errors import ConfigError

TUNERS = ("random", "bayesian", "hyperband")
# These may change when a search goes on: they do not touch what a trial finds.
FREE_TO_CHANGE = ("trials", "checkpoint_steps", "log_steps")


@dataclasses.dataclass(frozen=True)
class TuneConfig:
    """Settings of a search.

    Args:
        trials: number of trainings; the first has the present weights.
        ranges: what is searched, see `search_space.weight_ranges`.
        tuner: "random" draws each trial anew; "bayesian" models the results and tries where it expects, or knows least about, the best;
            "hyperband" draws many, trains them for a ninth of the steps and goes on with the better third, twice.
        objective: measure that decides: "psnr", "ssim" or "l1" (smaller is better) of the composites, or another name of the system's
            `validation_metrics`, such as "edge_f1" for edges.
        validation_pictures: number of pictures that are measured.
        validation_data: source of these pictures, its first ones by name; `None` keeps the last ones of the training data back.
    """

    trials: int = 20
    ranges: tuple[str, ...] = ()
    tuner: str = "random"
    objective: str = "psnr"
    validation_pictures: int = 100
    validation_data: str | None = None

    def __post_init__(self):
        for name in ("trials", "validation_pictures"):
            if getattr(self, name) < 1:
                raise ConfigError(f"`{name}` must be at least 1. Received: {name}={getattr(self, name)}.")
        if self.tuner not in TUNERS:
            raise ConfigError(f"`tuner` must be one of {', '.join(TUNERS)}. Received: {self.tuner!r}.")

    @property
    def higher_is_better(self) -> bool:
        """Whether a larger value of the objective is the better one."""
        return self.objective != "l1"
