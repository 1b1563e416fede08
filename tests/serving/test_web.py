"""The page's work without the page: results of the command, strokes where they were painted, refusals in sentences, no file left."""

import importlib.util
import io
import os

import numpy as np
import pytest
from PIL import Image

from tests.constant_system import ConstantSystem
from tests.picture_files import png_bytes, random_rgb, save, save_turned
from tf_inpaint import SYSTEMS, pictures, weights
from tf_inpaint.cli.main import main
from tf_inpaint.errors import ConfigError, MaskError, PictureError, TfInpaintError, WeightsError
from tf_inpaint.serving.hole_options import HoleOptions
from tf_inpaint.serving.web import examples
from tf_inpaint.serving.web.workbench import MAX_WHOLE_PIXELS, SHOWN_SIDE, Workbench

HOLE = np.zeros((40, 50), bool)
HOLE[10:20, 5:30] = True
HOLE[30, 45] = True


def layer(hole, colour=(255, 45, 149), alpha=255):
    """The file of a painted layer."""
    pixels = np.zeros((*hole.shape, 4), np.uint8)
    pixels[hole] = (*colour, alpha)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def bench():
    with Workbench(max_pixels=1_000_000) as opened:
        yield opened


@pytest.fixture
def constant(tmp_path, monkeypatch):
    monkeypatch.setitem(SYSTEMS, ConstantSystem.KEY, ConstantSystem)
    return os.fspath(weights.save(ConstantSystem.tiny(), tmp_path / "weights"))


@pytest.fixture
def photo(tmp_path):
    return save(tmp_path / "photo.png", random_rgb(40, 50))


def test_what_was_painted_is_repaired_and_nothing_else(bench, constant, photo):
    repaired = bench.repair(photo, [layer(HOLE)], weights=constant, strategy="original")
    expected = np.where(HOLE[..., np.newaxis], 191, random_rgb(40, 50))
    np.testing.assert_array_equal(pictures.read_rgb(repaired.file), expected)
    np.testing.assert_array_equal(np.asarray(repaired.after), expected)
    np.testing.assert_array_equal(np.asarray(repaired.before), random_rgb(40, 50))
    np.testing.assert_array_equal(pictures.read_mask(repaired.mask) > 0, HOLE)
    assert (repaired.file.name, repaired.mask.name, repaired.notes) == ("photo_repaired.png", "photo_mask.png", ())


@pytest.mark.parametrize("kind", ["turned.jpg", "alpha.png", "grey.tif", "lossless.webp"])
def test_files_are_those_of_the_command_byte_by_byte(bench, constant, tmp_path, kind):
    path, rgb = tmp_path / kind, random_rgb(40, 50)
    if kind == "turned.jpg":
        save_turned(path, rgb, 6)
    elif kind == "alpha.png":
        save(path, np.dstack([rgb, rgb[..., 0]]))
    else:
        save(path, rgb[..., 0] if kind == "grey.tif" else rgb, **({"lossless": True} if "webp" in kind else {}))
    repaired = bench.repair(path, [layer(HOLE)], weights=constant, strategy="crop")
    by_command = tmp_path / f"by_command{path.suffix}"
    assert main(["inpaint", *map(os.fspath, (path, repaired.mask)), "-o", os.fspath(by_command), "--weights", constant]) == 0
    assert repaired.file.read_bytes() == by_command.read_bytes()
    assert any("JPEG" in note for note in repaired.notes) == (path.suffix == ".jpg")
    assert not any(os.fspath(tmp_path) in note or os.fspath(bench.folder) in note for note in repaired.notes)


def test_the_result_of_a_jpeg_can_be_a_png(bench, constant, tmp_path):
    path = save(tmp_path / "photo.jpg", random_rgb(40, 50))
    repaired = bench.repair(path, [layer(HOLE)], weights=constant, strategy="original", to_png=True)
    assert repaired.file.name == "photo_repaired.png" and repaired.notes == ()
    known = pictures.read_rgb(path)
    np.testing.assert_array_equal(pictures.read_rgb(repaired.file)[~HOLE], known[~HOLE])


