"""Networks that more than one system uses."""

from tf_inpaint.networks.feature_networks import build_feature_network, open_feature_network
from tf_inpaint.networks.sn_patch_critic import build_sn_patch_critic

__all__ = ["build_feature_network", "build_sn_patch_critic", "open_feature_network"]
