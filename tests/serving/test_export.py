"""The SavedModel: both signatures in a process that knows TensorFlow only, equal to the inpainter, whole or not there."""

import io
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.python.tools import saved_model_cli, saved_model_utils

from tests.constant_system import ConstantSystem
from tests.picture_files import png_bytes, random_rgb
from tf_inpaint import SYSTEMS, Inpainter, ops
from tf_inpaint.errors import ConfigError, MaskError
from tf_inpaint.serving import export
from tf_inpaint.serving.hole_options import EMPTY_MASK, FULL_MASK

SIZES = [(2, 1), (7, 7), (32, 32), (33, 45)]

# Reads what the test prepared, and writes what the model gave: pictures, or its error as text.
FRESH_PROCESS = """
import json, sys
import numpy as np
import tensorflow as tf

folder = sys.argv[1]
signatures = tf.saved_model.load(folder + "/models/inpaint/1").signatures
files = json.load(open(folder + "/files.json"))
tensors = np.load(folder + "/tensors.npz")
results = {}
for name, (images, masks) in files.items():
    images, masks = (tf.constant([bytes.fromhex(data) for data in batch], tf.string) for batch in (images, masks))
    try:
        inpainted = signatures["serving_default"](image_bytes=images, mask_bytes=masks)
        results[name] = {key: [data.hex() for data in value.numpy()] for key, value in inpainted.items()}
    except tf.errors.InvalidArgumentError as error:
        results[name] = str(error)
inpainted = signatures["inpaint"](image=tf.constant(tensors["image"]), mask=tf.constant(tensors["mask"]))
np.savez(folder + "/results.npz", **{key: value.numpy() for key, value in inpainted.items()})
json.dump(results, open(folder + "/results.json", "w"))
assert not {"tf_inpaint", "tensorflow_addons"} & set(sys.modules)
"""


def encoded(array, file_format="PNG"):
    file = io.BytesIO()
    Image.fromarray(array).save(file, file_format)
    return file.getvalue()


