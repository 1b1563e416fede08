"""The sections of the page, each a function of the report."""

from collections.abc import Sequence

from tf_inpaint.evaluation import numbers, published
from tf_inpaint.evaluation.baselines import BASELINES
from tf_inpaint.evaluation.presentation import charts, embed, page_tables, samples, words
from tf_inpaint.evaluation.presentation.markup import Html, breakable, join, tag

_PAGE_REM = 76
"""Width of the page's text, as in its style."""


def summary(report: dict) -> Html:
    """Returns the sentence that says what the page compares.

    Args:
        report: JSON values of a `report.json`.
    """
    methods = numbers.methods_of(report["rows"])
    names, trained = numbers.short_names(methods), _trained(report)
    parts = [[names[method] for method in methods if (method in trained) == wanted] for wanted in (True, False)]
    compared = " beside ".join(_listed(part) for part in parts if part)
    items = len(report["protocol"].get("items", []))
    return join(f"{compared}, on {items:,} item{'' if items == 1 else 's'}: pictures with a hole, and the truth to compare with.")


def protocol(report: dict) -> Html:
    """Returns how the numbers were made.

    Args:
        report: JSON values of a `report.json`.
    """
    parts = [tag("p", sentence) for sentence in words.sentences(report)]
    if report.get("joined"):
        lines = [tag("li", f"{source['report']}: {', '.join(source['methods']) or 'nothing new'}") for source in report["joined"]]
        parts += [tag("p", "This page joins earlier reports:"), tag("ul", *lines)]
    if report.get("protocols_differ"):
        text = (
            "The reports were made under different protocols, and joined because that was asked for. Their numbers do not stand for the "
            "same pictures and holes: a difference between two reports may come from that alone. What is said above holds for the first."
        )
        parts.insert(0, tag("p", text, class_="warning", role="note"))
    listed = [part for name, value in words.facts(report) for part in (tag("dt", name), tag("dd", value))]
    return join(*parts, tag("dl", *listed))


def all_numbers(report: dict) -> Html:
    """Returns the table of numbers, and what the methods cost.

    Args:
        report: JSON values of a `report.json`.
    """
    note = (
        "The best of each bin and column is bold and shaded; methods whose numbers are written the same are equally good. A dash: not "
        "measured, or undefined."
    )
    return join(tag("p", note, class_="note"), page_tables.of_numbers(report), tag("h3", "What they cost"), page_tables.of_costs(report))


def all_bars(report: dict) -> Html:
    """Returns bars of the numbers that have a direction; those beyond the papers' usual ones are folded away.

    Args:
        report: JSON values of a `report.json`.
    """
    rows = report["rows"]
    methods = numbers.methods_of(rows)
    groups, names, trained = numbers.groups_of_all_holes(rows), numbers.short_names(methods), _trained(report)
    columns = numbers.drawn_columns(rows)
    main = numbers.main_columns(columns)
    figures = {column.key: charts.bars(column, groups, names, trained) for column in columns}
    parts = [figures.pop(column.key) for column in main]
    if figures:
        parts.append(tag("details", tag("summary", "Bars of the other numbers"), *figures.values()))
    return join(tag("p", "Blue: trained systems; grey: baselines.", class_="note"), *parts)


