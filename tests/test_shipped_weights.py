"""The weights in the package: complete, of the promised size, and described by what they really are."""

import json
import pathlib

import numpy as np
import pytest

from tf_inpaint import weights
from tf_inpaint.systems import SYSTEMS
from tf_inpaint.systems.loading import load

ROOT = pathlib.Path(weights.__file__).resolve().parents[1]
SHIPPED = ROOT / "tf_inpaint" / "shipped"
NAMES = sorted(folder.name for folder in SHIPPED.iterdir() if folder.is_dir()) if SHIPPED.is_dir() else []
# As the issues allow: three networks, one of them a StyleGAN2, take more room than one.
MAX_BYTES = {"pen_net": 22e6, "latent_attention": 30e6}


def test_there_are_weights_for_the_demo():
    assert "three_stage.faces_128" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_files_are_complete_small_and_in_half_precision(name):
    folder = SHIPPED / name
    pictures = json.loads((folder / "config.json").read_text(encoding="utf-8"))["training"].get("pictures", [])
    files = {"config.json", "weights.npz", "MODEL_CARD.md", "LICENSE.md", "notes.md", *(picture["file"] for picture in pictures)}
    assert {path.name for path in folder.iterdir()} == files
    assert (folder / "weights.npz").stat().st_size <= MAX_BYTES.get(name.split(".")[0], 20e6)
    arrays = weights.read(name).arrays
    assert {array.dtype for array in arrays.values()} == {np.dtype("float16")}
    assert all(np.isfinite(array).all() for array in arrays.values())


@pytest.mark.parametrize("name", NAMES)
def test_they_load_by_name_into_their_system(name):
    system = load(name)
    assert isinstance(system, SYSTEMS[name.split(".")[0]])
    assert str(system.config.image_size) == name.rsplit("_", 1)[1]


@pytest.fixture
def write_card(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    from ship_weights import write_card

    return write_card


def test_the_model_card_names_the_losses_that_the_last_run_really_had(write_card):
    description = json.loads((SHIPPED / "three_stage.faces_128" / "config.json").read_text(encoding="utf-8"))
    description["training"]["runs"][-1]["terms"] = ["coarse_loss", "edge_loss"]
    assert "\nLoss terms of the last run: `coarse_loss`, `edge_loss`.\n" in write_card("three_stage.faces_128", description, "")


@pytest.mark.parametrize("name", NAMES)
def test_the_model_card_is_what_the_description_says(name, write_card):
    folder = SHIPPED / name
    description = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    card = write_card(name, description, (folder / "notes.md").read_text(encoding="utf-8"))
    assert (folder / "MODEL_CARD.md").read_text(encoding="utf-8") == card
    training = description["training"]
    assert training["pictures_over_all_runs"] == sum(run["pictures"] for run in training["runs"])
    for measurement in (training, *training.get("also_measured", ())):
        assert {"telea", "ns", name} <= {row["method"] for row in measurement["measured"]}


@pytest.mark.parametrize("name", NAMES)
def test_no_description_holds_a_path(name):
    text = (SHIPPED / name / "config.json").read_text(encoding="utf-8")
    assert "folder:" not in text and "../" not in text and "irregular:" not in text
