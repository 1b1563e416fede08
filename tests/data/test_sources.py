"""Sources: what is found, in which order, what is broken and what is said about it."""

import os
import shutil

import numpy as np
import pytest

from tests.data.conftest import NUM_PICTURES
from tests.picture_files import random_rgb, save
from tf_inpaint.data import SOURCES, check, open_source, prepare
from tf_inpaint.errors import ConfigError, DataError, PictureError


def test_a_folder_is_read_with_its_sub_folders_in_the_order_of_names(photos):
    source = open_source(f"folder:{photos}")
    names = [name for name, _ in source.items()]
    assert len(source) == NUM_PICTURES and source.num_ignored == 1
    assert names == sorted(names) and names[:2] == ["inner/picture 1.bmp", "inner/picture 3.tif"]


def test_the_content_arrives_in_the_order_of_names(tmp_path):
    wanted = [random_rgb(4, 4 + index, seed=index) for index in range(40)]
    for index, rgb in enumerate(wanted):
        save(tmp_path / f"{index:03d}.png", rgb)
    read = list(open_source(f"folder:{tmp_path}").read_all())
    assert [name for name, _ in read] == [f"{index:03d}.png" for index in range(40)]
    assert all(np.array_equal(rgb, expected) for (_, rgb), expected in zip(read, wanted))


def test_hidden_files_and_other_suffixes_are_counted_and_not_read(tmp_path):
    save(tmp_path / "a.png", random_rgb(4, 4))
    for name in (".hidden.png", "._a.png", "a.gif", "README"):
        (tmp_path / name).write_bytes(b"broken")
    report = check(f"folder:{tmp_path}")
    assert (report.num_found, report.num_readable, report.num_ignored, report.broken) == (1, 1, 4, ())


def test_hostile_names_are_no_patterns(tmp_path):
    names = ["[x].png", "*?.png", "new\nline.png", "-leading.png", "ümläut #'\".png", os.fsdecode(b"\xff\xfe.png")]
    for index, name in enumerate(names):
        save(tmp_path / name, np.full((4, 4), 40 * index, np.uint8))
    read = dict(open_source(f"folder:{tmp_path}").read_all())
    assert len(read) == len(names)
    assert sorted(int(rgb[0, 0, 0]) for rgb in read.values()) == [0, 40, 80, 120, 160, 200]
    assert all(name.isprintable() and name.encode("utf-8") for name in read)
    assert len(prepare(f"folder:{tmp_path}", image_size=4)) == len(names)


def test_links_to_files_are_read_and_links_to_folders_are_not_entered(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    save(outside / "a.png", random_rgb(4, 4))
    (inside / "link.png").symlink_to(outside / "a.png")
    (inside / "loop").symlink_to(inside)
    (inside / "broken link.png").symlink_to(outside / "missing.png")
    report = check(f"folder:{inside}")
    assert report.num_readable == 1
    assert [name for name, _ in report.broken] == ["broken link.png"]


def test_broken_pictures_are_counted_and_named_and_nothing_replaces_them(tmp_path):
    good = [save(tmp_path / f"good {index}.png", random_rgb(8, 8, seed=index)) for index in range(5)]
    (tmp_path / "cut.png").write_bytes(good[0].read_bytes()[:100])
    (tmp_path / "empty.jpg").write_bytes(b"")
    save(tmp_path / "huge.png", random_rgb(20, 20))
    os.mkfifo(tmp_path / "pipe.png")
    wanted = ["cut.png", "empty.jpg", "huge.png", "pipe.png"]
    report = check(f"folder:{tmp_path}", max_pixels=399)
    assert [name for name, _ in report.broken] == wanted
    assert all(reason.startswith(f"{name}: ") for name, reason in report.broken)
    assert report.is_usable and (report.num_found, report.num_readable) == (9, 5)
    bank = prepare(f"folder:{tmp_path}", image_size=8, max_pixels=399)
    assert bank.report.broken == report.broken
    assert bank.names == tuple(path.name for path in good)
    for index, path in enumerate(good):
        assert np.array_equal(bank.read(index), random_rgb(8, 8, seed=index)), path


def test_broken_pictures_are_named_in_the_log(tmp_path, caplog):
    for index in range(30):
        save(tmp_path / f"{index}.png", random_rgb(4, 4))
    for index in range(12):
        (tmp_path / f"broken {index:02d}.png").write_bytes(b"")
    prepare(f"folder:{tmp_path}", image_size=4)
    assert "42 pictures, 30 readable, 12 broken" in caplog.text
    assert "broken 09.png: is not a readable" in caplog.text and "broken 10.png" not in caplog.text
    assert "and 2 more" in caplog.text


@pytest.mark.parametrize(("num_broken", "is_usable"), [(5, True), (6, False)])
def test_more_than_half_broken_is_an_error(tmp_path, num_broken, is_usable):
    for index in range(5):
        save(tmp_path / f"good {index}.png", random_rgb(8, 8))
    for index in range(num_broken):
        (tmp_path / f"broken {index}.png").write_bytes(b"broken")
    if is_usable:
        assert prepare(f"folder:{tmp_path}", image_size=8).report.num_readable == 5
    else:
        with pytest.raises(DataError, match=r"More than half .* 11 pictures, 5 readable, 6 broken\n  broken: broken 0.png"):
            prepare(f"folder:{tmp_path}", image_size=8)


def test_a_wrong_folder_is_an_error_that_names_it(tmp_path):
    with pytest.raises(DataError, match=f"{tmp_path}/missing' does not exist"):
        open_source(f"folder:{tmp_path}/missing")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=f"{tmp_path}/file' is not a folder"):
        open_source(f"folder:{tmp_path}/file")


