"""Partial convolution, see README.md in this folder."""

from tf_inpaint.systems.partial_conv.config import PartialConvConfig
from tf_inpaint.systems.partial_conv.system import PartialConv

__all__ = ["PartialConv", "PartialConvConfig"]
