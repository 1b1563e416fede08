"""Which variants of a system an ablation compares: those that the system declares, and the user's own."""

import dataclasses
import difflib
import re

from tf_inpaint.errors import ConfigError
from tf_inpaint.systems import SystemConfig
from tf_inpaint.training.ablation_config import AblationConfig

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # it becomes the name of a folder


@dataclasses.dataclass(frozen=True)
class Variant:
    """A system with some settings switched.

    Attributes:
        name: letters, digits, "_", "." and "-".
        settings: name -> JSON value of what is switched; empty for the system as it is.
        config: all settings of the system.
    """

    name: str
    settings: dict
    config: SystemConfig


def find_variants(system_class: type, system_config: SystemConfig, config: AblationConfig) -> list[Variant]:
    """Lists the variants of an ablation and checks their settings.

    Args:
        system_class: a class of `SYSTEMS`.
        system_config: the settings that all variants have, but for what each switches.
        config: of the ablation: which declared ones, and the user's own, "NAME: KEY=VALUE KEY=VALUE".

    Returns:
        The variants, declared ones first, each group in the order in which it was asked for.

    Raises:
        ConfigError: if a name or a text is wrong, a name comes twice, the system refuses a setting, two variants are the same system, or
            there are none.
    """
    declared = system_class.ABLATIONS
    for name in config.variants or ():
        if name not in declared:
            near = difflib.get_close_matches(name, declared, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Available: {', '.join(declared) or 'none'}."
            raise ConfigError(f"{system_class.KEY} has no variant {name!r}. {hint}")
    names = [*declared] if config.variants is None else config.variants
    found = [_declared(name, declared[name], system_config) for name in names]
    found += [_own(text, system_config, declared) for text in config.own_variants]
    if not found:
        raise ConfigError(f"{system_class.KEY} declares no variants. Give your own with --variant 'NAME: KEY=VALUE'.")
    for number, variant in enumerate(found):
        for other in found[:number]:
            if variant.name.lower() == other.name.lower():  # on some disks they would be one folder
                raise ConfigError(f"Each variant is named once. Received twice: {variant.name!r}.")
            if variant.config == other.config:
                raise ConfigError(f"The variants {other.name!r} and {variant.name!r} have the same settings: there is nothing to compare.")
    return found


def _declared(name, settings, system_config):
    return _variant(name, settings, lambda: system_config.from_dict({**system_config.to_dict(), **settings}))


def _own(text, system_config, declared):
    name, colon, assignments = (part.strip() for part in text.partition(":"))
    if not colon or not _NAME.fullmatch(name):
        raise ConfigError(
            "A variant must read 'NAME: KEY=VALUE KEY=VALUE', its name of letters, digits, '_', '.' and '-', 64 at most. "
            f"Received: {text!r}."
        )
    if name in declared:
        raise ConfigError(f"The system declares a variant {name!r} itself. Choose another name.")
    assignments = assignments.split()
    keys = [assignment.partition("=")[0] for assignment in assignments]
    return _variant(name, keys, lambda: system_config.updated(assignments))


def _variant(name, keys, make_config):
    try:
        config = make_config()
    except ConfigError as error:
        raise ConfigError(f"The variant {name!r} cannot be built: {error}") from error
    values = config.to_dict()
    return Variant(name, {key: values[key] for key in keys}, config)
