"""`report.html`: one file, opened from disk, that asks no network for anything."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from tf_inpaint.evaluation import numbers
from tf_inpaint.evaluation.presentation import embed, sections
from tf_inpaint.evaluation.presentation.markup import Html, join, tag
from tf_inpaint.evaluation.presentation.samples import Sample

_HERE = Path(__file__).parent


def to_html(report: dict, samples: Sequence[Sample] = (), *, budget: int = embed.BUDGET_BYTES) -> str:
    """Writes the page.

    Args:
        report: JSON values of a `report.json`.
        samples: the pictures to show.
        budget: bytes that the pictures may have.

    Returns:
        A whole HTML document. Its policy lets a browser load nothing but the pictures inside it and run nothing but its own script,
        whatever the names of files and methods in the report are.

    Raises:
        PictureError: if a picture cannot be read.
    """
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; script-src 'sha256-{digest}'"
    )
    parts = [
        ("protocol", "Protocol", sections.protocol(report)),
        ("numbers", "Numbers", sections.all_numbers(report)),
        ("bars", "Bars", sections.all_bars(report)),
        ("pictures", "Pictures", sections.pictures(report, samples, budget=budget)),
        ("published", "As published", sections.as_published(report)),
        ("definitions", "What the numbers are", sections.definitions(report)),
    ]
    methods = numbers.methods_of(report["rows"])
    title = f"Inpainting: {', '.join(numbers.short_names(methods).values())}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        Html(f"<style>{style}</style>"),
    )
    links = [tag("li", tag("a", heading, href=f"#{key}")) for key, heading, _ in parts]
    body = tag(
        "body",
        tag("a", "Skip to the numbers", href="#numbers", class_="skip"),
        tag(
            "header",
            tag("h1", "Inpainting evaluation"),
            tag("p", sections.summary(report)),
            tag("nav", tag("ul", *links), aria_label="Sections"),
        ),
        tag(
            "main",
            *(
                tag("section", tag("h2", heading, id=f"{key}-heading"), part, id=key, aria_labelledby=f"{key}-heading")
                for key, heading, part in parts
            ),
        ),
        tag("footer", tag("p", "Made by tf-inpaint from report.json and the pictures beside it.", class_="note")),
        sections.zoom_dialog(),
        Html(f"<script>{script}</script>"),
    )
    return join(Html("<!DOCTYPE html>\n"), tag("html", head, Html("\n"), body, lang="en"), Html("\n"))
