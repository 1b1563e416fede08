"""The list of pictures and masks: chosen by the seed, in the right bins, with the hashes of what is evaluated."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.picture_files import save
from tf_inpaint import data, masks
from tf_inpaint.data import open_source
from tf_inpaint.errors import ConfigError, DataError, MaskError
from tf_inpaint.evaluation import BINS, make_protocol


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


@pytest.fixture(scope="module")
def of_files(folder, mask_folder):
    return make_protocol(f"folder:{folder}", f"irregular:{mask_folder}", limit=3)


@pytest.fixture(scope="module")
def of_strokes(folder):
    return make_protocol(f"folder:{folder}", "free_form", limit=3)


@pytest.mark.parametrize("kind", ["of_files", "of_strokes"])
def test_each_bin_has_as_many_pictures_as_asked_for_and_masks_of_its_share(kind, request):
    protocol = request.getfixturevalue(kind)
    assert len(protocol.items) == 3 * len(BINS)
    for limits in BINS:
        indices = protocol.indices_in(limits)
        assert len(indices) == 3
        for index in indices:
            item = protocol.items[index]
            assert item.bin == limits
            _, mask = protocol.load(index)
            assert set(np.unique(mask)) == {0, 255}
            assert item.hole_share == (mask > 0).mean() and limits[0] <= item.hole_share < limits[1]


def test_each_bin_has_the_same_pictures(of_files):
    pictures_of = [[of_files.items[index].image for index in of_files.indices_in(limits)] for limits in BINS]
    assert len(set(pictures_of[0])) == 3
    assert all(names == pictures_of[0] for names in pictures_of)


def test_files_stand_there_with_their_path_and_hash_and_are_what_is_loaded(of_files):
    for index, item in enumerate(of_files.items):
        assert item.image_sha256 == sha256(item.image) and item.mask_sha256 == sha256(item.mask)
        image, mask = of_files.load(index)
        np.testing.assert_array_equal(image, np.asarray(Image.open(item.image)))
        np.testing.assert_array_equal(mask, np.asarray(Image.open(item.mask)))
        assert (item.height, item.width) == image.shape[:2] == mask.shape


def test_drawn_masks_stand_there_with_their_seed_and_the_hash_of_their_pixels(of_strokes):
    for index, item in enumerate(of_strokes.items):
        drawn = masks.FreeForm(ratio=item.bin).per_example([item.mask], height=32, width=32)[0, :, :, 0].numpy()
        pixels = (drawn * 255).astype(np.uint8)
        np.testing.assert_array_equal(of_strokes.load(index)[1], pixels)
        assert item.mask_sha256 == hashlib.sha256(pixels.tobytes()).hexdigest()
    assert len({item.mask for item in of_strokes.items}) == len(of_strokes.items)


@pytest.mark.parametrize("kind", ["free_form", "irregular"])
def test_the_seed_chooses_and_nothing_else_does(folder, mask_folder, kind):
    def make(seed):
        spec = f"irregular:{mask_folder}" if kind == "irregular" else kind
        return make_protocol(f"folder:{folder}", spec, limit=3, seed=seed).to_dict()

    assert make(1) == make(1)
    assert [item["image"] for item in make(1)["items"]] != [item["image"] for item in make(2)["items"]]
    assert make(1)["items_sha256"] != make(2)["items_sha256"]


def test_the_hash_over_the_items_follows_from_the_items_of_the_report(of_files):
    written = json.loads(json.dumps(of_files.to_dict()))
    assert written == of_files.to_dict()
    assert written["items_sha256"] == hashlib.sha256(json.dumps(written["items"], sort_keys=True).encode()).hexdigest()


def test_a_picture_that_comes_does_not_change_which_of_the_others_are_first(folder, tmp_path):
    def order(path):
        chosen = make_protocol(f"folder:{path}", "center_square")
        return [item.image.rsplit("/", 1)[1] for item in chosen.items]

    shutil.copytree(folder, tmp_path / "more")
    shutil.copy(folder / "0.png", tmp_path / "more" / "new.png")
    assert [name for name in order(tmp_path / "more") if name != "new.png"] == order(folder)


@pytest.mark.parametrize("limit", [None, 100])
def test_without_a_limit_or_with_one_above_their_number_each_picture_is_taken_once(folder, limit):
    protocol = make_protocol(f"folder:{folder}", "free_form", limit=limit, bins=[(0.2, 0.3)])
    assert sorted(item.image for item in protocol.items) == sorted(str(path) for path in folder.iterdir())


def test_a_broken_picture_is_named_and_another_takes_its_place(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "damaged")
    chosen = make_protocol(f"folder:{folder}", "center_square", limit=3).items[0].image.rsplit("/", 1)[1]
    (tmp_path / "damaged" / chosen).write_bytes(b"no picture")
    protocol = make_protocol(f"folder:{tmp_path / 'damaged'}", "center_square", limit=3)
    assert len(protocol.items) == 3 and protocol.num_pictures == 7
    assert [name for name, _ in protocol.broken] == [chosen]


def test_only_broken_pictures_are_an_error_that_names_the_source(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="none of its 1 pictures can be read"):
        make_protocol(f"folder:{tmp_path}", "center_square")


def test_a_picture_keeps_its_size_and_its_mask_takes_it(random_folder, mask_folder):
    protocol = make_protocol(f"folder:{random_folder}", f"irregular:{mask_folder}", bins=[(0.2, 0.3)])
    sizes = {item.image.rsplit("/", 1)[1]: (item.height, item.width) for item in protocol.items}
    assert sizes == {"small.png": (9, 21), "wide.png": (20, 45)}
    for index, item in enumerate(protocol.items):
        image, mask = protocol.load(index)
        assert image.shape == (item.height, item.width, 3) and mask.shape == image.shape[:2]
        whole = Image.open(item.mask)
        nearest = whole.resize((item.width, item.height), Image.Resampling.NEAREST)
        np.testing.assert_array_equal(mask, np.asarray(nearest))
        assert 0.2 <= item.hole_share < 0.3 and item.hole_share == (mask > 0).mean()


def test_with_a_size_the_middle_of_the_resized_picture_is_taken(tmp_path):
    halves = np.zeros((20, 60, 3), np.uint8)
    halves[:, 20:40] = np.arange(20, dtype=np.uint8)[:, None, None] * 10  # the middle third, a slope downwards
    save(tmp_path / "wide.png", halves)
    protocol = make_protocol(f"folder:{tmp_path}", "center_square", image_size=20)
    np.testing.assert_array_equal(protocol.load(0)[0], halves[:, 20:40])
    half = make_protocol(f"folder:{tmp_path}", "center_square", image_size=10).load(0)[0]
    assert half.shape == (10, 10, 3) and np.all(np.diff(half[:, 5, 0].astype(int)) > 10)


def test_odd_files_are_those_that_a_question_mark_asks_for(folder, mask_folder):
    protocol = make_protocol(f"folder:{folder}", f"irregular:{mask_folder}?files=odd")
    assert {int(item.mask.removesuffix(".png")[-2:]) % 2 for item in protocol.items} == {1}


def test_masks_of_a_folder_are_gone_through_again_when_they_are_fewer_than_pictures(folder, mask_folder):
    protocol = make_protocol(f"folder:{folder}", f"irregular:{mask_folder}", bins=[(0.3, 0.4)])
    assert len(protocol.items) == 7 and len({item.mask for item in protocol.items}) == 2


def test_a_bin_for_which_the_folder_has_no_mask_is_left_out_and_named(folder, mask_folder):
    protocol = make_protocol(f"folder:{folder}", f"irregular:{mask_folder}", limit=2, bins=[(0.1, 0.2), (0.6, 0.7)])
    assert protocol.bins_without_masks == ((0.6, 0.7),)
    assert {item.bin for item in protocol.items} == {(0.1, 0.2)}
    with pytest.raises(MaskError, match="hole share"):
        make_protocol(f"folder:{folder}", f"irregular:{mask_folder}", bins=[(0.6, 0.7)])


@pytest.mark.parametrize("spec", ["center_square", "ten_squares", "free_form?ratio=0.15-0.25", "free_form+center_square"])
def test_other_masks_count_in_the_bin_of_the_share_they_have(folder, spec):
    protocol = make_protocol(f"folder:{folder}", spec)
    assert len(protocol.items) == 7 and {item.bin for item in protocol.items} == {None}
    counted = [index for limits in BINS for index in protocol.indices_in(limits)]
    assert sorted(counted) == [index for index, item in enumerate(protocol.items) if 0.1 <= item.hole_share < 0.5]
    if spec == "center_square":
        assert protocol.indices_in((0.2, 0.3)) == list(range(7))


def test_the_low_end_of_a_bin_belongs_to_it_and_the_high_end_does_not(folder, mask_folder):
    bins = [(0.2, 0.25), (0.25, 0.3)]
    squares = make_protocol(f"folder:{folder}", "center_square", bins=bins)  # a share of exactly a quarter
    assert [len(squares.indices_in(limits)) for limits in bins] == [0, 7]
    files = make_protocol(f"folder:{folder}", f"irregular:{mask_folder}", bins=bins)
    assert [{item.hole_share for item in files.items if item.bin == limits} for limits in bins] == [{0.21875}, {0.25}]


def test_the_files_own_ratio_is_kept(folder, mask_folder):
    protocol = make_protocol(f"folder:{folder}", f"irregular:{mask_folder}?ratio=0.2-0.3")
    assert len(protocol.items) == 7
    assert all(0.2 <= item.hole_share < 0.3 for item in protocol.items)


def test_a_text_and_what_it_opens_choose_the_same(folder, mask_folder):
    spec = f"irregular:{mask_folder}"
    opened = make_protocol(open_source(f"folder:{folder}"), masks.parse(spec), limit=2)
    assert opened.items == make_protocol(f"folder:{folder}", spec, limit=2).items


class InMemory(data.Source):
    """Pictures that are no files, as those of a TensorFlow data set."""

    name = "memory"

    def __init__(self, files):
        self._contents = {path.stem: path.read_bytes() for path in files}

    def __len__(self):
        return len(self._contents)

    def fingerprint(self):
        return ""

    def items(self):
        import io

        for name, content in self._contents.items():
            yield name, io.BytesIO(content)


def test_pictures_that_are_no_files_have_a_name_and_the_hash_of_their_bytes(folder):
    protocol = make_protocol(InMemory(sorted(folder.iterdir())), "center_square", limit=2)
    for index, item in enumerate(protocol.items):
        assert item.image_sha256 == sha256(folder / f"{item.image}.png")
        for _ in range(2):  # a stream must be read from its start each time
            np.testing.assert_array_equal(protocol.load(index)[0], np.asarray(Image.open(folder / f"{item.image}.png")))


@pytest.mark.parametrize(
    "options",
    [{"limit": 0}, {"image_size": 0}, {"seed": -1}, {"seed": 2**31}, {"bins": []}, {"bins": [(0.3, 0.2)]}, {"bins": [(0.3, 1.2)]}],
    ids=str,
)
def test_an_argument_out_of_its_range_is_named(folder, options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        make_protocol(f"folder:{folder}", "free_form", **options)


def test_a_wrong_folder_is_an_error_that_names_it(folder, tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        make_protocol(f"folder:{tmp_path / 'nowhere'}", "free_form")
    with pytest.raises(MaskError, match="nowhere"):
        make_protocol(f"folder:{folder}", f"irregular:{tmp_path / 'nowhere'}")
