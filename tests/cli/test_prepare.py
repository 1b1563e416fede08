"""`tf-inpaint prepare`: what it says, its exit status, and that other commands read what it wrote."""

from tests.picture_files import random_rgb, save
from tf_inpaint.cli.main import main


def test_pictures_are_written_and_other_commands_read_them(tmp_path, capsys):
    for index in range(5):
        save(tmp_path / f"{index}.png", random_rgb(20, 24, seed=index))
    output = tmp_path / "out"
    command = ["prepare", f"folder:{tmp_path}", "--output", str(output), "--image-size", "16", "--shard-size", "2"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "5 pictures, 5 readable, 0 broken" in said and f"5 pictures in 3 files, 0.0 MB: --data tfrecord:{output}" in said
    assert main(["check-data", f"tfrecord:{output}"]) == 0
    assert "Training would use 5 pictures." in capsys.readouterr().out
    assert main(command) == 0
    assert "went on where it stopped: 3 of 3 files were there already" in capsys.readouterr().out
    (output / "pictures-00000-of-00003.tfrecord").write_bytes(b"")
    assert main(["check-data", f"tfrecord:{output}"]) == 2
    assert "00000-of-00003.tfrecord has 0 bytes" in capsys.readouterr().err


def test_broken_pictures_are_named_and_the_status_is_1(tmp_path, capsys):
    for index in range(3):
        save(tmp_path / f"{index}.png", random_rgb(20, 24, seed=index))
    (tmp_path / "cut.png").write_bytes((tmp_path / "0.png").read_bytes()[:100])
    assert main(["prepare", f"folder:{tmp_path}", "-o", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().out
    assert "4 pictures, 3 readable, 1 broken" in said and "broken: cut.png: " in said and "3 pictures in 1 files" in said


def test_a_recipe_without_its_pictures_says_how_to_get_them(tmp_path, capsys):
    assert main(["prepare", f"dtd:{tmp_path}/dtd", "-o", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert "dtd-r1.0.1.tar.gz" in error and "1. download" in error and not (tmp_path / "out").exists()


def test_the_unverified_split_is_said(tmp_path, capsys):
    (tmp_path / "images" / "x").mkdir(parents=True)
    for index in range(5):
        save(tmp_path / "images" / "x" / f"{index}.jpg", random_rgb(20, 24, seed=index))
    assert main(["prepare", f"dtd:{tmp_path}", "-o", str(tmp_path / "out")]) == 0
    assert "note: DTD: " in capsys.readouterr().out
    assert main(["check-data", f"tfrecord:{tmp_path / 'out'}"]) == 0
    assert "(unverified)" in capsys.readouterr().out
