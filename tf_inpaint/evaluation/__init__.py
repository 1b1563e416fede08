"""Evaluation: a fixed protocol of pictures and masks, systems and baselines in one table, a report that can be repeated."""

from tf_inpaint.evaluation.baselines import BASELINES, check_baselines
from tf_inpaint.evaluation.bins import BIN_SETS, BINS, parse_bins
from tf_inpaint.evaluation.presentation import compare, join_reports, present, read_report
from tf_inpaint.evaluation.protocol import Item, Protocol, make_protocol
from tf_inpaint.evaluation.report import format_table, read_resources, write_report
from tf_inpaint.evaluation.runner import evaluate

__all__ = [
    "BASELINES",
    "BINS",
    "BIN_SETS",
    "Item",
    "Protocol",
    "check_baselines",
    "compare",
    "evaluate",
    "format_table",
    "join_reports",
    "make_protocol",
    "parse_bins",
    "present",
    "read_report",
    "read_resources",
    "write_report",
]
