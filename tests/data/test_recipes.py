"""Recipes: the layouts in which the public data sets are unpacked, made small; nothing is downloaded."""

import tarfile

import numpy as np
import pytest

from tests.picture_files import random_rgb, save
from tf_inpaint.data import check, open_source, write_records
from tf_inpaint.data.recipes import RECIPES
from tf_inpaint.errors import ConfigError, DataError


def names_of(text):
    return [name for name, _ in open_source(text).items()]


def make(folder, *names):
    for index, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        save(folder / name, random_rgb(8, 9, seed=index))
    return folder


@pytest.fixture
def dtd(tmp_path):
    """20 pictures of each of 3 categories, where the unpacked archive has 120 of 47."""
    names = [f"images/{category}/{category}_{number:04d}.jpg" for category in ("banded", "dotted", "woven") for number in range(20)]
    make(tmp_path / "dtd", *names)
    (tmp_path / "dtd" / "labels").mkdir()
    (tmp_path / "dtd" / "labels" / "train1.txt").write_text("banded/banded_0002.jpg\n")
    return tmp_path / "dtd"


def test_of_dtd_each_category_has_its_share_of_test_pictures(dtd):
    train, test = names_of(f"dtd:{dtd}"), names_of(f"dtd:{dtd}@test")
    assert len(train) == 48 and len(test) == 12 and not {*train} & {*test}
    assert [sum(name.startswith(category) for name in test) for category in ("banded", "dotted", "woven")] == [4, 4, 4]
    assert names_of(f"dtd:{dtd.parent}") == names_of(f"dtd:{dtd}@train") == train


@pytest.mark.parametrize(("key", "num_train", "num_test"), [("celeba_hq", 28_000, 2_000), ("dtd", 4_512, 1_128), ("facades", 506, 100)])
def test_the_whole_data_set_is_split_into_the_sizes_of_the_paper(key, num_train, num_test):
    is_test = [RECIPES[key].is_test(number) for number in range(num_train + num_test)]
    assert sum(is_test) == num_test
    gaps = np.diff(np.flatnonzero(is_test))
    assert gaps.max() - gaps.min() <= 1


@pytest.mark.parametrize("folder", ["CelebA-HQ-img", "CelebAMask-HQ/CelebA-HQ-img", "data256x256", "."])
def test_celeba_hq_is_found_and_sorted_by_number(tmp_path, folder):
    suffix = "{:05d}.jpg" if folder == "data256x256" else "{}.jpg"
    make(tmp_path / folder, *(suffix.format(number) for number in range(1, 31)))
    save(tmp_path / folder / "preview.png", random_rgb(4, 4))
    train, test = names_of(f"celeba_hq:{tmp_path}"), names_of(f"celeba_hq:{tmp_path}@test")
    assert test == [suffix.format(15), suffix.format(30)]
    assert train == [suffix.format(number) for number in range(1, 31) if number not in (15, 30)]


def test_of_facades_the_photographs_are_taken_and_the_label_maps_are_not(tmp_path):
    photos = [f"base/cmp_b{number:04d}.jpg" for number in range(1, 14)] + [f"extended/cmp_x{number:04d}.jpg" for number in range(1, 6)]
    make(tmp_path, *photos, *(name.replace(".jpg", ".png") for name in photos), "readme/overview.jpg")
    train, test = names_of(f"facades:{tmp_path}@train"), names_of(f"facades:{tmp_path}@test")
    assert sorted(train + test) == photos and len(test) == 2
    assert "unverified" in open_source(f"facades:{tmp_path}").note


