"""Adds baselines that were measured later to what shipped weights say of themselves.

    python tools/add_baselines.py REPORT/report.json three_stage.faces_128 partial_conv.faces_128
    python tools/write_zoo.py

The report must be of the same pictures and masks: a baseline that it and the weights have in common (telea, ns) must have the same numbers
in both. Numbers that are there already stay as they are; `config.json` and `MODEL_CARD.md` are written anew.
"""

import argparse
import json
import pathlib
import sys

from ship_weights import MEASURED, SHIPPED, write_card
from write_zoo import measured_alike


def add_baselines(measured: list[dict], rows: list[dict]) -> list[dict]:
    """Returns the records of weights with those baselines of a report that they lack.

    Args:
        measured: records of shipped weights.
        rows: of a report.

    Raises:
        ValueError: if both are not of the same pictures and masks.
    """
    from tf_inpaint.evaluation.baselines import BASELINES

    records = [{key: row.get(key) for key in MEASURED} for row in rows if row["bin"] is not None and "border" not in row]
    found = [record for record in records if record["method"] in BASELINES]
    if not measured_alike(_by_method(measured), _by_method(found)):
        raise ValueError("The report has no baseline with the numbers that the weights have: it is of other pictures or masks.")
    known = {record["method"] for record in measured}
    return [*measured, *(record for record in found if record["method"] not in known)]


def _by_method(records):
    methods = {}
    for record in records:
        methods.setdefault(record["method"], {})[tuple(record["bin"])] = record
    return methods


def main() -> int:
    from tf_inpaint.weights import CONFIG_FILE

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=pathlib.Path, help="report.json of tf-inpaint evaluate")
    parser.add_argument("names", nargs="+", help="names of shipped weights")
    arguments = parser.parse_args()
    rows = json.loads(arguments.report.read_text(encoding="utf-8"))["rows"]
    for name in arguments.names:
        file = SHIPPED / name / CONFIG_FILE
        text = file.read_text(encoding="utf-8")
        description = json.loads(text)
        training = description["training"]
        try:
            training["measured"] = add_baselines(training["measured"], rows)
        except ValueError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        file.write_text(json.dumps(description, indent=2) + ("\n" if text.endswith("\n") else ""), encoding="utf-8")
        notes = (SHIPPED / name / "notes.md").read_text(encoding="utf-8")
        (SHIPPED / name / "MODEL_CARD.md").write_text(write_card(name, description, notes), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
