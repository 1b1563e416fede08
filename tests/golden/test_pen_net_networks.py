"""PEN-Net's generator at three sizes, its critic and its losses against the released code, with the published names (part B)."""

import keras
import pytest
import tensorflow as tf

import tf_inpaint as tfi
from tests.golden.layouts import assert_close, hwio, nhwc
from tf_inpaint.official_weights import spectral_rows
from tf_inpaint.systems.pen_net import PenNet, PenNetConfig, objectives

SIZES = ["64x64", "128x128", "128x192"]
# The generator's file has an eighth of the published width, so has the critic's; holes are white in both.
CONFIG = PenNetConfig(image_size=64, width_multiplier=1 / 8, hole_value=1.0)
TOLERANCE = 5e-5


@pytest.fixture(scope="module")
def system(golden):
    """A system with the weights of both files, loaded by their published names as the files of the authors have them."""
    generator, critic = golden("pennet_generator_c4"), golden("pennet_discriminator_c8")
    arrays = {f"gen_00033/netG/{name[2:]}": array for name, array in generator.items() if name.startswith("w/")}
    arrays |= {f"dis_00033/netD/{name[7:]}": array for name, array in critic.items() if name.startswith("before/")}
    system = PenNet(CONFIG)
    tfi.load_official(system, arrays)
    return system


@pytest.mark.parametrize("size", SIZES)
def test_pictures_of_all_levels_are_the_published_ones(golden, system, size):
    arrays = golden("pennet_generator_c4")
    image, mask = (tf.constant(nhwc(arrays[f"{size}/{name}"])) for name in ("img", "mask"))
    outputs = system({"image": image, "mask": mask})
    assert_close(outputs["raw"], nhwc(arrays[f"{size}/out"]), relative=TOLERANCE)
    assert_close(outputs["composite"], nhwc(arrays[f"{size}/comp"]), relative=TOLERANCE)
    for level, picture in enumerate(outputs["pyramid"], start=1):
        assert_close(picture, nhwc(arrays[f"{size}/pyramid{level}"]), relative=TOLERANCE)


@pytest.mark.parametrize("size", SIZES[:2])
def test_maps_on_the_way_are_the_published_ones(golden, system, size):
    arrays, network = golden("pennet_generator_c4"), system.networks["generator"]
    names = {"enc5": "encoder_5_leaky_relu", "enc6": "encoder_6_relu", "atn5": "attention_5"}
    names |= {f"atn{level}": f"attention_{level}_refined" for level in range(1, 5)}
    inputs = [tf.constant(nhwc(arrays[f"{size}/{name}"])) for name in ("input", "mask")]
    maps = keras.Model(network.inputs, [network.get_layer(name).output for name in names.values()])(inputs)
    for key, values in zip(names, maps, strict=True):
        assert_close(values, nhwc(arrays[f"{size}/{key}"]), relative=TOLERANCE)


def test_the_critic_scores_as_published_before_and_after_a_power_iteration(golden, system):
    arrays, critic = golden("pennet_discriminator_c8"), system.networks["critic"]
    x = tf.constant(nhwc(arrays["x"]))
    assert_close(critic(x, training=False), nhwc(arrays["out_eval_before"]), relative=TOLERANCE)
    assert_close(critic(x, training=True), nhwc(arrays["out_train"]), relative=TOLERANCE)
    for index in range(4):
        layer, name = critic.get_layer(f"conv_{index + 1}"), f"after/encoder.{2 * index}"
        assert_close(layer.u, arrays[f"{name}.weight_u"])
        assert_close(layer.v, spectral_rows(5, 5)(arrays[f"{name}.weight_v"]))
    assert_close(critic(x, training=False), nhwc(arrays["out_eval_after"]), relative=TOLERANCE)


def test_all_losses_are_the_published_ones(golden):
    arrays = golden("pennet_losses")
    real, fake = (nhwc(arrays[name]) for name in ("d_real", "d_fake"))
    for kind, name in (("hinge", "hinge"), ("nsgan", "ns")):
        assert_close(objectives.critic_loss(kind, real, fake), arrays[f"{name}_D"])
        assert_close(objectives.generator_loss(kind, fake), arrays[f"{name}_G"])
    image, raw, mask = (tf.constant(nhwc(arrays[name])) for name in ("img", "pred", "mask"))
    hole_loss, valid_loss = objectives.hole_and_valid_loss(raw, image, mask)
    assert_close(hole_loss, arrays["hole_loss"])
    assert_close(valid_loss, arrays["valid_loss"])
    pictures = [tf.constant(nhwc(arrays[f"feat{level}"])) for level in range(1, 6)]
    for level, target in enumerate(objectives.pyramid_targets(image, pictures), start=1):
        assert_close(target, nhwc(arrays[f"target{level}"]))
    pyramid_loss = objectives.pyramid_loss(image, pictures)
    assert_close(pyramid_loss, arrays["pyramid_loss"])
    config = PenNetConfig()
    total = (
        config.adversarial_weight * objectives.generator_loss(config.gan, fake)
        + config.pyramid_weight * pyramid_loss
        + config.hole_weight * hole_loss
        + config.valid_weight * valid_loss
    )
    assert_close(total, arrays["G_total_hinge"])


def test_a_normalised_kernel_is_the_published_one(golden, system):
    arrays = golden("pennet_discriminator_c8")
    kernel = hwio(arrays["before/encoder.0.weight_orig"])
    matrix = arrays["before/encoder.0.weight_orig"].reshape(kernel.shape[3], -1)
    sigma = arrays["after/encoder.0.weight_u"] @ matrix @ arrays["after/encoder.0.weight_v"]
    assert_close(kernel / sigma, hwio(arrays["w_normalised_conv0"]), relative=TOLERANCE)
