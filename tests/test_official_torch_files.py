"""Published PyTorch files, written here by PyTorch itself; skipped where it is not installed (the extra `torch`)."""

import os
import pickle

import keras
import numpy as np
import pytest

from tests.test_official_weights import PublishedSystem, assert_holds
from tf_inpaint import official_weights
from tf_inpaint.errors import WeightsError
from tf_inpaint.official_weights import OfficialWeights, spectral_rows
from tf_inpaint.systems import loading

torch = pytest.importorskip("torch")

# As `torch.optim.Adam.state_dict()` gives it. (PyTorch's optimizers import Triton, which does not live beside TensorFlow in one process.)
ADAM_STATE = {
    "state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.ones(2, 2)}},
    "param_groups": [{"lr": 1e-4, "betas": (0.0, 0.9), "amsgrad": False, "foreach": None, "params": [0, 1]}],
}


@pytest.fixture
def painter():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(4, 8, 3, padding=1), torch.nn.ELU(), torch.nn.Conv2d(8, 3, 3, padding=1), torch.nn.Tanh())


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "the format of PyTorch 1.0"])
@pytest.mark.parametrize("name", ["gen.pth", "gen.pt"])
def test_a_network_computes_what_pytorch_computes(painter, tmp_path, name, legacy):
    state = {key.replace("0.", "inner.").replace("2.", "outer."): value for key, value in painter.state_dict().items()}
    torch.save(
        {"iteration": 3, "generator": state, "optimizer": ADAM_STATE},
        tmp_path / name,
        _use_new_zipfile_serialization=not legacy,
    )
    system = PublishedSystem.tiny()
    system.compile()
    loading.load_official(system, tmp_path / name)
    assert_holds(system, {key: value.numpy() for key, value in state.items()})
    inputs = np.random.RandomState(0).standard_normal([2, 12, 10, 4]).astype("float32")
    with torch.no_grad():
        expected = painter(torch.from_numpy(inputs.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(system.networks["painter"](inputs), expected, atol=1e-5)


def test_transposed_dense_and_normalising_layers_compute_what_pytorch_computes(tmp_path):
    torch.manual_seed(1)
    theirs = torch.nn.Sequential(
        torch.nn.ConvTranspose2d(3, 5, 4, stride=2, padding=1), torch.nn.BatchNorm2d(5), torch.nn.Flatten(), torch.nn.Linear(5 * 64, 6)
    )
    inputs = torch.randn(8, 3, 4, 4)
    theirs(inputs)  # moves the running statistics
    torch.save(theirs.state_dict(), tmp_path / "w.pth")
    up = keras.layers.Conv2DTranspose(5, 4, strides=2, padding="same")
    norm = keras.layers.BatchNormalization(epsilon=1e-5)
    dense = keras.layers.Dense(6)
    ours = keras.Sequential([keras.Input((4, 4, 3)), up, norm, keras.layers.Permute((3, 1, 2)), keras.layers.Flatten(), dense])
    official = OfficialWeights(official_weights.read(tmp_path / "w.pth"), origin="w.pth")
    official.assign(up.kernel, "0.weight", layout="conv_transpose")
    official.assign(up.bias, "0.bias")
    for variable, name in zip(
        (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance), ("weight", "bias", "running_mean", "running_var")
    ):
        official.assign(variable, f"1.{name}")
    official.assign(dense.kernel, "3.weight", layout="dense")
    official.assign(dense.bias, "3.bias")
    official.finish()
    expected = theirs.eval()(inputs).detach().numpy()
    np.testing.assert_allclose(ours(inputs.numpy().transpose(0, 2, 3, 1), training=False), expected, atol=1e-5)


def test_the_vectors_of_spectral_norm_are_singular_vectors_of_the_turned_kernel(tmp_path):
    torch.manual_seed(2)
    layer = torch.nn.utils.spectral_norm(torch.nn.Conv2d(3, 6, (4, 2)), n_power_iterations=200)
    layer(torch.zeros(1, 3, 8, 8))
    torch.save({"discriminator": layer.state_dict()}, tmp_path / "dis.pth")
    arrays = official_weights.read(tmp_path / "dis.pth")
    matrix = arrays["discriminator/weight_orig"].transpose(2, 3, 1, 0).reshape(-1, 6)
    u, v = arrays["discriminator/weight_u"], spectral_rows(4, 2)(arrays["discriminator/weight_v"])
    np.testing.assert_allclose(v @ matrix @ u, np.linalg.svd(matrix, compute_uv=False)[0], rtol=1e-5)


def test_half_precision_and_bfloat16_are_read(tmp_path):
    values = [1.5, -0.25]
    torch.save({"half": torch.tensor(values).half(), "brain": torch.tensor(values).bfloat16()}, tmp_path / "w.pth")
    arrays = official_weights.read(tmp_path / "w.pth")
    assert {name: (array.dtype.name, array.tolist()) for name, array in arrays.items()} == {
        "half": ("float32", values),
        "brain": ("float32", values),
    }


def test_a_folder_of_files_gives_names_that_begin_with_the_file(tmp_path):
    for stem, key in [("EdgeModel_gen", "generator"), ("EdgeModel_dis", "discriminator")]:
        torch.save({"iteration": 2, key: {"encoder.1.weight": torch.ones(1)}}, tmp_path / f"{stem}.pth")
    assert sorted(official_weights.read(tmp_path)) == [
        "EdgeModel_dis/discriminator/encoder.1.weight",
        "EdgeModel_gen/generator/encoder.1.weight",
    ]


class Malicious:
    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (os.fspath(self.folder),)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "the format of PyTorch 1.0"])
