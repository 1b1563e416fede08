"""TFRecords: what is written can be read back at any place, an interruption costs a shard, and each kind of damage is named."""

import hashlib
import io
import json

import numpy as np
import pytest
import tensorflow as tf

from tests.data.conftest import NUM_PICTURES
from tests.picture_files import random_rgb, save
from tf_inpaint.data import Source, check, dataset, open_source, prepare, write_records
from tf_inpaint.errors import ConfigError, DataError, TfInpaintError

SIZE = 16


class PicturesInMemory(Source):
    """Small PNG files, counted as they are read; raises at number `stop_at`, once."""

    name = "memory"

    def __init__(self, number, stop_at=None):
        self.number, self.stop_at, self.num_read = number, stop_at, 0

    def __len__(self):
        return self.number

    def fingerprint(self):
        return f"memory {self.number}"

    def items(self):
        for number in range(self.number):
            if number == self.stop_at:
                self.stop_at = None
                raise KeyboardInterrupt
            yield f"{number}.png", _CountedFile(self, random_rgb(20, 18 + number, seed=number))


class _CountedFile(io.BytesIO):
    def __init__(self, source, rgb):
        super().__init__(tf.io.encode_png(rgb).numpy())
        self._source = source

    def seek(self, *args):
        self._counted = getattr(self, "_counted", False) or self._count()
        return super().seek(*args)

    def _count(self):
        self._source.num_read += 1
        return True


