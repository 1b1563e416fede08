"""A server with TensorFlow Serving's answers for one exported model, for people without its binary."""

from tf_inpaint.serving.server.limits import Limits
from tf_inpaint.serving.server.rest_server import RestServer
from tf_inpaint.serving.server.serve import serve
from tf_inpaint.serving.server.served_model import ServedModel

__all__ = ["Limits", "RestServer", "ServedModel", "serve"]
