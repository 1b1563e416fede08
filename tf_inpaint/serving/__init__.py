"""Serving: repairing photographs in Python, and exporting systems for servers."""

from tf_inpaint.serving.export import export
from tf_inpaint.serving.inpainter import Inpainter
from tf_inpaint.serving.verified_result import VerifiedResult

__all__ = ["Inpainter", "VerifiedResult", "export"]
