"""The bank: pictures decoded once, in memory or in a cache folder, with the same bits."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.data.conftest import NUM_PICTURES
from tests.picture_files import random_rgb, save
from tf_inpaint.data import open_source, prepare
from tf_inpaint.errors import ConfigError


def read_all(bank):
    return [bank.read(tf.constant(index, tf.int64)).numpy() for index in range(len(bank))]


def test_the_shorter_side_gets_the_size_and_the_shape_stays(photos):
    bank = prepare(f"folder:{photos}", image_size=16)
    assert len(bank) == NUM_PICTURES and bank.report.num_enlarged == 1
    shapes = dict(zip(bank.names, [picture.shape for picture in read_all(bank)]))
    assert shapes["picture 0.png"] == (16, 16, 3)
    assert shapes["inner/picture 1.bmp"] == (27, 16, 3)  # 40 x 24
    assert shapes["picture 2.webp"] == (16, 32, 3)  # 24 x 48
    assert shapes["inner/picture 5.png"] == (16, 22, 3)  # 5 x 7, enlarged
    assert all(np.array_equal(bank.sizes[index], picture.shape[:2]) for index, picture in enumerate(read_all(bank)))


def test_of_a_very_long_picture_the_middle_is_kept(tmp_path):
    columns = np.zeros((10, 100, 3), np.uint8)
    columns[:, 30:70] = 255
    save(tmp_path / "a.png", columns)
    save(tmp_path / "b.png", columns.swapaxes(0, 1))
    wide, high = read_all(prepare(f"folder:{tmp_path}", image_size=10))
    assert wide.shape == (10, 40, 3) and high.shape == (40, 10, 3)
    assert wide.min() == high.min() == 255


def test_a_picture_of_the_right_size_is_not_touched(tmp_path):
    rgb = random_rgb(16, 20)
    save(tmp_path / "a.png", rgb)
    assert np.array_equal(read_all(prepare(f"folder:{tmp_path}", image_size=16))[0], rgb)


def test_shrinking_averages_like_pillow(tmp_path):
    rgb = random_rgb(64, 96)
    path = save(tmp_path / "a.png", rgb)
    shrunk = read_all(prepare(f"folder:{tmp_path}", image_size=16))[0]
    with Image.open(path) as image:
        expected = np.asarray(image.resize((24, 16), Image.Resampling.BILINEAR))
    assert np.abs(shrunk.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("memory_limit", [0, 2000, 1 << 30])
def test_the_cache_folder_holds_the_same_bits_as_memory(photos, tmp_path, memory_limit):
    expected = read_all(prepare(f"folder:{photos}", image_size=16))
    bank = prepare(f"folder:{photos}", image_size=16, memory_limit=memory_limit, cache_dir=tmp_path / "cache")
    assert isinstance(bank.storage, str) == (memory_limit < 1 << 30) == (tmp_path / "cache").exists()
    assert all(np.array_equal(one, other) for one, other in zip(read_all(bank), expected, strict=True))


def test_the_cache_is_used_again_without_decoding(photos, tmp_path):
    (photos / "broken.png").write_bytes(b"broken")
    try:
        options = {"image_size": 16, "memory_limit": 0, "cache_dir": tmp_path}
        first = prepare(f"folder:{photos}", **options)
        source = open_source(f"folder:{photos}")
        source.read_all = None  # calling it would fail
        again = prepare(source, **options)
    finally:
        (photos / "broken.png").unlink()
    assert again.storage == first.storage and again.names == first.names and again.report == first.report
    assert [name for name, _ in again.report.broken] == ["broken.png"]
    assert np.array_equal(again.sizes, first.sizes)


def test_another_size_or_changed_files_make_another_cache(tmp_path):
    save(tmp_path / "a.png", random_rgb(20, 20))
    options = {"memory_limit": 0, "cache_dir": tmp_path / "cache"}
    banks = [prepare(f"folder:{tmp_path}", image_size=size, **options) for size in (16, 8)]
    save(tmp_path / "a.png", random_rgb(20, 21))
    banks.append(prepare(f"folder:{tmp_path}", image_size=8, **options))
    assert len({bank.storage for bank in banks}) == 3
    assert [read_all(bank)[0].shape for bank in banks] == [(16, 16, 3), (8, 8, 3), (8, 8, 3)]


def test_the_cache_lies_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_INPAINT_HOME", str(tmp_path / "home"))
    save(tmp_path / "a.png", random_rgb(8, 8))
    bank = prepare(f"folder:{tmp_path}", image_size=8, memory_limit=0)
    assert bank.storage.startswith(str(tmp_path / "home" / "pictures"))


def test_an_interrupted_decoding_leaves_no_cache(photos, tmp_path):
    source = open_source(f"folder:{photos}")
    read_all_of_source = source.read_all

    def stop_after_three(*args, **kwargs):
        for number, item in enumerate(read_all_of_source(*args, **kwargs)):
            if number == 3:
                raise KeyboardInterrupt
            yield item

    source.read_all = stop_after_three
    with pytest.raises(KeyboardInterrupt):
        prepare(source, image_size=16, memory_limit=0, cache_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_size_below_one_is_refused(photos):
    with pytest.raises(ConfigError, match="image_size"):
        prepare(f"folder:{photos}", image_size=0)
