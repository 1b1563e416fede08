"""The stored networks of EdgeConnect as a dictionary with the published names, and a system that takes it."""

import numpy as np

import tf_inpaint as tfi
from tf_inpaint.systems.edge_connect import EdgeConnect, EdgeConnectConfig
from tf_inpaint.systems.edge_connect.networks import build_patch_critic
from tf_inpaint.systems.edge_connect.official_names import PREFIXES, published_variables


def load(weights, **settings):
    """Builds the system whose widths the arrays have, and gives it all of them through `load_official`.

    Args:
        weights: network -> published name -> array.
        **settings: of `EdgeConnectConfig`.

    Returns:
        The system.
    """
    width = weights["completion_generator"]["encoder.1.weight"].shape[0]
    system = EdgeConnect(EdgeConnectConfig(width_multiplier=width / 64, **settings))
    # The narrow critics have other widths beside the narrow generators than the published ones.
    critics = {
        name: build_patch_critic(
            channels=weights[name]["conv1.0.weight_orig"].shape[1],
            filters=tuple(weights[name][f"conv{index}.0.weight_orig"].shape[0] for index in range(1, 5)),
            name=name,
        )
        for name in ("edge_critic", "completion_critic")
    }
    system._set_networks(**{**system.networks, **critics})
    tfi.load_official(system, {PREFIXES[name] + key: array for name, arrays in weights.items() for key, array in arrays.items()})
    return system


def stored(arrays, folder):
    """The arrays of a file under a folder: published name -> array."""
    return {key.removeprefix(folder): array for key, array in arrays.items() if key.startswith(folder)}


def from_recipe(arrays, network):
    """The weights that a file of full width describes: the recipe of the arrays' README, and u and v as stored."""
    made = stored(arrays, "w/")
    shapes = {name: _published_shape(variable) for name, (variable, _) in published_variables(network).items()}
    for index, key in enumerate(str(key) for key in arrays["keys"]):
        if key in made:
            continue
        scale = 0.05 if key.endswith("bias") else float(arrays["recipe_scale"])
        random = np.random.RandomState(int(arrays["recipe_seed"]) + index)
        made[key] = (random.standard_normal(shapes[key]) * scale).astype(np.float32)
        np.testing.assert_allclose(made[key].sum(dtype=np.float64), arrays["keysum"][index], rtol=1e-6, err_msg=key)
    return made


def _published_shape(variable):
    shape = tuple(variable.shape)
    # Ours [H, W, I, O], or [H, W, O, I] if transposed; PyTorch's the other way round with the sizes last.
    return (shape[3], shape[2], shape[0], shape[1]) if len(shape) == 4 else shape
