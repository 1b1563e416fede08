"""Latent feature reconstruction and attention (Zhang & Liu 2023): StyleGAN2, a style encoder and a texture generator."""
