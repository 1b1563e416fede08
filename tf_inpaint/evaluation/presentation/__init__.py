"""Reports to read: a page, tables and figures, made from `report.json` and the pictures beside it, without any network."""

from tf_inpaint.evaluation.presentation.join import join_reports, read_report
from tf_inpaint.evaluation.presentation.write import compare, present

__all__ = ["compare", "join_reports", "present", "read_report"]
