"""The mask generators by name, and the short texts that choose one on a command line."""

import difflib
import inspect
import re

from tf_inpaint.errors import ConfigError
from tf_inpaint.masks.free_form import FreeForm
from tf_inpaint.masks.generator import MaskGenerator
from tf_inpaint.masks.irregular_files import IrregularFiles
from tf_inpaint.masks.mixture import Mixture
from tf_inpaint.masks.rectangles import CenterSquare, FixedSquares, RandomSquare, TenSquares

MASKS = {
    "free_form": FreeForm,
    "irregular": IrregularFiles,
    "center_square": CenterSquare,
    "random_square": RandomSquare,
    "ten_squares": TenSquares,
    "fixed_squares": FixedSquares,
}


def parse(spec: str | MaskGenerator, **options) -> MaskGenerator:
    """Makes the mask generator that a text describes.

    The text is a name of `MASKS`; `irregular` has a folder after it. Options follow a question mark: the arguments of the
    generator's class. Several generators joined by "+" are mixed evenly:

        free_form
        free_form?ratio=0.1-0.5
        irregular:PATH?files=even&augment=false
        free_form+irregular:PATH

    Args:
        spec: such a text; a generator is returned as it is.
        **options: arguments of the generator, instead of those in the text.

    Returns:
        The generator: `generator(seed, *, batch_size, height, width)` and `generator.per_example(seeds, *, height, width)`.

    Raises:
        ConfigError: if a name or an option does not exist, a value is out of its range, or options meet a finished generator.
    """
    if isinstance(spec, MaskGenerator):
        if options:
            raise ConfigError(f"Options cannot be given to a finished generator. Received: {sorted(options)} for {spec!r}.")
        return spec
    # A plus sign inside a path is none of ours: only one before the name of a generator separates.
    parts = re.split(rf"\+(?=(?:{'|'.join(MASKS)})(?:[?:+]|$))", spec)
    generators = [_parse_one(part, options) for part in parts]
    return generators[0] if len(generators) == 1 else Mixture(generators)


def _parse_one(text: str, options: dict) -> MaskGenerator:
    text, query = re.fullmatch(r"(.*?)(?:\?([^?]*))?", text, re.DOTALL).groups()
    name, colon, path = text.partition(":")
    if name not in MASKS:
        near = difflib.get_close_matches(name, MASKS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"`masks` must begin with one of {', '.join(MASKS)}. Received: masks={text!r}.{hint}")
    takes_path = "path" in inspect.signature(MASKS[name]).parameters
    if takes_path and not path:
        raise ConfigError(f"`masks={name}` needs a folder: {name}:PATH. Received: masks={text!r}.")
    if colon and not takes_path:
        raise ConfigError(f"`masks={name}` takes no folder. Received: masks={text!r}.")
    known = [option for option in inspect.signature(MASKS[name]).parameters if option != "path"]
    given = {}
    for item in filter(None, (query or "").split("&")):
        option, equals, value = item.partition("=")
        if option not in known or not equals:
            raise ConfigError(f"An option of `masks={name}` must be NAME=VALUE with a name of {known}. Received: {item!r}.")
        given[option] = _value(option, value)
    for option in options:
        if option not in known:
            raise ConfigError(f"`masks={name}` has the options {known}. Received: {option!r}.")
    return MASKS[name](*([path] if takes_path else []), **{**given, **options})


def _value(option: str, text: str) -> object:
    """Reads the text of an option by its name."""
    try:
        if option == "ratio":
            low, high = text.split("-")
            return float(low), float(high)
        if option == "augment":
            return {"true": True, "false": False}[text.lower()]
        return {"side": float, "number": int, "index": int}.get(option, str)(text)
    except (KeyError, ValueError):
        example = {"ratio": "0.1-0.2", "augment": "false", "side": "0.5", "number": "3", "index": "0"}[option]
        raise ConfigError(f"The option {option!r} of `masks` reads like {option}={example}. Received: {text!r}.") from None
