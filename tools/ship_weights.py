"""Puts trained weights into the package: half precision, cleaned description, model card, licence note.

    python tools/ship_weights.py RUN three_stage.faces_128 --report REPORT/report.json --notes notes.md \\
        --data "faces_128/train" --masks "irregular_masks_256, even files" --licence-file licence.md --protocol "100 pictures a bin ..."

`--also PROTOCOL REPORT` adds a second measurement, on other pictures or masks; `--picture FILE TEXT` a picture that the card shows.

The folder `tf_inpaint/shipped/NAME` then holds `weights.npz`, `config.json` (settings, runs, measured numbers), `MODEL_CARD.md`,
written from `config.json` and the notes alone, and `LICENSE.md`. Paths of the machine that trained are replaced by the names of the sets.
"""

import argparse
import json
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SHIPPED = ROOT / "tf_inpaint" / "shipped"
MEASURED = ("method", "bin", "num_images", "psnr", "ssim", "l1", "psnr_hole")


def records_of(report: dict, name: str) -> list[dict]:
    """Returns the measured records of a report, those of the weights under the name `name`."""
    from tf_inpaint.evaluation.baselines import BASELINES

    rows = [row for row in report["rows"] if "border" not in row and row["bin"] is not None]
    records = [{key: row.get(key) for key in MEASURED} for row in rows]
    return [{**record, "method": record["method"] if record["method"] in BASELINES else name} for record in records]


def describe(source: dict, *, data: list[str], masks: list[str], measured: list[dict], protocol: str, also: list[dict] = ()) -> dict:
    """Returns the description to ship: that of the run, without paths, with the measured numbers.

    `data` and `masks` are names for each run, from the first to the last, or one name for all.
    """
    runs = source["training"]["runs"]
    data, masks = (names * len(runs) if len(names) == 1 else names for names in (data, masks))
    runs = [{**run, "data": name, "masks": mask} for run, name, mask in zip(runs, data, masks, strict=True)]
    runs = [{key: value for key, value in run.items() if value is not None} for run in runs]
    training = {**source["training"], "runs": runs, "measured": measured, "protocol": protocol}
    if also:
        training["also_measured"] = list(also)
    return {**source, "training": training}


def write_card(name: str, description: dict, notes: str) -> str:
    """Returns the model card in Markdown: runs, settings that differ from the paper's, numbers per bin, notes."""
    from tf_inpaint.systems import SYSTEMS

    training = description["training"]
    defaults = json.loads(json.dumps(SYSTEMS[description["system"]].Config().to_dict()))  # tuples become lists, as in the file
    changed = {key: value for key, value in description["config"].items() if defaults[key] != value}
    lines = [f"# {name}", "", notes.strip(), "", "## Training", ""]
    lines += ["| run | data | masks | size | batch | precision | steps | pictures | seconds |", "|---|---|---|---|---|---|---|---|---|"]
    for number, run in enumerate(training["runs"], start=1):
        seconds = f"{run['seconds']:.0f}" if "seconds" in run else ""
        stage = f", {run['stage']}" if "stage" in run else ""
        lines.append(
            f"| {number}{stage} | {run['data']} | {run['masks']} | {run['image_size']} | {run['batch_size']} | {run['precision']} | "
            f"{run['steps']} | {run['pictures']} | {seconds} |"
        )
    lines += ["", f"Pictures seen over all runs: {training['pictures_over_all_runs']:,}.", ""]
    if "terms" in training["runs"][-1]:
        lines += [f"Loss terms of the last run: {', '.join(f'`{term}`' for term in training['runs'][-1]['terms'])}.", ""]
    lines += ["Settings of the last run that differ from the system's defaults (the paper's, where it states them):", ""]
    lines += ["| setting | here | default |", "|---|---|---|"]
    lines += [f"| `{key}` | {value} | {defaults[key]} |" for key, value in changed.items()]
    if "verification" in description.get("extras", {}):
        from tf_inpaint.systems.verification_thresholds import VerificationThresholds

        thresholds = VerificationThresholds.from_dict(description["extras"]["verification"])
        lines += ["", "## Verification", "", f"Results that score less are rejected: {thresholds.describe()}."]
    lines += ["", "## Measured"]
    for measurement in (training, *training.get("also_measured", ())):
        lines += ["", measurement["protocol"], "", *_table(measurement["measured"])]
    for picture in training.get("pictures", ()):
        lines += ["", f"![{picture['text']}]({picture['file']})", "", picture["text"]]
    return "\n".join(lines) + "\n"


