"""HTML from small functions: every text is escaped, whatever it holds; only what these functions made is taken as it is."""

import html
import re

from tf_inpaint.evaluation.presentation.words import one_line

_WITHOUT_END = {"meta", "img", "input", "br", "col"}


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *children, **attributes) -> Html:
    """Writes an element.

    Args:
        name: of the element.
        *children: `Html` is taken as it is; anything else is shown as the text that it is.
        **attributes: `class_` stands for `class`, `aria_label` for `aria-label`; `None` and `False` leave an attribute out, `True`
            writes its name alone.

    Returns:
        The element.
    """
    written = ""
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        written += f" {key}" if value is True else f' {key}="{escape(value)}"'
    if name in _WITHOUT_END:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children) -> Html:
    """Writes one after the other.

    Args:
        *children: as `tag` takes them.

    Returns:
        All of them.
    """
    return Html("".join(child if isinstance(child, Html) else escape(child) for child in children))


def breakable(name: str) -> Html:
    """Writes a name that may go on in the next line after the signs that part it.

    Args:
        name: such as "three_stage.faces_128".

    Returns:
        The same text for whoever copies or hears it.
    """
    return Html(re.sub(r"([._/-])(?=.)", r"\1<wbr>", escape(name)))


def escape(text) -> Html:
    """Writes a text so that a browser shows it and does nothing else.

    Args:
        text: anything that has a text, such as a file name or a number.

    Returns:
        HTML that is right within an element and within a quoted attribute.
    """
    return text if isinstance(text, Html) else Html(html.escape(one_line(str(text)), quote=True))