HOLE_OPTIONS = {
    "--invert-mask": {"invert_mask": True},
    "--erode 1": {"erode": 1},
    "--dilate 3": {"dilate": 3},
    "--feather 2": {"feather": 2},
    "--match-colour": {"match_colour": True},
    "--invert-mask --erode 1 --dilate 2 --feather 4 --match-colour": {
        "invert_mask": True, "erode": 1, "dilate": 2, "feather": 4, "match_colour": True,
    },
}  # fmt: skip


@pytest.mark.parametrize("words", HOLE_OPTIONS)
def test_options_of_the_hole_do_what_they_do_in_the_command(bench, constant, photo, tmp_path, words):
    options = HoleOptions(**HOLE_OPTIONS[words])
    mask = save(tmp_path / "mask.png", np.where(HOLE ^ options.invert_mask, 255, 0).astype(np.uint8))
    asked = {"weights": constant, "strategy": "crop", "hole_options": options}
    repaired = bench.repair(photo, mask=mask, **asked)
    common = ["--weights", constant, *words.split()]
    by_command = tmp_path / "by_command.png"
    assert main(["inpaint", *map(os.fspath, (photo, mask)), "-o", os.fspath(by_command), *common]) == 0
    assert repaired.file.read_bytes() == by_command.read_bytes()
    # What was painted is never inverted, and the mask that is handed out is not either.
    np.testing.assert_array_equal(pictures.read_mask(repaired.mask) > 0, HOLE)
    assert bench.repair(photo, [layer(HOLE)], **asked).file.read_bytes() == by_command.read_bytes()
    plain = bench.repair(photo, [layer(HOLE)], weights=constant, strategy="crop")
    assert (plain.file.read_bytes() == by_command.read_bytes()) == (words == "--invert-mask")


def test_a_painted_layer_and_an_uploaded_mask_are_joined(bench, tmp_path):
    mask = save(tmp_path / "mask.png", HOLE[::-1].astype(np.uint8) * 255)
    hole, notes = bench.hole((40, 50), [layer(HOLE)], mask)
    np.testing.assert_array_equal(hole, HOLE | HOLE[::-1])
    assert notes == []


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (255, 45, 149)])
def test_a_stroke_counts_by_its_alpha_whatever_its_colour(bench, colour):
    strokes = [layer(HOLE, colour, 128), layer(~HOLE, colour, 127)]
    np.testing.assert_array_equal(bench.hole((40, 50), strokes)[0], HOLE)


def test_strokes_on_a_photograph_that_is_shown_smaller_are_enlarged(bench, tmp_path):
    size = (30, 2 * SHOWN_SIDE)
    shown = bench.show(save(tmp_path / "wide.png", random_rgb(*size)))
    assert shown.size == (SHOWN_SIDE, 15)
    small = np.zeros((15, SHOWN_SIDE), bool)
    small[4:9, 1000:1300] = True
    np.testing.assert_array_equal(bench.hole(size, [layer(small)])[0], small.repeat(2, axis=0).repeat(2, axis=1))


def test_the_shown_photograph_is_upright_and_shows_the_hole_of_a_mask(bench, tmp_path):
    upright = np.full((40, 50, 3), 90, np.uint8)
    photo = save_turned(tmp_path / "photo.png", upright, 8)
    mask = save(tmp_path / "mask.png", HOLE)
    assert bench.show(photo).size == (50, 40)
    for hole, invert_mask in ((HOLE, False), (~HOLE, True)):
        shown = np.asarray(bench.show(photo, mask, invert_mask=invert_mask))
        np.testing.assert_array_equal(shown, np.where(hole[..., np.newaxis], np.uint8((255, 45, 149)), upright))


def test_a_mask_of_another_size_is_resized_as_in_the_command(bench, tmp_path):
    mask = save(tmp_path / "mask.png", HOLE)
    hole, notes = bench.hole((80, 100), [], mask)
    np.testing.assert_array_equal(hole, HOLE.repeat(2, axis=0).repeat(2, axis=1))
    assert len(notes) == 1 and "resized" in notes[0]


