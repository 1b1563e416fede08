"""The systems, by name. A system never imports another."""

from tf_inpaint.systems.base import InpaintingSystem
from tf_inpaint.systems.config import SystemConfig
from tf_inpaint.systems.edge_connect import EdgeConnect
from tf_inpaint.systems.latent_attention import LatentAttention
from tf_inpaint.systems.partial_conv import PartialConv
from tf_inpaint.systems.pen_net import PenNet
from tf_inpaint.systems.three_stage import ThreeStage

SYSTEMS = {
    "three_stage": ThreeStage,
    "partial_conv": PartialConv,
    "edge_connect": EdgeConnect,
    "pen_net": PenNet,
    "latent_attention": LatentAttention,
}

__all__ = ["SYSTEMS", "InpaintingSystem", "SystemConfig"]
