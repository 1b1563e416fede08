"""Which loss weights a search tries, and between which bounds."""

import dataclasses
import difflib
import math

from tf_inpaint.errors import ConfigError
from tf_inpaint.systems import SystemConfig

_SUFFIX = "_weight"
_DEFAULT_FACTOR = 10.0


@dataclasses.dataclass(frozen=True)
class WeightRange:
    """Bounds of a loss weight; between them a search is uniform in its logarithm.

    Attributes:
        name: of the setting.
        low: smallest value, positive.
        high: largest value, above `low`.
        start: value of the first trial: the present setting, or the bound next to it.
    """

    name: str
    low: float
    high: float
    start: float

    def rounded(self, value: float) -> float:
        """Rounds a weight to four digits, so that what is printed is what was tried.

        Args:
            value: any number.

        Returns:
            The rounded value, inside the bounds.
        """
        return min(max(float(f"{value:.4g}"), self.low), self.high)


def weight_ranges(config: SystemConfig, texts: tuple[str, ...] = (), *, names: tuple[str, ...] | None = None) -> list[WeightRange]:
    """Makes the space of a search.

    Args:
        config: a system's settings.
        texts: "NAME=LOW:HIGH" or "NAME", names of settings that end in "_weight": only these are searched; without bounds from a tenth
            of the present setting to ten times. Empty: all those that are above 0.
        names: the loss weights to choose from, those of a stage; `None` for all of the system.

    Returns:
        A range for each, in the order of the texts, or of the settings.

    Raises:
        ConfigError: if a text is wrong or names a weight of another stage, nothing is left to search, or the system refuses one of the
            bounds.
    """
    weights = [field.name for field in dataclasses.fields(config) if field.name.endswith(_SUFFIX)]
    values = {name: getattr(config, name) for name in weights if names is None or name in names}
    if texts:
        ranges = [_parse(text, values, others=set(weights) - set(values)) for text in texts]
    else:
        ranges = [_around(name, value) for name, value in values.items() if value > 0]
    if not ranges:
        raise ConfigError(f"{type(config).__name__} has no loss weight above 0 to search. Give one with --range NAME=LOW:HIGH.")
    names = [each.name for each in ranges]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"Each loss weight has one range. Received two of: {', '.join(twice)}.")
    for bound in ("low", "high"):  # the system's own checks
        dataclasses.replace(config, **{each.name: getattr(each, bound) for each in ranges})
    return ranges


def _parse(text, values, others):
    name, has_bounds, bounds = text.partition("=")
    if name not in values:
        known = f"Known: {', '.join(values) or 'none'}."
        if name in others:
            raise ConfigError(f"The loss weight {name} changes nothing in this stage. {known}")
        near = difflib.get_close_matches(name, values, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else known
        raise ConfigError(f"There is no loss weight {name!r}. {hint}")
    if not has_bounds:
        if not values[name] > 0:
            raise ConfigError(f"The loss weight {name} is {values[name]:g}, so its range must be given as {name}=LOW:HIGH.")
        return _around(name, values[name])
    try:
        low, high = (float(bound) for bound in bounds.split(":"))
    except ValueError:
        low = high = math.nan
    if not 0 < low < high < math.inf:  # so written, NaN is refused too
        raise ConfigError(f"A range must read NAME=LOW:HIGH with 0 < LOW < HIGH. Received: {text!r}.")
    return WeightRange(name, low, high, min(max(values[name], low), high))


def _around(name, value):
    return WeightRange(name, value / _DEFAULT_FACTOR, value * _DEFAULT_FACTOR, float(value))
