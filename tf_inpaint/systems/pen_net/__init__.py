"""Pyramid-context encoder network, see README.md in this folder."""

from tf_inpaint.systems.pen_net.config import PenNetConfig
from tf_inpaint.systems.pen_net.system import PenNet

__all__ = ["PenNet", "PenNetConfig"]
