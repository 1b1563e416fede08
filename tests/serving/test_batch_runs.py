"""Batches of files as they happen: resumed, killed, with broken and hostile files, with and without what is beside the pixels."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

from tests.constant_system import ConstantSystem
from tests.picture_files import random_rgb, save
from tests.source import ROOT
from tf_inpaint import files, pictures
from tf_inpaint.errors import ConfigError, PictureError
from tf_inpaint.serving import Inpainter
from tf_inpaint.serving.batch import plan, repair_files

HOLE = np.zeros((24, 30), bool)
HOLE[6:12, 8:20] = True


@pytest.fixture(scope="module")
def inpainter():
    return Inpainter(ConstantSystem.tiny())


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    save(tmp_path / "m.png", HOLE)
    return tmp_path


def run(inpainter, folder, *, sheets=None, file_format=None, **options):
    jobs = plan(folder / "in", folder / "m.png", folder / "out", sheets=sheets, file_format=file_format)
    return repair_files(inpainter, jobs, show_progress=False, **options)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_resumed_run_does_what_is_missing_and_leaves_the_rest_untouched(inpainter, folder):
    for number in range(4):
        save(folder / f"in/{number}.png", random_rgb(24, 30, seed=number))
    (folder / "out").mkdir()
    (folder / "out/1.png").write_bytes(b"done before")
    (folder / "out/2.png.tmp-999999999-0").write_bytes(b"left by a killed run")
    (folder / f"out/3.png.tmp-{os.getpid()}-0").write_bytes(b"being written")
    outcome = run(inpainter, folder, resume=True)
    assert (outcome.num_done, outcome.num_skipped, outcome.failures) == (3, 1, [])
    assert (folder / "out/1.png").read_bytes() == b"done before"
    assert names(folder / "out") == ["0.png", "1.png", "2.png", "3.png", f"3.png.tmp-{os.getpid()}-0"]
    outcome = run(inpainter, folder, resume=True)
    assert (outcome.num_done, outcome.num_skipped) == (0, 4)
    assert run(inpainter, folder).num_done == 4


def test_sheets_show_before_hole_and_after(inpainter, folder):
    photo = save(folder / "in/a.png", random_rgb(24, 30))
    assert run(inpainter, folder, sheets=folder / "sheets").failures == []
    sheet = pictures.read_rgb(folder / "sheets/a.png.png")
    before, marked, after = sheet[:, :30], sheet[:, 38:68], sheet[:, 76:]
    assert sheet.shape == (24, 106, 3) and np.array_equal(before, pictures.read_rgb(photo))
    assert np.all(marked[HOLE] == [255, 0, 255]) and np.array_equal(marked[~HOLE], before[~HOLE])
    assert np.array_equal(after, pictures.read_rgb(folder / "out/a.png"))


def test_metadata_goes_along_unless_it_is_stripped_and_formats_and_qualities_are_as_asked_for(inpainter, folder):
    exif = Image.Exif()
    exif[0x010E] = "a description"
    save(folder / "in/a.jpg", random_rgb(24, 30), exif=exif.tobytes(), icc_profile=b"profile", quality=60)
    outcome = run(inpainter, folder)
    with Image.open(folder / "in/a.jpg") as before, Image.open(folder / "out/a.jpg") as after:
        assert after.getexif()[0x010E] == "a description" and after.info["icc_profile"] == b"profile"
        assert after.quantization == before.quantization
    assert len(outcome.notes) == 1 and "a.jpg: JPEG changes every pixel" in outcome.notes[0]
    outcome = run(inpainter, folder, keep_metadata=False, file_format="PNG")
    assert outcome.notes == []
    with Image.open(folder / "out/a.png") as after:
        after.load()
        assert not after.info and after.format == "PNG"
    with pytest.raises(ConfigError, match="between 1 and 100"):
        run(inpainter, folder, quality=0)


def test_odd_masks_are_noted_beside_the_name_of_the_picture(inpainter, folder):
    save(folder / "in/a.png", random_rgb(48, 60))
    outcome = run(inpainter, folder)
    assert outcome.failures == [] and len(outcome.notes) == 1
    assert outcome.notes[0].startswith(str(folder / "in/a.png")) and "was resized" in outcome.notes[0]


def test_names_of_255_bytes_and_links_out_of_the_folder(inpainter, folder):
    longest = "ä" * 125 + "x.png"
    assert len(os.fsencode(longest)) == 255
    for path in ("in", "secret"):
        (folder / path).mkdir(exist_ok=True)
    save(folder / "in" / longest, random_rgb(24, 30))
    save(folder / "secret/b.png", random_rgb(24, 30))
    (folder / "in/link.png").symlink_to(folder / "secret/b.png")
    outcome = run(inpainter, folder)
    assert outcome.num_done == 1 and names(folder / "out") == [longest]
    assert [(job.image.name, reason) for job, reason in outcome.failures] == [
        ("link.png", "is a link that leads out of the pictures' folder.")
    ]


def test_of_damaged_files_exactly_those_that_cannot_be_decoded_fail(inpainter, folder):
    """Truncations and flipped bytes of each format among whole files: all decodable ones done, each other one named, nothing else."""
    random = np.random.RandomState(0)
    unreadable, other_size = set(), set()
    for suffix in ("png", "jpg", "webp", "bmp", "tif"):
        data = save(folder / f"in/whole.{suffix}", random_rgb(24, 30)).read_bytes()
        for number in range(40):
            damaged = bytearray(data)
            if number % 2:
                damaged[random.randint(len(damaged))] ^= 1 << random.randint(8)
            else:
                del damaged[random.randint(1, len(damaged)) :]
            path = folder / f"in/{number}.{suffix}"
            path.write_bytes(damaged)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # Pillow warns of odd TIFF entries
                    if pictures.read_rgb(path).shape != (24, 30, 3):  # a flipped bit in the header: perhaps no mask fits
                        other_size.add(path.name)
            except PictureError:
                unreadable.add(path.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcome = run(inpainter, folder)
    failed = {job.image.name for job, _ in outcome.failures}
    assert unreadable <= failed <= unreadable | other_size
    assert len(unreadable) > 60 and outcome.num_done == 205 - len(failed)
    assert set(names(folder / "out")) == set(names(folder / "in")) - failed


# Repairs a folder again and again, each time in a process that ends as by `kill -9` at the n-th call of a function of `os`.
_KILLED = """
import os, signal, sys
from tests.constant_system import ConstantSystem
from tf_inpaint.serving import Inpainter
from tf_inpaint.serving.batch import plan, repair_files

