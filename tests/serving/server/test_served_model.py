"""The model behind a server: which version, warmed up, how many at once, no more pixels than allowed, no new traces."""

import shutil
import threading

import numpy as np
import pytest
import tensorflow as tf

from tests.picture_files import png_bytes
from tests.serving.server.clients import PATIENCE, photo_and_hole, png, repaired
from tf_inpaint.errors import ConfigError
from tf_inpaint.serving.server import Limits, ServedModel
from tf_inpaint.serving.server.request_error import HTTP_STATUS, RequestError, from_tensorflow
from tf_inpaint.serving.warmup import WARMUP_FILE, read_warmup


def tensors(height=5, width=6, seed=0):
    photo, hole = photo_and_hole(height, width, seed)
    return {"image": photo[np.newaxis], "mask": hole[np.newaxis, ..., np.newaxis]}


def files(photo, hole):
    return {"image_bytes": np.array([photo], dtype=object), "mask_bytes": np.array([hole], dtype=object)}


# --- finding and loading


def test_a_versions_folder_is_called_after_the_folder_around_it(model_folder):
    model = ServedModel(model_folder / "1")
    assert (model.name, model.version) == ("inpaint", 1)
    assert ServedModel(model_folder, name="other").name == "other"


def test_the_largest_number_is_the_version(model_folder, tmp_path):
    for name in ("9", "10", "11.tmp-4-0", "notes"):
        shutil.copytree(model_folder / "1", tmp_path / "mine" / name)
    (tmp_path / "mine/12").mkdir()  # still empty: not a version
    model = ServedModel(tmp_path / "mine")
    assert (model.name, model.version) == ("mine", 10)


def test_a_folder_that_is_no_number_is_version_1(model_folder, tmp_path):
    shutil.copytree(model_folder / "1", tmp_path / "exported")
    model = ServedModel(tmp_path / "exported")
    assert (model.name, model.version) == ("exported", 1)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="There is no model in"):
        ServedModel(tmp_path)


@pytest.mark.parametrize("damage", ["graph", "variables", "warm-up"])
def test_a_damaged_model_is_refused_when_it_is_loaded(model_folder, tmp_path, damage):
    folder = tmp_path / "1"
    shutil.copytree(model_folder / "1", folder)
    if damage == "variables":
        shutil.rmtree(folder / "variables")
    else:
        file = folder / ("saved_model.pb" if damage == "graph" else WARMUP_FILE)
        file.write_bytes(b"\x01" + file.read_bytes()[1:-3])
    with pytest.raises(ConfigError, match="cannot be loaded"):
        ServedModel(folder)


def test_the_warmup_requests_fit_the_signatures(model_folder):
    requests = dict(read_warmup(model_folder / "1"))
    assert set(requests) == {"serving_default", "inpaint"}
    signatures = tf.saved_model.load(str(model_folder / "1")).signatures
    inpainted = signatures["inpaint"](**requests["inpaint"])["inpainted"]
    (data,) = signatures["serving_default"](**requests["serving_default"])["inpainted_bytes"].numpy()
    np.testing.assert_array_equal(tf.io.decode_png(data), inpainted[0])
    np.testing.assert_array_equal(np.unique(inpainted), [127, 191])


# --- running


def test_both_signatures_repair(model):
    np.testing.assert_array_equal(model.predict("inpaint", tensors())["inpainted"][0], repaired())
    (data,) = model.predict("serving_default", files(*map(png, photo_and_hole())))["inpainted_bytes"]
    np.testing.assert_array_equal(tf.io.decode_png(data), repaired())


def test_an_unknown_signature_is_told(model):
    with pytest.raises(RequestError, match='"other" not found') as caught:
        model.specs_of("other")
    assert caught.value.code == "INVALID_ARGUMENT"


def test_only_the_model_that_is_there_is_found(model):
    model.check("inpaint")
    model.check("inpaint", 1)
    for wanted, name in (
        (("other",), r"Latest\(other\)"),
        (("inpaint", 2), r"Specific\(inpaint, 2\)"),
        (("inpaint", None, "stable"), "stable"),
    ):
        with pytest.raises(RequestError, match=name) as caught:
            model.check(*wanted)
        assert caught.value.http_status == 404


def test_pictures_of_many_sizes_make_no_new_trace(model):
    model.predict("inpaint", tensors())
    model.predict("serving_default", files(*map(png, photo_and_hole())))
    before = model.num_traces
    for height in range(1, 40, 3):
        photo, hole = photo_and_hole(height, 41 - height)
        np.testing.assert_array_equal(model.predict("inpaint", tensors(height, 41 - height))["inpainted"][0], repaired(height, 41 - height))
        model.predict("serving_default", files(png(photo), png(hole)))
    assert model.num_traces == before


