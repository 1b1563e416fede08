"""Keras layers, one public class per file."""

from tf_inpaint.layers.fusable_conv2d import FusableConv2D
from tf_inpaint.layers.res2net_block import Res2NetBlock
from tf_inpaint.layers.self_attention2d import SelfAttention2D
from tf_inpaint.layers.spectral_conv2d import SpectralConv2D

__all__ = ["FusableConv2D", "Res2NetBlock", "SelfAttention2D", "SpectralConv2D"]
