"""The model zoo in the README says what the shipped weights say of themselves."""

import json
import re
import sys
import types

import numpy as np
import pytest

from tests.source import ROOT


@pytest.fixture(scope="module")
def tools():
    """The programs in `tools`, which are no package."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import add_baselines
        import write_zoo
    finally:
        sys.path.pop(0)
    return types.SimpleNamespace(add_baselines=add_baselines, write_zoo=write_zoo)


@pytest.fixture(scope="module")
def zoo(tools):
    return tools.write_zoo


def ship(folder, name, numbers, *, protocol="Ten pictures."):
    """A folder of weights with numbers: method -> PSNR in each of two bins."""
    measured = [
        {"method": method, "bin": limits, "num_images": 10, "psnr": psnr, "ssim": psnr / 100, "l1": 1 / psnr}
        for method, values in numbers.items()
        for limits, psnr in zip(([0.1, 0.2], [0.2, 0.3]), values)
    ]
    runs = [{"data": "ten pictures", "pictures": 1234}]
    training = {"runs": runs, "pictures_over_all_runs": 1234, "measured": measured, "protocol": protocol}
    (folder / name).mkdir(parents=True)
    (folder / name / "config.json").write_text(json.dumps({"training": training}))
    (folder / name / "weights.npz").write_bytes(b"0" * 2_500_000)


def test_the_readme_is_not_stale(zoo):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert zoo.replace(text, zoo.write_zoo()) == text, "run python tools/write_zoo.py"


def test_each_number_stands_in_the_description_of_its_weights(zoo):
    """Read back from the Markdown, without the code that wrote it."""
    text = zoo.write_zoo()
    for folder in sorted(path for path in zoo.SHIPPED.iterdir() if path.is_dir()):
        lines = re.findall(rf"^\| \[`{re.escape(folder.name)}`\].*? \| (.* / .*) \|$", text, flags=re.MULTILINE)
        training = json.loads((folder / "config.json").read_text(encoding="utf-8"))["training"]
        own = []
        for measurement in (training, *training.get("also_measured", ())):
            records = [record for record in measurement["measured"] if record["method"] == folder.name]
            own.append([[record["psnr"], record["ssim"], 100 * record["l1"]] for record in sorted(records, key=lambda each: each["bin"])])
        written = [[[float(number.strip("* ")) for number in cell.split("/")] for cell in line.split("|")] for line in lines]
        assert len(written) == len(own)
        for cells in written:
            assert any(np.shape(cells) == np.shape(numbers) and np.allclose(cells, numbers, rtol=0, atol=0.0051) for numbers in own)


def test_weights_measured_alike_share_a_table_with_their_baselines_once(zoo, tmp_path):
    ship(tmp_path, "a.x_8", {"a.x_8": (30, 20), "telea": (25, 22)})
    ship(tmp_path, "b.x_8", {"b.x_8": (31, 21), "telea": (25, 22)})
    text = zoo.write_zoo(tmp_path)
    assert text.count("| telea |") == 1 and text.count("Ten pictures.") == 1
    (line,) = [line for line in text.splitlines() if line.startswith("| telea")]
    assert line == "| telea | 25.00 / 0.2500 / 4.00 | **22.00** / **0.2200** / **4.55** |"
    assert "| [`b.x_8`](tf_inpaint/shipped/b.x_8/MODEL_CARD.md) | **31.00** / **0.3100** / **3.23** | 21.00 /" in text
    assert "| 1,234 | 2.5 MB |" in text


@pytest.mark.parametrize("change", [{"protocol": "Eleven pictures."}, {"baseline": (25, 23)}])
def test_what_was_measured_in_another_way_has_a_table_of_its_own(zoo, tmp_path, change):
    ship(tmp_path, "a.x_8", {"a.x_8": (30, 20), "telea": (25, 22)})
    numbers = {"b.x_8": (31, 21), "telea": change.get("baseline", (25, 22))}
    ship(tmp_path, "b.x_8", numbers, protocol=change.get("protocol", "Ten pictures."))
    assert zoo.write_zoo(tmp_path).count("| telea |") == 2


def test_numbers_of_two_machines_that_differ_in_the_last_digits_share_a_table(zoo, tmp_path):
    ship(tmp_path, "a.x_8", {"a.x_8": (30, 20), "telea": (25, 22)})
    ship(tmp_path, "b.x_8", {"b.x_8": (31, 21), "telea": (25.0001, 22.0001), "mean": (9, 8)})
    text = zoo.write_zoo(tmp_path)
    assert text.count("| telea |") == 1 and text.count("| mean | 9.00 ") == 1


def test_baselines_measured_later_are_added_if_they_are_of_the_same_pictures(tools):
    def records(method, values):
        numbers = {"num_images": 10, "ssim": 0.5, "l1": 0.1, "psnr_hole": 9.0}
        return [{"method": method, "bin": [low, low + 0.1], "psnr": psnr, **numbers} for low, psnr in zip((0.1, 0.2), values)]

    measured = [*records("a.x_8", (30, 20)), *records("telea", (25, 22))]
    report = [*records("telea", (25, 22)), *records("biharmonic", (26, 21)), *records("runs/other", (29, 19))]
    report += [{**record, "border": "free"} for record in report] + [{**record, "bin": None} for record in report]
    added = tools.add_baselines.add_baselines(measured, report)
    assert added == [*measured, *records("biharmonic", (26, 21))]
    assert tools.add_baselines.add_baselines(added, report) == added
    with pytest.raises(ValueError, match="of other pictures or masks"):
        tools.add_baselines.add_baselines(measured, [*records("telea", (25, 23)), *records("biharmonic", (26, 21))])


@pytest.mark.parametrize("text", ["", "{begin}", "{end}{begin}", "{begin}{end}{end}"])
def test_a_readme_without_the_marks_is_refused(zoo, text):
    with pytest.raises(ValueError, match="once each"):
        zoo.replace(text.format(begin=zoo.BEGIN, end=zoo.END), "zoo")


def test_only_the_part_between_the_marks_changes(zoo):
    text = f"before\n{zoo.BEGIN}\nold\n{zoo.END}\nafter\n"
    assert zoo.replace(text, "new") == f"before\n{zoo.BEGIN}\n\nnew\n\n{zoo.END}\nafter\n"


def test_the_table_of_systems_names_all_shipped_weights():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = {
        match[1]: match[2]
        for match in re.finditer(r"^\| \[`(\w+)`\]\(tf_inpaint/systems/\1/README\.md\) \|.*\| (.*?) \|$", text, re.MULTILINE)
    }
    names = sorted(path.name for path in (ROOT / "tf_inpaint/shipped").iterdir() if (path / "config.json").is_file())
    assert sorted(re.findall(r"`(\w+\.\w+)`", " ".join(rows.values()))) == names
    assert all(name.split(".")[0] == system for system, cell in rows.items() for name in re.findall(r"`(\w+\.\w+)`", cell))
