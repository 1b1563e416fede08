"""Training: runs that can be killed at any moment and go on to the same bits."""

from tf_inpaint.training.ablation import AblationResult, ablate
from tf_inpaint.training.ablation_config import AblationConfig
from tf_inpaint.training.config import TrainConfig
from tf_inpaint.training.identity import train_identity
from tf_inpaint.training.identity_config import IdentityConfig
from tf_inpaint.training.loop import distribute, make_step, train_steps
from tf_inpaint.training.session import TrainResult, train
from tf_inpaint.training.tune_config import TuneConfig
from tf_inpaint.training.tuning import TuneResult, tune

__all__ = [
    "AblationConfig",
    "AblationResult",
    "IdentityConfig",
    "TrainConfig",
    "TrainResult",
    "TuneConfig",
    "TuneResult",
    "ablate",
    "distribute",
    "make_step",
    "train",
    "train_identity",
    "train_steps",
    "tune",
]
