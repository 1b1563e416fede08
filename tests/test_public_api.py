"""The public names, checked in: one that comes or goes shows up in the difference of a change.

`python -c "from tests.test_public_api import write_names; write_names()"` writes the list of today over it.
"""

import importlib
import inspect
import json
import pathlib

import pytest

import tf_inpaint as tfi

LIST = pathlib.Path(__file__).with_name("public_names.json")
PUBLIC_NAMES = json.loads(LIST.read_text(encoding="utf-8")) if LIST.exists() else {}

MODULES = (
    "tf_inpaint",
    "tf_inpaint.compat",
    "tf_inpaint.data",
    "tf_inpaint.errors",
    "tf_inpaint.evaluation",
    "tf_inpaint.files",
    "tf_inpaint.layers",
    "tf_inpaint.losses",
    "tf_inpaint.masks",
    "tf_inpaint.metrics",
    "tf_inpaint.networks",
    "tf_inpaint.official_weights",
    "tf_inpaint.ops",
    "tf_inpaint.ops.activation",
    "tf_inpaint.ops.attention",
    "tf_inpaint.ops.canny",
    "tf_inpaint.ops.colour",
    "tf_inpaint.ops.gaussian",
    "tf_inpaint.ops.image",
    "tf_inpaint.pictures",
    "tf_inpaint.serving",
    "tf_inpaint.systems",
    "tf_inpaint.training",
    "tf_inpaint.visualize",
    "tf_inpaint.weights",
)


def public_names(module_name: str) -> list[str]:
    """`__all__` where there is one, else what the module itself defines without an underscore."""
    module = importlib.import_module(module_name)
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ == module_name
    )


def write_names() -> None:
    """Writes the list of today's public names over the checked-in one."""
    LIST.write_text(json.dumps({name: public_names(name) for name in MODULES}, indent=2) + "\n", encoding="utf-8")


def test_the_list_covers_each_module():
    assert sorted(PUBLIC_NAMES) == sorted(MODULES)


@pytest.mark.parametrize("module_name", MODULES)
def test_the_public_names_are_the_checked_in_ones(module_name):
    assert public_names(module_name) == PUBLIC_NAMES[module_name]


@pytest.mark.parametrize("module_name", MODULES)
def test_each_public_name_is_there(module_name):
    module = importlib.import_module(module_name)
    assert [name for name in PUBLIC_NAMES[module_name] if not hasattr(module, name)] == []


@pytest.mark.parametrize(
    "name",
    [
        "Inpainter",
        "data.dataset",
        "load",
        "load_official",
        "masks.free_form",
        "ops.canny.canny",
        "serving.export",
    ],
)
def test_what_users_were_promised_can_be_called(name):
    value = tfi
    for part in name.split("."):
        value = getattr(value, part)
    assert callable(value)


def _options(function) -> dict:
    parameters = inspect.signature(function).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}


def test_the_promised_options_have_their_names_and_defaults():
    assert _options(tfi.ops.canny.canny) == {"sigma": 2.0, "low_threshold": 0.1, "high_threshold": 0.2, "mask": None}
    assert _options(tfi.masks.free_form)["ratio"] is None
    assert {"batch_size", "height", "width"} <= set(_options(tfi.masks.free_form))
    options = inspect.signature(tfi.data.dataset).parameters
    assert options["masks"].default == "free_form"
    assert options["seed"].default == 0
    assert options["repeat"].default is False
    assert {"image_size", "batch_size", "masks_on"} <= set(options)
    assert inspect.signature(tfi.Inpainter).parameters["strategy"].default == "crop"


def test_the_systems_are_models_by_name():
    import keras

    assert "three_stage" in tfi.SYSTEMS
    assert all(issubclass(system, keras.Model) and issubclass(system, tfi.InpaintingSystem) for system in tfi.SYSTEMS.values())


def test_an_unknown_name_is_an_attribute_error_that_names_it():
    with pytest.raises(AttributeError, match="no_such_thing"):
        tfi.no_such_thing  # noqa: B018


def test_each_promised_name_is_listed_by_dir():
    assert set(tfi.__all__) <= set(dir(tfi))