def pictures(report: dict, kept: Sequence[samples.Sample], *, budget: int) -> Html:
    """Returns the samples: the fixed ones, then the worst and best of each method, each item once with all methods side by side.

    Args:
        report: JSON values of a `report.json`.
        kept: its pictures.
        budget: bytes that they may have.
    """
    if not kept:
        return tag("p", "This report has no pictures: it was made by an earlier version, or they were removed.")
    encoded, pixels = embed.embed(kept, budget=budget)
    shown = list(zip(kept, encoded, strict=False))
    methods = numbers.methods_of(report["rows"])
    names = numbers.short_names(methods)
    fixed = [_item(report, sample, each, names) for sample, each in shown if samples.FIXED in sample.reasons]
    others = [_item(report, sample, each, names) for sample, each in shown if samples.FIXED not in sample.reasons]
    # All tiles of an item beside each other on a wide screen, none smaller than can be judged.
    wanted = min(max(_PAGE_REM / (len(methods) + 2) - 0.5, 7), 14)
    slider = tag("label", "Size of the pictures", tag("input", type="range", min=5, max=32, step=0.5, value=f"{wanted:.1f}"), class_="size")
    intro = (
        "Each line is one item: the picture with its hole in white, what each method made of it, and the truth; below each the PSNR in "
        "the hole. A picture opens enlarged; there the arrow keys go to the next method (left, right) at the same place and size, or to "
        "the next item (up, down), and + and - enlarge and reduce."
    )
    parts = [tag("p", intro), tag("p", pixels, class_="note"), slider]
    if fixed:
        parts += [tag("h3", "Fixed items"), tag("p", "Chosen before anything was measured.", class_="note"), *fixed]
    parts += [tag("h3", "Worst and best of each method"), _extremes([sample for sample, _ in shown], names), *others]
    return tag("div", *parts, style=f"--wanted:{wanted:.1f}rem")


def as_published(report: dict) -> Html:
    """Returns what the papers print, in tables of their own.

    Args:
        report: JSON values of a `report.json`.
    """
    described = report.get("methods", {})
    systems = {described.get(method, {}).get("system") or method.split(".")[0] for method in numbers.methods_of(report["rows"])}
    protocol = report["protocol"]
    size = protocol.get("image_size")
    here = f"{words.one_line(str(protocol.get('data')))} at {f'{size} px' if size else 'the pictures’ own size'}"
    parts = [
        tag(
            "p",
            "Quoted as printed in the sources, never mixed with the numbers above: other pictures, other masks, other sizes, and metrics "
            "whose computation the sources mostly do not state. SSIM alone moves by a tenth with its window.",
        ),
        tag(
            "p",
            "What this protocol cannot reproduce: the papers measured on CelebA-HQ at 256 px, with splits and masks that were not "
            f"published; this report on {here}.",
        ),
    ]
    sources = {}
    for table in published.published_tables():
        sources.setdefault(table.source, []).append(table)
    for tables in sorted(sources.values(), key=lambda tables: tables[0].system not in systems):  # stable
        first = tables[0]
        drawn = [part for table in tables for part in (tag("h3", table.title), page_tables.of_published(table))]
        parts.append(
            tag(
                "details",
                tag("summary", tag("strong", first.system), f": {first.citation}"),
                *(tag("p", remark, class_="note") for remark in first.remarks),
                *drawn,
                open=first.system in systems,
            )
        )
    without = [tag("li", text) for text in published.sources_without_numbers()]
    return join(*parts, tag("p", "Sources that print no numbers:", class_="note"), tag("ul", *without, class_="note"))


def definitions(report: dict) -> Html:
    """Returns the definition of each number as the report records it.

    Args:
        report: JSON values of a `report.json`.
    """
    titles = {column.key: column.title for column in numbers.columns_of(report["rows"])}
    listed = [part for key, text in report["metrics"].items() for part in (tag("dt", titles.get(key, key)), tag("dd", _definition(text)))]
    return tag("dl", *listed)


def zoom_dialog() -> Html:
    """Returns the window in which one picture is enlarged; empty until one is chosen."""
    actions = [
        ("previous", "←", "Previous method"),
        ("next", "→", "Next method"),
        ("above", "↑", "Previous item"),
        ("below", "↓", "Next item"),
        ("smaller", "−", "Reduce"),
        ("larger", "+", "Enlarge"),
        ("close", "Close", "Close"),
    ]
    buttons = [tag("button", sign, type="button", data_action=action, aria_label=label, title=label) for action, sign, label in actions]
    return tag(
        "dialog",
        tag("header", tag("p", aria_live="polite"), *buttons),
        tag("div", tag("img", alt=""), class_="canvas", tabindex="0", role="region", aria_label="Picture"),
        aria_label="Enlarged picture",
    )


