"""Edge generator and image completion network (CN 110689495 A; EdgeConnect, Nazeri et al. 2019)."""

from tf_inpaint.systems.edge_connect.config import EdgeConnectConfig
from tf_inpaint.systems.edge_connect.system import EdgeConnect

__all__ = ["EdgeConnect", "EdgeConnectConfig"]