def test_a_malicious_file_is_refused_and_nothing_in_it_is_run(tmp_path, legacy):
    content = {"generator": {"w": torch.ones(2)}, "bad": Malicious(tmp_path / "run")}
    torch.save(content, tmp_path / "bad.pth", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(WeightsError, match=r"bad\.pth was not read, and nothing in it was run"):
        official_weights.read(tmp_path / "bad.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Malicious(tmp_path / "run")))
    with pytest.raises(WeightsError, match=r"plain\.pth was not read, and nothing in it was run"):
        official_weights.read(tmp_path / "plain.pth")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_damaged_file_is_refused(painter, tmp_path, share):
    torch.save(painter.state_dict(), tmp_path / "w.pth")
    data = (tmp_path / "w.pth").read_bytes()
    (tmp_path / "w.pth").write_bytes(data[: int(share * len(data))])
    with pytest.raises(WeightsError, match=r"w\.pth was not read"):
        official_weights.read(tmp_path / "w.pth")


def test_a_file_without_a_dictionary_is_refused(tmp_path):
    torch.save(torch.ones(3), tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="must hold a dictionary of arrays .* Received: Tensor"):
        official_weights.read(tmp_path / "w.pth")


def _holds_itself():
    content = {"w": torch.ones(1)}
    content["again"] = content
    return content


def _halves_and_halves():
    content = [torch.ones(1)]
    for _ in range(15):
        content = [content, content, content]
    return {"w": content}


@pytest.mark.filterwarnings("ignore:Validating sparse tensor:UserWarning")  # PyTorch, of what it reads
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_holds_itself, "dictionaries more than 16 deep"),
        (_halves_and_halves, "more than 100000 entries"),
        (lambda: {"w": torch.ones(1).half().expand(10**6, 10**6)}, "larger than what is stored of it"),
        (lambda: {"w": torch.eye(3).to_sparse()}, "no plain array"),
    ],
)
def test_a_file_that_would_never_end_or_fill_the_memory_is_refused(tmp_path, content, message):
    torch.save(content(), tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=message):
        official_weights.read(tmp_path / "w.pth")
