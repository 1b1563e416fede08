"""Latent feature reconstruction and attention (Zhang & Liu 2023): StyleGAN2, a style encoder and a texture generator."""

from tf_inpaint.systems.latent_attention.config import LatentAttentionConfig
from tf_inpaint.systems.latent_attention.system import LatentAttention

__all__ = ["LatentAttention", "LatentAttentionConfig"]
