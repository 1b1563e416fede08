"""`tf-inpaint check-data`: what is there, what is broken, what training would use."""

import pytest

from tests.picture_files import random_rgb, save
from tf_inpaint.cli.main import main


def test_a_whole_source_ends_with_status_0(tmp_path, capsys):
    for index in range(3):
        save(tmp_path / f"{index}.png", random_rgb(6, 6))
    (tmp_path / "notes.txt").write_text("")
    assert main(["check-data", f"folder:{tmp_path}"]) == 0
    shown = capsys.readouterr().out
    assert f"folder:{tmp_path}: 3 pictures, 3 readable, 0 broken; 1 other files ignored" in shown
    assert "Training would use 3 pictures." in shown


def test_every_broken_picture_is_named_and_the_status_is_1(tmp_path, capsys):
    for index in range(30):
        save(tmp_path / f"good {index}.png", random_rgb(6, 6))
    for index in range(20):
        (tmp_path / f"broken {index:02d}.png").write_bytes(b"broken")
    assert main(["check-data", f"folder:{tmp_path}"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "50 pictures, 30 readable, 20 broken" in lines[0]
    assert all(f"broken {index:02d}.png: is not a readable" in lines[1 + index] for index in range(20))
    assert lines[-1] == "Training would use 30 pictures."


def test_a_mostly_broken_source_would_be_refused(tmp_path, capsys):
    save(tmp_path / "good.png", random_rgb(6, 6))
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"broken")
    assert main(["check-data", f"folder:{tmp_path}"]) == 1
    assert "Training would refuse this source" in capsys.readouterr().out


def test_the_cap_counts_large_pictures_as_broken(tmp_path, capsys):
    save(tmp_path / "large.png", random_rgb(6, 6))
    save(tmp_path / "small.png", random_rgb(5, 5))
    assert main(["check-data", f"folder:{tmp_path}", "--max-pixels", "35"]) == 1
    assert "large.png: 6 x 6 pixels are more than the 35" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("folder:/no/such/folder", "'/no/such/folder' does not exist"),
        ("nothing:here", "Available: folder:PATH"),
        ("tfds:no_such_data_set", "no_such_data_set"),
    ],
)
def test_a_wrong_source_is_told_and_ends_with_status_2(capsys, source, message):
    assert main(["check-data", source]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and message in shown.err


def test_a_cap_below_one_is_wrong_usage(capsys):
    assert main(["check-data", "photos", "--max-pixels", "0"]) == 2
    assert "max_pixels" in capsys.readouterr().err
