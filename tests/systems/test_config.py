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


@pytest.mark.parametrize("value", ["pool1", ["pool1", 2], None, {"pool1": True}])
def test_what_is_no_list_of_values_is_refused(value):
    with pytest.raises(ConfigError, match="`feature_layers` must be a list of values of type str"):
        LayeredConfig.from_dict({"feature_layers": value})
