"""The figures of a report: a sheet of pictures as the papers print it, pixel by pixel, and bars for each bin."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from tf_inpaint import visualize
from tf_inpaint.evaluation import numbers
from tf_inpaint.evaluation.presentation import charts, words
from tf_inpaint.evaluation.presentation.embed import MASKED, TRUTH, sheet_of
from tf_inpaint.evaluation.presentation.samples import FIXED, Sample

_CELL = 256  # pixels: small pictures are repeated up to it, larger ones reduced
_GAP, _MARGIN, _HEAD, _FONT_SIZE = 8, 16, 40, 20
_SIDE = 130  # for the bins, on the left
# More would be a poster.
_MAX_ROWS = 8


def sheet(report: dict, samples: Sequence[Sample]) -> Image.Image:
    """Draws the fixed items: a line for each, with its hole in white, every method's composite and the truth, like the papers' figures.

    Args:
        report: JSON values of the report.
        samples: its pictures; at least one of them fixed, all fixed ones from one protocol.

    Returns:
        RGB picture. The pixels of pictures up to 256 pixels are not resampled, only repeated.

    Raises:
        PictureError: if a picture cannot be read.
    """
    rows = [sample for sample in samples if FIXED in sample.reasons and sample.source == samples[0].source][:_MAX_ROWS]
    names = numbers.short_names(numbers.methods_of(report["rows"]))
    methods = [method for method in names if any(method in sample.composites for sample in rows)]
    heads = {MASKED: "masked", **{method: names[method] for method in methods}, TRUTH: "truth"}
    step = _CELL + _GAP
    canvas = Image.new("RGB", (_SIDE + len(heads) * step - _GAP + _MARGIN, _HEAD + len(rows) * step - _GAP + _MARGIN), "white")
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(_FONT_SIZE)
    for column, text in enumerate(heads.values()):
        left = _SIDE + column * step + _CELL / 2
        draw.text((left, _HEAD / 2), _fitting(draw, font, words.one_line(text)), font=font, fill="black", anchor="mm")
    for row, sample in enumerate(rows):
        top = _HEAD + row * step
        label = numbers.bin_label(sample.item["bin"]) if sample.item.get("bin") else f"{100 * sample.item['hole_share']:.0f} %"
        draw.text((_SIDE / 2, top + _CELL / 2), label, font=font, fill="black", anchor="mm")
        cells = list(heads)
        for name, picture in sheet_of(sample):
            cell = _fit(Image.fromarray(picture))
            left = _SIDE + cells.index(name) * step
            corner = (left + (_CELL - cell.width) // 2, top + (_CELL - cell.height) // 2)
            canvas.paste(cell, corner)
            if name == MASKED:  # white holes would run into the white around them
                draw.rectangle((corner[0] - 1, corner[1] - 1, corner[0] + cell.width, corner[1] + cell.height), outline="gray")
    return canvas


def bars(report: dict):
    """Draws every number of the pictures that has a direction and is not zero throughout, a panel each, with a group of bars for each bin.

    Args:
        report: JSON values of the report.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ImportError: if matplotlib is not installed.
    """
    groups = numbers.groups_of_all_holes(report["rows"])
    rows = [row for group in groups for row in group.rows]
    names = numbers.short_names(numbers.methods_of(rows))
    panels = []
    for column in (column for column in numbers.drawn_columns(rows) if column.key not in numbers.COSTS):
        low, high = (column.factor * limit for limit in charts.limits(column, rows))
        series = {}
        for method, name in names.items():
            found = [next((row.get(column.key) for row in group.rows if row["method"] == method), None) for group in groups]
            series[words.one_line(name)] = [None if value is None else column.factor * value for value in found]
        panels.append((f"{column.title} ({column.direction})", series, (low, high)))
    return visualize.grouped_bars(panels, groups=[group.label for group in groups])


def _fit(picture: Image.Image) -> Image.Image:
    times = _CELL // max(picture.size)
    if times >= 1:
        return picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)
    picture.thumbnail((_CELL, _CELL), Image.Resampling.LANCZOS)
    return picture


def _fitting(draw: ImageDraw.ImageDraw, font, text: str) -> str:
    """The text, shortened in the middle until it is no wider than a cell."""
    shown, kept = text, len(text)
    while draw.textlength(shown, font=font) > _CELL and kept > 2:
        kept -= 1
        shown = f"{text[: kept // 2]}...{text[-(kept - kept // 2) :]}"
    return shown
