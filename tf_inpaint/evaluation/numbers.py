"""What the numbers of a report are called, how they are written, and which of them is the best.

A report's row holds numbers under short keys. `columns_of` finds them all: those named in `KNOWN` with their heading, unit and
direction, families such as `fid_NETWORK` by their first part, and any other under its own key and without a direction, so that no
number is left out because this list is older than the report.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence

# Numbers of a row that say to what it belongs.
_COUNT = "num_images"
UNDEFINED = "-"
"""Stands where a number is undefined, or was not measured for this method."""


@dataclasses.dataclass(frozen=True)
class Column:
    """A number of the report as a column of a table.

    Attributes:
        key: its key in a row.
        heading: what a reader calls it, without the unit.
        unit: such as "dB" or "%"; empty for a plain number.
        factor: what a value is multiplied by before it is written in that unit.
        decimals: digits after the point; `None`: four significant digits.
        better: "higher", "lower", or `None` where neither is better.
    """

    key: str
    heading: str
    unit: str = ""
    factor: float = 1.0
    decimals: int | None = None
    better: str | None = None

    @property
    def title(self) -> str:
        """Heading and unit: "PSNR, dB"."""
        return f"{self.heading}, {self.unit}" if self.unit else self.heading

    @property
    def direction(self) -> str:
        """Which is better, in words; empty where neither is."""
        return f"{self.better} is better" if self.better else ""

    def text(self, value: float | None) -> str:
        """Writes a value, without its unit.

        Args:
            value: as it stands in the row; `None` where it is undefined.

        Returns:
            The value in the column's unit, or `UNDEFINED`.
        """
        if not _is_number(value):
            return UNDEFINED
        value *= self.factor
        return f"{value:.4g}" if self.decimals is None else f"{value:.{self.decimals}f}"


@dataclasses.dataclass(frozen=True)
class Group:
    """Rows that may be compared.

    Attributes:
        label: of the bin, such as "10-20 %" or "all".
        detail: what else the rows have in common, such as "holes touching the border"; empty for the rows of all holes.
        rows: one for each method.
    """

    label: str
    detail: str
    rows: tuple[dict, ...]


KNOWN = (
    Column("psnr", "PSNR", "dB", 1, 2, "higher"),
    Column("ssim", "SSIM", "", 1, 4, "higher"),
    Column("l1", "L1", "%", 100, 2, "lower"),
    Column("psnr_hole", "PSNR in the hole", "dB", 1, 2, "higher"),
    Column("ssim_hole", "SSIM in the hole", "", 1, 4, "higher"),
    Column("l1_hole", "L1 in the hole", "%", 100, 2, "lower"),
    Column("mae", "MAE of EdgeConnect", "", 1, 4, "lower"),
    Column("edge_precision", "edge precision", "", 1, 3, "higher"),
    Column("edge_recall", "edge recall", "", 1, 3, "higher"),
    Column("edge_f1", "edge F1", "", 1, 3, "higher"),
    Column("lpips", "LPIPS", "", 1, 4, "lower"),
    Column("identity", "likeness of the face", "", 1, 3, "higher"),
    Column("fid", "FID", "", 1, 2, "lower"),
    Column("kid", "KID", "", 1, 4, "lower"),
    Column("seconds_per_image", "seconds per picture", "s", 1, 3, "lower"),
    Column("parameters", "parameters", "million", 1e-6, 2, None),
    Column("peak_memory_bytes", "peak memory", "MiB", 2.0**-20, 0, "lower"),
)
"""The numbers that reports are known to hold, in the order of the columns."""

COSTS = ("seconds_per_image", "parameters", "peak_memory_bytes")
"""Keys of what a method costs, which says nothing about its pictures."""

# What rows of some holes only hold, in words.
_DETAILS = {("border", "touching"): "holes touching the border", ("border", "free"): "holes away from the border"}

# First parts of keys; the rest names the window, the network or the pixels: "ssim_51_hole", "fid_squeezenet".
_FAMILIES = ("ssim", "lpips", "fid", "kid")
_SPREADS = ("std", "error", "deviation", "images", "subsets")
_REST = {"hole": "in the hole", "gray": "luminance"}
_MAIN = ("psnr", "ssim", "l1", "psnr_hole")


def columns_of(rows: Iterable[dict]) -> list[Column]:
    """Finds the numbers that rows hold.

    Args:
        rows: of a report.

    Returns:
        A column for each number that at least one row holds, the known ones first, the others in the order of the rows.
    """
    keys = []
    for row in rows:
        for key, value in row.items():
            if key != _COUNT and key not in keys and _is_number(value):
                keys.append(key)
    known = {column.key: column for column in KNOWN}
    order = [*known, *keys]
    return sorted((known.get(key) or _guess(key) for key in keys), key=lambda column: (_place(column.key), order.index(column.key)))


def main_columns(columns: Iterable[Column]) -> list[Column]:
    """Returns those of `columns` that the papers' tables show.

    Args:
        columns: as of `columns_of`.
    """
    return [column for column in columns if column.key in _MAIN]


def drawn_columns(rows: Sequence[dict]) -> list[Column]:
    """Returns the columns that bars can show: with a direction, and somewhere a value that is not zero.

    Args:
        rows: that are drawn.
    """
    return [column for column in columns_of(rows) if column.better and any(row.get(column.key) for row in rows)]


def best_text(column: Column, rows: Iterable[dict]) -> str | None:
    """Finds the best value among rows that may be compared.

    Args:
        column: which number.
        rows: of one bin.

    Returns:
        The best value as it is written. Rows that are written the same are equally good. `None` where there is no best: no
        direction, no value, or fewer than two rows that have one.
    """
    values = [row[column.key] for row in rows if _is_number(row.get(column.key))]
    if column.better is None or len(values) < 2:
        return None
    return column.text(max(values) if column.better == "higher" else min(values))


def bin_label(limits: Sequence[float] | None) -> str:
    """Returns a bin as text: "10-20 %", or "all" for `None`.

    Args:
        limits: (low, high) hole shares.
    """
    return "all" if limits is None else f"{100 * limits[0]:g}-{100 * limits[1]:g} %"


def group_rows(rows: Iterable[dict]) -> list[Group]:
    """Puts rows together that may be compared: of one bin, and equal in every text that they hold beside their method.

    Args:
        rows: of a report.

    Returns:
        The groups: first those without a detail, then the others, detail after detail; bins in rising order, "all" last.
    """
    groups = {}
    for row in rows:
        texts = [
            _DETAILS.get((key, value), f"{key.replace('_', ' ')}: {value}")
            for key, value in row.items()
            if key not in ("method", "bin") and isinstance(value, str | bool)
        ]
        limits = tuple(row["bin"]) if row.get("bin") is not None else (math.inf,)
        groups.setdefault((", ".join(texts), limits), []).append(row)
    return [
        Group(bin_label(None if limits == (math.inf,) else limits), detail, tuple(members))
        for (detail, limits), members in sorted(groups.items(), key=lambda entry: entry[0])
    ]


def groups_of_all_holes(rows: Iterable[dict]) -> list[Group]:
    """Returns the groups that count every hole; where there are none, all groups.

    Args:
        rows: of a report.
    """
    groups = group_rows(rows)
    return [group for group in groups if not group.detail] or groups


def methods_of(rows: Iterable[dict]) -> list[str]:
    """Returns the methods in the order in which rows name them first.

    Args:
        rows: of a report.
    """
    return list(dict.fromkeys(row["method"] for row in rows))


def short_names(methods: Sequence[str]) -> dict[str, str]:
    """Shortens the methods that are paths of weights.

    Args:
        methods: names of shipped weights, baselines, or paths.

    Returns:
        Method -> its last part where that is not another method's too; where it is, as many parts as tell them apart.
    """
    parts = {method: [part for part in method.split("/") if part] or [method] for method in methods}
    names = {}
    for method, own in parts.items():
        for length in range(1, len(own) + 1):
            if not any(other is not own and other[-length:] == own[-length:] for other in parts.values()):
                break
        names[method] = "/".join(own[-length:])
    return names


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _guess(key: str) -> Column:
    """A number that is not in `KNOWN`: of a known family, or under its own name."""
    family, _, rest = key.partition("_")
    if family not in _FAMILIES or not rest:
        return Column(key, key.replace("_", " "))
    model = next(column for column in KNOWN if column.key == family)
    parts = [f"window {part}" if part.isdigit() else _REST.get(part, part) for part in rest.split("_")]
    heading = f"{model.heading}, {' '.join(parts)}"
    return Column(key, heading) if parts[-1] in _SPREADS else dataclasses.replace(model, key=key, heading=heading)


def _place(key: str) -> int:
    """Where a column stands: the usual numbers, those of papers' scripts, of networks, unknown ones, costs."""
    keys = [column.key for column in KNOWN]
    family = key.partition("_")[0]
    if key in keys:
        return keys.index(key)
    if family == "ssim":
        return keys.index("mae")  # scripts of papers, which only a comparison with them needs
    return keys.index(family) if family in _FAMILIES else keys.index("seconds_per_image") - 1