def files_in(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def pictures_of(bank):
    return [bank.read(tf.constant(index, tf.int64)).numpy() for index in range(len(bank))]


@pytest.fixture(scope="module")
def written(photos, tmp_path_factory):
    """The pictures of `photos` at SIZE, in shards of 3."""
    folder = tmp_path_factory.mktemp("records") / "out"
    write_records(f"folder:{photos}", folder, image_size=SIZE, shard_size=3)
    return folder


@pytest.fixture
def copied(written, tmp_path):
    """A copy of `written` that a test may damage."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for name, content in files_in(written).items():
        (folder / name).write_bytes(content)
    return folder


def test_the_manifest_counts_and_hashes_what_is_there(written, photos):
    manifest = json.loads((written / "manifest.json").read_text())
    assert manifest["num_pictures"] == NUM_PICTURES and manifest["num_ignored"] == 1 and manifest["image_size"] == SIZE
    assert [shard["num_pictures"] for shard in manifest["shards"]] == [3, 3, 1]
    assert len(files_in(written)) == 7  # three shards, their indices, the manifest
    names = []
    for shard in manifest["shards"]:
        content = (written / shard["file"]).read_bytes()
        index = (written / shard["file"]).with_suffix(".json").read_bytes()
        assert shard["num_bytes"] == len(content) and shard["sha256"] == hashlib.sha256(content).hexdigest()
        assert shard["index_sha256"] == hashlib.sha256(index).hexdigest()
        names += json.loads(index)["names"]
    assert names == [name for name, _ in open_source(f"folder:{photos}").items()]


def test_other_readers_of_tfrecords_find_the_usual_features(written):
    paths = sorted(str(path) for path in written.glob("*.tfrecord"))
    examples = [tf.train.Example.FromString(record.numpy()) for record in tf.data.TFRecordDataset(paths)]
    assert len(examples) == NUM_PICTURES
    for example in examples:
        feature = example.features.feature
        picture = tf.io.decode_png(feature["image/encoded"].bytes_list.value[0])
        assert picture.shape == (feature["image/height"].int64_list.value[0], feature["image/width"].int64_list.value[0], 3)


def test_each_process_writes_the_same_bytes(written):
    """A map of protobuf has another order in each process unless it is asked for a fixed one."""
    for path in written.glob("*.tfrecord"):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            places = [record.index(key) for key in (b"image/encoded", b"image/filename", b"image/height", b"image/width")]
            assert places == sorted(places)


@pytest.mark.parametrize("memory_limit", [0, 1 << 30])
def test_records_of_the_size_give_the_pixels_of_the_folder(written, photos, tmp_path, memory_limit):
    expected = prepare(f"folder:{photos}", image_size=SIZE)
    cache = tmp_path / "cache"
    bank = prepare(f"tfrecord:{written}", image_size=SIZE, memory_limit=memory_limit, cache_dir=cache)
    assert bank.names == expected.names and np.array_equal(bank.sizes, expected.sizes) and not cache.exists()
    assert all(np.array_equal(one, other) for one, other in zip(pictures_of(bank), pictures_of(expected), strict=True))


@pytest.mark.parametrize("memory_limit", [0, 1 << 30])
def test_batches_are_those_of_the_folder_wherever_a_run_begins(written, photos, memory_limit):
    options = {"image_size": SIZE, "batch_size": 2, "seed": 5, "repeat": True, "masks_on": "step"}
    for skip in (0, 4):
        expected = dataset(f"folder:{photos}", **options, skip_batches=skip).take(5)
        received = dataset(f"tfrecord:{written}", **options, skip_batches=skip, memory_limit=memory_limit).take(5)
        for one, other in zip(received.as_numpy_iterator(), expected.as_numpy_iterator(), strict=True):
            assert np.array_equal(one["image"], other["image"]) and np.array_equal(one["mask_seed"], other["mask_seed"])


def test_records_of_the_files_own_bytes_serve_any_size(photos, tmp_path):
    write_records(f"folder:{photos}", tmp_path / "out", shard_size=4)
    stored = {name: file.getvalue() for name, file in open_source(f"tfrecord:{tmp_path / 'out'}").items()}
    assert stored == {name: path.read_bytes() for name, path in open_source(f"folder:{photos}").items()}
    for size in (SIZE, 8):
        banks = [prepare(source, image_size=size) for source in (f"tfrecord:{tmp_path / 'out'}", f"folder:{photos}")]
        assert all(np.array_equal(one, other) for one, other in zip(*map(pictures_of, banks), strict=True))


def test_records_can_be_made_from_records(written, photos, tmp_path):
    write_records(f"tfrecord:{written}", tmp_path / "again", image_size=8, shard_size=100)
    write_records(f"folder:{photos}", tmp_path / "direct", image_size=SIZE, shard_size=100)
    assert len(open_source(f"tfrecord:{tmp_path / 'again'}")) == len(open_source(f"tfrecord:{tmp_path / 'direct'}")) == NUM_PICTURES


def test_an_interrupted_preparation_goes_on_where_it_stopped(tmp_path):
    write_records(PicturesInMemory(8), tmp_path / "whole", shard_size=3)
    source, output = PicturesInMemory(8, stop_at=5), tmp_path / "torn"
    with pytest.raises(KeyboardInterrupt):
        write_records(source, output, shard_size=3)
    assert sorted(files_in(output)) == ["pictures-00000-of-00003.json", "pictures-00000-of-00003.tfrecord", "unfinished.json"]
    with pytest.raises(DataError, match=r"holds no manifest\.json.*goes on where it stopped"):
        open_source(f"tfrecord:{output}")
    # What a kill in the midst of writing leaves: half a shard under its temporary name, and a shard without its index.
    (output / "pictures-00001-of-00003.tfrecord.tmp-1-1").write_bytes(b"half")
    (output / "pictures-00002-of-00003.tfrecord").write_bytes(b"no index yet")
    source.num_read = 0
    report = write_records(source, output, shard_size=3)
    assert (report.num_shards, report.num_shards_before, source.num_read) == (3, 1, 5)
    assert files_in(output) == files_in(tmp_path / "whole")


def test_a_finished_preparation_is_not_done_again(tmp_path):
    source = PicturesInMemory(4)
    first = write_records(source, tmp_path / "out", shard_size=3)
    source.num_read = 0
    again = write_records(source, tmp_path / "out", shard_size=3)
    assert source.num_read == 0 and again.num_shards_before == 2 and again.source == first.source


@pytest.mark.parametrize("is_finished", [True, False])
def test_a_folder_of_another_preparation_is_refused(tmp_path, is_finished):
    with pytest.raises(KeyboardInterrupt):
        write_records(PicturesInMemory(4, stop_at=2), tmp_path, shard_size=2)
    if is_finished:
        write_records(PicturesInMemory(4), tmp_path, shard_size=2)
    with pytest.raises(DataError, match=r"another preparation: image_size \(was None, now 8\)"):
        write_records(PicturesInMemory(4), tmp_path, shard_size=2, image_size=8)
    with pytest.raises(DataError, match="another preparation: the source's files have changed"):
        write_records(PicturesInMemory(5), tmp_path, shard_size=2)


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DataError, match="holds other things"):
        write_records(PicturesInMemory(2), tmp_path)
    assert list(files_in(tmp_path)) == ["notes.txt"]


def test_broken_pictures_are_left_out_named_and_counted(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(5):
        save(folder / f"{index}.png", random_rgb(8, 8 + index, seed=index))
    for name in ("0 cut.png", "3 cut.png"):
        (folder / name).write_bytes((folder / "0.png").read_bytes()[:60])
    report = write_records(f"folder:{folder}", tmp_path / "out", shard_size=3)
    assert [name for name, _ in report.source.broken] == ["0 cut.png", "3 cut.png"] and report.source.num_readable == 5
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [name for name, _ in manifest["broken"]] == ["0 cut.png", "3 cut.png"] and manifest["num_pictures"] == 5
    assert check(f"tfrecord:{tmp_path / 'out'}").broken == ()


def test_a_mostly_broken_source_gets_no_manifest(tmp_path):
    (tmp_path / "in").mkdir()
    save(tmp_path / "in" / "a.png", random_rgb(8, 8))
    for name in ("b.png", "c.png"):
        (tmp_path / "in" / name).write_bytes(b"broken")
    with pytest.raises(DataError, match="More than half"):
        write_records(f"folder:{tmp_path / 'in'}", tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.parametrize("name", ["image_size", "shard_size", "max_pixels"])
def test_a_number_below_one_is_refused_by_name(tmp_path, name):
    with pytest.raises(ConfigError, match=f"`{name}` must be at least 1"):
        write_records(PicturesInMemory(1), tmp_path / "out", **{name: 0})
    assert not (tmp_path / "out").exists()


def test_what_is_missing_is_named(copied, tmp_path):
    with pytest.raises(DataError, match=f"{tmp_path}/nowhere' does not exist"):
        open_source(f"tfrecord:{tmp_path}/nowhere")
    (copied / "pictures-00001-of-00003.json").unlink()
    with pytest.raises(DataError, match="00001-of-00003.json, which the manifest names, cannot be read"):
        open_source(f"tfrecord:{copied}")
    (copied / "pictures-00000-of-00003.tfrecord").unlink()
    with pytest.raises(DataError, match="00000-of-00003.tfrecord, which the manifest names, cannot be read"):
        open_source(f"tfrecord:{copied}")


def test_a_shard_of_another_length_is_refused(copied):
    with open(copied / "pictures-00001-of-00003.tfrecord", "ab") as file:
        file.write(b"more")
    with pytest.raises(DataError, match=r"00001-of-00003.tfrecord has .* bytes, and the manifest says .*it was changed"):
        open_source(f"tfrecord:{copied}")


def test_a_changed_index_is_refused(copied):
    path = copied / "pictures-00000-of-00003.json"
    path.write_text(path.read_text().replace("picture 1", "picture 8"))
    with pytest.raises(DataError, match=r"00000-of-00003.json is not the file of which the manifest has the SHA-256"):
        open_source(f"tfrecord:{copied}")


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("place_in_record", [0, 9, 40, -1])  # length, its checksum, content, checksum
def test_a_flipped_bit_costs_one_picture_and_names_it(copied, written, place_in_record):
    path = copied / "pictures-00000-of-00003.tfrecord"
    index = json.loads(path.with_suffix(".json").read_text())
    flip(path, index["offsets"][1 if place_in_record >= 0 else 2] + place_in_record)
    bank = prepare(f"tfrecord:{copied}", image_size=SIZE)
    name = index["names"][1]
    assert [broken for broken, _ in bank.report.broken] == [name] and "wrong checksum" in bank.report.broken[0][1]
    whole = prepare(f"tfrecord:{written}", image_size=SIZE)
    assert bank.names == tuple(other for other in whole.names if other != name)
    expected = [picture for picture, other in zip(pictures_of(whole), whole.names, strict=True) if other != name]
    assert all(np.array_equal(one, other) for one, other in zip(pictures_of(bank), expected, strict=True))
    with pytest.raises(DataError, match="00000-of-00003.tfrecord is not the file of which the manifest has the SHA-256"):
        check(f"tfrecord:{copied}")


def test_a_flipped_bit_found_while_training_is_a_lost_record(copied):
    flip(copied / "pictures-00000-of-00003.tfrecord", 40)
    data = dataset(f"tfrecord:{copied}", image_size=SIZE, batch_size=1, memory_limit=0, masks="center_square")
    with pytest.raises(tf.errors.DataLossError):
        list(data)


def test_a_shard_of_other_pictures_is_noticed(copied):
    """Whole records, of the same length, in another order."""
    path = copied / "pictures-00002-of-00003.tfrecord"
    record = next(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(record.replace(b"picture 6", b"picture 9"))
    (name, reason) = dict(prepare(f"tfrecord:{copied}", image_size=SIZE).report.broken).popitem()
    assert "picture" in name and "is that of another picture" in reason


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "format and version"),
        ({"num_pictures": 8}, "do not add up"),
        ({"num_bytes": "many"}, "'many' where a int should be"),
        ({"shards": [{"file": "../../etc/passwd"}]}, "TypeError"),
        ({"unknown": 1}, "unexpected keyword"),
        ({"image_size": True}, "True where a int should be"),
    ],
    ids=str,
)
def test_a_damaged_manifest_is_refused(copied, changes, message):
    path = copied / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(DataError, match=message):
        open_source(f"tfrecord:{copied}")


def test_a_manifest_cannot_point_outside_its_folder(copied):
    path = copied / "manifest.json"
    content = json.loads(path.read_text())
    content["shards"][0]["file"] = "../copy/pictures-00000-of-00003.tfrecord"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match="the shards' names"):
        open_source(f"tfrecord:{copied}")


@pytest.mark.parametrize("pattern", ["manifest.json", "pictures-00000-of-00003.json", "pictures-00000-of-00003.tfrecord"])
def test_random_damage_ends_in_our_errors_or_in_named_pictures(copied, pattern):
    path = copied / pattern
    whole = path.read_bytes()
    random = np.random.RandomState(0)
    for _ in range(60):
        content = bytearray(whole)
        for place in random.randint(0, len(content), random.randint(1, 4)):
            content[place] = random.randint(256)
        if random.randint(4) == 0:
            del content[random.randint(len(content)) :]
        path.write_bytes(bytes(content))
        try:
            read = list(open_source(f"tfrecord:{copied}").read_all())
        except TfInpaintError as error:
            assert "\n" not in str(error)
        else:
            assert len(read) == NUM_PICTURES
