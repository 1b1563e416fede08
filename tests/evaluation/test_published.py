"""What others published is quoted as it stands there, with its source, and nothing that is only remembered."""

import json

import pytest

from tf_inpaint.evaluation import numbers, published
from tf_inpaint.systems import SYSTEMS

RECORDS = published.read_published()["records"]
SOURCES = published.read_published()["sources"]
TYPES = {
    "source": str, "table": str, "system": str | None, "method": str, "data": str, "image_size": int, "num_images": int | None,
    "masks": str, "bin": list | None, "metric": str, "unit": str, "value": float, "verified": bool,
}  # fmt: skip
# Keys of systems of the five papers, those to come included.
SYSTEM_KEYS = {"three_stage", "edge_connect", "partial_conv", "pen_net", "latent_attention"}


def test_each_record_has_all_fields_of_the_right_type():
    for record in RECORDS:
        assert list(record) == list(TYPES)
        assert all(isinstance(value, TYPES[name]) for name, value in record.items()), record
        assert record["bin"] is None or (len(record["bin"]) == 2 and 0 <= record["bin"][0] < record["bin"][1] <= 1)
        assert record["system"] in (None, *SYSTEM_KEYS)
        assert record["metric"] in {column.key for column in numbers.KNOWN}


def test_each_record_was_read_in_a_source_that_is_named():
    assert all(record["verified"] for record in RECORDS)
    assert {record["source"] for record in RECORDS} <= set(SOURCES)
    for source in SOURCES.values():
        assert source["system"] in SYSTEM_KEYS and len(source["citation"]) > 20 and source["remarks"]


def test_no_number_stands_there_twice():
    places = [tuple(json.dumps(record[name]) for name in ("source", "table", "method", "bin", "metric")) for record in RECORDS]
    assert len(set(places)) == len(places)


def test_all_five_papers_are_there_and_those_without_numbers_say_so():
    assert {source["system"] for source in SOURCES.values()} == SYSTEM_KEYS >= set(SYSTEMS)
    without = published.sources_without_numbers()
    assert len(without) == 3 and all("no numbers" in text for text in without)


def test_tables_known_from_memory_only_are_not_quoted():
    """Partial convolution's and EdgeConnect's own tables were not at hand: both are on Places2 and have L1 per bin."""
    assert {record["source"] for record in RECORDS} == {"rui_2024", "zhang_2023", "mmagic"}
    assert not any("Places2" in record["data"] or (record["metric"] == "l1" and record["bin"]) for record in RECORDS)


@pytest.mark.parametrize(
    ("source", "title", "line"),
    [
        ("rui_2024", "Table 4", ("40-50 %", "CTSDG", "25.14", "0.827")),
        ("rui_2024", "Table 4", ("10-20 %", "proposed", "30.65", "0.940")),
        ("rui_2024", "Table 5", ("not stated", "Res2Net no, self-attention yes", "24.39", "0.821")),
        ("zhang_2023", "Table 1", ("not stated", "RFR", "32.252", "0.948", "106.312")),
        ("mmagic", "CelebA-HQ", ("not stated", "PConv_Stage2", "5.990", "25.404", "0.853")),
    ],
)
def test_a_table_is_put_together_with_the_digits_of_the_source(source, title, line):
    (table,) = [t for t in published.published_tables() if t.source == source and t.title.startswith(title)]
    assert line in table.rows
    assert table.headings[:2] == ("hole", "method") and {len(row) for row in table.rows} == {len(table.headings)}


def test_the_proposed_method_is_the_best_of_its_table_as_its_paper_says():
    (table,) = [t for t in published.published_tables() if t.title.startswith("Table 4")]
    for label in {row[0] for row in table.rows}:
        rows = {row[1]: tuple(map(float, row[2:])) for row in table.rows if row[0] == label}
        assert len(rows) == 5 and all(rows["proposed"][k] == max(values[k] for values in rows.values()) for k in (0, 1))
