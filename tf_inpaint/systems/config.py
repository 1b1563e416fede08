"""The settings that all systems have, read from dictionaries and from `name=value` texts."""

import dataclasses
import difflib
import typing

from tf_inpaint.errors import ConfigError

_LARGEST_EXACT = 2**53  # whole numbers below are floats without loss


@dataclasses.dataclass(frozen=True)
class SystemConfig:
    """Settings that every system has.

    Args:
        image_size: height and width of training pictures in pixels.
        width_multiplier: factor on the channels of all networks, positive; 1 is the paper's width.
        learning_rate: of all optimizers (Adam), positive.
        beta_1, beta_2: Adam's decay rates, in [0, 1).
        learning_rate_warmup_steps: steps in which the rate rises linearly from 0.
        learning_rate_decay_steps: steps, after the warm-up, in which the rate falls to 0 along a cosine; 0 keeps it constant.
        learning_rate_drop_steps: each time after so many steps the rate falls to a tenth; 0 for never.
        learning_rate_steady_steps: no such fall comes after so many steps; 0 for no end.
        gradient_clip_norm: the gradients of a network group are scaled down to this global norm; 0 leaves them.
        average_momentum: of the averaged generator weights, see `WeightAverage`; 0 keeps no averages.
    """

    image_size: int = 256
    width_multiplier: float = 1.0
    learning_rate: float = 1e-4
    beta_1: float = 0.5
    beta_2: float = 0.999
    learning_rate_warmup_steps: int = 0
    learning_rate_decay_steps: int = 0
    learning_rate_drop_steps: int = 0
    learning_rate_steady_steps: int = 0
    gradient_clip_norm: float = 0.0
    average_momentum: float = 0.999

    def __post_init__(self):
        if not (self.width_multiplier > 0 and self.learning_rate > 0):  # so written, NaN is refused too
            raise ConfigError(
                "`width_multiplier` and `learning_rate` must be positive. Received: "
                f"width_multiplier={self.width_multiplier}, learning_rate={self.learning_rate}."
            )
        schedule = ("learning_rate_warmup_steps", "learning_rate_decay_steps", "learning_rate_drop_steps", "learning_rate_steady_steps")
        for name in (*schedule, "gradient_clip_norm"):
            self._require_at_least(name, 0)
        for name in ("beta_1", "beta_2", "average_momentum"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"`{name}` must be in [0, 1). Received: {name}={getattr(self, name)}.")

    @classmethod
    def from_dict(cls, values: dict) -> "SystemConfig":
        """Builds a configuration from a dictionary, as stored in `config.json`.

        Args:
            values: name -> value; names left out keep their default. A list, as JSON has it, becomes a tuple where the setting is one.

        Returns:
            The configuration.

        Raises:
            ConfigError: on an unknown name, with the nearest known one; on a value of another type than the setting's.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(known)}."
                raise ConfigError(f"Unknown setting {name!r} for {cls.__name__}.{hint}")
        types = typing.get_type_hints(cls)
        return cls(**{name: _restored(value, types[name], name) for name, value in values.items()})

    def to_dict(self) -> dict:
        """Returns all settings as a dictionary of JSON values."""
        values = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def updated(self, assignments: typing.Iterable[str]) -> "SystemConfig":
        """Applies `name=value` texts, as the command line's `--set` gives them.

        Args:
            assignments: texts such as "hole_weight=6", "res2net=false" or "feature_layers=pool1,pool2"; nothing behind the "=" is an empty
                tuple where the setting is one.

        Returns:
            A new configuration.

        Raises:
            ConfigError: on a text without "=", an unknown name or a value of the wrong type.
        """
        types = typing.get_type_hints(type(self))
        values = self.to_dict()
        for assignment in assignments:
            name, separator, text = assignment.partition("=")
            if not separator:
                raise ConfigError(f"A setting must read name=value. Received: {assignment!r}.")
            if name in types:
                values[name] = _parse(text, types[name], assignment)
            else:
                values[name] = text
        return self.from_dict(values)

    def _require_multiple(self, name, multiple):
        value = getattr(self, name)
        if value < multiple or value % multiple:
            raise ConfigError(f"`{name}` must be a positive multiple of {multiple}. Received: {name}={value}.")

    def _require_choice(self, name, choices):
        if getattr(self, name) not in choices:
            raise ConfigError(f"`{name}` must be one of {choices}. Received: {name}={getattr(self, name)!r}.")

    def _require_at_least(self, name, minimum):
        if not getattr(self, name) >= minimum:
            raise ConfigError(f"`{name}` must be at least {minimum}. Received: {name}={getattr(self, name)}.")


def _restored(value, expected_type, name):
    """Makes the tuple that was a list in JSON, and the fraction that was written without its point; other values stay as they are."""
    if typing.get_origin(expected_type) is not tuple:
        options = typing.get_args(expected_type) or (expected_type,)
        if float in options and type(value) is int and abs(value) < _LARGEST_EXACT:
            return float(value)
        if type(value) not in options:
            names = " or ".join(option.__name__ for option in options)
            raise ConfigError(f"`{name}` must be of type {names}. Received: {name}={value!r}.")
        return value
    item_type = typing.get_args(expected_type)[0]
    if not isinstance(value, list | tuple) or not all(type(item) is item_type for item in value):
        raise ConfigError(f"`{name}` must be a list of values of type {item_type.__name__}. Received: {name}={value!r}.")
    return tuple(value)


def _parse(text, expected_type, assignment):
    if typing.get_origin(expected_type) is tuple:
        item_type = typing.get_args(expected_type)[0]
        return tuple(_parse(item.strip(), item_type, assignment) for item in text.split(",")) if text else ()
    options = typing.get_args(expected_type) or (expected_type,)
    if text.lower() == "none" and type(None) in options:
        return None
    for option in options:
        try:
            if option is bool:
                return {"true": True, "false": False, "1": True, "0": False}[text.lower()]
            if option in (int, float, str):
                return option(text)
        except (KeyError, ValueError):
            continue
    names = " or ".join(option.__name__ for option in options)
    raise ConfigError(f"Setting {assignment!r}: expected a value of type {names}.")
