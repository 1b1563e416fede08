"""An ablation: what it trains and measures, which variants, how it goes on, what it refuses, its tables."""

import csv
import json
import pathlib
import signal
import statistics

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.training.weighted_system import WeightedConfig, WeightedSystem
from tf_inpaint import metrics, weights
from tf_inpaint.errors import CheckpointError, ConfigError, WeightsError
from tf_inpaint.ops import image as image_ops
from tf_inpaint.systems import SYSTEMS
from tf_inpaint.training import AblationConfig, TrainConfig, ablate, ablation_table, held_out, train
from tf_inpaint.training.ablation_run import AblationRun
from tf_inpaint.training.variants import find_variants


class Compared(WeightedSystem):
    """The small system with variants; one that is twice as wide."""

    ABLATIONS = {"full": {}, "without_critic": {"adversarial_weight": 0.0}, "wide": {"width_multiplier": 2.0}}


def compare(data, folder, *, max_seconds=None, system_config=None, training=None, **overrides):
    settings = {"data": f"folder:{data}", "masks": "center_square", "batch_size": 4, "steps": 2, "log_steps": 1, "deterministic": True}
    return ablate(
        Compared,
        system_config or WeightedConfig(),
        TrainConfig(**{**settings, **(training or {})}),
        AblationConfig(**{"variants": ("full", "wide"), "validation_pictures": 6, **overrides}),
        folder,
        max_seconds=max_seconds,
    )


@pytest.fixture(scope="module")
def compared(pictures, tmp_path_factory):
    """Two variants of two steps: the folder and the result."""
    folder = tmp_path_factory.mktemp("ablations") / "ablation"
    result = compare(pictures, folder)
    assert result.finished and result.signal_number is None and result.failed == []
    return folder, result