def _table(measured: list[dict]) -> list[str]:
    lines = ["| hole share | method | pictures | PSNR, dB | SSIM | L1, % | PSNR in the hole, dB |", "|---|---|---|---|---|---|---|"]
    for row in sorted(measured, key=lambda row: row["bin"]):
        low, high = (f"{100 * edge:g}" for edge in row["bin"])
        lines.append(
            f"| {low}-{high} % | {row['method']} | {row['num_images']} | {row['psnr']:.2f} | {row['ssim']:.4f} | "
            f"{100 * row['l1']:.2f} | {row['psnr_hole']:.2f} |"
        )
    return lines


def main() -> None:
    from tf_inpaint import weights
    from tf_inpaint.files import sha256
    from tf_inpaint.systems.loading import load

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="run folder or weights folder")
    parser.add_argument("name", help="name under which the weights are shipped")
    parser.add_argument("--report", type=pathlib.Path, required=True, help="report.json of tf-inpaint evaluate")
    parser.add_argument("--notes", type=pathlib.Path, required=True, help="Markdown: what they are, how far to trust them")
    parser.add_argument("--licence-file", type=pathlib.Path, required=True, help="Markdown: terms of the weights")
    parser.add_argument("--data", required=True, nargs="+", help="name of the training pictures; of those of each run, where they differ")
    parser.add_argument("--masks", required=True, nargs="+", help="name of the training masks, or of those of each run")
    parser.add_argument("--protocol", required=True, help="one sentence: what was measured on what")
    parser.add_argument("--also", nargs=2, action="append", default=[], metavar=("PROTOCOL", "REPORT"), help="a further measurement")
    parser.add_argument("--picture", nargs=2, action="append", default=[], metavar=("FILE", "TEXT"), help="a picture for the card")
    arguments = parser.parse_args()

    file = weights.read(arguments.source)
    system = load(arguments.source)
    measured = records_of(json.loads(arguments.report.read_text(encoding="utf-8")), arguments.name)
    also = [
        {"protocol": protocol, "measured": records_of(json.loads(pathlib.Path(report).read_text(encoding="utf-8")), arguments.name)}
        for protocol, report in arguments.also
    ]
    source = {"training": file.training}
    description = describe(source, data=arguments.data, masks=arguments.masks, measured=measured, protocol=arguments.protocol, also=also)
    training = description["training"]
    pictures = [(pathlib.Path(path), text) for path, text in arguments.picture]
    if pictures:
        training["pictures"] = [{"file": path.name, "text": text} for path, text in pictures]
    target = SHIPPED / arguments.name
    target.parent.mkdir(exist_ok=True)
    weights.save(system, target, averaged=False, dtype="float16", training=training)
    description = json.loads((target / weights.CONFIG_FILE).read_text(encoding="utf-8"))
    notes = arguments.notes.read_text(encoding="utf-8")
    (target / "notes.md").write_text(notes, encoding="utf-8")
    (target / "MODEL_CARD.md").write_text(write_card(arguments.name, description, notes), encoding="utf-8")
    (target / "LICENSE.md").write_text(arguments.licence_file.read_text(encoding="utf-8"), encoding="utf-8")
    for path, _ in pictures:
        shutil.copyfile(path, target / path.name)
    size = (target / weights.ARRAYS_FILE).stat().st_size
    print(f"{target.relative_to(ROOT)}: {size / 1e6:.1f} MB, SHA-256 {sha256(target / weights.ARRAYS_FILE)}")


if __name__ == "__main__":
    main()
