"""Losses: functions of tensors that return a float32 scalar."""

from tf_inpaint.losses.adversarial import (
    hinge_critic_loss,
    hinge_generator_loss,
    lsgan_critic_loss,
    lsgan_generator_loss,
    nsgan_critic_loss,
    nsgan_generator_loss,
)
from tf_inpaint.losses.features import feature_matching_loss, gram_matrix, perceptual_loss, style_loss
from tf_inpaint.losses.identity import arcface_loss, identity_loss
from tf_inpaint.losses.reconstruction import l1_loss
from tf_inpaint.losses.style_gan import path_length_penalty, path_lengths, r1_penalty
from tf_inpaint.losses.total_variation import total_variation_loss
from tf_inpaint.losses.wasserstein import gradient_penalty, mix_pictures, wasserstein_critic_loss, wasserstein_generator_loss

__all__ = [
    "arcface_loss",
    "feature_matching_loss",
    "gradient_penalty",
    "gram_matrix",
    "hinge_critic_loss",
    "hinge_generator_loss",
    "identity_loss",
    "l1_loss",
    "lsgan_critic_loss",
    "lsgan_generator_loss",
    "mix_pictures",
    "nsgan_critic_loss",
    "nsgan_generator_loss",
    "path_length_penalty",
    "path_lengths",
    "perceptual_loss",
    "r1_penalty",
    "style_loss",
    "total_variation_loss",
    "wasserstein_critic_loss",
    "wasserstein_generator_loss",
]
