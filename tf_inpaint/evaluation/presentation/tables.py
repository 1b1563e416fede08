"""The rows of a report as CSV, for other programs, and as a LaTeX table, for a paper."""

import csv
import io
from collections.abc import Sequence

from tf_inpaint.evaluation import numbers
from tf_inpaint.evaluation.presentation import words

_LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
}


def to_csv(report: dict) -> str:
    """Writes the rows with all that they hold, numbers in full.

    Args:
        report: JSON values of a `report.json`.

    Returns:
        Comma-separated values with a heading: "method", "bin_low", "bin_high" (empty: all pictures), then each key of the rows as it
        stands in the report. A value that is undefined is empty.
    """
    rows = report["rows"]
    keys = list(dict.fromkeys(key for row in rows for key in row if key not in ("method", "bin")))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["method", "bin_low", "bin_high", *keys])
    for row in rows:
        values = ["" if row.get(key) is None else row[key] for key in keys]
        writer.writerow([words.one_line(row["method"]), *(row["bin"] or ("", "")), *values])
    return text.getvalue()


def to_latex(report: dict) -> str:
    """Writes a table for a paper: a block for each number, a line for each method, a column for each bin, the best in bold.

    Args:
        report: JSON values of a `report.json`.

    Returns:
        A LaTeX `table` that needs the package booktabs, and another one for each kind of hole that has rows of its own. Letters outside
        ASCII, which names may have, are left as they are.
    """
    groups = numbers.group_rows(report["rows"])
    digest = words.one_line(str(report["protocol"].get("items_sha256", "not recorded")))
    lines = ["% \\usepackage{booktabs}", f"% Items of the protocol, SHA-256: {digest}"]
    for detail in dict.fromkeys(group.detail for group in groups):
        lines += _latex_table(report, detail, [group for group in groups if group.detail == detail])
    return "\n".join(lines) + "\n"


def _latex_table(report: dict, detail: str, groups: list[numbers.Group]) -> list[str]:
    names = numbers.short_names(numbers.methods_of(report["rows"]))
    labels = [escape_latex(group.label).replace("-", "--") for group in groups]
    lines = [
        "\\begin{table}",
        "  \\centering",
        f"  \\caption{{{escape_latex(words.caption(report))}{escape_latex(f' {detail[:1].upper()}{detail[1:]}.' if detail else '')}}}",
        f"  \\begin{{tabular}}{{l{'r' * len(groups)}}}",
        "    \\toprule",
        f"    Hole share & {' & '.join(labels)} \\\\",
    ]
    for column in numbers.columns_of(row for group in groups for row in group.rows):
        heading = f"{escape_latex(column.title)}{f' ({column.direction})' if column.direction else ''}"
        lines += ["    \\midrule", f"    \\multicolumn{{{len(groups) + 1}}}{{l}}{{\\emph{{{heading}}}}} \\\\"]
        for method, name in names.items():
            cells = [_latex_cell(column, method, group.rows) for group in groups]
            lines.append(f"    {escape_latex(name)} & {' & '.join(cells)} \\\\")
    return [*lines, "    \\bottomrule", "  \\end{tabular}", "\\end{table}"]


def _latex_cell(column: numbers.Column, method: str, members: Sequence[dict]) -> str:
    row = next((row for row in members if row["method"] == method), {})
    text = column.text(row.get(column.key))
    if text == numbers.UNDEFINED:
        return "--"
    return f"\\textbf{{{text}}}" if text == numbers.best_text(column, members) else text


def escape_latex(text: str) -> str:
    """Writes a text so that LaTeX sets it as it is.

    Args:
        text: any text; control characters and line breaks become escapes.

    Returns:
        LaTeX source in one line.
    """
    return "".join(_LATEX_SPECIAL.get(letter, letter) for letter in words.one_line(text))