def rows_of(folder):
    with open(folder / "ablation.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def count(*kernels):
    """Parameters of convolutions with biases: (height, width, in, out) each."""
    return sum(int(np.prod(kernel)) + kernel[-1] for kernel in kernels)


def test_each_variant_is_a_training_with_its_settings_and_the_same_budget(compared, pictures):
    folder, result = compared
    assert [(run.variant, run.seed, run.status) for run in result.runs] == [("full", 0, "completed"), ("wide", 0, "completed")]
    for name, settings in (("full", {}), ("wide", {"width_multiplier": 2.0})):
        run = weights.read(folder / "runs" / name / "seed-0")
        assert run.config == WeightedConfig(**settings).to_dict()
        described = json.loads((folder / "runs" / name / "seed-0" / "config.json").read_text())["training"]
        expected = {"steps": 2, "seed": 0, "held_out": 6, "masks": "center_square", "data": f"folder:{pictures}"}
        assert {key: described[key] for key in expected} == expected
    assert not list(folder.rglob("checkpoints"))


def test_a_variant_is_measured_on_the_pictures_that_it_never_saw(compared, pictures):
    folder, result = compared
    run = result.runs[1]
    system = WeightedSystem(WeightedConfig(width_multiplier=2.0))
    weights.load_into(system, folder / "runs" / "wide" / "seed-0")
    names = sorted(path.name for path in pictures.iterdir())[-6:]
    truth = np.stack([np.asarray(Image.open(pictures / name)) for name in names])
    mask = np.zeros([6, 16, 16, 1], "float32")
    mask[:, 4:12, 4:12] = 1
    composite = image_ops.to_uint8(system.inpaint(image_ops.from_uint8(truth), mask))
    for name, function in (("psnr", metrics.psnr), ("ssim", metrics.ssim), ("l1", metrics.l1)):
        np.testing.assert_allclose(run.measures[name], np.mean(function(truth, composite)), rtol=1e-6)
    assert run.parameters == count((3, 3, 4, 16), (3, 3, 16, 3))
    assert result.runs[0].parameters == count((3, 3, 4, 8), (3, 3, 8, 3))
    assert 0 < run.seconds_per_step < 60


def test_the_three_tables_say_the_same(compared):
    folder, result = compared
    rows = rows_of(folder)
    assert [(row["variant"], row["settings"], row["seeds"], row["failed_seeds"]) for row in rows] == [
        ("full", "unchanged", "0", ""),
        ("wide", "width_multiplier=2.0", "0", ""),
    ]
    for row, run in zip(rows, result.runs, strict=True):
        assert {name: float(row[name]) for name in ("psnr", "ssim", "l1")} == run.measures
        assert int(row["parameters"]) == run.parameters and float(row["seconds_per_step"]) == run.seconds_per_step
        assert row["psnr_deviation"] == ""
    page = (folder / "ablation.md").read_text(encoding="utf-8")
    assert result.table in page and "2 steps of 4 pictures of 16 px" in page and "Measured on 6 pictures" in page
    measured = result.runs[0].measures
    cells = [cell.strip() for cell in result.table.splitlines()[2].strip("|").split("|")]
    assert cells[:5] == ["full", "`unchanged`", f"{measured['psnr']:.2f}", f"{measured['ssim']:.4f}", f"{100 * measured['l1']:.2f}"]
    latex = (folder / "ablation.tex").read_text(encoding="utf-8")
    assert f"full & {measured['psnr']:.2f} & " in latex and "L1, \\% & " in latex and latex.count("\\\\") == 3


@pytest.mark.slow
def test_what_is_measured_is_not_trained_again_and_variants_and_seeds_are_added(pictures, tmp_path, capsys):
    squares = {"masks": "random_square"}
    first = compare(pictures, tmp_path / "ablation", variants=("full",), training=squares)
    capsys.readouterr()
    own = ("heavy: adversarial_weight=1",)
    more = compare(pictures, tmp_path / "ablation", own_variants=own, variants=("full",), seeds=(0, 1), training=squares)
    said = capsys.readouterr().out
    assert [(run.variant, run.seed) for run in more.runs] == [("full", 0), ("heavy", 0), ("full", 1), ("heavy", 1)]
    assert more.runs[0] == first.runs[0] and "training 1/4" not in said
    assert "training 2/4: heavy, seed 0: adversarial_weight=1.0, 2 steps" in said and said.count("training on 14 pictures") == 3
    of_full = [run.measures["psnr"] for run in more.runs if run.variant == "full"]
    assert of_full[0] != of_full[1]
    row = rows_of(tmp_path / "ablation")[0]
    np.testing.assert_allclose(float(row["psnr"]), statistics.fmean(of_full), rtol=1e-12)
    np.testing.assert_allclose(float(row["psnr_deviation"]), statistics.stdev(of_full), rtol=1e-12)
    assert f"{statistics.fmean(of_full):.2f} ± {statistics.stdev(of_full):.2f}" in more.table
    # The second seed is the training of that seed, from the start.
    settings = json.loads((tmp_path / "ablation" / "runs" / "full" / "seed-1" / "config.json").read_text())["training"]
    train(Compared, WeightedConfig(), TrainConfig(**settings), tmp_path / "alone")
    alone, ours = weights.read(tmp_path / "alone").arrays, weights.read(tmp_path / "ablation" / "runs" / "full" / "seed-1").arrays
    assert settings["seed"] == 1 and all(np.array_equal(alone[name], ours[name]) for name in alone)
    # It is measured with the masks of the first one.
    config = TrainConfig(data=f"folder:{pictures}", masks="random_square", batch_size=4)
    held_back = held_out.open_pictures(config, image_size=16, number=6, validation_data=None, mask_seed=0)
    system = WeightedSystem(WeightedConfig())
    weights.load_into(system, tmp_path / "alone")
    np.testing.assert_allclose(held_out.measure(system, held_back)["psnr"], more.runs[2].measures["psnr"], rtol=1e-6)


@pytest.mark.slow
def test_a_variant_that_fails_is_named_and_tried_again(pictures, tmp_path, capsys):
    bad = "bad: reconstruction_weight=1e30"
    result = compare(pictures, tmp_path / "ablation", variants=("full",), own_variants=(bad,), training={"steps": 3})
    assert result.finished and [run.variant for run in result.failed] == ["bad"]
    lines = result.table.splitlines()
    assert lines[3].split("|")[3].strip() == "failed"
    assert lines[-1].startswith("`bad`, seed 0: failed: ") and "not finite" in lines[-1]
    row = rows_of(tmp_path / "ablation")[1]
    assert row["failed_seeds"] == "0" and row["psnr"] == row["parameters"] == ""
    capsys.readouterr()
    again = compare(pictures, tmp_path / "ablation", variants=("full",), own_variants=(bad,), training={"steps": 3})
    assert [run.variant for run in again.failed] == ["bad"] and again.runs[0] == result.runs[0]
    said = capsys.readouterr().out
    assert "training 2/2: bad" in said and "training 1/2" not in said


@pytest.mark.slow
def test_time_that_is_up_ends_a_session_and_the_next_one_goes_on_to_the_same_bits(compared, pictures, tmp_path, capsys):
    result = compare(pictures, tmp_path / "ablation", max_seconds=0)
    assert not result.finished and result.signal_number is None and [run.status for run in result.runs] == ["running", "running"]
    assert "`full`, seed 0: not finished" in result.table
    capsys.readouterr()
    result = compare(pictures, tmp_path / "ablation")
    assert result.finished and capsys.readouterr().out.splitlines()[1] == "resumed from step 1"
    assert [run.measures for run in result.runs] == [run.measures for run in compared[1].runs]


def test_a_signal_ends_the_session_and_nothing_is_lost(pictures, tmp_path, monkeypatch):
    step = Compared.train_step

    def interrupted(self, batch):
        signal.raise_signal(signal.SIGTERM)  # while the first step is traced
        return step(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Compared, "train_step", interrupted)
        result = compare(pictures, tmp_path / "ablation", training={"deterministic": False})
    assert not result.finished and result.signal_number == signal.SIGTERM
    assert [run.status for run in result.runs] == ["running", "running"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"training": {"steps": 3}}, "holds an ablation of other settings: steps (was 2, now 3)"),
        ({"training": {"masks": "random_square"}}, "masks (was 'center_square', now 'random_square')"),
        ({"validation_pictures": 5}, "held_out (was 6, now 5), validation_pictures (was 6, now 5)"),
        ({"system_config": WeightedConfig(learning_rate=1e-2)}, "learning_rate (was 0.001, now 0.01)"),
    ],
)
def test_other_settings_are_refused_and_named(compared, pictures, change, named):
    folder, _ = compared
    before = (folder / "ablation.json").read_bytes()
    with pytest.raises(CheckpointError) as caught:
        compare(pictures, folder, **change)
    assert named in str(caught.value)
    assert (folder / "ablation.json").read_bytes() == before


