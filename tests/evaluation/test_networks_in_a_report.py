"""LPIPS, likeness of faces, FID and KID in a report: the rows' numbers are those of the composites, named after their features."""

import numpy as np
import pytest

from tests.networks.feature_arrays import lpips_arrays, mobilefacenet_arrays, squeezenet_arrays
from tf_inpaint import metrics
from tf_inpaint.errors import ConfigError
from tf_inpaint.evaluation import BASELINES, evaluate, features, make_protocol

BINS = ((0.1, 0.2), (0.3, 0.4))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    np.savez(folder / "squeezenet.npz", **squeezenet_arrays())
    np.savez(folder / "faces.npz", **mobilefacenet_arrays())
    arrays = lpips_arrays()
    np.savez(folder / "trunk.npz", **{name: array for name, array in arrays.items() if name.startswith("features")})
    np.savez(folder / "heads.npz", **{name: array for name, array in arrays.items() if name.startswith("lin")})
    return folder


@pytest.fixture(scope="module")
def options(folder, mask_folder, files):
    return {
        "baselines": ["mean", "ns"],
        "data": f"folder:{folder}",
        "masks": f"irregular:{mask_folder}",
        "bins": BINS,
        "limit": 4,
        "features": [f"squeezenet:{files / 'squeezenet.npz'}"],
    }


@pytest.fixture(scope="module")
def report(options, files):
    lpips = f"{files / 'trunk.npz'}+{files / 'heads.npz'}"
    return evaluate({}, **options, lpips=lpips, identity=files / "faces.npz", allow_small_fid=True)


@pytest.fixture(scope="module")
def protocol(options):
    return make_protocol(options["data"], options["masks"], bins=BINS, limit=4)


def test_fid_and_kid_of_a_row_are_those_of_its_sets(report, protocol, options):
    network = features.NetworkMetrics(lpips=None, features=options["features"], allow_small_fid=True, seed=0)
    for row in report["rows"]:
        if row["bin"] is None:  # each picture occurs in both bins: no set of independent pictures
            assert row["fid_squeezenet"] is None and row["kid_squeezenet"] is None
            continue
        pairs = [protocol.load(index) for index in protocol.indices_in(tuple(row["bin"]))]
        truth = np.stack([network.features_of(image)["_squeezenet"] for image, _ in pairs])
        filled = np.stack([network.features_of(BASELINES[row["method"]](*pair))["_squeezenet"] for pair in pairs])
        assert row["fid_squeezenet"] == pytest.approx(metrics.frechet_distance(truth, filled), rel=1e-4)
        assert row["kid_squeezenet"] == pytest.approx(metrics.kernel_distance(truth, filled), rel=1e-4)
        assert row["fid_squeezenet"] > 0


def test_lpips_is_smaller_for_the_better_method_and_0_for_the_truth(report, files):
    over_all = {row["method"]: row["lpips"] for row in report["rows"] if row["bin"] is None}
    assert 0 < over_all["ns"] < over_all["mean"]
    network = features.NetworkMetrics(lpips=f"{files / 'trunk.npz'}+{files / 'heads.npz'}", features=(), allow_small_fid=False, seed=0)
    image = np.random.RandomState(0).randint(0, 256, (40, 33, 3), np.uint8)
    assert network.of_picture(image, image) == {"lpips": 0.0}
    small = image[:30]  # AlexNet has no last map of it
    assert np.isnan(network.of_picture(small, small)["lpips"])


def test_a_face_is_like_itself_and_less_like_another_and_only_squares_are_faces(report, files):
    assert "MobileFaceNet" in report["metrics"]["identity"] and "SHA-256" in report["metrics"]["identity"]
    network = features.NetworkMetrics(lpips=None, features=(), allow_small_fid=False, seed=0, identity=files / "faces.npz")
    image, other = np.random.RandomState(0).randint(0, 256, (2, 40, 40, 3), np.uint8)
    assert network.of_picture(image, image)["identity"] == pytest.approx(1.0, abs=1e-5)
    assert network.of_picture(image, other)["identity"] < 0.999
    assert np.isnan(network.of_picture(image[:33], image[:33])["identity"])


def test_features_number_and_kernel_stand_in_the_report(report, files):
    assert "fid" not in report["metrics"] and "kid" not in report["metrics"]
    for name in ("fid_squeezenet", "kid_squeezenet"):
        text = report["metrics"][name]
        assert "SqueezeNet" in text and "SHA-256" in text and "num_images" in text and "227 x 227" in text and "10 features" in text
    assert "(x y / D + 1)^3" in report["metrics"]["kid_squeezenet"]
    assert "AlexNet" in report["metrics"]["lpips"]


def test_fid_of_few_pictures_is_left_out_unless_asked_for(options):
    with pytest.warns(UserWarning, match="2,048.*at most"):
        report = evaluate({}, **{**options, "baselines": ["mean"]})
    in_bins = [row for row in report["rows"] if row["bin"]]
    assert all(row["fid_squeezenet"] is None and row["kid_squeezenet"] is not None for row in in_bins)
    assert "at least 2,048 pictures" in report["metrics"]["fid_squeezenet"]


@pytest.mark.parametrize("text", ["vgg:a.npz", "squeezenet", "inception", "a.npz"])
def test_networks_that_do_not_exist_are_named(text):
    with pytest.raises(ConfigError, match="squeezenet:PATH"):
        features.open_network(text)


def test_one_kind_of_network_cannot_be_named_twice(options):
    with pytest.raises(ConfigError, match="once"):
        evaluate({}, **{**options, "features": 2 * options["features"]})
