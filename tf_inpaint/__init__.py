"""Image inpainting for TensorFlow and Keras: published systems in one house, with one API."""

from tf_inpaint import layers, losses, masks, networks, ops
from tf_inpaint.systems import SYSTEMS, InpaintingSystem

__version__ = "0.1.0"

__all__ = ["SYSTEMS", "InpaintingSystem", "__version__", "layers", "losses", "masks", "networks", "ops"]