@pytest.mark.parametrize(
    ("photo", "hole", "message"),
    [
        (b"", b"", "^The image is not a PNG or JPEG file.$"),
        (png(photo_and_hole()[0])[:70], png(photo_and_hole()[1]), "^Invalid PNG data"),
        (png(photo_and_hole(80, 80)[0]), png(photo_and_hole()[1]), r"^The image has more than 5000 pixels: \[80 80\]$"),
        (png(photo_and_hole(9, 5)[0]), png(photo_and_hole()[1]), r"^Image and mask differ in size: \[1 9 5\] \[1 5 6\]$"),
    ],
    ids=["nothing", "half a file", "large", "two sizes"],
)
def test_what_the_graph_refuses_is_told_in_its_own_words(model, photo, hole, message):
    with pytest.raises(RequestError, match=message) as caught:
        model.predict("serving_default", files(photo, hole))
    assert caught.value.code == "INVALID_ARGUMENT"


def test_the_pixels_of_a_request_are_counted_together(model):
    photo, hole = map(png, photo_and_hole(60, 50))  # 3000 pixels: two fit into 8000, three do not
    for count in (2, 3):
        inputs = {"image_bytes": np.array([photo] * count, dtype=object), "mask_bytes": np.array([hole] * count, dtype=object)}
        if count == 2:
            assert len(model.predict("serving_default", inputs)["inpainted_bytes"]) == 2
        else:
            with pytest.raises(RequestError, match="image_bytes: 9000 pixels in all are more than the 8000 of a request"):
                model.predict("serving_default", inputs)
    image = np.zeros((3, 60, 50, 3), np.uint8)
    with pytest.raises(RequestError, match="image: 9000 pixels in all"):
        model.predict("inpaint", {"image": image, "mask": image[..., :1]})


@pytest.mark.parametrize("last", [b"no picture", png_bytes(5, 2**31), png_bytes(5, 2**32 - 1)])
def test_what_is_no_picture_does_not_hide_the_others(model, last):
    photo, hole = map(png, photo_and_hole(60, 50))
    inputs = {"image_bytes": np.array([photo] * 3 + [last], dtype=object), "mask_bytes": np.array([hole] * 4, dtype=object)}
    with pytest.raises(RequestError, match="image_bytes: 9000 pixels in all are more than the 8000 of a request"):
        model.predict("serving_default", inputs)


def test_the_pictures_of_a_request_are_counted(model_folder):
    model = ServedModel(model_folder, limits=Limits(max_pictures=2))
    photo, hole = photo_and_hole()
    for count in (2, 3):
        files = {"image_bytes": np.array([png(photo)] * count, dtype=object), "mask_bytes": np.array([png(hole)] * count, dtype=object)}
        arrays = {"image": np.stack([photo] * count), "mask": np.stack([hole] * count)[..., np.newaxis]}
        for signature, inputs in (("serving_default", files), ("inpaint", arrays)):
            if count == 2:
                assert len(*model.predict(signature, inputs).values()) == 2
            else:
                with pytest.raises(RequestError, match="3 pictures are more than the 2 of a request"):
                    model.predict(signature, inputs)
    model.close()


@pytest.mark.parametrize("code", HTTP_STATUS)
def test_every_code_of_tensorflow_is_kept(code):
    error = from_tensorflow(tf.errors.OpError(None, None, "a word", getattr(tf.errors, code)))
    assert (error.code, str(error)) == (code, "a word")


def test_a_long_message_is_cut():
    assert len(str(RequestError("INTERNAL", "x" * 1000))) == 280


# --- how many at once


def test_more_than_may_wait_are_sent_away_and_places_become_free_again(model_folder):
    model = ServedModel(model_folder, limits=Limits(max_running=1, max_waiting=1))
    release, started = threading.Event(), threading.Event()

    def wait():
        started.set()
        return release.wait(PATIENCE)

    results = []
    threads = [threading.Thread(target=lambda: results.append(model.work(wait))) for _ in range(2)]
    threads[0].start()
    assert started.wait(PATIENCE)
    model._places.acquire()  # the one place to wait, as a second request would take it
    with pytest.raises(RequestError, match="Too many requests") as caught:
        model.work(wait)
    assert caught.value.http_status == 429
    model._places.release()
    release.set()
    threads[0].join(PATIENCE)
    threads[1].start()
    threads[1].join(PATIENCE)
    assert results == [True, True]
    model.close()


def test_who_waits_too_long_is_told(model_folder):
    model = ServedModel(model_folder, limits=Limits(max_running=1, max_seconds=0.1))
    release = threading.Event()
    with pytest.raises(RequestError, match="No answer within 0.1 seconds") as caught:
        model.work(lambda: release.wait(PATIENCE))
    assert caught.value.http_status == 504
    with pytest.raises(RequestError, match="No answer"):
        model.work(lambda: None)  # waits behind the first, which has its place still
    release.set()
    model.close()


def test_a_closed_model_takes_no_work(model_folder):
    model = ServedModel(model_folder)
    model.close()
    with pytest.raises(RequestError, match="stopping") as caught:
        model.work(lambda: None)
    assert caught.value.http_status == 503


@pytest.mark.parametrize("limit", ["max_bytes", "max_pictures", "max_pixels", "max_seconds", "max_connections"])
def test_a_limit_that_leaves_nothing_is_refused(limit):
    with pytest.raises(ConfigError, match=f"{limit}=0"):
        Limits(**{limit: 0})
    with pytest.raises(ConfigError, match="max_waiting=-1"):
        Limits(max_waiting=-1)
