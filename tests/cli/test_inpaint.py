"""`tf-inpaint inpaint`: pictures of many kinds in one folder, what fails is named, exit statuses, whole files only."""

import os

import numpy as np
import pytest
from PIL import Image

from tests.judging_system import JudgingSystem
from tests.picture_files import png_bytes, random_rgb, save, save_turned
from tf_inpaint import pictures, weights
from tf_inpaint.cli.main import main
from tf_inpaint.serving import Inpainter
from tf_inpaint.systems import SYSTEMS

HOLE = np.zeros((10, 14), bool)
HOLE[2:6, 3:9] = True
NON_UTF8 = os.fsdecode(b"\xff\xfe.png")


@pytest.fixture(scope="module")
def weights_folder(tmp_path_factory):
    return weights.save(SYSTEMS["three_stage"].tiny(), tmp_path_factory.mktemp("weights") / "tiny")


@pytest.fixture(scope="module")
def ended(tmp_path_factory, weights_folder):
    """One run over a folder with all that can go well or wrong: its status, its output and its folders."""
    folder = tmp_path_factory.mktemp("run")
    for name in ("in/deep", "masks/deep"):
        (folder / name).mkdir(parents=True)
    photo = random_rgb(10, 14)
    for name in ("plain.png", "twice.bmp", "twice.png", "deep/plain.webp", "[x].png", "new\nline.png", "-o.png", NON_UTF8):
        save(folder / "in" / name, photo, **({"lossless": True} if name.endswith("webp") else {}))
    save(folder / "in/photo.jpg", photo, quality=95)
    save(folder / "in/alpha.png", np.dstack([photo, photo[..., 0]]))
    save(folder / "in/deep16.tif", photo[..., 0].astype(np.uint16) * 255 + 3)
    save_turned(folder / "in/turned.png", photo, 6)
    for name in sorted({os.path.splitext(path.relative_to(folder / "in"))[0] for path in (folder / "in").rglob("*.*")}):
        save(folder / "masks" / f"{name}.png", HOLE)

    (folder / "in/broken.png").write_bytes((folder / "in/plain.png").read_bytes()[:90])
    (folder / "in/bomb.png").write_bytes(png_bytes(20_000, 20_000))
    save(folder / "in/empty mask.png", photo)
    save(folder / "masks/empty mask.png", HOLE & False)
    save(folder / "in/other size.png", photo)
    save(folder / "masks/other size.png", HOLE[:5])
    save(folder / "in/no mask.png", photo)
    for name in ("broken", "bomb"):
        save(folder / "masks" / f"{name}.png", HOLE)
    arguments = [folder / "in", folder / "masks", "-o", folder / "out", "--weights", weights_folder]
    capture = pytest.MonkeyPatch()
    out, err = [], []
    capture.setattr("sys.stdout", _Recorder(out))
    capture.setattr("sys.stderr", _Recorder(err))
    try:
        status = main(["inpaint", *map(str, arguments)])
    finally:
        capture.undo()
    return {"status": status, "out": "".join(out), "err": "".join(err), "folder": folder, "photo": photo}


class _Recorder:
    encoding = "utf-8"

    def __init__(self, parts):
        self._parts = parts

    def write(self, text):
        text.encode("utf-8")  # as a terminal would: fails on bytes that are no text
        self._parts.append(text)

    def flush(self):
        pass

    def isatty(self):
        return False


GOOD = ["plain.png", "twice.bmp", "twice.png", "deep/plain.webp", "[x].png", "new\nline.png", "-o.png", NON_UTF8, "turned.png"]
ALL_GOOD = [*GOOD, "photo.jpg", "alpha.png", "deep16.tif"]
FAILED = {
    "bomb.png": "pixels",
    "broken.png": "cannot be decoded",
    "empty mask.png": "mask is empty",
    "no mask.png": "no mask of its name",
    "other size.png": "14 x 10 and a mask of 14 x 5",
}


def test_the_status_tells_that_some_failed(ended):
    assert ended["status"] == 1
    assert ended["out"] == f"{len(ALL_GOOD)} of {len(ALL_GOOD) + len(FAILED)} pictures repaired\n"


def test_exactly_the_bad_pictures_are_named_each_on_one_line(ended):
    lines = [line for line in ended["err"].splitlines() if line.startswith("failed: ")]
    assert len(lines) == len(FAILED)
    for line, (name, reason) in zip(lines, FAILED.items()):
        assert line.startswith(f"failed: {ended['folder'] / 'in' / name}: ") and reason in line


def test_the_output_folder_holds_the_good_ones_and_nothing_else(ended):
    out = ended["folder"] / "out"
    assert {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} == set(ALL_GOOD)


@pytest.mark.parametrize("name", GOOD, ids=ascii)
def test_known_pixels_keep_their_bits_and_the_hole_is_filled(ended, weights_folder, name):
    result = pictures.read_rgb(ended["folder"] / "out" / name)
    assert np.array_equal(result[~HOLE], ended["photo"][~HOLE])
    assert np.any(result[HOLE] != ended["photo"][HOLE])


def test_results_equal_the_inpainters(ended, weights_folder):
    expected = Inpainter(weights_folder)(ended["photo"], HOLE)
    assert np.array_equal(pictures.read_rgb(ended["folder"] / "out/plain.png"), expected)


def test_alpha_and_16_bit_are_kept(ended):
    for name in ("alpha.png", "deep16.tif"):
        with Image.open(ended["folder"] / "in" / name) as before, Image.open(ended["folder"] / "out" / name) as after:
            assert after.mode == before.mode
            assert np.array_equal(np.asarray(after)[~HOLE], np.asarray(before)[~HOLE])


