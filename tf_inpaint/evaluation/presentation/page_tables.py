"""The tables of the page."""

from tf_inpaint.evaluation import numbers
from tf_inpaint.evaluation.presentation.markup import Html, breakable, join, tag
from tf_inpaint.evaluation.published import PublishedTable


def of_numbers(report: dict) -> Html:
    """Returns all rows, bin after bin, the best of each bin and column marked; rows of some holes only are folded away.

    Args:
        report: JSON values of a `report.json`.
    """
    groups = numbers.group_rows(report["rows"])
    parts = []
    for detail in dict.fromkeys(group.detail for group in groups):
        table = _of_groups(report, [group for group in groups if group.detail == detail], detail)
        parts.append(tag("details", tag("summary", detail[:1].upper() + detail[1:]), table) if detail and parts else table)
    return join(*parts)


def _of_groups(report: dict, groups: list[numbers.Group], detail: str) -> Html:
    columns = [column for column in numbers.columns_of(report["rows"]) if column.key != "parameters"]
    names = numbers.short_names(numbers.methods_of(report["rows"]))
    headings = [tag("th", "Method", scope="col"), tag("th", "Pictures", scope="col"), *map(_column_heading, columns)]
    bodies = []
    for group in groups:
        title = "all holes" if group.label == "all" else f"hole {group.label}"
        lines = [tag("tr", tag("th", tag("span", title), scope="rowgroup", colspan=len(columns) + 2, class_="group"))]
        best = [numbers.best_text(column, group.rows) for column in columns]
        for row in group.rows:
            cells = [_cell(column, row, text) for column, text in zip(columns, best, strict=True)]
            name = tag("th", breakable(names[row["method"]]), scope="row", title=row["method"])
            lines.append(tag("tr", name, tag("td", f"{row['num_images']:,}" if "num_images" in row else numbers.UNDEFINED), *cells))
        bodies.append(tag("tbody", *lines))
    caption = f"Means over the pictures of each bin{f', {detail}' if detail else ''}"
    table = tag("table", tag("caption", caption, class_="unseen"), tag("thead", tag("tr", *headings)), *bodies)
    return scrolling(table, f"Numbers of all methods{f', {detail}' if detail else ''}")


def of_costs(report: dict) -> Html:
    """Returns what does not depend on the hole: a line for each method.

    Args:
        report: JSON values of a `report.json`.
    """
    resources = report.get("resources", {})
    rows = []
    for row in report["rows"]:
        if row.get("bin") is None and row["method"] not in [other["method"] for other in rows]:
            peak = (resources.get("peak_memory_bytes") or {}).get(row["method"])
            rows.append({"method": row["method"], **{key: row.get(key) for key in numbers.COSTS}, "peak_memory_bytes": peak})
    known = {column.key: column for column in numbers.KNOWN}
    columns = [known[key] for key in numbers.COSTS if any(row[key] is not None for row in rows)]
    names = numbers.short_names([row["method"] for row in rows])
    lines = [
        tag(
            "tr",
            tag("th", breakable(names[row["method"]]), scope="row", title=row["method"]),
            *(_cell(column, row, numbers.best_text(column, rows)) for column in columns),
        )
        for row in rows
    ]
    heads = [tag("th", "Method", scope="col"), *(_column_heading(column) for column in columns)]
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *lines))
    how = resources.get("peak_memory")
    return join(scrolling(table, "What the methods cost"), tag("p", f"Peak memory: {how}.", class_="note") if how else "")


def of_published(table: PublishedTable) -> Html:
    """Returns a table as it was published.

    Args:
        table: what to show.
    """
    bins = list(dict.fromkeys(row[0] for row in table.rows))
    heads = [tag("th", heading, scope="col") for heading in table.headings[1:]]
    bodies = []
    for label in bins:
        lines = [tag("tr", tag("th", row[1], scope="row"), *(tag("td", cell) for cell in row[2:])) for row in table.rows if row[0] == label]
        if len(bins) > 1:
            title = tag("th", tag("span", f"hole {label}"), scope="rowgroup", colspan=len(heads), class_="group")
            lines.insert(0, tag("tr", title))
        bodies.append(tag("tbody", *lines))
    drawn = tag("table", tag("caption", table.title, class_="unseen"), tag("thead", tag("tr", *heads)), *bodies)
    return scrolling(drawn, table.title)


def scrolling(table: Html, label: str) -> Html:
    """Returns a table in a box of its own, in which it scrolls where it is too wide, also with the keyboard.

    Args:
        table: to show.
        label: what a screen reader calls it.
    """
    return tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=label)


def _column_heading(column: numbers.Column) -> Html:
    arrow = {"higher": "↑", "lower": "↓"}.get(column.better)
    sign = join(tag("span", arrow, aria_hidden="true"), tag("span", f" {column.direction}", class_="unseen")) if arrow else ""
    small = tag("small", column.unit, " " if column.unit else "", sign) if column.unit or arrow else ""
    return tag("th", column.heading, small, scope="col")


def _cell(column: numbers.Column, row: dict, best: str | None) -> Html:
    text = column.text(row.get(column.key))
    if text == numbers.UNDEFINED:
        return tag("td", tag("span", numbers.UNDEFINED, aria_hidden="true"), tag("span", "undefined", class_="unseen"))
    if text == best:
        return tag("td", text, tag("span", " best", class_="unseen"), class_="best")
    return tag("td", text)