@pytest.mark.parametrize(
    ("train_folder", "test_folder"),
    [("train", "val"), ("data_256", "val_256"), ("places365_standard/train", "places365_standard/val"), ("data_large", "val_large")],
)
def test_places2_keeps_its_own_parts(tmp_path, train_folder, test_folder):
    make(tmp_path / train_folder, "a/abbey/1.jpg", "a/abbey/2.jpg", "b/beach/1.jpg")
    make(tmp_path / test_folder, "Places365_val_00000001.jpg")
    assert names_of(f"places2:{tmp_path}") == ["a/abbey/1.jpg", "a/abbey/2.jpg", "b/beach/1.jpg"]
    assert names_of(f"places2:{tmp_path}@test") == ["Places365_val_00000001.jpg"]


@pytest.mark.parametrize("key", RECIPES)
def test_missing_pictures_are_an_error_with_the_steps_to_get_them(tmp_path, key, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    for text, reason in (
        (f"{key}:{tmp_path}/nowhere", "nowhere' does not exist"),
        (f"{key}:{tmp_path}", "holds no"),
        (key, "does not have it" if key == "facades" else "not prepared in"),
    ):
        with pytest.raises(DataError, match=reason) as caught:
            open_source(text)
        message = str(caught.value)
        assert "To get it" in message and " 1. " in message and f"{key}:" in message and "\n" not in message
        assert "://" in message or key == "celeba_hq"


def test_where_the_splits_of_folder_and_tensorflow_datasets_differ_the_note_says_so(dtd, tmp_path):
    make(tmp_path / "facades", *(f"base/cmp_b{number:04d}.jpg" for number in range(1, 8)))
    assert "is our choice, others in a folder than in TensorFlow Datasets." in open_source(f"dtd:{dtd}").note
    assert open_source(f"facades:{tmp_path / 'facades'}").note.endswith("is our choice.")


def test_a_split_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match="dtd has no split 'validation'. Splits: train, test"):
        open_source("dtd:@validation")


def test_a_folder_whose_name_holds_the_sign_is_found(tmp_path):
    make(tmp_path / "a@b", *(f"images/x/{number}.jpg" for number in range(5)))
    assert len(names_of(f"dtd:{tmp_path}/a@b")) == 4 and len(names_of(f"dtd:{tmp_path}/a@b@test")) == 1


def test_a_split_too_small_for_a_picture_is_an_error(tmp_path):
    make(tmp_path, "images/x/1.jpg")
    with pytest.raises(DataError, match="the split test is empty"):
        open_source(f"dtd:{tmp_path}@test")


def test_a_recipe_is_a_source_like_others(dtd, tmp_path):
    report = check(f"dtd:{dtd}@test")
    assert (report.name, report.num_readable) == (f"dtd:{dtd}@test", 12)
    assert open_source(f"dtd:{dtd}").fingerprint() != open_source(f"dtd:{dtd}@test").fingerprint()
    write_records(f"dtd:{dtd}@test", tmp_path / "out", image_size=8)
    source = open_source(f"tfrecord:{tmp_path / 'out'}")
    assert [name for name, _ in source.items()] == names_of(f"dtd:{dtd}@test") and "unverified" in source.note


@pytest.mark.slow
def test_celeba_hq_that_tensorflow_datasets_prepared_from_the_archive_is_read(tmp_path, monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets")
    tfds.disable_progress_bar()
    make(tmp_path / "data256x256", *(f"{number:05d}.png" for number in range(1, 31)))
    (tmp_path / "manual").mkdir()
    with tarfile.open(tmp_path / "manual" / "data256x256.tar", "w") as archive:
        archive.add(tmp_path / "data256x256", "data256x256")
    config = tfds.download.DownloadConfig(manual_dir=str(tmp_path / "manual"))
    builder = tfds.builder("celeb_a_hq/256", data_dir=str(tmp_path / "tfds"), try_gcs=False)
    builder.download_and_prepare(download_config=config)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    train, test = open_source("celeba_hq"), open_source("celeba_hq:@test")
    assert (len(train), len(test)) == (28, 2)
    pixels = [rgb.tobytes() for source in (train, test) for _, rgb in source.read_all()]
    assert len({*pixels}) == 30
