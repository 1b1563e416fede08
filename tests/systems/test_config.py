"""Settings of several values: from JSON, from the command line's texts, and what they refuse."""

import dataclasses
import json

import pytest

from tf_inpaint.errors import ConfigError
from tf_inpaint.systems.config import SystemConfig


@dataclasses.dataclass(frozen=True)
class LayeredConfig(SystemConfig):
    feature_layers: tuple[str, ...] = ("pool1", "pool2")
    widths: tuple[int, ...] = (64, 128)
    depth: int | None = None


def test_several_values_survive_json():
    config = LayeredConfig(feature_layers=("relu1_1",), widths=())
    stored = json.loads(json.dumps(config.to_dict()))
    assert stored == config.to_dict(), "what is stored and what would be stored can be compared"
    restored = LayeredConfig.from_dict(stored)
    assert restored == config and hash(restored) == hash(config)


def test_a_text_holds_several_values_between_commas():
    config = LayeredConfig().updated(["feature_layers=relu1_1, relu2_1,pool3", "widths=8,16"])
    assert config.feature_layers == ("relu1_1", "relu2_1", "pool3") and config.widths == (8, 16)
    assert LayeredConfig().updated(["feature_layers=pool3"]).feature_layers == ("pool3",)
    assert LayeredConfig().updated(["feature_layers="]).feature_layers == ()
    assert LayeredConfig().updated(["image_size=64"]).feature_layers == ("pool1", "pool2")


@pytest.mark.parametrize(
    ("assignment", "message"),
    [("widths=8,wide", "'widths=8,wide': expected a value of type int"), ("widths=8,", "'widths=8,': expected a value of type int")],
)
def test_a_text_with_a_wrong_value_is_named(assignment, message):
    with pytest.raises(ConfigError, match=message):
        LayeredConfig().updated([assignment])


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("image_size", "128", "int"),
        ("image_size", 128.0, "int"),
        ("image_size", True, "int"),
        ("width_multiplier", None, "float"),
        ("width_multiplier", [1.0], "float"),
        ("width_multiplier", 10**400, "float"),
        ("depth", 3.5, "int or NoneType"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(name, value, expected):
    with pytest.raises(ConfigError, match=f"`{name}` must be of type {expected}. Received: {name}="):
        LayeredConfig.from_dict({name: value})


def test_a_fraction_may_be_written_as_a_whole_number_and_none_as_null():
    config = LayeredConfig.from_dict({"width_multiplier": 2, "depth": None})
    assert type(config.width_multiplier) is float and config == LayeredConfig(width_multiplier=2.0)


@pytest.mark.parametrize("value", ["pool1", ["pool1", 2], None, {"pool1": True}])
def test_what_is_no_list_of_values_is_refused(value):
    with pytest.raises(ConfigError, match="`feature_layers` must be a list of values of type str"):
        LayeredConfig.from_dict({"feature_layers": value})
