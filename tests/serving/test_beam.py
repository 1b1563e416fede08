"""Many pictures by Apache Beam: equal to the command, whatever the files; bad ones are named and stop nothing."""

import importlib.util
import io
import json
import os

import numpy as np
import pytest
from PIL import Image

from tests.constant_system import ConstantSystem
from tests.picture_files import png_bytes, random_rgb, save, save_turned
from tf_inpaint import SYSTEMS, Inpainter, pictures
from tf_inpaint.cli.main import main
from tf_inpaint.serving import beam_plan, export

needs_beam = pytest.mark.skipif(importlib.util.find_spec("apache_beam") is None, reason="needs Apache Beam: pip install 'tf_inpaint[beam]'")
# Beam closes its servers when they are collected, which is later than Python likes.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::FutureWarning")


def hole(height, width, seed=0):
    mask = np.random.RandomState(seed).random_sample((height, width)) < 0.2
    mask[height // 2, width // 2] = True
    return mask.astype(np.uint8) * 255


@pytest.fixture(scope="module")
def constant_model(tmp_path_factory):
    return os.fspath(export(ConstantSystem.tiny(), tmp_path_factory.mktemp("constant") / "1"))


def batch(tmp_path, model, *options, images="photos", masks="masks"):
    words = ["--model", model, "--images", os.fspath(tmp_path / images), "--masks", os.fspath(tmp_path / masks)]
    return main(["batch", "--runner", "DirectRunner", *words, "--output", os.fspath(tmp_path / "results"), *options])


def failures(tmp_path):
    return [json.loads(line) for line in (tmp_path / "results/failures.jsonl").read_text(encoding="utf-8").splitlines()]


def files_below(folder):
    return {os.fspath(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@needs_beam
@pytest.mark.slow
def test_results_are_those_of_the_inpainter_whatever_the_files(tmp_path, capsys):
    system = SYSTEMS["three_stage"].tiny()
    model = os.fspath(export(system, tmp_path / "models/1"))
    photos, masks = tmp_path / "photos", tmp_path / "masks"
    for folder in (photos / "deeper", masks / "deeper"):
        folder.mkdir(parents=True)
    rgb, mask = random_rgb(21, 30), hole(21, 30)
    save(photos / "a.png", rgb)
    save(photos / "a.bmp", rgb[::-1])
    save(photos / "alpha [1] ü.png", np.dstack([rgb, mask]))
    save(photos / "gray.tif", rgb[..., 0])
    save(photos / "deeper/photo.jpg", rgb, quality=90)
    save_turned(photos / "turned.jpg", rgb, 6)
    Image.fromarray(rgb[..., 1].astype(np.uint16) * 251).save(photos / "deep.png")
    for name in ("a.png", "alpha [1] ü.png", "gray_mask.png", "deeper/photo.png", "turned.jpg", "deep_mask.bmp"):
        save(masks / name, mask, **({"quality": 100} if name.endswith("jpg") else {}))
    save(masks / "deeper/photo.png", mask.repeat(2, axis=0).repeat(2, axis=1))

    with pytest.warns(pictures.MaskWarning, match="60 x 42 pixels was resized to the picture's 30 x 21"):
        assert batch(tmp_path, model) == 0
    assert "7 of 7 pictures repaired" in capsys.readouterr().out
    assert failures(tmp_path) == []
    inpainter = Inpainter(system, strategy="original")
    results = {"a.png": "a.png.png", "a.bmp": "a.bmp.png", "deeper/photo.jpg": "deeper/photo.png", "gray.tif": "gray.png"}
    results |= {"turned.jpg": "turned.png", "deep.png": "deep.png", "alpha [1] ü.png": "alpha [1] ü.png"}
    assert set(files_below(tmp_path / "results")) == {*results.values(), "failures.jsonl"}
    for name, result in results.items():
        expected = inpainter(photos / name, mask)
        with Image.open(tmp_path / "results" / result) as image:
            assert image.mode == expected.mode and image.format == "PNG"
            np.testing.assert_array_equal(np.asarray(image), np.asarray(expected), err_msg=name)


@needs_beam
def test_bad_pictures_are_named_with_the_reason_and_stop_nothing(tmp_path, constant_model, capsys):
    photos, masks = tmp_path / "photos", tmp_path / "masks"
    photos.mkdir()
    masks.mkdir()
    for name in "abcdefg":
        save(photos / f"{name}.png", random_rgb(20, 20))
        save(masks / f"{name}.png", hole(20, 20))
    (photos / "b.png").write_bytes((photos / "a.png").read_bytes()[:300])
    (photos / "c.png").write_bytes(png_bytes(20_000, 20_000))
    (masks / "d.png").unlink()
    save(masks / "e.png", np.zeros((20, 20), np.uint8))
    save(masks / "f.png", hole(20, 30))

    assert batch(tmp_path, constant_model) == 1
    shown = capsys.readouterr()
    assert "2 of 7 pictures repaired" in shown.out and shown.err.count("failed: ") == 5
    found = {entry["name"]: entry for entry in failures(tmp_path)}
    assert list(found) == ["b.png", "c.png", "d.png", "e.png", "f.png"]
    reasons = {
        "b.png": "decoded",
        "c.png": "pixels",
        "d.png": "no mask",
        "e.png": "The mask is empty: no level is above 127",
        "f.png": "must have the shape of the picture",
    }
    assert all(part in found[name]["reason"] for name, part in reasons.items()), found
    assert found["b.png"]["image"] == os.fspath(photos / "b.png") and found["d.png"]["mask"] is None
    written = files_below(tmp_path / "results")
    assert set(written) == {"a.png", "g.png", "failures.jsonl"}

    # Once more, by two workers and with what was broken put right: the same bytes, and no old failure is left.
    for name in "bcdef":
        save(photos / f"{name}.png", random_rgb(20, 20))
        save(masks / f"{name}.png", hole(20, 20))
    assert batch(tmp_path, constant_model, "--", "--direct_num_workers=2", "--direct_running_mode=multi_threading") == 0
    again = files_below(tmp_path / "results")
    assert again.pop("failures.jsonl") == b"" and set(again) == {f"{name}.png" for name in "abcdefg"}
    assert len(set(again.values())) == 1 and again["a.png"] == written["a.png"]


@needs_beam
def test_one_mask_serves_all_pictures_of_a_pattern(tmp_path, constant_model):
    for folder in ("photos/x", "photos/y"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("x/1.png", "x/2.bmp", "y/3.png"):
        save(tmp_path / "photos" / name, random_rgb(9, 9))
    save(tmp_path / "mask.png", hole(9, 9))
    assert batch(tmp_path, constant_model, images="photos/*/*.png", masks="mask.png") == 0
    assert set(files_below(tmp_path / "results")) == {"x/1.png", "y/3.png", "failures.jsonl"}
    result = pictures.read_rgb(tmp_path / "results/x/1.png")
    np.testing.assert_array_equal(result, np.where(hole(9, 9)[..., np.newaxis] > 0, 191, random_rgb(9, 9)))


@needs_beam
@pytest.mark.slow
def test_a_thousand_pictures_with_twenty_bad_ones(tmp_path, constant_model):
    (tmp_path / "photos").mkdir()
    bad = set(range(7, 1000, 50))
    for number in range(1000):
        save(tmp_path / f"photos/{number:04}.png", random_rgb(16 + number % 5, 24, seed=number))
    for number in bad:
        path = tmp_path / f"photos/{number:04}.png"
        path.write_bytes(path.read_bytes()[: 40 + number // 2])
    for height in range(16, 21):
        save(tmp_path / f"{height}.png", hole(height, 24))
    (tmp_path / "masks").mkdir()
    for number in range(1000):
        os.link(tmp_path / f"{16 + number % 5}.png", tmp_path / f"masks/{number:04}_mask.png")

    assert batch(tmp_path, constant_model) == 1
    assert [entry["name"] for entry in failures(tmp_path)] == [f"{number:04}.png" for number in sorted(bad)]
    results = files_below(tmp_path / "results")
    results.pop("failures.jsonl")
    assert set(results) == {f"{number:04}.png" for number in range(1000)} - {f"{number:04}.png" for number in bad}
    for name, data in results.items():
        number = int(name[:4])
        expected = random_rgb(16 + number % 5, 24, seed=number)
        expected[hole(*expected.shape[:2]) > 0] = 191
        np.testing.assert_array_equal(pictures.read_rgb(io.BytesIO(data)), expected)


@needs_beam
@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"--runner": "NoSuchRunner"}, 2, "NoSuchRunner"),
        ({"--model": "photos"}, 1, "not an exported model"),
        ({"--images": "nowhere"}, 2, "'nowhere' does not exist"),
        ({"--images": "photos/*.jpg"}, 2, "no pictures in 'photos/*.jpg'"),
        ({"--output": "photos/results"}, 2, "inside the pictures' folder"),
        ({"--max-pixels": "0"}, 2, "max_pixels=0"),
    ],
)
def test_what_goes_wrong_is_one_line_and_nothing_is_written(tmp_path, constant_model, monkeypatch, capsys, changes, status, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    save(tmp_path / "photos/a.png", random_rgb(9, 9))
    save(tmp_path / "mask.png", hole(9, 9))
    words = {"--model": constant_model, "--images": "photos", "--masks": "mask.png", "--output": "results", **changes}
    assert main(["batch", *(word for pair in words.items() for word in pair)]) == status
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1 and message in shown.err and shown.out == ""
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.png", "mask.png", "photos"]


@pytest.mark.skipif(importlib.util.find_spec("apache_beam") is not None, reason="Apache Beam is installed here")
def test_without_beam_the_command_says_what_to_install(tmp_path, capsys):
    assert main(["batch", "--model", "1", "--images", "a", "--masks", "b", "--output", os.fspath(tmp_path / "c")]) == 2
    assert "pip install 'tf_inpaint[beam]'" in capsys.readouterr().err


def test_pictures_find_their_masks_as_in_the_command(tmp_path):
    from tf_inpaint.serving import batch as command

    for name in ("p/a.jpg", "p/b.png", "p/b.jpg", "p/deep/c.tif", "p/[x]*.png", "p/none.png", "p/two.png", "p/note.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("m/a_mask.png", "m/b.png", "m/deep/c.png", "m/[x]*.png", "m/two.jpg", "m/two_mask.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "p/linked.png").symlink_to(tmp_path / "elsewhere.png")
    (tmp_path / "elsewhere.png").touch()
    (tmp_path / "m/linked.png").touch()
    jobs = beam_plan.plan(os.fspath(tmp_path / "p"), os.fspath(tmp_path / "m"), os.fspath(tmp_path / "out"))
    expected = command.plan(tmp_path / "p", tmp_path / "m", tmp_path / "out", file_format="PNG")
    assert [(job.image, job.mask, job.output, job.problem) for job in jobs] == [
        (os.fspath(job.image), job.mask and os.fspath(job.mask), os.fspath(job.output), job.problem) for job in expected
    ]
    assert [job.name for job in jobs if job.problem] == ["linked.png", "none.png", "two.png"]


def test_masks_may_lie_below_the_pictures(tmp_path):
    for name in ("a.png", "masks/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    jobs = beam_plan.plan(os.fspath(tmp_path), os.fspath(tmp_path / "masks"), os.fspath(tmp_path.with_name("out")))
    assert [(job.name, job.mask) for job in jobs] == [("a.png", os.fspath(tmp_path / "masks/a.png"))]


def test_masks_may_lie_beside_the_pictures(tmp_path):
    for name in ("a.png", "a_mask.png", "b.jpg"):
        (tmp_path / name).touch()
    jobs = beam_plan.plan(os.fspath(tmp_path), os.fspath(tmp_path), os.fspath(tmp_path.with_name("out")))
    assert [(job.name, job.mask and os.path.basename(job.mask)) for job in jobs] == [("a.png", "a_mask.png"), ("b.jpg", None)]
