"""Masks from a folder: what is read, which are chosen, how they are moved."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_inpaint import masks
from tf_inpaint.errors import ConfigError, MaskError


@pytest.fixture
def one_mask(tmp_path):
    """A folder with one mask without symmetry, and its holes."""
    mask = np.zeros([32, 32], np.uint8)
    mask[4:9, 6:20] = 255
    mask[9:25, 6:10] = 255
    Image.fromarray(mask).save(tmp_path / "1.png")
    return tmp_path, mask > 0


def test_the_bank_lists_masks_of_all_folders_by_name(mask_folder):
    bank = masks.load_mask_bank(mask_folder, height=32, width=32)
    assert bank.names == tuple(f"{'far' if i > 4 else 'near'}/mask_{i:03}.png" for i in (5, 6, 7, 0, 1, 2, 3, 4))
    assert bank.masks().shape == (8, 32, 32, 1)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 64), (16, 128)])
def test_masks_are_resized_to_the_nearest_pixel(mask_folder, height, width):
    bank = masks.load_mask_bank(mask_folder, height=height, width=width)
    for index, name in enumerate(bank.names):
        expected = Image.open(mask_folder / name).resize((width, height), Image.Resampling.NEAREST)
        np.testing.assert_array_equal(bank.masks([index])[0, ..., 0], np.asarray(expected) > 127)
    np.testing.assert_allclose(bank.shares, bank.masks().numpy().mean((1, 2, 3), dtype=np.float64), atol=1e-12)


def test_even_and_odd_files_part_the_folder(mask_folder):
    every, even, odd = (masks.load_mask_bank(mask_folder, height=32, width=32, files=files).names for files in ("all", "even", "odd"))
    assert sorted(even + odd) == sorted(every) and all(int(name[-5]) % 2 == 0 for name in even) and len(even) == len(odd) == 4


def test_masks_of_a_bin_are_those_of_their_measured_share(mask_folder):
    bank = masks.load_mask_bank(mask_folder, height=32, width=32)
    np.testing.assert_array_equal(bank.in_bin(0.2, 0.3), [i for i, share in enumerate(bank.shares) if 0.2 <= share < 0.3])
    assert len(bank.in_bin(0, 1)) == 8


def test_without_augmentation_masks_are_those_of_the_files(mask_folder):
    bank = masks.load_mask_bank(mask_folder, height=32, width=32)
    drawn = masks.irregular([1, 2], batch_size=100, height=32, width=32, path=mask_folder, augment=False).numpy()
    found = [np.flatnonzero((bank.masks().numpy() == mask).all((1, 2, 3))) for mask in drawn]
    assert all(len(each) == 1 for each in found) and len(np.unique(found)) == 8


@pytest.mark.parametrize("ratio", [(0.1, 0.25), (0.25, 0.5)])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (32, 64)])
def test_every_hole_share_lies_in_the_ratio(mask_folder, ratio, height, width):
    drawn = masks.irregular([1, 2], batch_size=200, height=height, width=width, path=mask_folder, ratio=ratio)
    found = drawn.numpy().mean((1, 2, 3), dtype=np.float64)
    assert found.min() >= ratio[0] and found.max() < ratio[1]


def test_with_a_ratio_the_eight_flips_and_quarter_turns_come_and_nothing_else(one_mask):
    folder, hole = one_mask
    drawn = masks.irregular([1, 2], batch_size=200, height=32, width=32, path=folder, ratio=(0.0, 1.0)).numpy()[..., 0]
    wanted = {np.rot90(each, turns).tobytes() for each in (hole, hole[::-1]) for turns in range(4)}
    assert {(mask > 0.5).tobytes() for mask in drawn} == wanted and len(wanted) == 8


def test_augmented_masks_are_turned_and_shifted_copies(one_mask):
    folder, hole = one_mask
    drawn = masks.irregular([1, 2], batch_size=400, height=32, width=32, path=folder).numpy()[..., 0]
    assert len({mask.tobytes() for mask in drawn}) > 300
    pixels = drawn.sum((1, 2))
    assert pixels.min() > 0 and pixels.max() < 1.15 * hole.sum()  # pixels leave the picture; turning rounds
    centre = drawn[pixels > 0.98 * hole.sum()]
    rows = (centre.any(2).argmax(1)).astype(int)
    assert np.ptp(rows) >= 8  # shifted by up to four pixels each way, after flips and turns


def test_a_hole_that_leaves_the_picture_is_taken_as_in_the_file(tmp_path):
    mask = np.zeros([32, 32], np.uint8)
    mask[0, 0] = 255
    Image.fromarray(mask).save(tmp_path / "1.png")
    drawn = masks.irregular([1, 2], batch_size=300, height=32, width=32, path=tmp_path).numpy()
    assert drawn.sum((1, 2, 3)).min() == 1


def test_empty_masks_are_never_drawn(one_mask):
    folder, hole = one_mask
    Image.fromarray(np.zeros([32, 32], np.uint8)).save(folder / "2.png")
    drawn = masks.irregular([1, 2], batch_size=100, height=32, width=32, path=folder, augment=False).numpy()
    assert np.all(drawn.sum((1, 2, 3)) == hole.sum())


def test_a_missing_and_an_empty_folder_are_named(tmp_path):
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(MaskError, match=str(folder)):
            masks.load_mask_bank(folder, height=8, width=8)


def test_a_broken_file_is_named(one_mask):
    folder, _ = one_mask
    (folder / "broken_7.png").write_bytes(b"\x89PNG\r\n\x1a\n no")
    with pytest.raises(MaskError, match="broken_7.png"):
        masks.load_mask_bank(folder, height=8, width=8)


def test_a_file_without_a_number_is_neither_even_nor_odd(one_mask):
    folder, _ = one_mask
    Image.new("L", (8, 8), 255).save(folder / "some.png")
    assert len(masks.load_mask_bank(folder, height=8, width=8).names) == 2
    with pytest.raises(MaskError, match="some.png"):
        masks.load_mask_bank(folder, height=8, width=8, files="even")


def test_a_folder_without_masks_of_the_wanted_kind_is_named(one_mask):
    folder, _ = one_mask
    with pytest.raises(MaskError, match="even"):
        masks.load_mask_bank(folder, height=8, width=8, files="even")
    with pytest.raises(MaskError, match=r"0\.9"):
        masks.irregular([1, 2], batch_size=1, height=8, width=8, path=folder, ratio=(0.9, 0.95))


def test_unknown_subsets_and_ratios_are_refused(mask_folder):
    with pytest.raises(ConfigError, match="files"):
        masks.IrregularFiles(mask_folder, files="some")
    with pytest.raises(ConfigError, match="files"):
        masks.load_mask_bank(mask_folder, height=8, width=8, files="some")
    with pytest.raises(ConfigError, match="ratio"):
        masks.IrregularFiles(mask_folder, ratio=(0.5, 0.1))


def test_a_size_that_only_the_graph_knows_is_refused(mask_folder):
    generator = masks.IrregularFiles(mask_folder)
    with pytest.raises(MaskError, match="numbers, not as tensors"):
        tf.function(lambda size: generator([1, 2], batch_size=1, height=size, width=size), autograph=False)(tf.constant(32))
