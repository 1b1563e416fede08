"""An evaluation that was interrupted goes on, and ends with the report of one that was not."""

import json

import numpy as np
import pytest

from tests.networks.feature_arrays import squeezenet_arrays
from tf_inpaint.evaluation import BASELINES, evaluate, write_report
from tf_inpaint.evaluation.measurements import FILE_NAME, Measurements


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items() if key not in ("seconds_per_image", "resources")}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


class Interrupted:
    """A baseline during whose call with this number Ctrl-C is pressed."""

    def __init__(self, name, at):
        self.function, self.at, self.calls = BASELINES[name], at, 0

    def __call__(self, image, mask):
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt
        return self.function(image, mask)


@pytest.fixture
def options(folder, tmp_path):
    np.savez(tmp_path / "squeezenet.npz", **squeezenet_arrays())
    features = [f"squeezenet:{tmp_path / 'squeezenet.npz'}"]
    return {"data": f"folder:{folder}", "masks": "ten_squares", "features": features, "allow_small_fid": True}


def test_an_interrupted_evaluation_goes_on_where_it_was(options, tmp_path, monkeypatch):
    whole = evaluate({}, baselines=["ns", "telea"], **options)
    ns, telea = Interrupted("ns", at=None), Interrupted("telea", at=4)
    monkeypatch.setitem(BASELINES, "ns", ns)
    monkeypatch.setitem(BASELINES, "telea", telea)
    with pytest.raises(KeyboardInterrupt):
        evaluate({}, baselines=["ns", "telea"], report_folder=tmp_path / "report", **options)
    assert [path.name for path in (tmp_path / "report").iterdir()] == [FILE_NAME]  # no half report
    ns.calls, telea.calls, telea.at = 0, 0, None
    report = evaluate({}, baselines=["ns", "telea"], report_folder=tmp_path / "report", **options)
    shown = len(list((tmp_path / "report" / "pictures").glob("*_method_1.png")))  # filled once more for the page
    assert ns.calls == shown and telea.calls == 7 - 3 + shown
    assert without_times(report) == without_times(whole)
    path = write_report(report, tmp_path / "report")
    assert not (tmp_path / "report" / FILE_NAME).exists()
    assert without_times(json.loads(path.read_text(encoding="utf-8"))) == without_times(whole)


def test_an_unfinished_evaluation_of_other_settings_is_not_gone_on_with(options, tmp_path, monkeypatch):
    monkeypatch.setitem(BASELINES, "telea", Interrupted("telea", at=3))
    with pytest.raises(KeyboardInterrupt):
        evaluate({}, baselines=["telea"], report_folder=tmp_path / "report", **options)
    monkeypatch.undo()
    with pytest.warns(UserWarning, match="other settings"):
        report = evaluate({}, baselines=["telea"], report_folder=tmp_path / "report", **{**options, "seed": 1})
    assert without_times(report) == without_times(evaluate({}, baselines=["telea"], **{**options, "seed": 1}))


def test_the_peak_of_memory_is_beside_the_report_and_not_in_it(options, tmp_path):
    report = evaluate({}, baselines=["ns"], report_folder=tmp_path / "report", **{**options, "features": ()})
    path = write_report(report, tmp_path / "report")
    assert "peak" not in path.read_text(encoding="utf-8")
    resources = json.loads((path.parent / "resources.json").read_text(encoding="utf-8"))
    peak = resources["peak_memory_bytes"]["ns"]
    assert peak is None or 2**26 < peak < 2**36  # None where the system does not say it
    assert "VmHWM" in resources["peak_memory"]


def test_a_torn_file_is_not_gone_on_with(tmp_path):
    names = {"a": ("psnr", "ssim")}
    kept = Measurements(3, names, settings={"seed": 0}, folder=tmp_path)
    kept.add("a", 0, {"psnr": 30.5}, {"_x": np.ones(4, np.float32)})
    kept.save(now=True)
    again = Measurements(3, names, settings={"seed": 0}, folder=tmp_path)
    assert again.done == {"a": 1} and not again.discarded
    np.testing.assert_array_equal(again.numbers["a"]["psnr"], [30.5, np.nan, np.nan])
    np.testing.assert_array_equal(again.numbers["a"]["ssim"], np.nan)
    np.testing.assert_array_equal(again.features["a"]["_x"], [[1] * 4, [0] * 4, [0] * 4])
    content = (tmp_path / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(content[: len(content) // 2])
    torn = Measurements(3, names, settings={"seed": 0}, folder=tmp_path)
    assert torn.discarded and torn.done == {"a": 0} and np.isnan(torn.numbers["a"]["psnr"]).all()
    assert Measurements(3, names, settings={"seed": 1}, folder=tmp_path).discarded


def test_between_the_times_of_saving_nothing_is_written(tmp_path):
    kept = Measurements(3, {"a": ("psnr",)}, settings={}, folder=tmp_path / "report")
    kept.save(now=False)
    assert not (tmp_path / "report").exists()
    Measurements(3, {"a": ("psnr",)}, settings={}, folder=None).save(now=True)
