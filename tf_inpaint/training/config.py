"""What a run is: data, masks, batch size, steps, seed and precision, beside the system's own settings."""

import dataclasses

from tf_inpaint.data.pipeline import check_colour_jitter
from tf_inpaint.errors import ConfigError

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
# These may change when a run goes on: they do not touch what a step computes.
FREE_TO_CHANGE = ("steps", "checkpoint_steps", "log_steps")


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Settings of a training run, whatever the system.

    Args:
        data: source of the pictures, see `data.open_source`.
        masks: source of the masks, see `masks.parse`.
        batch_size: pictures in a step, over all replicas. Every batch is full: one may span two passes over the pictures.
        steps: number of steps after which the run is done.
        seed: of the initial weights, the order of the pictures, crops, flips and masks.
        stage: what `compile` trains; `None` for all.
        precision: Keras policy of the networks, one of `PRECISIONS`.
        colour_jitter: largest random change of brightness, contrast, saturation and hue of the training pictures; 0 for none.
        deterministic: whether the same run gives the same bits: operations whose order of summation may vary are exchanged or refused.
        checkpoint_steps: a checkpoint is written after each so many steps, and at the end.
        validation_steps: the averaged weights are measured after each so many steps, and at the end; 0 for never.
        validation_data: source of the validation pictures; `None` keeps some back from `data`: the last 500 by name, a tenth where
            there are fewer than 5000.
        held_out: number of pictures, the last by name, kept back from `data` instead, whether this run validates on them or not;
            `None` for the rule above.
        log_steps: the mean losses are written after each so many steps.
        init_weights: name or path of weights to start from; `None` for random ones.
    """

    data: str = "photos"
    masks: str = "free_form"
    batch_size: int = 8
    steps: int = 2000
    seed: int = 0
    stage: str | None = None
    precision: str = "float32"
    colour_jitter: float = 0.0
    deterministic: bool = False
    checkpoint_steps: int = 500
    validation_steps: int = 500
    validation_data: str | None = None
    held_out: int | None = None
    log_steps: int = 50
    init_weights: str | None = None

    def __post_init__(self):
        if self.precision not in PRECISIONS:
            raise ConfigError(f"`precision` must be one of {PRECISIONS}. Received: precision={self.precision!r}.")
        check_colour_jitter(self.colour_jitter)
        for name in ("batch_size", "steps", "checkpoint_steps", "log_steps"):
            if getattr(self, name) < 1:
                raise ConfigError(f"`{name}` must be at least 1. Received: {name}={getattr(self, name)}.")
        if self.validation_steps < 0:
            raise ConfigError(f"`validation_steps` must not be negative. Received: validation_steps={self.validation_steps}.")
        if self.held_out is not None and self.held_out < 0:
            raise ConfigError(f"`held_out` must not be negative. Received: held_out={self.held_out}.")
        if not 0 <= self.seed < 2**31:
            raise ConfigError(f"`seed` must lie in 0 to 2**31 - 1. Received: seed={self.seed}.")