folder = sys.argv[1]
for point in sys.argv[2:]:
    process = os.fork()  # TensorFlow is imported, but has not begun any thread
    if process == 0:
        name, number = point.split(":")
        function, calls = getattr(os, name), iter(range(1, 1000))
        def killing(*arguments):
            if next(calls) == int(number):
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments)
        setattr(os, name, killing)
        jobs = plan(folder + "/in", folder + "/m.png", folder + "/out")
        repair_files(Inpainter(ConstantSystem.tiny()), jobs, resume=True, show_progress=False)
        os._exit(0)
    assert os.waitpid(process, 0)[1] == signal.SIGKILL
    print(*sorted(os.listdir(folder + "/out")), flush=True)
"""


@pytest.mark.slow
def test_a_killed_batch_leaves_whole_files_only_and_a_resumed_one_does_the_rest(inpainter, folder):
    photos = {f"{number:02}.png": random_rgb(24, 30, seed=number) for number in range(12)}
    for name, photo in photos.items():
        save(folder / "in" / name, photo)
    # Before the first file is flushed; before it is renamed; after a rename (the folder is flushed then); and so on.
    points = ["fsync:1", "replace:3", "fsync:6", "replace:4"]
    command = [sys.executable, "-W", "ignore", "-c", _KILLED, str(folder), *points]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert ended.returncode == 0, ended.stderr
    num_whole = []
    for line in ended.stdout.splitlines():
        whole = [name for name in line.split() if ".tmp-" not in name]
        assert len(line.split()) - len(whole) <= 1  # what was being written, under another name
        assert whole == sorted(photos)[: len(whole)]
        num_whole.append(len(whole))
    assert num_whole == [0, 2, 5, 8]

    before = {name: (folder / "out" / name).stat().st_mtime_ns for name in sorted(photos)[:8]}
    outcome = run(inpainter, folder, resume=True)
    assert (outcome.num_done, outcome.num_skipped, outcome.failures) == (4, 8, [])
    assert names(folder / "out") == sorted(photos)
    assert before == {name: (folder / "out" / name).stat().st_mtime_ns for name in before}
    for name, photo in photos.items():
        assert np.array_equal(pictures.read_rgb(folder / "out" / name), inpainter(photo, HOLE))


def test_leftovers_of_processes_that_are_gone_are_removed_and_nothing_else(tmp_path):
    gone, running = subprocess.Popen([sys.executable, "-c", ""]), os.getpid()
    gone.wait()
    kept = ["a.png", f"a.png.tmp-{running}-0", "a.tmp-x-1", "a.png.tmp-1", f"a.tmp-{gone.pid}-0.png"]
    for name in (*kept, f"a.png.tmp-{gone.pid}-3", f"b.tmp-{gone.pid}-0"):
        (tmp_path / name).touch()
    (tmp_path / f"folder.tmp-{gone.pid}-0").mkdir()
    removed = files.remove_leftovers(tmp_path)
    assert sorted(path.name for path in removed) == [f"a.png.tmp-{gone.pid}-3", f"b.tmp-{gone.pid}-0"]
    assert names(tmp_path) == sorted([*kept, f"folder.tmp-{gone.pid}-0"])
