"""The pipeline: every batch is a pure function of (seed, position), wherever a run begins."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.data.conftest import NUM_PICTURES, indices_of
from tests.source import ROOT
from tf_inpaint import masks, ops
from tf_inpaint.data import dataset, prepare
from tf_inpaint.errors import ConfigError, DataError

SIZE = 16


@pytest.fixture(scope="module")
def bank(photos):
    return prepare(f"folder:{photos}", image_size=SIZE)


def batches_of(bank, number=None, **options):
    # Rectangles are traced in a moment; where strokes matter the test asks for them.
    options = {"image_size": SIZE, "batch_size": 2, "seed": 5, "masks": "random_square", **options}
    data = dataset(bank, **options)
    return list((data if number is None else data.take(number)).as_numpy_iterator())


def assert_same(batches, others):
    assert len(batches) == len(others) > 0
    for batch, other in zip(batches, others):
        assert batch.keys() == other.keys()
        for key in batch:
            assert np.array_equal(batch[key], other[key]), key


def test_batches_have_the_documented_form(photos):
    data = dataset(f"folder:{photos}", image_size=SIZE, batch_size=3, edges=True)
    assert data.element_spec == {
        "image": tf.TensorSpec([None, SIZE, SIZE, 3], tf.float32),
        "mask": tf.TensorSpec([None, SIZE, SIZE, 1], tf.float32),
        "edge_map": tf.TensorSpec([None, SIZE, SIZE, 1], tf.float32),
    }
    batches = list(data.as_numpy_iterator())
    assert [len(batch["image"]) for batch in batches] == [3, 3, 1] and data.cardinality() == 3
    for batch in batches:
        assert batch["image"].min() >= -1 and batch["image"].max() <= 1 and np.ptp(batch["image"]) > 1
        assert set(np.unique(batch["mask"])) == {0, 1}
        assert set(np.unique(batch["edge_map"])) <= {0, 1}


def test_seeds_instead_of_masks_have_the_documented_form(bank):
    data = dataset(bank, image_size=SIZE, batch_size=3, masks_on="step", repeat=True)
    assert data.element_spec == {
        "image": tf.TensorSpec([3, SIZE, SIZE, 3], tf.float32),
        "mask_seed": tf.TensorSpec([3, 2], tf.int32),
    }
    assert data.cardinality() == tf.data.INFINITE_CARDINALITY


@pytest.mark.parametrize("mask_text", ["free_form", "center_square", "random_square"])
def test_masks_made_in_the_step_have_the_bits_of_the_pipeline(bank, mask_text):
    made = batches_of(bank, 4, masks=mask_text, repeat=True)
    left = batches_of(bank, 4, masks=mask_text, repeat=True, masks_on="step")
    generator = masks.parse(mask_text)
    in_step = tf.function(lambda seeds: generator.per_example(seeds, height=SIZE, width=SIZE))
    for batch, seeds in zip(made, left):
        assert np.array_equal(batch["image"], seeds["image"])
        assert np.array_equal(batch["mask"], in_step(seeds["mask_seed"]))


def test_no_two_examples_have_the_same_mask_seed(bank):
    seeds = np.concatenate([batch["mask_seed"] for batch in batches_of(bank, 50, repeat=True, masks_on="step")])
    assert len(np.unique(seeds, axis=0)) == 100


def test_edges_are_those_of_the_whole_picture(bank):
    for batch in batches_of(bank, edges=True):
        expected = ops.canny.canny(ops.image.to_gray(batch["image"]), sigma=2.0)
        assert np.array_equal(batch["edge_map"], expected)


@pytest.mark.parametrize("repeat", [False, True])
@pytest.mark.parametrize("skip", [1, 3])
def test_skipping_gives_what_an_undisturbed_run_would_have_had(bank, repeat, skip):
    whole = batches_of(bank, 8 if repeat else None, repeat=repeat)
    assert_same(batches_of(bank, 8 - skip if repeat else None, repeat=repeat, skip_batches=skip), whole[skip:])


def test_skipping_a_whole_pass_leaves_nothing(bank):
    assert batches_of(bank, skip_batches=4) == []


def test_skipped_pictures_are_never_read(photos, tmp_path):
    bank = prepare(f"folder:{photos}", image_size=SIZE, memory_limit=0, cache_dir=tmp_path)
    whole = batches_of(bank, shuffle=False)
    folder = next(tmp_path.iterdir())
    for index in range(4):
        (folder / "0" / str(index)).unlink()
    assert_same(batches_of(bank, shuffle=False, skip_batches=2), whole[2:])
    with pytest.raises(tf.errors.NotFoundError):
        batches_of(bank, shuffle=False)


def test_an_example_does_not_depend_on_its_batch(bank):
    pairs, fours = batches_of(bank, 4, repeat=True), batches_of(bank, 2, repeat=True, batch_size=4)
    for key in ("image", "mask"):
        assert np.array_equal(np.concatenate([b[key] for b in pairs]), np.concatenate([b[key] for b in fours]))


def test_each_pass_shows_every_picture_once_in_another_order(bank):
    shown = sum((indices_of(batch["image"]) for batch in batches_of(bank, 35, repeat=True)), [])
    passes = [tuple(shown[start : start + NUM_PICTURES]) for start in range(0, len(shown), NUM_PICTURES)]
    assert all(sorted(order) == list(range(NUM_PICTURES)) for order in passes)
    assert len(set(passes)) == 10


def test_the_order_is_a_permutation_for_any_number_of_pictures(tmp_path):
    from tests.picture_files import save

    for index in range(9):
        save(tmp_path / f"{index}.png", np.full((4, 4), 30 * index if index < 8 else 255, np.uint8))
    bank = prepare(f"folder:{tmp_path}", image_size=4)
    for number in range(1, 10):
        shown = batches_of(bank, image_size=4, select=slice(number), masks_on="step", batch_size=20)[0]["image"]
        assert len(np.unique(shown[:, 0, 0, 0])) == number


def test_without_shuffling_the_order_is_that_of_the_source(bank):
    wanted = [int(name.split("picture ")[1][0]) for name in bank.names]
    shown = sum((indices_of(batch["image"]) for batch in batches_of(bank, 7, repeat=True, shuffle=False)), [])
    assert shown == wanted * 2


def test_the_first_pass_of_an_endless_run_is_the_finite_one(bank):
    assert_same(batches_of(bank, batch_size=NUM_PICTURES), batches_of(bank, 1, repeat=True, batch_size=NUM_PICTURES))


def test_iterating_again_gives_the_same_bits(bank):
    data = dataset(bank, image_size=SIZE, batch_size=2)
    assert_same(list(data.as_numpy_iterator()), list(data.as_numpy_iterator()))


def test_another_seed_gives_other_pictures_and_masks(bank):
    one, other = batches_of(bank, seed=1), batches_of(bank, seed=2)
    assert any(indices_of(a["image"]) != indices_of(b["image"]) for a, b in zip(one, other))
    assert all(np.any(a["mask"] != b["mask"]) for a, b in zip(one, other))


FRESH_PROCESS = """
import sys, hashlib
from tf_inpaint.data import dataset
data = dataset(sys.argv[1], image_size=16, batch_size=2, seed=5, repeat=True, edges=True)
digest = hashlib.sha256()
for batch in data.take(6).as_numpy_iterator():
    for key in sorted(batch):
        digest.update(batch[key].tobytes())
