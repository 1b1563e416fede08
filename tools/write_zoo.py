"""Writes the model zoo of the README from what the shipped weights say of themselves.

    python tools/write_zoo.py            # writes the part of README.md between the two marks
    python tools/write_zoo.py --check    # changes nothing; status 1 if that part is stale

The numbers are the `measured` records of `tf_inpaint/shipped/*/config.json`, which `tools/ship_weights.py` takes from a report of
`tf-inpaint evaluate`. Weights that were measured in the same way share a table with the baselines that were measured beside them.
"""

import argparse
import json
import math
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "tf_inpaint" / "shipped"
BEGIN = "<!-- model zoo, written by tools/write_zoo.py -->"
END = "<!-- end of the model zoo -->"

# Key of a record, factor, decimals, whether more is better.
_NUMBERS = (("psnr", 1, 2, True), ("ssim", 1, 4, True), ("l1", 100, 2, False))
# SSIM of the same 8-bit pictures differs by some millionths between machines; other pictures or masks, by much more.
_AGREEMENT = 1e-4


def write_zoo(shipped: pathlib.Path = SHIPPED) -> str:
    """Returns the model zoo in Markdown: the weights, then a table of numbers for each way in which they were measured."""
    weights = {
        folder.name: (folder, json.loads((folder / "config.json").read_text(encoding="utf-8")))
        for folder in sorted(shipped.iterdir())
        if folder.is_dir()
    }
    lines = ["| weights | trained on | pictures seen | size | terms |", "|---|---|---|---|---|"]
    tables = []
    for name, (folder, description) in weights.items():
        training = description["training"]
        link = f"tf_inpaint/shipped/{name}"
        lines.append(
            f"| [`{name}`]({link}/MODEL_CARD.md) | {training['runs'][-1]['data']} | {training['pictures_over_all_runs']:,} | "
            f"{(folder / 'weights.npz').stat().st_size / 1e6:.1f} MB | [licence]({link}/LICENSE.md) |"
        )
        for measurement in (training, *training.get("also_measured", ())):
            _add(tables, measurement, name, f"[`{name}`]({link}/MODEL_CARD.md)")
    for protocol, systems, baselines in tables:
        lines += ["", protocol, "", *_table({**systems, **baselines})]
    return "\n".join(lines)


def _add(tables: list[tuple[str, dict, dict]], measurement: dict, name: str, title: str) -> None:
    """Puts one measurement of weights into the table of those measured in the same way, or into a new one."""
    rows = {}
    for record in measurement["measured"]:
        rows.setdefault(record["method"], {})[tuple(record["bin"])] = record
    baselines = {method: row for method, row in rows.items() if method != name}
    alike = [table for table in tables if table[0] == measurement["protocol"] and measured_alike(table[2], baselines)]
    if not alike:
        alike = [(measurement["protocol"], {}, {})]
        tables += alike
    _, systems, known = alike[0]
    systems[title] = rows[name]
    known.update({method: row for method, row in baselines.items() if method not in known})


def measured_alike(rows: dict[str, dict[tuple, dict]], others: dict[str, dict[tuple, dict]]) -> bool:
    """Whether two sets of rows, method -> bin -> record, can be of the same pictures and masks, whatever a sentence says of them.

    They are if a method that both have, a baseline, has the same numbers in both, as far as two machines can agree.
    """
    common = rows.keys() & others.keys()
    return bool(common) and all(
        rows[method].keys() == others[method].keys()
        and all(
            math.isclose(record[key], others[method][limits][key], rel_tol=_AGREEMENT)
            for limits, record in rows[method].items()
            for key, *_ in _NUMBERS
        )
        for method in common
    )


def _table(rows: dict[str, dict[tuple, dict]]) -> list[str]:
    bins = sorted({limits for row in rows.values() for limits in row})
    heads = [f"hole {100 * low:g}-{100 * high:g} %" for low, high in bins]
    lines = [f"| PSNR, dB / SSIM / L1, % | {' | '.join(heads)} |", "|---" * (len(bins) + 1) + "|"]
    texts = {
        (name, limits, key): f"{factor * row[limits][key]:.{decimals}f}"
        for name, row in rows.items()
        for limits in row
        for key, factor, decimals, _ in _NUMBERS
    }
    best = {
        (limits, key): (max if more_is_better else min)((texts[name, limits, key] for name in rows if limits in rows[name]), key=float)
        for limits in bins
        for key, _, _, more_is_better in _NUMBERS
    }
    for name, row in rows.items():
        cells = []
        for limits in bins:
            written = [texts[name, limits, key] for key, *_ in _NUMBERS] if limits in row else []
            marked = [f"**{text}**" if text == best[limits, key] else text for text, (key, *_) in zip(written, _NUMBERS, strict=False)]
            cells.append(" / ".join(marked) or "-")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def replace(text: str, zoo: str) -> str:
    """Returns the README's `text` with `zoo` between the two marks.

    Raises:
        ValueError: if each mark is not there once, the one that begins first.
    """
    begin, end = text.find(BEGIN), text.find(END)
    if text.count(BEGIN) != 1 or text.count(END) != 1 or end < begin:
        raise ValueError(f"README.md must hold the lines {BEGIN!r} and {END!r} once each, in this order.")
    return f"{text[: begin + len(BEGIN)]}\n\n{zoo}\n\n{text[end:]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say whether the README is stale")
    arguments = parser.parse_args()
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    new = replace(text, write_zoo())
    if arguments.check:
        print("README.md is up to date." if new == text else "README.md is stale: run python tools/write_zoo.py.")
        return int(new != text)
    readme.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