@pytest.mark.parametrize(
    ("strokes", "message"),
    [
        ([], "Nothing is painted yet"),
        ([layer(np.zeros((40, 50), bool))], "Nothing is painted yet"),
        ([layer(HOLE, alpha=127)], "Nothing is painted yet"),
        ([layer(HOLE[:, :49])], "another photograph"),
        ([layer(np.ones((40, 50), bool))], "full"),
    ],
)
def test_what_cannot_be_repaired_is_said_in_a_sentence(bench, constant, photo, strokes, message):
    with pytest.raises(TfInpaintError, match=message):
        bench.repair(photo, strokes, weights=constant, strategy="original")
    assert list(bench.folder.iterdir()) == []


@pytest.mark.parametrize("data", [png_bytes(20_000, 20_000), png_bytes(60_000, 60_000), b"GIF89a", b"", png_bytes(1001, 1000)])
def test_files_of_strangers_are_refused_before_they_are_decoded(bench, constant, photo, tmp_path, data):
    strange = tmp_path / "strange.png"
    strange.write_bytes(data)
    with pytest.raises(PictureError):
        bench.show(strange)
    with pytest.raises(PictureError, match="The mask"):
        bench.show(photo, strange)
    with pytest.raises(PictureError):
        bench.repair(photo, [data], weights=constant, strategy="original")


def test_a_photograph_that_is_too_large_for_the_networks_as_a_whole_goes_by_crops(constant, tmp_path):
    hole = np.zeros((1, MAX_WHOLE_PIXELS + 1), np.uint8)
    hole[0, 7] = 255
    photo, mask = save(tmp_path / "photo.png", np.dstack([hole] * 3)), save(tmp_path / "mask.png", hole)
    with Workbench() as bench:
        with pytest.raises(PictureError, match="Choose the strategy crop"):
            bench.repair(photo, mask=mask, weights=constant, strategy="original")
        repaired = bench.repair(photo, mask=mask, weights=constant, strategy="crop")
    assert repaired.after.size == (SHOWN_SIDE, 1)


def test_a_repair_that_takes_too_long_is_given_up(constant, photo):
    with Workbench(max_seconds=1e-9) as hurried, pytest.raises(PictureError, match="longer than 1e-09 seconds"):
        hurried.repair(photo, [layer(HOLE)], weights=constant, strategy="original")


@pytest.mark.parametrize("limits", [{"max_pixels": 0}, {"max_seconds": 0.0}, {"max_seconds": float("nan")}])
def test_limits_are_above_zero(limits):
    with pytest.raises(ConfigError, match="above 0"):
        Workbench(**limits)


def test_unknown_weights_and_strategies_are_said_in_a_sentence(bench, constant, photo):
    with pytest.raises(WeightsError, match="no_such"):
        bench.repair(photo, [layer(HOLE)], weights="no_such.weights", strategy="crop")
    with pytest.raises(ConfigError, match="strategy"):
        bench.repair(photo, [layer(HOLE)], weights=constant, strategy="magic")


def test_the_last_results_stay_until_the_end(constant, photo):
    with Workbench() as bench:
        made = [bench.repair(photo, [layer(HOLE)], weights=constant, strategy="original") for _ in range(10)]
        assert [each.file.exists() for each in made] == [False] * 2 + [True] * 8
    assert not bench.folder.exists()


def test_examples_are_scratched_photographs_with_masks_of_the_scratches(bench, tmp_path):
    made = examples.make(tmp_path / "examples")
    assert len(made) == 3
    for example in made:
        hole = pictures.read_mask(example.mask) > 0
        assert 0 < hole.mean() < 0.03
        assert np.all(pictures.read_rgb(example.photo)[hole] == 236)
        assert max(pictures.read_rgb(example.thumbnail).shape) == 160
        assert bench.show(example.photo, example.mask).size == hole.shape[::-1]


@pytest.mark.skipif(importlib.util.find_spec("gradio") is not None, reason="Gradio is installed here")
def test_without_gradio_the_command_says_what_to_install(capsys):
    assert main(["web"]) == 2
    assert capsys.readouterr().err == "tf-inpaint: The page needs Gradio: `pip install 'tf_inpaint[web]'`.\n"


def test_a_mask_that_is_empty_is_refused_when_it_is_uploaded(bench, photo, tmp_path):
    with pytest.raises(MaskError, match="empty"):
        bench.show(photo, save(tmp_path / "mask.png", np.zeros((40, 50), np.uint8)))