def test_a_variant_does_not_change_its_meaning(compared, pictures, monkeypatch):
    monkeypatch.setattr(Compared, "ABLATIONS", {"full": {}, "wide": {"width_multiplier": 3.0}})
    with pytest.raises(
        CheckpointError, match=r"whose variant 'wide' is width_multiplier=2\.0, not width_multiplier=3\.0\. Give it another"
    ):
        compare(pictures, compared[0])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"variants": ("full", "wyde")}, ConfigError, "weighted has no variant 'wyde'. Did you mean 'wide'"),
        ({"variants": ("full", "full")}, ConfigError, "named once. Received twice: 'full'"),
        ({"own_variants": ("../up: unused_weight=1",)}, ConfigError, "must read 'NAME: KEY=VALUE KEY=VALUE'"),
        ({"own_variants": ("unused_weight=1",)}, ConfigError, "must read 'NAME: KEY=VALUE KEY=VALUE'"),
        ({"own_variants": ("wide: unused_weight=1",)}, ConfigError, "declares a variant 'wide' itself"),
        ({"own_variants": ("Full: unused_weight=1",)}, ConfigError, "named once. Received twice: 'Full'"),
        ({"own_variants": ("a: unused_wieght=1",)}, ConfigError, "'a' cannot be built: Unknown setting 'unused_wieght'"),
        ({"own_variants": ("a: adversarial_weight=-1",)}, ConfigError, "'a' cannot be built: `adversarial_weight` must be at least 0"),
        ({"own_variants": ("a: adversarial_weight=0.01",)}, ConfigError, "'full' and 'a' have the same settings"),
        ({"system_config": WeightedConfig(width_multiplier=2.0)}, ConfigError, "'full' and 'wide' have the same settings"),
        ({"seeds": ()}, ConfigError, "`seeds` must be different numbers"),
        ({"seeds": (1, 1)}, ConfigError, "`seeds` must be different numbers"),
        ({"validation_pictures": 20}, ConfigError, "20 pictures and others to train on. Received: folder:.* has 20"),
        ({"training": {"init_weights": "no such weights"}}, WeightsError, "There are no weights 'no such weights'"),
    ],
)
def test_what_cannot_work_is_said_before_a_folder_is_made(pictures, tmp_path, change, error, message):
    with pytest.raises(error, match=message):
        compare(pictures, tmp_path / "ablation", **change)
    assert not (tmp_path / "ablation").exists()