print(digest.hexdigest())
"""


def test_a_fresh_process_makes_the_same_bits(bank, photos):
    digest = hashlib.sha256()
    for batch in batches_of(bank, 6, masks="free_form", repeat=True, edges=True):
        for key in sorted(batch):
            digest.update(batch[key].tobytes())
    command = [sys.executable, "-c", FRESH_PROCESS, f"folder:{photos}"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert ended.stdout.split() == [digest.hexdigest()], ended.stderr


def test_about_half_of_the_examples_are_mirrored(bank):
    grows = np.concatenate([b["image"][:, 0, -1, 1] > b["image"][:, 0, 0, 1] for b in batches_of(bank, 100, repeat=True)])
    assert 0.35 < grows.mean() < 0.65
    straight = np.concatenate([b["image"][:, 0, -1, 1] > b["image"][:, 0, 0, 1] for b in batches_of(bank, flip=False)])
    assert np.all(straight)


def test_a_mirrored_example_is_the_same_crop_mirrored(bank):
    flipped, straight = batches_of(bank, 20, repeat=True), batches_of(bank, 20, repeat=True, flip=False)
    mirrored = 0
    for batch, other in zip(flipped, straight):
        for image, plain in zip(batch["image"], other["image"]):
            assert np.array_equal(image, plain) or np.array_equal(image, plain[:, ::-1])
            mirrored += np.array_equal(image, plain[:, ::-1])
    assert 8 < mirrored < 32


def test_crops_are_taken_everywhere_along_the_longer_side_and_nowhere_else(photos, bank):
    index = bank.names.index("inner/picture 3.tif")  # 17 x 90 pixels, of which 64 x 16 are left
    whole = bank.read(index).numpy()
    options = {"select": slice(index, index + 1), "repeat": True, "flip": False, "masks_on": "step"}
    places = set()
    for batch in batches_of(bank, 150, **options):
        for image in batch["image"]:
            crop = np.round((image + 1) * 127.5).astype(np.uint8)
            matches = [x for x in range(whole.shape[1] - SIZE + 1) if np.array_equal(whole[:, x : x + SIZE], crop)]
            assert matches
            places.add(matches[0])
    assert min(places) <= 2 and max(places) >= whole.shape[1] - SIZE - 2 and len(places) > 30
    center = batches_of(bank, 1, **{**options, "crop": "center"})[0]["image"][0]
    start = (whole.shape[1] - SIZE) // 2
    assert np.array_equal(np.round((center + 1) * 127.5), whole[:, start : start + SIZE])


def test_colour_jitter_is_a_function_of_seed_and_position(bank):
    plain, jittered = batches_of(bank, 8, repeat=True), batches_of(bank, 8, repeat=True, colour_jitter=0.05)
    assert_same(batches_of(bank, 5, repeat=True, colour_jitter=0.05, skip_batches=3), jittered[3:])
    changes = [np.abs(one["image"] - other["image"]).max() for one, other in zip(plain, jittered, strict=True)]
    assert min(changes) > 0 and max(changes) < 0.9 and len(set(changes)) == 8
    assert all(np.array_equal(one["mask"], other["mask"]) for one, other in zip(plain, jittered, strict=True))


def test_select_leaves_pictures_out(bank):
    shown = sum((indices_of(batch["image"]) for batch in batches_of(bank, select=slice(1, None, 2))), [])
    wanted = [int(name.split("picture ")[1][0]) for name in bank.names[1::2]]
    assert sorted(shown) == sorted(wanted)


def test_a_text_an_opened_source_and_a_bank_are_the_same(photos, bank):
    from tf_inpaint.data import open_source

    assert_same(batches_of(f"folder:{photos}"), batches_of(bank))
    assert_same(batches_of(open_source(f"folder:{photos}")), batches_of(bank))


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 0},
        {"seed": -1},
        {"seed": 2**31},
        {"masks_on": "gpu"},
        {"crop": "corner"},
        {"skip_batches": -1},
        {"edges": True, "masks_on": "step"},
        {"colour_jitter": -0.1},
        {"colour_jitter": 0.6},
        {"image_size": SIZE + 1},
        {"select": slice(NUM_PICTURES, None)},
        {"masks": "round"},
    ],
    ids=str,
)
def test_an_argument_out_of_range_is_refused_by_name(bank, options):
    name = list(options)[0]
    with pytest.raises(ConfigError, match=name):
        batches_of(bank, **options)


def test_a_wrong_folder_is_an_error_and_not_an_empty_data_set(tmp_path):
    with pytest.raises(DataError, match=f"{tmp_path}/missing"):
        dataset(f"folder:{tmp_path}/missing", image_size=SIZE, batch_size=2)


def test_numbers_say_which_picture_an_example_is_of(bank):
    select = slice(1, None, 2)
    batches = batches_of(bank, numbers=True, select=select, flip=False, crop="center", masks_on="step")
    plain = batches_of(bank, flip=False, crop="center", shuffle=False, masks_on="step", batch_size=1)
    numbers = np.concatenate([batch["number"] for batch in batches])
    assert sorted(numbers) == list(range(NUM_PICTURES))[select]
    images = np.concatenate([batch["image"] for batch in batches])
    for number, image in zip(numbers, images, strict=True):
        np.testing.assert_array_equal(image, plain[number]["image"][0])
    assert "number" in batches_of(bank, 1, numbers=True)[0]
