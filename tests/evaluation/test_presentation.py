"""What is made from a report: kept pictures, page, tables, figures, and several reports in one."""

import csv
import html
import html.parser
import io
import json
import re
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from tests.evaluation.conftest import HOSTILE_NAME
from tf_inpaint import pictures
from tf_inpaint.errors import ConfigError, DataError
from tf_inpaint.evaluation import baselines, compare, numbers, present, read_report
from tf_inpaint.evaluation.presentation import charts, embed, figures, markup, page, samples, tables, words


@pytest.fixture
def report_folder(shown_report, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(shown_report, tmp_path / "first")


def change(folder, edit):
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    edit(report)
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")


def renamed(folder, copy, method):
    """A copy of a report in which telea is called otherwise and a little better."""
    shutil.copytree(folder, copy)
    for path in (copy / "report.json", copy / "pictures" / "samples.json", copy / "resources.json"):
        path.write_text(path.read_text(encoding="utf-8").replace('"telea"', json.dumps(method)), encoding="utf-8")
    change(copy, lambda report: [row.update(psnr=row["psnr"] + 1) for row in report["rows"] if row["method"] == method])
    return copy


# --- kept pictures


def test_the_kept_pictures_are_the_truth_the_hole_and_what_each_method_made_of_it(shown_report):
    kept = samples.read(shown_report)
    for sample in kept:
        truth, hole = pictures.read_rgb(sample.truth), pictures.read_mask(sample.hole)
        assert np.mean(hole > 0) == sample.item["hole_share"]
        assert list(sample.composites) == ["telea", "ns"]
        for method, path in sample.composites.items():
            np.testing.assert_array_equal(pictures.read_rgb(path), baselines.BASELINES[method](truth, hole))


def test_fixed_items_come_from_each_bin_and_are_other_pictures_in_each(shown_report):
    fixed = [sample for sample in samples.read(shown_report) if samples.FIXED in sample.reasons]
    assert [sample.item["bin"] for sample in fixed] == [[0.1, 0.2]] * 2 + [[0.2, 0.3]] * 2
    assert len({sample.item["image"] for sample in fixed}) == 4


def test_the_worst_and_best_of_each_method_are_kept(shown_report):
    report = read_report(shown_report)
    kept = samples.read(shown_report)
    for method in ("telea", "ns"):
        series = report["per_image"][method]["psnr_hole"]
        order = sorted(range(len(series)), key=lambda index: series[index])
        assert {sample.index for sample in kept if ("worst", method) in sample.reasons} == set(order[:2])
        assert {sample.index for sample in kept if ("best", method) in sample.reasons} == set(order[-2:])


def test_no_report_keeps_more_than_24_items_and_each_method_has_its_turn():
    random = np.random.RandomState(0)
    items = [{"bin": [low / 10, (low + 1) / 10]} for low in range(6) for _ in range(50)]
    per_image = {f"method {number}": {"psnr_hole": list(random.rand(300))} for number in range(12)}
    chosen = samples.choose({"protocol": {"items": items}, "per_image": per_image})
    assert len(chosen) == samples.MAX_ITEMS
    assert sum(samples.FIXED in reasons for reasons in chosen.values()) == 12
    assert {reason[1] for reasons in chosen.values() for reason in reasons if reason[0] == "worst"} == set(per_image)


def test_undefined_numbers_are_neither_best_nor_worst():
    items = [{"bin": None}] * 10
    per_image = {"a": {"psnr_hole": [None, 3.0, 1.0, None, 2.0, *[None] * 5]}}
    chosen = samples.choose({"protocol": {"items": items}, "per_image": per_image})
    assert {index for index, reasons in chosen.items() if ("worst", "a") in reasons} == {2, 4}
    assert {index for index, reasons in chosen.items() if ("best", "a") in reasons} == {1, 4}


def test_a_list_of_pictures_leads_to_no_other_file(report_folder):
    path = report_folder / "pictures" / "samples.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'"truth": "', '"truth": "../../', text), encoding="utf-8")
    assert all(sample.truth.parent == report_folder / "pictures" for sample in samples.read(report_folder))


@pytest.mark.parametrize("damage", [lambda path: path.write_text("{"), lambda path: next(path.parent.glob("*.png")).unlink()])
def test_damaged_pictures_are_named(report_folder, damage):
    damage(report_folder / "pictures" / "samples.json")
    with pytest.raises(DataError, match="samples.json|is missing"):
        present(report_folder)


# --- page


class Attributes(html.parser.HTMLParser):
    """All attributes of a page, and the names of its elements."""

    def __init__(self, text):
        super().__init__()
        self.found, self.elements = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append(tag)
        self.found += attributes


def test_the_page_is_one_file_that_refers_to_nothing_outside(shown_report):
    text = (shown_report / "report.html").read_text(encoding="utf-8")
    attributes = Attributes(text)
    addresses = [value for name, value in attributes.found if name in ("src", "href", "action", "data", "poster", "srcset", "formaction")]
    assert addresses and all(address.startswith(("data:image/", "#")) for address in addresses)
    assert not {"link", "iframe", "object", "embed", "base", "form"} & set(attributes.elements)
    assert not re.search(r"@import|url\(", text)
    (policy,) = [value for _, value in attributes.found if value and value.startswith("default-src")]
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy


def test_a_hostile_file_name_is_shown_and_does_nothing(shown_report):
    text = (shown_report / "report.html").read_text(encoding="utf-8")
    assert str(markup.escape(pictures.printable(HOSTILE_NAME))) in text
    assert "\u202e" not in text
    attributes = Attributes(text)
    assert not any(name.startswith("on") for name, _ in attributes.found)
    assert attributes.elements.count("script") == 1


@pytest.mark.parametrize("text", ["</script><b>", "a\"b'c", "&amp;", "line\nbreak", "\u202edesrever", "\udcff"])
def test_an_escaped_text_holds_no_markup_and_comes_back_whole(text):
    escaped = markup.escape(text)
    assert not set("<>\"'") & set(escaped) and escaped.isprintable()
    assert html.unescape(escaped) == words.one_line(text)
    assert markup.tag("p", text, title=text) == f'<p title="{escaped}">{escaped}</p>'


def test_each_link_within_the_page_leads_somewhere(shown_report):
    text = (shown_report / "report.html").read_text(encoding="utf-8")
    identifiers = re.findall(r'\bid="([^"]+)"', text)
    assert len(set(identifiers)) == len(identifiers)
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(identifiers)


def test_the_best_of_each_bin_and_column_is_marked(shown_report):
    report = read_report(shown_report)
    text = (shown_report / "report.html").read_text(encoding="utf-8")
    table = text[text.index('id="numbers"') : text.index("What they cost")]
    marked = re.findall(r'<td class="best">([^<]+)', table)
    expected = [
        numbers.best_text(column, group.rows)
        for group in numbers.group_rows(report["rows"])
        for column in numbers.columns_of(report["rows"])
        if column.key != "parameters"
    ]
    assert sorted(set(marked)) == sorted({text for text in expected if text})


def test_the_page_says_what_was_measured_and_what_was_published(shown_report):
    text = (shown_report / "report.html").read_text(encoding="utf-8")
    report = read_report(shown_report)
    for part in (
        report["protocol"]["items_sha256"],
        "Holes touching the border",
        "6 pictures of 6",
        "CelebA-HQ at 256 px",
        "doi:10.3969",
    ):
        assert part in text
    for row in report["rows"]:
        assert f">{row['psnr_hole']:.2f}" in text


def test_pictures_are_reduced_until_they_keep_to_the_budget(shown_report):
    kept = samples.read(shown_report)
    whole, _ = embed.embed(kept)
    size = sum(len(picture.address) for pictures_of_one in whole for picture in pictures_of_one.values())
    small, text = embed.embed(kept, budget=size - 1)
    assert len(small) == len(kept) and "WebP" in text
    assert sum(len(picture.address) for pictures_of_one in small for picture in pictures_of_one.values()) < size
    one, text = embed.embed(kept, budget=3_000)
    assert 0 < len(one) < len(kept) and f"{len(kept) - len(one)} more did not fit" in text


def test_an_embedded_picture_is_the_kept_one_pixel_by_pixel(shown_report):
    import base64

    kept = samples.read(shown_report)[0]
    (addresses,), _ = embed.embed([kept])
    for name, path in {**kept.composites, embed.TRUTH: kept.truth}.items():
        stored = base64.b64decode(addresses[name].address.removeprefix("data:image/png;base64,"))
        np.testing.assert_array_equal(pictures.read_rgb(io.BytesIO(stored)), pictures.read_rgb(path))


def test_a_report_of_an_earlier_version_has_a_page_too(report_folder):
    shutil.rmtree(report_folder / "pictures")
    (report_folder / "resources.json").unlink()
    change(report_folder, lambda report: [report.pop(name) for name in ("methods", "environment")])
    present(report_folder)
    assert "has no pictures" in (report_folder / "report.html").read_text(encoding="utf-8")


def test_what_is_made_again_is_the_same(report_folder):
    names = ["report.html", "report.csv", "report.tex", "figures/sheet.png", "figures/bars.png"]
    before = {name: (report_folder / name).read_bytes() for name in names}
    assert present(report_folder) == [report_folder / name for name in (*names[:3], "figures/bars.png", "figures/sheet.png")]
    assert {name: (report_folder / name).read_bytes() for name in names} == before


@pytest.mark.parametrize(
    ("key", "values", "limits"),
    [
        ("psnr", [21.0, 33.0], (15.0, 33.0)),
        ("l1", [0.02, 0.04], (0.0, 0.04)),
        ("psnr", [30.0, 30.0], (0.0, 30.0)),
        ("l1", [0.0], (0.0, 1.0)),
    ],
)
def test_bars_begin_at_zero_unless_the_number_has_none(key, values, limits):
    (column,) = numbers.columns_of([{key: 1.0}])
    assert charts.limits(column, [{key: value} for value in values]) == pytest.approx(limits)


# --- tables and figures


def test_the_csv_holds_each_row_in_full(shown_report):
    read = list(csv.DictReader((shown_report / "report.csv").open(newline="", encoding="utf-8")))
    rows = read_report(shown_report)["rows"]
    assert len(read) == len(rows)
    for ours, row in zip(read, rows):
        assert ours["method"] == row["method"] and ours["border"] == row.get("border", "")
        assert [ours["bin_low"], ours["bin_high"]] == ([str(edge) for edge in row["bin"]] if row["bin"] else ["", ""])
        for key, value in row.items():
            if isinstance(value, float):
                assert float(ours[key]) == value


def test_the_latex_table_has_a_line_for_each_method_and_number_and_the_best_in_bold(shown_report):
    rows = read_report(shown_report)["rows"]
    text = (shown_report / "report.tex").read_text(encoding="utf-8")
    assert text.count("\\begin{table}") == 2 == text.count("\\bottomrule")  # all holes, and those that touch the border
    group = numbers.group_rows(rows)[0]
    better, worse = sorted(group.rows, key=lambda row: -row["psnr"])
    block = text[text.index("PSNR, dB") : text.index("SSIM")]
    assert re.search(rf"{better['method']} & \\textbf{{{better['psnr']:.2f}}} & ", block)
    assert re.search(rf"{worse['method']} & {worse['psnr']:.2f} & ", block)
    for line in text.splitlines():
        if " & " in line:
            assert line.endswith(r"\\") and line.count(" & ") == 3


@pytest.mark.parametrize("name", [HOSTILE_NAME, "a_b%$&#{}~^\\<>|", "x\n\\end{document}"])
def test_a_name_in_latex_is_text_and_no_command(name):
    escaped = tables.escape_latex(name)
    assert "\n" not in escaped
    commands = r"\\textbackslash\{\}|\\textasciicircum\{\}|\\textasciitilde\{\}|\\text(?:less|greater|bar|quotedbl)\{\}|\\[{}$&#%_]"
    assert not set('\\{}$&#%_^~<>|"') & set(re.sub(commands, "", escaped))


def test_the_sheet_shows_the_fixed_items_pixel_by_pixel(shown_report):
    kept = samples.read(shown_report)
    fixed = [sample for sample in kept if samples.FIXED in sample.reasons]
    sheet = np.asarray(Image.open(shown_report / "figures" / "sheet.png"))
    truth = pictures.read_rgb(fixed[1].truth)
    step, side = figures._CELL + figures._GAP, figures._CELL
    top, left = figures._HEAD + step, figures._SIDE + 3 * step
    np.testing.assert_array_equal(sheet[top : top + side, left : left + side], truth.repeat(8, axis=0).repeat(8, axis=1))


def test_without_matplotlib_all_but_the_bars_is_made_and_said(report_folder, monkeypatch):
    shutil.rmtree(report_folder / "figures")
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # what `import` finds where it is not installed
    with pytest.warns(UserWarning, match="bars.png was not made.*matplotlib"):
        written = present(report_folder)
    assert [path.name for path in written] == ["report.html", "report.csv", "report.tex", "sheet.png"]


# --- several reports


def test_reports_with_the_same_protocol_share_one_table(report_folder, tmp_path):
    second = renamed(report_folder, tmp_path / "second", "/runs/own")
    paths = compare([report_folder, second], tmp_path / "joined")
    joined = read_report(tmp_path / "joined")
    assert paths[0] == tmp_path / "joined" / "report.json"
    assert numbers.methods_of(joined["rows"]) == ["telea", "ns", "/runs/own"]  # ns is the same in both: once
    assert joined["protocol"] == read_report(report_folder)["protocol"]
    assert [source["report"] for source in joined["joined"]] == ["first", "second"] and not joined["protocols_differ"]
    text = (tmp_path / "joined" / "report.html").read_text(encoding="utf-8")
    assert "joins earlier reports" in text and "different protocols" not in text
    for sample in samples.read(tmp_path / "joined"):
        np.testing.assert_array_equal(pictures.read_rgb(sample.composites["/runs/own"]), pictures.read_rgb(sample.composites["telea"]))


def test_the_same_method_with_other_numbers_keeps_both(report_folder, tmp_path):
    second = shutil.copytree(report_folder, tmp_path / "second")
    change(second, lambda report: report["per_image"]["telea"]["psnr"].__setitem__(0, 1.0))
    compare([report_folder, second], tmp_path / "joined")
    assert numbers.methods_of(read_report(tmp_path / "joined")["rows"]) == ["telea", "ns", "telea (second)"]


def test_other_times_do_not_make_another_method(report_folder, tmp_path):
    second = shutil.copytree(report_folder, tmp_path / "second")
    change(second, lambda report: report["per_image"]["telea"]["seconds_per_image"].__setitem__(0, 99.0))
    compare([report_folder, second], tmp_path / "joined")
    assert numbers.methods_of(read_report(tmp_path / "joined")["rows"]) == ["telea", "ns"]


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda report: report["protocol"].update(items_sha256="0" * 64, seed=1), "seed 0 against 1"),
        (lambda report: report["protocol"].update(bins=[[0.1, 0.3]]), "bins"),
        (lambda report: report["metrics"].update(psnr="otherwise"), "other definitions of psnr"),
    ],
)
def test_reports_with_other_protocols_are_refused_with_the_reason_unless_that_is_wanted(report_folder, tmp_path, edit, reason):
    second = shutil.copytree(report_folder, tmp_path / "second")
    change(second, edit)
    with pytest.raises(ConfigError, match=f"'first' and 'second'.*{reason}.*--allow-different-protocols"):
        compare([report_folder, second], tmp_path / "joined")
    assert not (tmp_path / "joined").exists()

    compare([report_folder, second], tmp_path / "joined", allow_different_protocols=True)
    text = (tmp_path / "joined" / "report.html").read_text(encoding="utf-8")
    assert "under different protocols" in text
    assert numbers.methods_of(read_report(tmp_path / "joined")["rows"]) == [
        f"{m} ({r})" for r in ("first", "second") for m in ("telea", "ns")
    ]
    assert {sample.source for sample in samples.read(tmp_path / "joined")} == {"first", "second"}