def test_a_folder_without_pictures_is_an_error_that_names_it(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DataError, match=rf"{tmp_path}' holds no pictures \(1 other files\).*\.png"):
        open_source(f"folder:{tmp_path}")


@pytest.mark.parametrize("text", ["", "nothing:here", "hdf5:data", "photo"])
def test_an_unknown_kind_of_source_is_an_error_that_names_the_known_ones(text):
    with pytest.raises(ConfigError, match="Available: folder:PATH, tfds:NAME, tfrecord:PATH, photos, celeba_hq:PATH"):
        open_source(text)


def test_a_bare_path_is_an_error_that_says_how_to_write_it(tmp_path):
    with pytest.raises(ConfigError, match=f"Did you mean 'folder:{tmp_path}'"):
        open_source(str(tmp_path))


def test_every_source_takes_the_text_behind_the_colon():
    for kind, source_class in SOURCES.items():
        with pytest.raises((ConfigError, DataError), match="nowhere"):
            source_class("nowhere")
        with pytest.raises((ConfigError, DataError)):
            open_source(f"{kind}:nowhere")


def test_the_bundled_photographs_are_all_there_and_need_no_network():
    source = open_source("photos")
    read = list(source.read_all())
    assert len(read) == len(source) >= 10
    assert not [name for name, rgb in read if isinstance(rgb, PictureError)]
    assert dict(read)["astronaut.png"].shape == (512, 512, 3)


def test_the_fingerprint_follows_the_files(photos, tmp_path):
    shutil.copytree(photos, tmp_path / "copy")
    before = open_source(f"folder:{tmp_path / 'copy'}").fingerprint()
    assert open_source(f"folder:{tmp_path / 'copy'}").fingerprint() == before
    os.utime(tmp_path / "copy" / "picture 0.png", ns=(1, 1))
    changed = open_source(f"folder:{tmp_path / 'copy'}").fingerprint()
    save(tmp_path / "copy" / "picture 9.png", random_rgb(4, 4))
    assert len({before, changed, open_source(f"folder:{tmp_path / 'copy'}").fingerprint()}) == 3


# --- TensorFlow Datasets


@pytest.fixture(scope="module")
def prepared_tfds(tmp_path_factory):
    """A folder in which a data set "tiny_photos" of 12 + 3 pictures has been prepared."""
    tfds = pytest.importorskip("tensorflow_datasets")

    class TinyPhotos(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = tfds.features.FeaturesDict({"label": np.int64, "photo": tfds.features.Image(shape=(None, None, 3))})
            return tfds.core.DatasetInfo(builder=self, features=features)

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples(12), "test": self._generate_examples(3)}

        def _generate_examples(self, number=0):
            for index in range(number):
                yield index, {"photo": np.full((20, 24 + index, 3), 10 * index, np.uint8), "label": index}

    folder = tmp_path_factory.mktemp("tfds")
    tfds.disable_progress_bar()
    TinyPhotos(data_dir=str(folder)).download_and_prepare()
    return folder


@pytest.mark.parametrize(("text", "number"), [("tfds:tiny_photos", 12), ("tfds:tiny_photos@test", 3)])
def test_a_prepared_tfds_data_set_is_read(prepared_tfds, monkeypatch, text, number):
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared_tfds))
    source = open_source(text)
    read = [rgb for _, rgb in source.read_all()]
    assert len(source) == len(read) == number
    assert sorted((int(rgb[0, 0, 0]), rgb.shape) for rgb in read) == [(10 * i, (20, 24 + i, 3)) for i in range(number)]
    assert all(np.array_equal(first, again) for first, (_, again) in zip(read, source.read_all()))
    assert open_source("tfds:tiny_photos").fingerprint() != open_source("tfds:tiny_photos@test").fingerprint()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tfds:tiny_photos@validation", "no split 'validation'. Splits: train, test"),
        ("tfds:mnist", "not prepared in .*tfds build mnist"),
        ("tfds:nowhere_to_be_found", "cannot open it: .*nowhere_to_be_found"),
    ],
)
def test_a_tfds_data_set_that_is_not_there_is_an_error(prepared_tfds, monkeypatch, text, message):
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared_tfds))
    with pytest.raises(DataError, match=message):
        open_source(text)