def decoded(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def random_hole(height, width, seed=0):
    hole = np.random.RandomState(seed).random_sample((height, width)) < 0.3
    hole[height // 2, width // 2] = True
    return hole.astype(np.uint8) * 255


PHOTOS = [random_rgb(*size) for size in SIZES]
HOLES = [random_hole(*size) for size in SIZES]
ALPHA = np.dstack([PHOTOS[-1], HOLES[-1]])
FILES = {
    "sizes": (PHOTOS, HOLES),
    "kinds": ([PHOTOS[-1][..., 0], ALPHA, PHOTOS[-1]], [HOLES[-1], HOLES[-1] // 255, np.dstack([HOLES[-1]] * 3)]),
    "nothing": ([], []),
    "one mask missing": (PHOTOS, HOLES[1:]),
    "one bomb among pictures": ([*PHOTOS[:2], png_bytes(60_000, 60_000)], HOLES[:3]),
}


@pytest.fixture(scope="module")
def system():
    return SYSTEMS["three_stage"].tiny()


@pytest.fixture(scope="module")
def folder(system, tmp_path_factory):
    """Holds models/inpaint/1: the export of a system built in bfloat16, with the weights of `system`; the harder case."""
    folder = tmp_path_factory.mktemp("export")
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    half = SYSTEMS["three_stage"].tiny()
    for weight, original in zip(half.generator_weights, system.generator_weights):
        weight.assign(original.numpy())
    with pytest.warns(UserWarning, match="compute in bfloat16; their export computes in float32"):
        written = export(half, folder / "models/inpaint/1")
    assert written == folder / "models/inpaint/1"
    assert keras.mixed_precision.global_policy().name == "mixed_bfloat16"
    keras.mixed_precision.set_global_policy("float32")
    return folder


@pytest.fixture(scope="module")
def answers(folder):
    """What the signatures give in a fresh process: for files by name, and for the tensors."""
    files = {
        name: [[(data if isinstance(data, bytes) else encoded(data)).hex() for data in batch] for batch in batches]
        for name, batches in FILES.items()
    }
    (folder / "files.json").write_text(json.dumps(files))
    image, mask = np.stack([PHOTOS[-1], PHOTOS[-1][::-1]]), np.stack([HOLES[-1], HOLES[-1][:, ::-1]])[..., np.newaxis]
    np.savez(folder / "tensors.npz", image=image, mask=mask)
    ended = subprocess.run([sys.executable, "-c", FRESH_PROCESS, str(folder)], capture_output=True, text=True, cwd=folder, check=False)
    assert ended.returncode == 0, ended.stderr
    results = json.loads((folder / "results.json").read_text())
    return {**results, "tensors": {**np.load(folder / "results.npz")}, "image": image, "mask": mask}


@pytest.fixture(scope="module")
def constant(tmp_path_factory):
    """Signatures of a system that fills holes with one colour, at most 600 pixels."""
    directory = tmp_path_factory.mktemp("constant") / "1"
    export(ConstantSystem.tiny(), str(directory), max_pixels=600)
    return tf.saved_model.load(str(directory)).signatures


# --- the network, in a process of its own


def test_files_of_many_sizes_in_one_batch_equal_the_inpainters(answers, system):
    assert set(answers["sizes"]) == {"inpainted_bytes"}
    inpainter = Inpainter(system, strategy="original")
    results = [decoded(bytes.fromhex(data)) for data in answers["sizes"]["inpainted_bytes"]]
    for photo, hole, result in zip(PHOTOS, HOLES, results, strict=True):
        np.testing.assert_array_equal(result, inpainter(photo, hole))
        np.testing.assert_array_equal(result[hole == 0], photo[hole == 0])
    assert np.any(results[-1][HOLES[-1] > 0] != PHOTOS[-1][HOLES[-1] > 0])


def test_every_kind_of_png_gives_a_colour_png(answers, system):
    inpainter = Inpainter(system, strategy="original")
    results = [decoded(bytes.fromhex(data)) for data in answers["kinds"]["inpainted_bytes"]]
    gray = np.dstack([PHOTOS[-1][..., 0]] * 3)
    for photo, result in zip([gray, PHOTOS[-1], PHOTOS[-1]], results, strict=True):
        np.testing.assert_array_equal(result, inpainter(photo, HOLES[-1]))


def test_a_batch_of_tensors_keeps_its_known_pixels(answers, system):
    (inpainted,) = answers["tensors"].values()
    assert list(answers["tensors"]) == ["inpainted"] and inpainted.dtype == np.uint8
    known = answers["mask"][..., 0] == 0
    np.testing.assert_array_equal(inpainted[known], answers["image"][known])
    # Sums over a batch of two may be rounded in another order than over one: one grey level at most.
    composite = system.inpaint(ops.image.from_uint8(answers["image"]), ops.image.binary_mask(answers["mask"]))
    difference = inpainted.astype(int) - ops.image.to_uint8(composite).numpy()
    assert np.abs(difference).max() <= 1


def test_no_picture_gives_no_picture(answers):
    assert answers["nothing"] == {"inpainted_bytes": []}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("one mask missing", "Images and masks differ in number:] [4] [3]"),
        ("one bomb among pictures", "The image has more than 16777216 pixels:] [60000 60000]"),
    ],
)
def test_a_bad_request_is_told_in_a_short_text(answers, name, message):
    assert message in answers[name] and len(answers[name]) < 300


# --- the file


def test_all_operations_are_tensorflows_own(folder):
    (meta_graph,) = saved_model_utils.read_saved_model(str(folder / "models/inpaint/1")).meta_graphs
    graph = meta_graph.graph_def
    types = {node.op for nodes in (graph.node, *(f.node_def for f in graph.library.function)) for node in nodes}
    assert {"Conv2D", "DecodePng", "EncodePng", "While"} <= types
    assert [name for name in types if ">" in name or "PyFunc" in name or "NumpyFunction" in name] == []
    assert meta_graph.meta_info_def.tags == ["serve"]
    assert all(meta_graph.signature_def[key].method_name == "tensorflow/serving/predict" for key in ("serving_default", "inpaint"))


def test_the_scan_of_tensorflow_finds_nothing_dangerous(folder, capsys):
    (meta_graph,) = saved_model_utils.read_saved_model(str(folder / "models/inpaint/1")).meta_graphs
    saved_model_cli.scan_meta_graph_def(meta_graph, saved_model_cli._OP_DENYLIST)
    assert "does not contain the default denylisted ops" in capsys.readouterr().out


def test_only_the_generators_float32_weights_are_stored(folder, system):
    stored = tf.train.load_checkpoint(str(folder / "models/inpaint/1/variables/variables"))
    shapes = {name: shape for name, shape in stored.get_variable_to_shape_map().items() if name.startswith("network_variables")}
    assert sorted(map(tuple, shapes.values())) == sorted(tuple(weight.shape) for weight in system.generator_weights)
    assert {stored.get_variable_to_dtype_map()[name] for name in shapes} == {tf.float32}


# --- what goes on around the networks


def test_jpeg_files_are_taken_for_both(constant):
    photo, hole = np.full((20, 24, 3), 90, np.uint8), np.zeros((20, 24), np.uint8)
    hole[:, 8:] = 255
    (data,) = constant["serving_default"](
        image_bytes=tf.constant([encoded(photo, "JPEG")]), mask_bytes=tf.constant([encoded(hole, "JPEG")])
    )["inpainted_bytes"].numpy()
    assert data.startswith(b"\x89PNG")
    np.testing.assert_array_equal(decoded(data), np.where(hole[..., np.newaxis] > 0, np.uint8(191), photo))


PHOTO, HOLE = encoded(random_rgb(10, 12)), encoded(random_hole(10, 12))


@pytest.mark.parametrize(
    ("image", "mask", "message"),
    [
        (b"junk", HOLE, "The image is not a PNG or JPEG file"),
        (PHOTO, b"", "The mask is not a PNG or JPEG file"),
        (PHOTO, encoded(random_hole(12, 10)), r"Image and mask differ in size:\] \[1 10 12\] \[1 12 10\]"),
        (PHOTO, encoded(np.full((10, 12), 127, np.uint8)), EMPTY_MASK),
        (PHOTO, encoded(np.full((10, 12), 128, np.uint8)), FULL_MASK),
        (PHOTO, encoded(np.ones((10, 12), np.uint8)), FULL_MASK),
        (png_bytes(60_000, 60_000), HOLE, "The image has more than 600 pixels"),
        (PHOTO, png_bytes(60_000, 60_000), "The mask has more than 600 pixels"),
    ],
)
def test_files_that_cannot_be_repaired_are_refused(constant, image, mask, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message) as caught:
        constant["serving_default"](image_bytes=tf.constant([image]), mask_bytes=tf.constant([mask]))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("size", "mask_size", "level", "message"),
    [
        ((2, 10, 12), (2, 12, 10), 255, r"Image and mask differ in size:\] \[2 10 12\] \[2 12 10\]"),
        ((2, 10, 12), (1, 10, 12), 255, r"Image and mask differ in size:\] \[2 10 12\] \[1 10 12\]"),
        ((2, 10, 12), (2, 10, 12), 100, EMPTY_MASK),
        ((2, 10, 12), (2, 10, 12), 255, FULL_MASK),
        ((1, 1, 1), (1, 1, 1), 1, FULL_MASK),
        ((3, 20, 12), (3, 20, 12), 255, r"A batch must have 1 to 600 pixels. Received:\] \[3 20 12\]"),
        ((2, 0, 12), (2, 0, 12), 255, r"A batch must have 1 to 600 pixels. Received:\] \[2 0 12\]"),
    ],
)
def test_tensors_that_cannot_be_repaired_are_refused(constant, size, mask_size, level, message):
    image, mask = tf.zeros([*size, 3], tf.uint8), tf.fill([*mask_size, 1], tf.constant(level, tf.uint8))
    with pytest.raises(tf.errors.InvalidArgumentError, match=message) as caught:
        constant["inpaint"](image=image, mask=mask)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(("level", "message"), [(0, EMPTY_MASK), (255, FULL_MASK)])
def test_one_empty_or_full_mask_in_a_batch_is_enough_to_refuse_it(constant, level, message):
    mask = np.stack([random_hole(4, 4), np.full((4, 4), level, np.uint8)])[..., np.newaxis]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        constant["inpaint"](image=tf.zeros([2, 4, 4, 3], tf.uint8), mask=tf.constant(mask))


@pytest.mark.parametrize(("level", "message"), [(0, EMPTY_MASK), (127, EMPTY_MASK), (1, FULL_MASK), (255, FULL_MASK)])
def test_the_inpainter_refuses_the_same_masks_in_the_same_words(level, message):
    with pytest.raises(MaskError) as caught:
        Inpainter(ConstantSystem.tiny())(random_rgb(10, 12), np.full((10, 12), level, np.uint8))
    assert str(caught.value) == message


@pytest.mark.parametrize(("level", "expected"), [(float("nan"), 0), (float("inf"), 255), (-7.0, 0)])
def test_values_that_are_no_colours_become_colours(tmp_path, level, expected):
    system = type("Filling", (ConstantSystem,), {"level": level}).tiny()  # a class of its own: an export builds the system anew
    export(system, tmp_path / "1")
    image, mask = random_rgb(5, 6)[np.newaxis], random_hole(5, 6)[np.newaxis, ..., np.newaxis]
    signature = tf.saved_model.load(str(tmp_path / "1")).signatures["inpaint"]
    inpainted = signature(image=tf.constant(image), mask=tf.constant(mask))["inpainted"]
    np.testing.assert_array_equal(inpainted, np.where(mask > 0, np.uint8(expected), image))


# --- writing


class CallsPython(ConstantSystem):
    """Leaves the graph for Python, in a branch of a condition inside a function."""

    KEY = "calls_python"

    def call(self, inputs, training=False):
        @tf.function
        def darken(image):
            return tf.cond(tf.size(image) > 3, lambda: tf.numpy_function(np.negative, [image], tf.float32), lambda: image)

        return {"raw": tf.reshape(darken(inputs["image"]), tf.shape(inputs["image"]))}


def test_a_graph_that_leaves_tensorflow_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ConfigError, match="graph of calls_python has operations .*PyFunc"):
        export(CallsPython.tiny(), tmp_path / "models/1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("existing", ["empty folder", "full folder", "file"])
def test_what_exists_is_not_overwritten(tmp_path, existing):
    path = tmp_path / "1"
    if existing == "file":
        path.write_text("mine")
    else:
        path.mkdir()
        if existing == "full folder":
            (path / "saved_model.pb").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigError, match="exists. Remove it, or choose another name"):
        export(ConstantSystem.tiny(), path)
    assert sorted(tmp_path.rglob("*")) == before
    assert all(file.read_text() == "mine" for file in before if file.is_file())


def test_a_failure_midway_leaves_nothing(tmp_path, monkeypatch):
    save = tf.saved_model.save

    def save_and_fail(module, path, **options):
        save(module, path, **options)
        assert not (tmp_path / "1").exists() and len(list(tmp_path.iterdir())) == 1
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", save_and_fail)
    with pytest.raises(OSError, match="No space left"):
        export(ConstantSystem.tiny(), tmp_path / "1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("max_pixels", [0, 1])
def test_a_senseless_cap_is_refused(tmp_path, max_pixels):
    with pytest.raises(ConfigError, match=f"max_pixels={max_pixels}"):
        export(ConstantSystem.tiny(), tmp_path / "1", max_pixels=max_pixels)