def test_the_same_pixels_under_another_path_are_the_same_protocol(report_folder, tmp_path):
    import hashlib

    second = renamed(report_folder, tmp_path / "second", "own")

    def move(report):
        for item in report["protocol"]["items"]:
            item.update(image=f"elsewhere/{item['image']}", mask=f"elsewhere/{item['mask']}")
        text = json.dumps(report["protocol"]["items"], sort_keys=True)
        report["protocol"]["items_sha256"] = hashlib.sha256(text.encode()).hexdigest()

    change(second, move)
    compare([report_folder, second], tmp_path / "joined")
    assert not read_report(tmp_path / "joined")["protocols_differ"]


@pytest.mark.parametrize("text", [None, "{", "[]", '{"rows": []}'])
def test_what_is_no_report_is_named(tmp_path, text):
    if text is not None:
        (tmp_path / "report.json").write_text(text)
    with pytest.raises(DataError, match=re.escape(str(tmp_path / "report.json"))):
        present(tmp_path)


def test_one_report_cannot_be_compared_with_itself(report_folder, tmp_path):
    with pytest.raises(ConfigError, match="two or more"):
        compare([report_folder, f"{report_folder}/"], tmp_path / "joined")


def test_no_name_of_a_report_breaks_the_page(report_folder, tmp_path):
    second = shutil.copytree(report_folder, tmp_path / '"><b>')
    change(second, lambda report: report["protocol"].update(items_sha256="0" * 64))
    compare([report_folder, second], tmp_path / "joined", allow_different_protocols=True)
    text = page.to_html(read_report(tmp_path / "joined"), samples.read(tmp_path / "joined"))
    assert '"><b>' not in text
