"""Data: sources of pictures, and the pipeline that makes training batches of them."""

from tf_inpaint.data.bank import PictureBank, SourceReport, check, prepare
from tf_inpaint.data.pipeline import dataset
from tf_inpaint.data.record_writer import RecordsReport, write_records
from tf_inpaint.data.registry import SOURCES, open_source
from tf_inpaint.data.sources import Source

__all__ = [
    "SOURCES",
    "PictureBank",
    "RecordsReport",
    "Source",
    "SourceReport",
    "check",
    "dataset",
    "open_source",
    "prepare",
    "write_records",
]
