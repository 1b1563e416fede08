"""A report's protocol in plain words."""

import json

from tf_inpaint.evaluation import numbers

# Keys of the protocol that the sentences below speak of; every other one is listed as it stands.
_SPOKEN_OF = {
    "data", "masks", "bins", "image_size", "limit", "seed", "num_pictures", "broken", "bins_without_masks", "items_sha256", "items",
}  # fmt: skip
# More than this many names make a list that nobody reads.
_MAX_NAMES = 5


def one_line(text: str) -> str:
    """Makes any text fit for one line.

    Args:
        text: such as a file name, in which nearly everything is allowed.

    Returns:
        The text, with escapes for what cannot be printed, line breaks and signs that turn the direction of writing included.
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text)


def sentences(report: dict) -> list[str]:
    """Says how the numbers of a report were made.

    Args:
        report: JSON values of a `report.json`.

    Returns:
        A few sentences: which pictures and masks, at which size, what was measured, what could not be read.
    """
    protocol = report["protocol"]
    items = protocol.get("items", [])
    pictures = len({item["image"] for item in items})
    said = [
        f"{_count(pictures, 'picture')} of {_count(protocol.get('num_pictures'), 'in', plural='in')} {_name(protocol.get('data'))}"
        f" {'was' if pictures == 1 else 'were'} chosen by the seed {protocol.get('seed', 'not recorded')}. {_size(protocol)}",
        _masks(protocol),
        "Every method saw the same pictures with the same holes. What it put into the hole was joined with the known pixels of the "
        "picture, which stay as they are, and rounded to 8 bits; each number was computed on that composite for each picture and "
        "then averaged over the pictures.",
    ]
    broken = protocol.get("broken", [])
    if broken:
        names = ", ".join(_name(name) for name, _ in broken[:_MAX_NAMES])
        rest = f" and {len(broken) - _MAX_NAMES} more" if len(broken) > _MAX_NAMES else ""
        said.append(f"{_count(len(broken), 'chosen picture')} could not be read, and another took its place: {names}{rest}.")
    missing = protocol.get("bins_without_masks", [])
    if missing:
        said.append(f"No mask has a hole share in {', '.join(map(numbers.bin_label, missing))}; these bins are empty.")
    return said


def facts(report: dict) -> list[tuple[str, str]]:
    """Lists what identifies a report's protocol and where it was run.

    Args:
        report: JSON values of a `report.json`.

    Returns:
        Pairs of a name and its value; every key of the protocol that `sentences` does not speak of is among them.
    """
    protocol = report["protocol"]
    listed = [("items, SHA-256", str(protocol.get("items_sha256", "not recorded")))]
    listed += [(key.replace("_", " "), _value(value)) for key, value in protocol.items() if key not in _SPOKEN_OF]
    sources = report.get("joined", [])
    environments = [(source["report"], source.get("environment", {})) for source in sources] or [("", report.get("environment", {}))]
    for name, environment in environments:
        spoken = {key: key if key == "tf_inpaint" else key.replace("_", " ") for key in environment}
        text = ", ".join(f"{spoken[key]} {_value(value)}" for key, value in environment.items())
        listed.append((f"computed with{f' ({one_line(name)})' if name else ''}", text or "not recorded"))
    return listed


def caption(report: dict) -> str:
    """Says in one sentence what a table shows, for a paper.

    Args:
        report: JSON values of a `report.json`.

    Returns:
        Pictures, size, masks and seed; paths shortened to their last part.
    """
    protocol = report["protocol"]
    pictures = len({item["image"] for item in protocol.get("items", [])})
    size = protocol.get("image_size")
    return (
        f"{_count(pictures, 'picture')} of {_last_part(protocol.get('data'))}"
        f" {f'at {size} x {size} pixels' if size else 'at their own size'}, masks {_last_part(protocol.get('masks'))}, seed"
        f" {protocol.get('seed', 'not recorded')}; means over pictures of 8-bit composites; of each number, the best of a column is bold."
    )


def hole_of(item: dict) -> str:
    """Returns how large an item's hole is: "hole 23.4 %".

    Args:
        item: entry of a protocol.
    """
    return f"hole {100 * item['hole_share']:.1f} %"


def picture_name(item: dict) -> str:
    """Returns the name of an item's picture without its folder.

    Args:
        item: entry of a protocol.
    """
    return one_line(item["image"]).rstrip("/").split("/")[-1]


def _size(protocol: dict) -> str:
    size = protocol.get("image_size")
    if size:
        return f"Their shorter side was resized to {size} pixels and the square in the middle cut out."
    sides = sorted((item["height"], item["width"]) for item in protocol.get("items", []))
    if not sides:
        return "They keep their own size."
    (least_height, least_width), (height, width) = sides[0], sides[-1]
    if sides[0] == sides[-1]:
        return f"They keep their own size, {height} x {width} pixels."
    return f"They keep their own size, from {least_height} x {least_width} to {height} x {width} pixels (height x width)."


def _masks(protocol: dict) -> str:
    items = protocol.get("items", [])
    text = f"The masks are {_name(protocol.get('masks'))}"
    if any(item.get("bin") for item in items):
        text += "; in each bin every picture has one whose share of hole pixels, measured at the size of the picture, lies in it"
    else:
        text += "; each picture has one and counts in the bin in which its share of hole pixels falls"
    bins = protocol.get("bins", [])
    if bins:
        text += f". Bins: {', '.join(map(numbers.bin_label, bins))}, the upper end excluded"
    return f"{text}. {_count(len(items), 'item')} in all."


def _count(number: int | None, noun: str, plural: str | None = None) -> str:
    if number is None:
        return f"an unrecorded number of {plural or noun + 's'}"
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _name(text) -> str:
    return one_line(str(text)) if text is not None else "not recorded"


def _last_part(text) -> str:
    """Of "folder:some/where/faces/test" what a paper needs: "faces/test"."""
    kind, colon, path = _name(text).partition(":")
    return "/".join((path if colon else kind).rstrip("/").split("/")[-2:])


def _value(value) -> str:
    if isinstance(value, list) and value and all(isinstance(entry, str) for entry in value):
        return ", ".join(map(one_line, value))
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