def _trained(report: dict) -> set[str]:
    """The methods that are systems; reports of earlier versions do not say it of each."""
    kinds = {method: report.get("methods", {}).get(method, {}).get("kind") for method in numbers.methods_of(report["rows"])}
    return {method for method, kind in kinds.items() if kind == "system" or (kind is None and method not in BASELINES)}


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _anchor(sample: samples.Sample) -> str:
    # Letters and digits only: the name of a report may be anything.
    source = "".join(letter if letter.isascii() and letter.isalnum() else f"_{ord(letter):x}_" for letter in sample.source)
    return f"item-{sample.index}{f'-{source}' if source else ''}"


def _item(report: dict, sample: samples.Sample, embedded: dict[str, embed.Embedded], names: dict[str, str]) -> Html:
    name = words.picture_name(sample.item)
    about = [words.hole_of(sample.item)]
    about += [f"bin {numbers.bin_label(sample.item['bin'])}"] if sample.item.get("bin") else []
    about += [sample.source] if sample.source else []
    for kind in ("worst", "best"):
        of = [names[method] for method in names if (kind, method) in sample.reasons]
        about += [f"{kind} of {_listed(of)}"] if of else []
    tiles = [_tile(embedded[embed.MASKED], "masked", f"{name}, the hole in white", "")]
    for method, shown in names.items():
        if method in embedded:
            tiles.append(_tile(embedded[method], shown, f"{name}, filled by {shown}", _psnr_in_hole(report, method, sample.index)))
        elif not sample.source:  # under another protocol the method has nothing to do with this item
            tiles.append(tag("figure", tag("div", "not kept", class_="missing"), tag("figcaption", breakable(shown))))
    tiles.append(_tile(embedded[embed.TRUTH], "truth", f"{name}, the truth", ""))
    heading = tag("h4", f"{name} ", tag("span", " · ".join(about)), title=sample.item["image"])
    return tag("section", heading, tag("div", *tiles, class_="tiles"), class_="item", id=_anchor(sample), aria_label=f"{name}, {about[0]}")


def _tile(picture: embed.Embedded, name: str, description: str, value: str) -> Html:
    text = f"{description}{f', {value}' if value else ''}"
    image = tag("img", src=picture.address, alt=text, width=picture.width, height=picture.height, decoding="async")
    button = tag("button", image, type="button", data_words=text, aria_label=f"Enlarge: {text}")
    return tag("figure", button, tag("figcaption", breakable(name), tag("span", f" {value}") if value else ""))


def _psnr_in_hole(report: dict, method: str, index: int) -> str:
    values = report["per_image"].get(method, {})
    for key, kind in (("psnr_hole", ""), ("psnr", " (whole)")):
        if index < len(values.get(key, [])) and values[key][index] is not None:
            return f"{values[key][index]:.1f} dB{kind}"
    return ""


def _extremes(kept: Sequence[samples.Sample], names: dict[str, str]) -> Html:
    """Where to find the worst and best items of each method."""
    lines = []
    for method, name in names.items():
        cells = []
        for wanted in ("worst", "best"):
            found = [sample for sample in kept if (wanted, method) in sample.reasons]
            links = [tag("a", f"{words.picture_name(s.item)} ({words.hole_of(s.item)})", href=f"#{_anchor(s)}") for s in found]
            cells.append(tag("td", *(tag("div", link) for link in links) if links else numbers.UNDEFINED))
        lines.append(tag("tr", tag("th", name, scope="row", title=method), *cells))
    heads = [tag("th", text, scope="col") for text in ("Method", "Worst", "Best")]
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *lines), class_="words")
    note = "By the PSNR in the hole. An item that is shown above already is not shown again."
    return join(tag("p", note, class_="note"), page_tables.scrolling(table, "Worst and best items of each method"), tag("p"))


def _definition(text) -> str:
    return text if isinstance(text, str) else words.one_line(str(text))
