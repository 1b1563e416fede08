"""A whole evaluation with a tiny system: right numbers, the same twice, whatever the batches."""

import json

import numpy as np
import pytest
import skimage.color
import skimage.metrics
import tensorflow as tf

from tf_inpaint import ops
from tf_inpaint.errors import ConfigError, NonFiniteError
from tf_inpaint.evaluation import BASELINES, BINS, evaluate, make_protocol
from tf_inpaint.evaluation.report import to_json
from tf_inpaint.systems import SYSTEMS


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items() if key not in ("seconds_per_image", "resources")}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def run(folder, mask_folder, tiny):
    def evaluate_all(**options):
        arguments = {"data": f"folder:{folder}", "masks": f"irregular:{mask_folder}", "limit": 3, **options}
        return evaluate({"three_stage.test": tiny}, baselines=["telea", "ns"], **arguments)

    return evaluate_all


@pytest.fixture(scope="module")
def report(run):
    return run()


def test_there_is_a_row_for_each_method_and_bin_and_one_for_all(report):
    expected = [(method, limits) for method in ("three_stage.test", "telea", "ns") for limits in (*map(list, BINS), None)]
    assert [(row["method"], row["bin"]) for row in report["rows"]] == expected
    assert [row["num_images"] for row in report["rows"]] == [3, 3, 3, 3, 12] * 3
    needed = {"psnr", "ssim", "l1", "mae", "psnr_hole", "ssim_hole", "l1_hole", "seconds_per_image", "parameters"}
    assert all(needed <= set(row) and all(row[name] is not None for name in needed) for row in report["rows"])
    edges = {"edge_f1", "edge_precision", "edge_recall"}
    assert needed - {"seconds_per_image", "parameters"} | edges == set(report["metrics"])
    for row in report["rows"]:
        completes_edges = row["method"] == "three_stage.test"
        assert all((row[name] is not None) == completes_edges for name in edges)


def test_the_report_is_strict_json(report):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    assert json.loads(to_json(report), parse_constant=refuse) == report


def test_the_numbers_are_those_of_the_8_bit_composites(report, folder, mask_folder, tiny):
    protocol = make_protocol(f"folder:{folder}", f"irregular:{mask_folder}", limit=3)
    assert report["protocol"] == protocol.to_dict()
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255, "channel_axis": -1}
    for index in range(0, 12, 5):
        image, mask = protocol.load(index)
        float_image = ops.image.from_uint8(tf.constant(image[None]))
        composite = tiny.inpaint(float_image, ops.image.binary_mask(mask[None, ..., None]))
        composites = {
            "three_stage.test": ops.image.to_uint8(composite)[0].numpy(),
            **{name: BASELINES[name](image, mask) for name in ("telea", "ns")},
        }
        for method, composite in composites.items():
            numbers = {name: series[index] for name, series in report["per_image"][method].items()}
            hole = (mask > 0)[..., None] & np.ones(3, bool)
            squares = (image.astype(float) - composite) ** 2
            assert numbers["psnr"] == pytest.approx(10 * np.log10(255**2 / squares.mean()), abs=0.01)
            assert numbers["psnr_hole"] == pytest.approx(10 * np.log10(255**2 / squares[hole].mean()), abs=0.01)
            assert numbers["l1"] == pytest.approx(np.sqrt(squares).mean() / 255, rel=1e-3)
            assert numbers["l1_hole"] == pytest.approx(np.sqrt(squares)[hole].mean() / 255, rel=1e-3)
            ssim = skimage.metrics.structural_similarity(image, composite, **options)
            assert numbers["ssim"] == pytest.approx(ssim, abs=1e-5)
            luminance = [skimage.color.rgb2gray(each) for each in (image, composite)]
            assert numbers["mae"] == pytest.approx(np.abs(np.subtract(*luminance)).sum() / np.add(*luminance).sum(), rel=1e-4)


def test_the_rows_are_the_means_of_the_pictures(report):
    shares = np.array([item["hole_share"] for item in report["protocol"]["items"]])
    for row in report["rows"]:
        low, high = row["bin"] or (0, 1)
        inside = (shares >= low) & (shares < high)
        for name in report["metrics"]:
            numbers = np.array(report["per_image"][row["method"]][name], float)
            expected = None if np.isnan(numbers).all() else pytest.approx(numbers[inside].mean(), rel=1e-9)
            assert row[name] == expected


def test_two_runs_give_the_same_report_but_for_the_times(run, report):
    assert without_times(run()) == without_times(report)
    assert all(row["seconds_per_image"] > 0 for row in report["rows"])


def test_the_size_of_the_batches_changes_nothing(run, report):
    batched = run(batch_size=5)
    assert batched["protocol"] == report["protocol"]
    for method in ("telea", "ns"):
        assert without_times(batched["per_image"][method]) == without_times(report["per_image"][method])
    # The networks' convolutions may sum in another order: a level of a pixel here and there.
    for ours, theirs in zip(batched["rows"], report["rows"], strict=True):
        for name in report["metrics"]:
            assert ours[name] == (theirs[name] and pytest.approx(theirs[name], rel=1e-4))


def test_pictures_of_several_sizes_are_never_put_into_one_batch(random_folder):
    report = evaluate({}, baselines=["telea"], data=f"folder:{random_folder}", masks="center_square", batch_size=4)
    heights = [item["height"] for item in report["protocol"]["items"]]
    ssim = report["per_image"]["telea"]["ssim"]
    assert sorted(heights) == [9, 20]
    assert [number is None for number in ssim] == [height < 11 for height in heights]  # smaller than SSIM's window
    assert report["rows"][-1]["ssim"] == max(number for number in ssim if number is not None)
    to_json(report)


def test_known_pixels_are_the_truth_so_that_the_whole_follows_from_the_hole(report):
    shares = np.array([item["hole_share"] for item in report["protocol"]["items"]])
    for numbers in report["per_image"].values():
        np.testing.assert_allclose(numbers["l1"], shares * numbers["l1_hole"], rtol=1e-5)


def test_a_baseline_is_better_than_an_untrained_system(report):
    over_all = {row["method"]: row for row in report["rows"] if row["bin"] is None}
    for name in ("telea", "ns"):
        assert over_all[name]["psnr_hole"] > over_all["three_stage.test"]["psnr_hole"] + 3
        assert over_all[name]["ssim"] > over_all["three_stage.test"]["ssim"]


def test_weights_that_give_no_numbers_are_named(folder):
    system = SYSTEMS["three_stage"].tiny(res2net=False, self_attention=False)
    bias = system.networks["refinement"].trainable_variables[-1]
    bias.assign(np.full(bias.shape, np.nan, np.float32))
    with pytest.raises(NonFiniteError, match="broken.weights"):
        evaluate({"broken.weights": system}, data=f"folder:{folder}", masks="center_square", limit=1)


@pytest.mark.parametrize(
    ("systems", "options", "message"),
    [
        ({}, {}, "nothing to evaluate"),
        ({"ns": None}, {}, "name of a baseline"),
        ({}, {"baselines": ["tela"]}, "tela"),
        ({}, {"baselines": ["ns"], "batch_size": 0}, "batch_size"),
        ({}, {"baselines": ["ns"], "ssim_window": 50}, "ssim_window"),
        ({}, {"baselines": ["ns"], "features": ["vgg:x"]}, "squeezenet:PATH"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_anything_is_read(systems, options, message):
    with pytest.raises(ConfigError, match=message):
        evaluate(systems, data="folder:nowhere", masks="free_form", **options)
