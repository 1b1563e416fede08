"""The page in a real browser: what is painted, with mouse or finger, is repaired as the command would, and the download proves it."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.evaluation.browser import Browser, find_chromium
from tests.picture_files import png_bytes, random_rgb, save, save_turned
from tests.source import ROOT
from tf_inpaint import SYSTEMS, pictures, weights
from tf_inpaint.cli.main import main

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("gradio") is None, reason="needs Gradio: pip install 'tf_inpaint[web]'"),
    pytest.mark.skipif(find_chromium() is None, reason="needs Chromium (Debian: apt-get install chromium)"),
]

WIDTH, HEIGHT = 121, 97
# The picture is there once its file was fetched; it then grows to its place, which is reached when the number stands still.
SHOWN = "performance.getEntriesByType('resource').some(entry => entry.name.endsWith('/image.png'))"
AT_REST = """new Promise(done => {
  let last = '', same = 0;
  const look = () => {
    const zoom = document.querySelector('#brush .zoom-number').innerText;
    same = zoom === last && zoom ? same + 1 : 0;
    last = zoom;
    same < 30 ? requestAnimationFrame(look) : done(parseFloat(zoom) / 100);
  };
  look();
})"""


@pytest.fixture(scope="module")
def weights_folder(tmp_path_factory):
    return os.fspath(weights.save(SYSTEMS["three_stage"].tiny(), tmp_path_factory.mktemp("tiny") / "weights"))


@pytest.fixture(scope="module")
def address(weights_folder):
    """Of a page that runs in a process of its own, until the tests end."""
    command = [sys.executable, "-W", "ignore", "-m", "tf_inpaint.cli.main", "web", "--weights", weights_folder]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT)
    line = server.stdout.readline()
    yield next(word for word in line.split() if word.startswith("http"))
    server.terminate()
    server.wait()
    server.stdout.close()


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture
def browser(window, address):
    window.open(address)
    window.wait_for("!!document.querySelector('#photo input[type=file]') && !!document.querySelector('#brush canvas')")
    return window


def choose(browser, photo):
    """Chooses a photograph; returns a function from its pixels to points of the window."""
    browser.choose_file("#photo input[type=file]", photo)
    browser.wait_for(SHOWN)
    return locate(browser, photo)


def locate(browser, photo):
    """A function from the pixels of the chosen photograph to points of the window, as the page stands now."""
    browser.run("document.querySelector('#brush').scrollIntoView({block: 'center'})")
    zoom = browser.run(AT_REST)
    box = json.loads(browser.run("JSON.stringify(document.querySelector('#brush canvas').getBoundingClientRect())"))
    width, height = pictures.read_picture(photo).image.size
    left, top = box["left"] + box["width"] / 2 - zoom * width / 2, box["top"] + box["height"] / 2 - zoom * height / 2
    return lambda x, y: (left + zoom * x, top + zoom * y)


def repair(browser, folder):
    """Presses the button; returns the downloaded result and the downloaded mask."""
    browser.run("document.querySelector('#repair').click()")
    browser.wait_for("document.querySelector('#notes').innerText.includes('Repaired')")
    return [browser.download(f"document.querySelector('#{name}').click()", folder) for name in ("download", "download-mask")]


def command_result(photo, mask, weights_folder, tmp_path, *options):
    renamed = mask.rename(tmp_path / "mask.png")
    output = tmp_path / f"by_command{photo.suffix}"
    assert main(["inpaint", *map(os.fspath, (photo, renamed)), "-o", os.fspath(output), "--weights", weights_folder, *options]) == 0
    return output, pictures.read_mask(renamed) > 0


def check_stroke(hole, *, first, last, row):
    """A horizontal stroke between two columns of the picture, where it was painted, and nothing else."""
    rows, columns = np.nonzero(hole.any(axis=1))[0], np.nonzero(hole.any(axis=0))[0]
    radius = (rows[-1] - rows[0] + 1) / 2
    assert 1 <= radius < 30
    assert abs((rows[0] + rows[-1]) / 2 - row) <= 2
    assert abs(columns[0] - (first - radius)) <= 3 and abs(columns[-1] - (last + radius)) <= 3
    assert hole[row, first:last].all()


def points(place, *, first, last, row, number=12):
    return [place(x, row) for x in np.linspace(first, last, number)]


def test_a_stroke_of_the_mouse_is_repaired_as_by_the_command(browser, address, weights_folder, tmp_path):
    photo = save(tmp_path / "photo.png", random_rgb(HEIGHT, WIDTH))
    place = choose(browser, photo)
    browser.drag(*points(place, first=40, last=90, row=48))
    result, mask = repair(browser, tmp_path)
    expected, hole = command_result(photo, mask, weights_folder, tmp_path)
    check_stroke(hole, first=40, last=90, row=48)
    assert result.read_bytes() == expected.read_bytes()
    repaired = pictures.read_rgb(result)
    np.testing.assert_array_equal(repaired[~hole], random_rgb(HEIGHT, WIDTH)[~hole])
    assert np.any(repaired[hole] != random_rgb(HEIGHT, WIDTH)[hole])
    asked = [url for url in browser.requests if not url.startswith((address, "data:", f"blob:{address}"))]
    assert asked == []


def test_a_finger_paints_on_a_phone_on_a_turned_jpeg(window, address, weights_folder, tmp_path):
    photo = save_turned(tmp_path / "photo.jpg", random_rgb(HEIGHT, WIDTH), 6)
    window.open(address, width=390, height=844)
    window.wait_for("!!document.querySelector('#photo input[type=file]') && !!document.querySelector('#brush canvas')")
    place = choose(window, photo)
    window.swipe(*points(place, first=40, last=80, row=60))
    result, mask = repair(window, tmp_path)
    expected, hole = command_result(photo, mask, weights_folder, tmp_path)
    check_stroke(hole, first=40, last=80, row=60)
    assert result.read_bytes() == expected.read_bytes()
    assert "JPEG changes every pixel" in window.run("document.querySelector('#notes').innerText")
    assert window.run("document.documentElement.scrollWidth") <= 390


def test_an_uploaded_mask_and_a_stroke_are_both_repaired(browser, weights_folder, tmp_path):
    photo = save(tmp_path / "photo.png", random_rgb(HEIGHT, WIDTH))
    uploaded = np.zeros((HEIGHT, WIDTH), np.uint8)
    uploaded[80:90, 10:110] = 255
    choose(browser, photo)
    browser.run("performance.clearResourceTimings()")
    browser.choose_file("#mask input[type=file]", save(tmp_path / "uploaded.png", uploaded))
    browser.wait_for(SHOWN)
    place = locate(browser, photo)  # the preview of the mask moves what is beside it
    browser.drag(*points(place, first=40, last=90, row=30))
    result, mask = repair(browser, tmp_path)
    expected, hole = command_result(photo, mask, weights_folder, tmp_path)
    assert hole[uploaded > 0].all()
    check_stroke(hole & (uploaded == 0), first=40, last=90, row=30)
    assert result.read_bytes() == expected.read_bytes()


def set_number(browser, selector, number):
    browser.run(f"""(() => {{
      const field = document.querySelector('{selector} input[type=number]');
      field.value = {number};
      for (const kind of ['input', 'change', 'blur']) field.dispatchEvent(new Event(kind, {{bubbles: true}}));
    }})()""")


def test_options_of_the_hole_do_what_they_do_in_the_command(browser, weights_folder, tmp_path):
    photo = save(tmp_path / "photo.png", random_rgb(HEIGHT, WIDTH))
    marked = np.zeros((HEIGHT, WIDTH), bool)
    marked[30:50, 40:80] = True
    uploaded = save(tmp_path / "uploaded.png", np.where(marked, 0, 255).astype(np.uint8))
    choose(browser, photo)
    browser.choose_file("#mask input[type=file]", uploaded)
    browser.wait_for("document.querySelector('#mask').innerText.includes('uploaded')")
    browser.run("document.querySelector('#more button').click()")
    browser.wait_for("!!document.querySelector('#feather input[type=number]')")
    for box in ("invert-mask", "match-colour"):
        browser.run(f"document.querySelector('#{box} input').click()")
    set_number(browser, "#dilate", 3)
    set_number(browser, "#feather", 2)
    result, mask = repair(browser, tmp_path)
    np.testing.assert_array_equal(pictures.read_mask(mask) > 0, marked)
    options = ["--invert-mask", "--match-colour", "--dilate", "3", "--feather", "2"]
    expected, _ = command_result(photo, uploaded, weights_folder, tmp_path, *options)
    assert result.read_bytes() == expected.read_bytes()


@pytest.mark.parametrize(
    ("data", "message"),
    [(png_bytes(20_000, 20_000), "pixels"), (b"no picture", "not a readable"), (None, "Nothing is painted yet")],
)
def test_what_is_wrong_is_said_in_a_sentence(browser, tmp_path, data, message):
    photo = save(tmp_path / "photo.png", random_rgb(HEIGHT, WIDTH))
    if data is None:
        choose(browser, photo)
        browser.run("document.querySelector('#repair').click()")
    else:
        photo.write_bytes(data)
        browser.choose_file("#photo input[type=file]", photo)
    browser.wait_for("!!document.querySelector('[data-testid=toast-body]')")
    assert message in browser.run("document.querySelector('[data-testid=toast-body]').innerText")


def test_an_example_can_be_repaired_at_once(browser, tmp_path):
    browser.wait_for("!!document.querySelector('#examples button')")
    browser.run("document.querySelector('#examples button').click()")
    browser.wait_for("document.querySelector('#mask').innerText.includes('scratches')")
    result, mask = repair(browser, tmp_path)
    assert 0 < (pictures.read_mask(mask) > 0).mean() < 0.03
    browser.wait_for("[...document.querySelectorAll('#result img')].filter(each => each.naturalWidth > 400).length == 2")
