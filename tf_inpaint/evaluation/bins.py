"""Bins of hole shares, and the names of those that papers report."""

from tf_inpaint.errors import ConfigError

BINS = ((0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5))
"""Hole shares [low, high) that are reported by default: those of the three-stage paper's table 4."""

BIN_SETS = {
    "paper:three_stage": BINS,
    # Six bins, of which the paper's first begins at 1 %; its limits are (low, high], ours [low, high).
    "paper:partial_conv": ((0.0, 0.1), *BINS, (0.5, 0.6)),
}
"""Bins by the name of the paper that reports them."""


def parse_bins(text: str) -> tuple[tuple[float, float], ...]:
    """Reads bins as they are written on the command line.

    Args:
        text: a key of `BIN_SETS`, or such as "0.1-0.2,0.2-0.3".

    Returns:
        (low, high) of each bin.

    Raises:
        ConfigError: if the text is neither.
    """
    if text in BIN_SETS:
        return BIN_SETS[text]
    try:
        return tuple((float(low), float(high)) for low, high in (part.split("-") for part in text.split(",")))
    except ValueError:
        names = ", ".join(BIN_SETS)
        raise ConfigError(f"Expected bins such as 0.1-0.2,0.2-0.3, or one of {names}. Received: {text!r}.") from None
