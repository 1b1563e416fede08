"""An identity network of one's own: who is who, that it learns, its file, its command."""

import json
import re

import numpy as np
import pytest

from tests.picture_files import save
from tf_inpaint.cli.main import main
from tf_inpaint.errors import ConfigError
from tf_inpaint.systems.latent_attention.identity import open_identity_network
from tf_inpaint.training import IdentityConfig, train_identity
from tf_inpaint.training.identity import find_persons

SMALL = {"image_size": 32, "face_size": 16, "width_multiplier": 1 / 16, "units": (1, 1, 1, 1), "embedding_size": 8}
COLOURS = [(220, 60, 60), (60, 220, 60), (60, 60, 220), (220, 220, 60)]


@pytest.fixture
def faces(tmp_path):
    """Four persons, six pictures of each: a colour with noise."""
    random = np.random.RandomState(0)
    for person, colour in enumerate(COLOURS):
        for index in range(6):
            folder = tmp_path / "faces" / f"person {person}"
            folder.mkdir(parents=True, exist_ok=True)
            picture = np.clip(np.array(colour) + random.normal(0, 30, (32, 32, 3)), 0, 255).astype(np.uint8)
            save(folder / f"{index}.png", picture)
    return f"folder:{tmp_path / 'faces'}"


def test_persons_are_folders_where_there_are_several_and_else_pictures():
    numbers, kind = find_persons(["anna/1.png", "anna/2.png", "ben/1.png"], "auto")
    assert numbers.tolist() == [0, 0, 1] and kind == "folders"
    for names, asked in ((["a/1.png", "a/2.png"], "auto"), (["1.png", "2.png"], "auto"), (["a/1.png", "b/1.png"], "pictures")):
        numbers, kind = find_persons(names, asked)
        assert numbers.tolist() == [0, 1] and kind == "pictures"


def test_the_command_trains_a_network_that_finds_persons_again_and_that_opens(faces, tmp_path, capsys):
    output = tmp_path / "identity.npz"
    options = ["--steps", "40", "--batch-size", "8", "--image-size", "32", "--face-size", "16", "--width-multiplier", "0.0625"]
    options += ["--units", "1,1,1,1", "--embedding-size", "8", "--learning-rate", "0.02", "--scale", "8", "--margin", "0.2"]
    assert main(["train-identity", "--data", faces, "--output", str(output), "--held-out", "9", *options]) == 0
    shown = capsys.readouterr().out
    assert "15 pictures of 3 persons (by folders), 9 kept back" in shown and "step 40: loss" in shown
    notes = json.loads(output.with_suffix(".json").read_text())
    assert notes["found_again"] >= 0.9 and notes["num_persons"] == 3 and notes["scale"] == 8.0
    network = open_identity_network(f"own:{output}")
    assert network.input_shape[1:] == (16, 16, 3) and network.output_shape[1:] == (8,)


def test_without_names_each_picture_is_a_person_seen_twice(faces, tmp_path):
    config = IdentityConfig(faces, persons="pictures", steps=2, batch_size=4, held_out=4, **SMALL)
    share = train_identity(config, tmp_path / "identity.npz")
    assert 0.0 <= share <= 1.0
    notes = json.loads((tmp_path / "identity.json").read_text())
    assert notes["persons"] == "pictures" and notes["num_persons"] == 20 and notes["found_again"] == share


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"persons": "names"}, "persons"),
        ({"steps": 0}, "steps"),
        ({"face_size": 40}, "face_size"),
        ({"width_multiplier": 0.001}, "width_multiplier"),
        ({"units": (1, 2)}, "units"),
        ({"dropout": 1.0}, "dropout"),
        ({"margin": 4.0}, "margin"),
        ({"held_out": -1}, "held_out"),
    ],
)
def test_settings_out_of_their_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        IdentityConfig("folder:faces", **settings)


def test_what_cannot_be_written_or_learned_is_refused_before_any_work(faces, tmp_path):
    for output in (tmp_path / "identity.h5", tmp_path / "nowhere" / "identity.npz"):
        with pytest.raises(ConfigError, match="output"):
            train_identity(IdentityConfig(faces, **SMALL), output)
    with pytest.raises(ConfigError, match="two of them"):
        train_identity(IdentityConfig(faces, held_out=18, **SMALL), tmp_path / "identity.npz")


def test_the_help_states_the_defaults(capsys):
    assert main(["train-identity", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    stated = re.findall(r"--([a-z-]+) [A-Z,]+ [^()]*?\(?default ([0-9][0-9.,]*)\b", shown)
    assert len(stated) >= 10
    for option, default in stated:
        value = getattr(IdentityConfig("folder:faces"), option.replace("-", "_"))
        assert default.split(",") == [f"{each:g}" for each in (value if isinstance(value, tuple) else (value,))], option