def test_a_note_on_jpeg_offers_png(ended):
    notes = [line for line in ended["err"].splitlines() if line.startswith("note: ")]
    assert len(notes) == 1 and "photo.jpg: JPEG" in notes[0] and ".png" in notes[0]


def test_one_picture_ends_with_status_0_and_its_options_reach_the_result(tmp_path, weights_folder, capsys):
    photo = save(tmp_path / "a.jpg", random_rgb(10, 14), icc_profile=b"profile")
    mask = save(tmp_path / "m.png", ~HOLE)
    command = ["inpaint", str(photo), str(mask), "-o", str(tmp_path / "new/b.png"), "--weights", str(weights_folder)]
    options = {"strategy": "tile", "margin": 3, "erode": 1, "dilate": 2, "feather": 1, "max_pixels": 140}
    flags = ["--invert-mask", "--match-colour", "--strip-metadata", "--concat", str(tmp_path / "sheets"), "--resume"]
    for name, value in options.items():
        flags += [f"--{name.replace('_', '-')}", str(value)]
    assert main([*command, *flags]) == 0
    shown = capsys.readouterr()
    assert shown.out == "1 of 1 pictures repaired\n" and "note: " not in shown.err
    expected = Inpainter(weights_folder, invert_mask=True, match_colour=True, **options)(photo, mask)
    with Image.open(tmp_path / "new/b.png") as result:
        result.load()
        assert np.array_equal(result, expected) and not result.info
    assert pictures.read_rgb(tmp_path / "sheets/b.png.png").shape == (10, 3 * 14 + 16, 3)
    assert main([*command, *flags]) == 0
    assert capsys.readouterr().out == "0 of 1 pictures repaired, 1 were there\n"


@pytest.fixture
def judging_folder(tmp_path, monkeypatch):
    """Two pictures, a mask, and the weights of a system that accepts bright results."""
    monkeypatch.setitem(SYSTEMS, "judging", JudgingSystem)
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        save(tmp_path / "in" / name, random_rgb(10, 14))
    save(tmp_path / "m.png", HOLE)
    for name, threshold in (("demanding", 0.99), ("lenient", 0.9)):
        weights.save(JudgingSystem.with_threshold(threshold), tmp_path / name)
    weights.save(JudgingSystem.tiny(), tmp_path / "uncalibrated")
    return tmp_path


@pytest.mark.parametrize(("name", "verdict"), [("lenient", "accepted"), ("demanding", "rejected")])
def test_with_retries_each_picture_gets_its_verdict_and_a_rejected_one_is_written_and_no_failure(judging_folder, capsys, name, verdict):
    words = [judging_folder / "in", judging_folder / "m.png", "-o", judging_folder / "out", "--weights", judging_folder / name]
    assert main(["inpaint", *map(str, words), "--retries", "2"]) == 0
    shown = capsys.readouterr()
    lines = [f"{verdict}: {judging_folder / 'in' / name}: brightness 0.9500 (bright, best of 3)" for name in ("a.png", "b.png")]
    assert shown.out.splitlines() == [*lines, f"2 of 2 pictures repaired, 2 {verdict}"]
    result = pictures.read_rgb(judging_folder / "out/a.png")
    assert np.all(result[HOLE] == round(0.95 * 255)) and np.array_equal(result[~HOLE], random_rgb(10, 14)[~HOLE])


def test_without_retries_nothing_is_verified_and_with_0_of_them_scores_are_told(judging_folder, capsys):
    words = [judging_folder / "in/a.png", judging_folder / "m.png", "-o", judging_folder / "b.png"]
    command = ["inpaint", *map(str, words), "--weights", str(judging_folder / "uncalibrated")]
    assert main(command) == 0
    assert capsys.readouterr().out == "1 of 1 pictures repaired\n"
    assert main([*command, "--retries", "0"]) == 0
    told, count = capsys.readouterr().out.splitlines()
    assert (
        told.startswith(f"not judged: {judging_folder / 'in/a.png'}: brightness 0.") and count == "1 of 1 pictures repaired, 1 not judged"
    )


@pytest.mark.parametrize(
    ("name", "retries", "message"),
    [("uncalibrated", "1", "have no thresholds"), ("lenient", "-1", "must not be negative"), (None, "0", "cannot verify its results")],
)
def test_retries_that_cannot_be_judged_are_wrong_usage(judging_folder, weights_folder, capsys, name, retries, message):
    words = [judging_folder / "in", judging_folder / "m.png", "-o", judging_folder / "out"]
    folder = weights_folder if name is None else judging_folder / name
    assert main(["inpaint", *map(str, words), "--weights", str(folder), "--retries", retries]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and message in shown.err
    assert not (judging_folder / "out").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": "missing.png"}, "'missing.png' does not exist"),
        ({"mask": "missing.png"}, "'missing.png' does not exist"),
        ({"output": "b.gif"}, "supported picture format"),
        ({"output": "a.png"}, "one of the inputs"),
        ({"weights": "no_such.weights"}, "no weights 'no_such.weights'"),
    ],
)
def test_wrong_usage_is_told_and_ends_with_status_2(tmp_path, monkeypatch, capsys, changes, message):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "a.png", random_rgb(10, 14))
    save(tmp_path / "m.png", HOLE)
    words = {"image": "a.png", "mask": "m.png", "output": "b.png", "weights": "three_stage.faces_128", **changes}
    command = ["inpaint", words["image"], words["mask"], "-o", words["output"], "--weights", words["weights"]]
    assert main(command) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and message in shown.err
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "m.png"}


def test_missing_words_end_with_status_2(capsys):
    assert main(["inpaint", "a.png"]) == 2
    assert "MASK" in capsys.readouterr().err
