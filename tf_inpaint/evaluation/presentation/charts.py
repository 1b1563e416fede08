"""Bars for each bin, of text and boxes: they can be read aloud, and wrap on a narrow screen."""

import math
from collections.abc import Sequence

from tf_inpaint.evaluation import numbers
from tf_inpaint.evaluation.presentation.markup import Html, breakable, tag

# These have no zero that means something near the values: their bars may begin elsewhere, and the chart says where.
_CUT = ("psnr", "ssim")
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def bars(column: numbers.Column, groups: Sequence[numbers.Group], names: dict[str, str], trained: set[str]) -> Html:
    """Draws one number of all methods, a panel for each bin, all panels on the same scale.

    Args:
        column: which number.
        groups: as of `numbers.group_rows`.
        names: method -> name to show.
        trained: methods that were trained; their bars have another colour than the baselines'.

    Returns:
        A `figure`.
    """
    low, high = limits(column, [row for group in groups for row in group.rows])
    said = [column.direction] if column.direction else []
    said += [f"bars begin at {_tick(low * column.factor)}, not at zero"] if low else []
    panels = [tag("div", tag("h4", group.label), _panel(column, group.rows, names, trained, low, high), class_="panel") for group in groups]
    return tag(
        "figure",
        tag("figcaption", tag("strong", column.title), f" ({'; '.join(said)})" if said else ""),
        tag("div", *panels, class_="panels"),
        class_="chart",
    )


def limits(column: numbers.Column, rows: Sequence[dict]) -> tuple[float, float]:
    """Chooses where bars begin and end.

    Args:
        column: which number.
        rows: all that are drawn on the same scale.

    Returns:
        Values at the beginning, zero where the number has a zero that means something, and at the end, which are not equal.
    """
    values = [row[column.key] for row in rows if column.text(row.get(column.key)) != numbers.UNDEFINED] or [0.0]
    least, greatest = min(values), max(values)
    if not column.key.startswith(_CUT) or least == greatest or least <= 0:
        low = min(0.0, least)
    else:
        step = _step((greatest - least) / 4)
        low = max(0.0, math.floor(least / step - 0.5) * step)
    high = greatest if greatest > low else low + 1.0
    return low, high


def _panel(column, members, names, trained, low, high) -> Html:
    best = numbers.best_text(column, members)
    lines = []
    for row in members:
        method, value = row["method"], row.get(column.key)
        text = column.text(value)
        if text == numbers.UNDEFINED:
            continue
        width = 100 * (value - low) / (high - low)
        is_best = text == best
        lines.append(
            tag(
                "li",
                tag("span", breakable(names[method]), class_="name", title=method),
                tag("span", tag("span", style=f"width:{width:.2f}%"), class_="bar", aria_hidden="true"),
                tag("span", text, tag("span", " (best)", class_="unseen") if is_best else "", class_="best" if is_best else None),
                class_="trained" if method in trained else None,
            )
        )
    return tag("ul", *lines, class_="bars")


def _step(width: float) -> float:
    """The next round number above."""
    power = 10.0 ** math.floor(math.log10(width))
    return next(step * power for step in _STEPS if step * power >= width * (1 - 1e-9))


def _tick(value: float) -> str:
    return f"{value:.6g}"
