"""Training: runs that can be killed at any moment and go on to the same bits."""

from tf_inpaint.training.config import TrainConfig
from tf_inpaint.training.loop import distribute, make_step, train_steps
from tf_inpaint.training.session import TrainResult, train

__all__ = ["TrainConfig", "TrainResult", "distribute", "make_step", "train", "train_steps"]
