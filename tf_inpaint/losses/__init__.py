"""Losses: functions of tensors that return a float32 scalar."""

from tf_inpaint.losses.adversarial import hinge_critic_loss, hinge_generator_loss
from tf_inpaint.losses.reconstruction import l1_loss

__all__ = ["hinge_critic_loss", "hinge_generator_loss", "l1_loss"]
