"""Numbers that others published, quoted as they stand in their tables; kept apart from what this library measured.

`published.json` holds them: "sources", each with its citation and remarks, those that print no numbers too; and "records", one number
each, with the source, the table, the data, the size, the masks and the bin that belong to it. It holds only what was read in the source
itself; numbers known from memory are not in it.
"""

import dataclasses
import functools
import json
from pathlib import Path

from tf_inpaint.evaluation import numbers

_FILE = Path(__file__).with_name("published.json")


@dataclasses.dataclass(frozen=True)
class PublishedTable:
    """One table of one source.

    Attributes:
        source: key of the source.
        system: key of the system whose source it is.
        citation: where it was published.
        remarks: what a reader has to know before quoting it.
        title: the table's name in the source, with data, size, masks and number of pictures as far as they are stated.
        headings: of the columns, "hole" and "method" first.
        rows: texts below the headings; the numbers with the digits of the source.
    """

    source: str
    system: str
    citation: str
    remarks: tuple[str, ...]
    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@functools.cache
def read_published() -> dict:
    """Reads the data file.

    Returns:
        "sources": key -> "system", "citation", "remarks"; "records": a list of dictionaries with "source", "table", "system" (key of
        the system that the method is, or `None`), "method" (as the source calls it), "data", "image_size", "num_images" (`None` where
        it is not stated), "masks", "bin", "metric" (key as in a report), "unit", "value" and "verified".
    """
    return json.loads(_FILE.read_text(encoding="utf-8"))


def published_tables() -> list[PublishedTable]:
    """Puts the records together again as the tables they come from.

    Returns:
        The tables, in the order of the file.
    """
    published = read_published()
    tables = {}
    for record in published["records"]:
        tables.setdefault((record["source"], record["table"]), []).append(record)
    return [_table(published["sources"][source], source, table, records) for (source, table), records in tables.items()]


def sources_without_numbers() -> list[str]:
    """Returns the citations, with their remarks, of the sources that print no numbers."""
    published = read_published()
    with_numbers = {record["source"] for record in published["records"]}
    return [
        f"{source['citation']}. {' '.join(source['remarks'])}" for key, source in published["sources"].items() if key not in with_numbers
    ]


def _table(source: dict, key: str, name: str, records: list[dict]) -> PublishedTable:
    metrics = list(dict.fromkeys((record["metric"], record["unit"]) for record in records))
    digits = {metric: _decimals(key, metric) for metric, _ in metrics}
    lines = {}
    for record in records:
        values = lines.setdefault((tuple(record["bin"]) if record["bin"] else None, record["method"]), {})
        values[record["metric"]] = f"{record['value']:.{digits[record['metric']]}f}"
    first = records[0]
    stated = [first["data"], f"{first['image_size']} px", f"{first['masks']} masks"]
    stated += [f"{first['num_images']:,} pictures"] if first["num_images"] else []
    names = {column.key: column.heading for column in numbers.KNOWN}
    return PublishedTable(
        source=key,
        system=source["system"],
        citation=source["citation"],
        remarks=tuple(source["remarks"]),
        title=f"{name}: {', '.join(stated)}",
        headings=("hole", "method", *(", ".join(filter(None, (names[metric], unit))) for metric, unit in metrics)),
        rows=tuple(
            (
                numbers.bin_label(limits) if limits else "not stated",
                method,
                *(values.get(metric, numbers.UNDEFINED) for metric, _ in metrics),
            )
            for (limits, method), values in lines.items()
        ),
    )


def _decimals(source: str, metric: str) -> int:
    """Digits after the point: a source writes all values of a metric alike, a JSON number loses zeros at the end."""
    records = read_published()["records"]
    values = [record["value"] for record in records if (record["source"], record["metric"]) == (source, metric)]
    return max(len(repr(value).partition(".")[2]) for value in values)
