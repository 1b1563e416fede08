"""The demo's photograph, mask, pictures and numbers, with the weights of a tiny system."""

import numpy as np
import pytest

from tf_inpaint import pictures
from tf_inpaint.cli import demo


def test_the_photograph_is_the_astronauts_face():
    import skimage.data

    face = skimage.data.astronaut()[demo.FACE_TOP :, demo.FACE_LEFT :][: demo.FACE_SIZE, : demo.FACE_SIZE]
    assert face.shape == (demo.FACE_SIZE, demo.FACE_SIZE, 3)
    np.testing.assert_array_equal(demo.demo_photo(demo.FACE_SIZE), face)
    half = face.reshape(85, 2, 85, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(demo.demo_photo(85), half, atol=0.51)  # rounded to whole levels


@pytest.mark.parametrize("size", [64, 128, 256])
def test_the_mask_covers_the_promised_share(size):
    mask = demo.demo_mask(size)
    assert mask.shape == (size, size) and set(np.unique(mask)) == {0, 255}
    assert demo.HOLE_SHARE[0] <= (mask > 0).mean() <= demo.HOLE_SHARE[1]
    np.testing.assert_array_equal(mask, demo.demo_mask(size))


def test_the_comparison_shows_photograph_damage_and_result_at_twice_the_size():
    photo, result = np.full((4, 6, 3), 10, np.uint8), np.full((4, 6, 3), 20, np.uint8)
    mask = np.zeros((4, 6), np.uint8)
    mask[1, 2] = 255
    shown = demo.comparison(photo, mask, result)
    assert shown.shape == (8, 6 * 6 + 16, 3)
    left, middle, right = shown[:, :12], shown[:, 20:32], shown[:, 40:]
    assert (left == 10).all() and (right == 20).all()
    assert (middle[2:4, 4:6] == 255).all() and (middle != 10).all(axis=-1).sum() == 4


def test_the_similarity_in_the_hole_is_that_of_the_windows_centred_there():
    import skimage.metrics

    random = np.random.default_rng(0)
    photo = random.integers(0, 256, (40, 32, 3)).astype(np.uint8)
    result, mask = photo.copy(), np.zeros((40, 32), np.uint8)
    mask[10:30, 12:20] = 255
    result[mask > 0] = result[mask > 0] // 2 + 40
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255, "channel_axis": 2}
    _, local = skimage.metrics.structural_similarity(photo, result, full=True, **options)
    assert demo.ssim_in_hole(photo, result, mask) == pytest.approx(local[mask > 0].mean(), abs=1e-4)
    assert demo.ssim_in_hole(photo, photo, mask) == pytest.approx(1.0, abs=1e-6)


def test_the_demo_writes_its_pictures_and_prints_its_numbers(tmp_path, capsys):
    from tf_inpaint import SYSTEMS, weights
    from tf_inpaint.cli.main import main

    weights.save(SYSTEMS["three_stage"].tiny(), tmp_path / "weights")
    assert main(["demo", "--output", str(tmp_path / "demo"), "--weights", str(tmp_path / "weights")]) == 0
    photo, result = (pictures.read_rgb(tmp_path / "demo" / f"{name}.png") for name in ("input", "result"))
    mask = pictures.read_mask(tmp_path / "demo" / "mask.png")
    assert (photo[mask == 0] == result[mask == 0]).all()
    assert (photo[mask > 0] != result[mask > 0]).any()
    assert (tmp_path / "demo" / "comparison.png").is_file()
    error = (photo[mask > 0].astype(float) - result[mask > 0]) ** 2
    shown = capsys.readouterr().out
    assert f"PSNR {10 * np.log10(255**2 / error.mean()):.2f} dB" in shown
    assert "SSIM" in shown and "seconds per image" in shown
