"""Keras layers, one public class per file."""

from tf_inpaint.layers.aligned_subsampling2d import AlignedSubsampling2D
from tf_inpaint.layers.aligned_upsampling2d import AlignedUpsampling2D
from tf_inpaint.layers.attention_transfer import AttentionTransfer
from tf_inpaint.layers.contextual_attention import ContextualAttention
from tf_inpaint.layers.equalized_conv2d import EqualizedConv2D
from tf_inpaint.layers.equalized_dense import EqualizedDense
from tf_inpaint.layers.fusable_conv2d import FusableConv2D
from tf_inpaint.layers.fused_batch_normalization import FusedBatchNormalization
from tf_inpaint.layers.gated_conv2d import GatedConv2D
from tf_inpaint.layers.instance_normalization import InstanceNormalization
from tf_inpaint.layers.learned_constant import LearnedConstant
from tf_inpaint.layers.minibatch_deviation import MinibatchDeviation
from tf_inpaint.layers.padded_conv2d import PaddedConv2D
from tf_inpaint.layers.partial_conv2d import PartialConv2D
from tf_inpaint.layers.patch_attention import PatchAttention
from tf_inpaint.layers.patch_transfer import PatchTransfer
from tf_inpaint.layers.pixel_normalization import PixelNormalization
from tf_inpaint.layers.res2net_block import Res2NetBlock
from tf_inpaint.layers.same_conv2d_transpose import SameConv2DTranspose
from tf_inpaint.layers.self_attention2d import SelfAttention2D
from tf_inpaint.layers.spectral_conv2d import SpectralConv2D
from tf_inpaint.layers.spectral_conv2d_transpose import SpectralConv2DTranspose
from tf_inpaint.layers.style_statistics import StyleStatistics
from tf_inpaint.layers.style_to_rgb import StyleToRgb
from tf_inpaint.layers.styled_conv2d import StyledConv2D

__all__ = [
    "AlignedSubsampling2D",
    "AlignedUpsampling2D",
    "AttentionTransfer",
    "ContextualAttention",
    "EqualizedConv2D",
    "EqualizedDense",
    "FusableConv2D",
    "FusedBatchNormalization",
    "GatedConv2D",
    "InstanceNormalization",
    "LearnedConstant",
    "MinibatchDeviation",
    "PaddedConv2D",
    "PartialConv2D",
    "PatchAttention",
    "PatchTransfer",
    "PixelNormalization",
    "Res2NetBlock",
    "SameConv2DTranspose",
    "SelfAttention2D",
    "SpectralConv2D",
    "SpectralConv2DTranspose",
    "StyleStatistics",
    "StyleToRgb",
    "StyledConv2D",
]
