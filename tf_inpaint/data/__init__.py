"""Data: sources of pictures, and the pipeline that makes training batches of them."""

from tf_inpaint.data.bank import PictureBank, SourceReport, check, prepare
from tf_inpaint.data.pipeline import dataset
from tf_inpaint.data.sources import SOURCES, Source, open_source

__all__ = ["SOURCES", "PictureBank", "Source", "SourceReport", "check", "dataset", "open_source", "prepare"]