def test_a_folder_of_other_things_is_refused_and_untouched(pictures, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="holds other things and no ablation"):
        compare(pictures, tmp_path)
    assert [path.name for path in pathlib.Path(tmp_path).iterdir()] == ["notes.txt"]


def test_a_system_without_variants_takes_the_users_own():
    with pytest.raises(ConfigError, match="weighted declares no variants. Give your own"):
        find_variants(WeightedSystem, WeightedConfig(), AblationConfig())
    found = find_variants(WeightedSystem, WeightedConfig(), AblationConfig(own_variants=("a:", "b: beta_1=0.9 unused_weight=2")))
    assert [(variant.name, variant.settings) for variant in found] == [("a", {}), ("b", {"beta_1": 0.9, "unused_weight": 2.0})]
    assert found[1].config == WeightedConfig(beta_1=0.9, unused_weight=2.0)


@pytest.mark.parametrize("key", SYSTEMS)
def test_the_variants_of_each_system_differ_and_begin_with_the_system_itself(key):
    system_class = SYSTEMS[key]
    names = [*system_class.ABLATIONS]
    assert system_class.ABLATIONS[names[0]] == {}
    found = find_variants(system_class, system_class.Config(), AblationConfig())  # refuses two alike
    assert [variant.name for variant in found] == names and found[0].config == system_class.Config()


@pytest.mark.parametrize(("key", "name"), [(key, name) for key in SYSTEMS for name in SYSTEMS[key].ABLATIONS])
def test_each_variant_of_a_system_can_be_built_and_used(key, name):
    settings = SYSTEMS[key].ABLATIONS[name]
    system = SYSTEMS[key].tiny(**settings)
    assert {setting: getattr(system.config, setting) for setting in settings} == settings
    size = system.config.image_size
    mask = tf.pad(tf.ones([1, 8, 8, 1]), [[0, 0], [8, size - 16], [8, size - 16], [0, 0]])
    composite = system.inpaint(tf.zeros([1, size, size, 3]), mask)
    assert composite.shape == [1, size, size, 3] and np.isfinite(composite).all()
    assert system.num_parameters == sum(int(np.prod(w.shape)) for n in system.GENERATORS for w in system.networks[n].trainable_weights)


def test_numbers_that_are_undefined_or_not_ours_have_their_place_in_the_tables(tmp_path):
    def run(variant, seed, status, **measures):
        return AblationRun(variant, seed, {"layers": ["a", "b"], "on": False}, status, measures, 2_500_000, None, "torn\n| apart")

    runs = [run("a_b", 0, "completed", psnr=20.0, ssim=float("nan"), l1=0.5, edge_f1=0.25), run("a_b", 1, "failed"), run("c", 0, "running")]
    settings = {
        "system": "weighted",
        "config": {"image_size": 16},
        "training": {"steps": 2, "batch_size": 4, "data": "photos", "masks": "free_form", "precision": "float32"},
        "ablation": {"validation_pictures": 3, "validation_data": None},
    }
    ablation_table.write(tmp_path, runs, settings)
    lines = (tmp_path / "ablation.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    assert cells[0] == ["variant", "settings", "PSNR, dB", "SSIM", "L1, %", "edge f1", "parameters, million", "seconds per step"]
    assert cells[1] == ["a_b", "`layers=a,b on=false`", "20.00", "-", "50.00", "0.2500", "2.5", "-"]
    assert cells[2][2:] == ["-"] * 6
    assert "`a_b`, seed 1: failed: torn | apart" in lines and "`c`, seed 0: not finished" in lines
    row = rows_of(tmp_path)[0]
    assert (row["psnr"], row["ssim"], row["edge_f1"], row["seeds"], row["failed_seeds"]) == ("20.0", "", "0.25", "0", "1")
    assert "a\\_b & 20.00 & - & 50.00 & 0.2500" in (tmp_path / "ablation.tex").read_text(encoding="utf-8")
