"""Networks that more than one system uses."""

from tf_inpaint.networks.sn_patch_critic import build_sn_patch_critic

__all__ = ["build_sn_patch_critic"]
