"""PEN-Net: its networks, its switches, its step, what a hole may and may not do. (The published values: tests/golden.)"""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_inpaint as tfi
from tf_inpaint.errors import ConfigError, PictureError, WeightsError
from tf_inpaint.systems.pen_net import PenNet, PenNetConfig
from tf_inpaint.systems.pen_net.networks import build_critic, build_generator
from tf_inpaint.systems.pen_net.official_names import published_variables


def make(**settings):
    """The tiny system, narrower still, from seed 0."""
    keras.utils.set_random_seed(0)
    return PenNet.tiny(**{"width_multiplier": 1 / 8, **settings})


def make_batch(height=64, width=64, batch=2):
    image = tf.random.stateless_uniform([batch, height, width, 3], [1, 2], -1.0, 1.0)
    mask = np.zeros([batch, height, width, 1], np.float32)
    mask[:, height // 4 : 3 * height // 4, width // 4 : width // 2] = 1.0
    return {"image": image, "mask": tf.constant(mask)}


@pytest.fixture(scope="module")
def system():
    return make()


# --- the networks


@pytest.mark.slow
def test_networks_have_the_published_numbers_of_parameters():
    assert PenNetConfig().base_filters == 32 and PenNetConfig().critic_filters == 64
    assert build_generator().count_params() == 10_231_538
    critic = build_critic()
    assert sum(np.prod(weight.shape) for weight in critic.trainable_weights) == 4_318_401
    assert critic.compute_output_shape((1, 256, 256, 3)) == (1, 27, 27, 1)


def test_each_level_has_a_picture_at_any_multiple_of_64(system):
    outputs = system(make_batch(64, 128, batch=1))
    assert outputs["raw"].shape == [1, 64, 128, 3]
    assert [tuple(picture.shape) for picture in outputs["pyramid"]] == [(1, 64 >> level, 128 >> level, 3) for level in range(1, 6)]
    for picture in (outputs["raw"], *outputs["pyramid"]):
        assert picture.dtype == tf.float32 and np.all(np.abs(picture) <= 1)


def test_other_sizes_are_refused_and_inpaint_takes_them(system):
    batch = make_batch(64, 96, batch=1)
    with pytest.raises(PictureError, match=r"multiples of 64. Received: \(1, 64, 96, 3\). `inpaint` takes any size"):
        system(batch)
    composite = system.inpaint(batch["image"][:, :50, :70], batch["mask"][:, :50, :70])
    assert composite.shape == [1, 50, 70, 3]


@pytest.mark.parametrize(
    "settings",
    [
        {"upsample": "deconvolution", "mask_resize": "nearest"},
        {"upsample": "deconvolution", "rescale_levels": 2},
        {"rescale_levels": 4},
    ],
)
def test_the_other_forms_have_pictures_of_the_same_sizes(settings):
    other = make(**settings)
    outputs = other(make_batch(batch=1))
    assert outputs["raw"].shape == [1, 64, 64, 3]
    assert [picture.shape[1] for picture in outputs["pyramid"]] == [32, 16, 8, 4, 2]
    layers = {layer.name for layer in other.networks["generator"].layers}
    assert ("attention_0" in layers) == (other.config.upsample == "deconvolution")
    assert sum(name.startswith("restore_") for name in layers) == other.config.rescale_levels


@pytest.mark.parametrize("compose", ["hole", "inside"])
def test_halved_attention_keeps_known_places_at_full_resolution_where_only_the_hole_is_filled(compose):
    generator = make(rescale_levels=2, compose=compose, mask_resize="max").networks["generator"]
    layers = {layer.name: layer for layer in generator.layers}
    assert not any(name.startswith(("halve_", "restore_")) for name in layers)
    assert [layers[f"attention_{level}"].rescale for level in range(1, 6)] == [True, True, False, False, False]


def test_the_deeper_form_has_the_widths_of_the_tensorflow_code():
    generator = build_generator(base_filters=8, upsample="deconvolution", rescale_levels=1)
    widths = {layer.name: layer.filters for layer in generator.layers if hasattr(layer, "filters")}
    assert [widths[f"encoder_{level}"] for level in range(7)] == [4, 8, 16, 32, 64, 64, 64]  # a quarter of 16 to 256
    assert [widths[f"decoder_{level}"] for level in range(5, -1, -1)] == [64, 64, 32, 16, 8, 4]
    transfers = {layer.name: layer for layer in generator.layers if isinstance(layer, tfi.layers.AttentionTransfer)}
    assert sorted(transfers) == [f"attention_{level}" for level in range(6)]
    assert {(layer.match_size, layer.weight_floor) for layer in transfers.values()} == {(3, 0.0)}
    assert all(widths[f"{name}_dilation_{rate}"] == widths[f"encoder_{name[-1]}"] // 4 for name in transfers for rate in (1, 2, 4, 8))


def test_the_switches_of_the_attention_reach_all_its_layers():
    settings = {"normalize_query": True, "mask_mode": "strict", "compose": "hole", "overlap": "count", "mask_resize": "max"}
    generator = make(**settings).networks["generator"]
    transfers = [layer.get_config() for layer in generator.layers if isinstance(layer, tfi.layers.AttentionTransfer)]
    assert len(transfers) == 5
    for config in transfers:
        assert {name: config[name] for name in settings} == settings
    assert [config["match_size"] for config in transfers] == [1, 3, 3, 3, 3]
    assert {config["weight_floor"] for config in transfers} == {0.0}  # invalid places get no weight at all


def test_weights_are_raised_as_in_the_released_code_by_default(system):
    transfers = [layer for layer in system.networks["generator"].layers if isinstance(layer, tfi.layers.AttentionTransfer)]
    assert {layer.weight_floor for layer in transfers} == {1e-8}


def test_what_is_in_the_hole_has_no_influence(system):
    batch = make_batch()
    rubbish = tf.where(batch["mask"] > 0.5, np.nan, batch["image"])
    expected, received = system(batch), system({**batch, "image": rubbish})
    np.testing.assert_array_equal(received["raw"], expected["raw"])
    known = batch["mask"].numpy()[..., 0] == 0
    np.testing.assert_array_equal(received["composite"].numpy()[known], batch["image"].numpy()[known])


def test_the_hole_has_the_configured_value(system):
    white = make(hole_value=1.0)
    batch = make_batch()
    grey_image = tf.where(batch["mask"] > 0.5, 0.0, batch["image"])
    white_image = tf.where(batch["mask"] > 0.5, 1.0, batch["image"])
    for each, blanked in ((system, grey_image), (white, white_image)):
        expected = each.networks["generator"]([tf.concat([blanked, batch["mask"]], axis=-1), batch["mask"]])[0]
        np.testing.assert_array_equal(each(batch)["raw"], expected)


@pytest.mark.parametrize("name", ["generator", "critic"])
def test_a_network_survives_a_keras_file(system, name, tmp_path):
    network = system.networks[name]
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras", compile=False)
    batch = make_batch()
    inputs = batch["image"]
    if name == "generator":
        inputs = [tf.concat([batch["image"], batch["mask"]], axis=-1), batch["mask"]]
    for expected, received in zip(tf.nest.flatten(network(inputs)), tf.nest.flatten(again(inputs)), strict=True):
        np.testing.assert_array_equal(received, expected)


# --- the step


def test_without_adversarial_weight_there_is_no_critic_to_train():
    system = make(adversarial_weight=0.0)
    system.compile()
    before = [weight.numpy() for weight in system.networks["critic"].weights]
    logs = system.train_step(make_batch())
    assert set(system.optimizers) == {"generator"} and not {"critic_loss", "adversarial_loss"} & set(logs)
    for value, weight in zip(before, system.networks["critic"].weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


@pytest.mark.parametrize("gan", ["hinge", "nsgan"])
def test_the_generator_is_judged_by_the_critic_after_its_step(gan):
    system = make(gan=gan, learning_rate=1e-2)
    system.compile()
    batch = make_batch()
    composite = system(batch)["composite"]
    logs = system.train_step(batch)
    critic = system.networks["critic"]
    scores = critic(composite, training=False)  # with u and v as the third call of the step left them
    expected = -tf.reduce_mean(scores) if gan == "hinge" else tf.reduce_mean(tf.nn.softplus(-scores))
    np.testing.assert_allclose(logs["adversarial_loss"], 0.1 * expected, rtol=1e-3)


def test_terms_add_up_and_terms_of_weight_zero_are_left_out():
    system = make(pyramid_weight=0.0, valid_weight=0.0, hole_weight=3.0, adversarial_weight=0.0)
    system.compile()
    batch = make_batch()
    raw = system(batch)["raw"]
    logs = system.test_step(batch)
    hole = batch["mask"].numpy()[..., 0] == 1
    expected = 3.0 * np.abs(raw.numpy() - batch["image"].numpy())[hole].mean()
    np.testing.assert_allclose([logs["loss"], logs["hole_loss"]], [expected] * 2, rtol=1e-5)
    assert set(logs) == {"loss", "hole_loss", "psnr"}


def test_an_empty_and_a_full_mask_train_without_nan():
    system = make()
    system.compile()
    batch = make_batch()
    for mask, empty_term in ((tf.zeros_like(batch["mask"]), "hole_loss"), (tf.ones_like(batch["mask"]), "valid_loss")):
        system.reset_metrics()
        logs = system.train_step({"image": batch["image"], "mask": mask})
        assert logs[empty_term] == 0.0 and all(np.isfinite(value) for value in logs.values())
        assert all(variable == 0.0 for variable in system.nonfinite_gradients.values())


# --- published weights


def published_arrays(system, names=("generator", "critic")):
    """Random arrays in PyTorch's layouts, under the authors' names."""
    generator, arrays = np.random.default_rng(3), {}
    for name in names:
        prefix = {"generator": "gen_00033/netG", "critic": "dis_00033/netD"}[name]
        for published_name, (variable, layout) in published_variables(system.networks[name]).items():
            shape = tuple(variable.shape)
            shape = (shape[3], shape[2], *shape[:2]) if layout == "conv" else shape
            arrays[f"{prefix}/{published_name}"] = generator.normal(scale=0.1, size=shape).astype(np.float32)
    return arrays


def test_published_weights_of_both_files_or_of_the_generator_alone_are_taken(system):
    other = make()
    critic_before = [weight.numpy() for weight in other.networks["critic"].weights]
    arrays = published_arrays(system)
    assert "gen_00033/netG/at_conv04.conv03.0.weight" in arrays and "dis_00033/netD/classifier.bias" in arrays
    tfi.load_official(other, {name: array for name, array in arrays.items() if name.startswith("gen")})
    for value, weight in zip(critic_before, other.networks["critic"].weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)
    tfi.load_official(other, arrays)
    kernel = other.networks["generator"].get_layer("encoder_1").kernel.numpy()
    np.testing.assert_array_equal(kernel, arrays["gen_00033/netG/dw_conv01.0.weight"].transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(other.networks["critic"].get_layer("conv_5").bias.numpy(), arrays["dis_00033/netD/classifier.bias"])


def test_a_missing_and_a_surplus_array_are_named(system):
    arrays = published_arrays(system)
    del arrays["gen_00033/netG/torgb5.0.bias"]
    with pytest.raises(WeightsError, match=r"torgb5\.0\.bias"):
        tfi.load_official(make(), arrays)
    with pytest.raises(WeightsError, match="netG.extra|extra"):
        tfi.load_official(make(), {**published_arrays(system), "gen_00033/netG/extra": np.zeros([3], np.float32)})


def test_two_files_of_the_same_network_are_refused(system):
    arrays = published_arrays(system, ("generator",))
    later = {name.replace("gen_00033", "gen_00034"): array + 1 for name, array in arrays.items()}
    with pytest.raises(WeightsError, match="taken once. Received a second one as 'gen_00034/netG/"):
        tfi.load_official(make(), {**arrays, **later})


def test_of_the_deeper_form_no_weights_were_published(system):
    with pytest.raises(ConfigError, match="upsample='bilinear'"):
        tfi.load_official(make(upsample="deconvolution"), published_arrays(system))


# --- settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_size": 96}, "`image_size` must be a positive multiple of 64"),
        ({"mask_mode": "soft"}, "`mask_mode` must be one of"),
        ({"compose": "outside"}, "`compose` must be one of"),
        ({"overlap": "sum"}, "`overlap` must be one of"),
        ({"mask_resize": "area"}, "`mask_resize` must be one of"),
        ({"upsample": "nearest"}, "`upsample` must be one of"),
        ({"gan": "lsgan"}, "`gan` must be one of"),
        ({"kernel_initializer": "zeros"}, "`kernel_initializer` must be one of"),
        ({"rescale_levels": 5}, "`rescale_levels` must be 0 to 4"),
        ({"hole_value": 1.5}, "`hole_value` must be in"),
        ({"width_multiplier": 0.05}, "`width_multiplier` must be at least 1/8"),
        ({"adam_epsilon": 0.0}, "`adam_epsilon` must be positive"),
        ({"pyramid_weight": -1.0}, "`pyramid_weight` must be at least 0"),
        ({"pyramid_weight": 0.0, "hole_weight": 0.0, "valid_weight": 0.0}, "must be above 0"),
    ],
)
def test_settings_out_of_their_range_are_named(settings, message):
    with pytest.raises(ConfigError, match=message):
        PenNetConfig(**settings)
