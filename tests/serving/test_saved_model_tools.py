"""The exported folder in the hands of TensorFlow's own tools and of a fresh process: commands, warm-up, bombs, photographs in JPEG."""

import io
import subprocess
import sys

import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from PIL import Image

from tests.constant_system import ConstantSystem
from tests.picture_files import png_bytes, random_rgb
from tf_inpaint import pictures
from tf_inpaint.serving import encoded_pictures, export
from tf_inpaint.serving.warmup import WARMUP_FILE, read_warmup


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return export(ConstantSystem.tiny(), tmp_path_factory.mktemp("models") / "1")


def command(*words):
    words = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli", *map(str, words)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


# --- saved_model_cli


@pytest.mark.slow
def test_the_command_shows_both_signatures(folder):
    shown = command("show", "--dir", folder, "--all")
    for name in ("serving_default", "inpaint", "image_bytes", "mask_bytes", "inpainted_bytes", "tensorflow/serving/predict"):
        assert name in shown
    assert shown.count("shape: (-1, -1, -1, 3)") == 2


@pytest.mark.slow
def test_the_command_runs_a_picture_of_an_odd_size(folder, tmp_path):
    image, mask = random_rgb(45, 37)[np.newaxis], np.zeros((1, 45, 37, 1), np.uint8)
    mask[:, 5:9, 7:30] = 255
    np.save(tmp_path / "image.npy", image)
    np.save(tmp_path / "mask.npy", mask)
    inputs = f"image={tmp_path}/image.npy;mask={tmp_path}/mask.npy"
    command("run", "--dir", folder, "--tag_set", "serve", "--signature_def", "inpaint", "--inputs", inputs, "--outdir", tmp_path)
    np.testing.assert_array_equal(np.load(tmp_path / "inpainted.npy"), np.where(mask > 0, np.uint8(191), image))


@pytest.mark.slow
def test_the_command_finds_nothing_dangerous(folder):
    assert "does not contain the default denylisted ops" in command("scan", "--dir", folder, "--tag_set", "serve")


# --- the warm-up file


def test_the_warmup_file_has_a_request_for_each_signature(folder):
    requests = dict(read_warmup(folder))
    assert set(requests) == {"serving_default", "inpaint"}
    size = ConstantSystem.tiny().config.image_size
    assert requests["inpaint"]["image"].shape == (1, size, size, 3) and requests["inpaint"]["mask"].dtype == tf.uint8
    assert requests["serving_default"]["image_bytes"].dtype == tf.string


@pytest.mark.parametrize("max_pixels", [2, 3, 10])
def test_the_warmup_requests_keep_within_the_limit_of_pixels(tmp_path, max_pixels):
    folder = export(ConstantSystem.tiny(), tmp_path / "1", max_pixels=max_pixels)
    signatures = tf.saved_model.load(str(folder)).signatures
    for name, inputs in read_warmup(folder):
        assert len(signatures[name](**inputs)) == 1


def test_the_warmup_file_is_there_when_the_folder_appears(tmp_path, monkeypatch):
    from tf_inpaint import files

    replace, seen = files.os.replace, []

    def look_and_replace(source, target):
        seen.append(((source / WARMUP_FILE).is_file(), (source / "saved_model.pb").is_file(), source.name.isdecimal(), target.exists()))
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", look_and_replace)
    export(ConstantSystem.tiny(), tmp_path / "1")
    assert seen == [(True, True, False, False)]


def test_a_model_without_a_warmup_file_has_no_requests(tmp_path):
    assert list(read_warmup(tmp_path)) == []


# --- bombs

# Loads the model, runs it once, and then hands it the files; prints by how many MB the peak of memory grew.
BOMBS = """
import sys
import numpy as np
import tensorflow as tf

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024

signature = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
photo, mask = (tf.constant([open(path, "rb").read()]) for path in sys.argv[2:4])
signature(image_bytes=photo, mask_bytes=mask)
for path in sys.argv[4:]:
    bomb = tf.constant([open(path, "rb").read()])
    for inputs in ((bomb, mask), (photo, bomb)):
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        before = peak()
        try:
            signature(image_bytes=inputs[0], mask_bytes=inputs[1])
        except tf.errors.InvalidArgumentError as error:
            assert "has more than 16777216 pixels" in str(error), error
            print("refused", round(peak() - before, 1))
"""


def jpeg_header(width, height):
    file = io.BytesIO()
    Image.fromarray(random_rgb(16, 16)).save(file, "JPEG")
    data = file.getvalue()
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + data[place + 4 :]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_bombs_are_refused_without_the_memory_that_they_ask_for(folder, tmp_path):
    photo, mask = tmp_path / "photo.png", tmp_path / "mask.png"
    pictures.write_picture(photo, random_rgb(20, 20))
    pictures.write_picture(mask, np.where(np.indices((20, 20))[0] < 10, 255, 0).astype(np.uint8))
    row = b"\0" * (20_000 // 8 + 1)
    bombs = {
        "bits.png": png_bytes(20_000, 20_000, data=row * 20_000),  # whole: 400 million pixels in 50 kB
        "header.png": png_bytes(60_000, 60_000, bit_depth=16, colour_type=6),
        "header.jpg": jpeg_header(20_000, 20_000),
    }
    for name, data in bombs.items():
        (tmp_path / name).write_bytes(data)
    paths = [photo, mask, *(tmp_path / name for name in bombs)]
    ended = subprocess.run([sys.executable, "-c", BOMBS, folder, *paths], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.split("\n")[:-1]
    assert len(lines) == 2 * len(bombs)
    assert all(float(line.split()[1]) < 100 for line in lines), lines


# --- JPEG


@pytest.mark.parametrize("options", [{"subsampling": 2, "quality": 75}, {"subsampling": 0, "quality": 95, "progressive": True}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg_photographs_have_the_pixels_that_the_library_reads(mode, options):
    """Both decode by the accurate integer transform: no level differs."""
    file = io.BytesIO()
    Image.fromarray(skimage.data.astronaut()[:200, 100:333]).convert(mode).save(file, "JPEG", **options)
    decoded = encoded_pictures.decode_image(tf.constant(file.getvalue()), max_pixels=10**6)
    np.testing.assert_array_equal(decoded, pictures.read_rgb(io.BytesIO(file.getvalue())))
