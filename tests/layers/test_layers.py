"""The layers: their common contract, and what each of them is for."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context

import tf_inpaint as tfi
from tests.hardware import has_half_precision_kernels
from tests.layers.layer_contract import check_layer, randomise
from tf_inpaint.layers import (
    AlignedSubsampling2D,
    AlignedUpsampling2D,
    AttentionTransfer,
    ContextualAttention,
    EqualizedConv2D,
    EqualizedDense,
    FusableConv2D,
    FusedBatchNormalization,
    GatedConv2D,
    InstanceNormalization,
    MinibatchDeviation,
    PaddedConv2D,
    PartialConv2D,
    PatchAttention,
    PatchTransfer,
    PixelNormalization,
    Res2NetBlock,
    SameConv2DTranspose,
    SelfAttention2D,
    SpectralConv2D,
    SpectralConv2DTranspose,
)

CASES = {
    "AlignedSubsampling2D": (AlignedSubsampling2D, {}, 0, 0),
    "AlignedUpsampling2D": (AlignedUpsampling2D, {}, 0, 0),
    "AttentionTransfer": (AttentionTransfer, {"softmax_scale": 0.1}, 0, 0),
    "AttentionTransfer, strict": (
        AttentionTransfer,
        {"normalize_query": True, "mask_mode": "strict", "weight_floor": 0.0, "compose": "hole", "overlap": "count", "mask_resize": "max"},
        0,
        0,
    ),
    "ContextualAttention": (ContextualAttention, {}, 0, 0),
    "EqualizedDense": (EqualizedDense, {"units": 6, "learning_rate_multiplier": 0.5, "activation": "scaled_leaky_relu"}, 2, 0),
    "EqualizedConv2D": (EqualizedConv2D, {"filters": 6, "kernel_size": 3, "activation": "scaled_leaky_relu"}, 2, 0),
    "EqualizedConv2D, halved": (EqualizedConv2D, {"filters": 6, "kernel_size": 3, "downsample": True, "output_gain": 0.5}, 2, 0),
    "EqualizedConv2D, 1x1, halved": (EqualizedConv2D, {"filters": 6, "kernel_size": 1, "downsample": True, "use_bias": False}, 1, 0),
    "FusableConv2D": (FusableConv2D, {"filters": 6, "kernel_size": 3, "padding": "same", "activation": "elu"}, 2, 0),
    "FusableConv2D, stride 2, no bias": (
        FusableConv2D,
        {"filters": 6, "kernel_size": 5, "padding": "valid", "strides": 2, "use_bias": False},
        1,
        0,
    ),
    "FusableConv2D, dilated": (FusableConv2D, {"filters": 6, "kernel_size": 3, "padding": "same", "dilation_rate": 2}, 2, 0),
    "FusedBatchNormalization": (FusedBatchNormalization, {}, 2, 2),
    "GatedConv2D": (GatedConv2D, {"filters": 6, "kernel_size": 5, "strides": 2}, 4, 0),
    "GatedConv2D, slice, dilated": (GatedConv2D, {"filters": 6, "kernel_size": 3, "dilation_rate": 2, "gate": "slice"}, 4, 0),
    "GatedConv2D, pointwise": (GatedConv2D, {"filters": 6, "kernel_size": 3, "strides": 2, "gate": "pointwise", "activation": None}, 4, 0),
    "InstanceNormalization": (InstanceNormalization, {}, 0, 0),
    "MinibatchDeviation": (MinibatchDeviation, {}, 0, 0),
    "PaddedConv2D": (PaddedConv2D, {"filters": 6, "kernel_size": 4, "strides": 2, "padding": 1, "activation": "relu"}, 2, 0),
    "PaddedConv2D, reflected, dilated, spectral norm": (
        PaddedConv2D,
        {"filters": 6, "kernel_size": 3, "padding": 2, "pad_mode": "reflect", "dilation_rate": 2, "spectral_norm": True, "use_bias": False},
        1,
        2,
    ),
    "PartialConv2D": (PartialConv2D, {"filters": 6, "kernel_size": 5, "strides": 2}, 2, 0),
    "PartialConv2D, dilated, no bias": (PartialConv2D, {"filters": 6, "kernel_size": 3, "dilation_rate": 2, "use_bias": False}, 1, 0),
    "PartialConv2D, two sources": (
        PartialConv2D,
        {"filters": 6, "kernel_size": 3, "padding": "valid", "source_channels": (10, 6), "scale": "inverse_sum"},
        2,
        0,
    ),
    "PatchAttention": (PatchAttention, {"softmax_scale": 2.0}, 0, 0),
    "PatchAttention, as HiFill": (
        PatchAttention,
        {"softmax_scale": 0.1, "normalize_query": False, "mask_mode": "published", "fuse": True, "rate": 2},
        0,
        0,
    ),
    "PatchTransfer": (PatchTransfer, {"rate": 4}, 0, 0),
    "PatchTransfer, blocks everywhere": (PatchTransfer, {"rate": 4, "windows": "block", "compose": "everywhere"}, 0, 0),
    "SpectralConv2D": (SpectralConv2D, {"filters": 6, "kernel_size": 5, "strides": 2, "activation": "relu"}, 2, 1),
    "SpectralConv2D, valid": (SpectralConv2D, {"filters": 6, "kernel_size": 3, "padding": "valid", "use_bias": False}, 1, 1),
    "SpectralConv2DTranspose": (SpectralConv2DTranspose, {"filters": 6, "kernel_size": 4, "strides": 2}, 2, 2),
    "PixelNormalization": (PixelNormalization, {}, 0, 0),
    "Res2NetBlock": (Res2NetBlock, {}, 10, 0),
    "Res2NetBlock, batch norm": (Res2NetBlock, {"width": 5, "norm": "batch", "activation": "relu"}, 15, 10),
    "SameConv2DTranspose": (SameConv2DTranspose, {"filters": 6, "kernel_size": 3, "strides": 2, "activation": "relu"}, 2, 0),
    "SelfAttention2D": (SelfAttention2D, {}, 9, 0),
    "SelfAttention2D, arxiv, dense": (SelfAttention2D, {"form": "arxiv", "method": "dense"}, 7, 0),
    "SelfAttention2D, released": (
        SelfAttention2D,
        {"form": "released", "kv_pool": 2, "use_bias": False, "spectral_norm": True, "block_size": 5},
        5,
        4,
    ),
}


# Channels of the masks of those layers that take any.
MASK_CHANNELS = {"PartialConv2D": 1, "PartialConv2D, dilated, no bias": 1, "PartialConv2D, two sources": 2}
# Inputs of layers that attend to what is known, made of features, other features and a mask with a block of 4 x 4 missing pixels.
ATTENTION_INPUTS = {
    AttentionTransfer: lambda features, others, mask: (features, others[:, ::2, ::2], mask),
    ContextualAttention: lambda features, others, mask: (features, others, mask),
    PatchAttention: lambda features, others, mask: (features, mask),
    # The weights of 3 x 2 places.
    PatchTransfer: lambda features, others, mask: (features, tf.nn.softmax(others[:, ::4, ::4, :6]), mask),
}


@pytest.mark.parametrize("case", CASES)
def test_the_layer_keeps_the_contract(case):
    layer_class, arguments, trainable, non_trainable = CASES[case]
    generator = np.random.default_rng(0)
    inputs = tf.constant(generator.normal(size=(2, 12, 8, 16)), tf.float32)
    if case in MASK_CHANNELS:
        mask = np.repeat(np.repeat(generator.random((2, 3, 2, MASK_CHANNELS[case])) < 0.6, 4, axis=1), 4, axis=2)
        inputs = inputs, tf.constant(mask, tf.float32)
    if layer_class in ATTENTION_INPUTS:
        mask = np.zeros([2, 12, 8, 1], np.float32)
        mask[:, 4:8, :4] = 1.0
        others = tf.constant(generator.normal(size=(2, 12, 8, 16)), tf.float32)
        inputs = ATTENTION_INPUTS[layer_class](inputs, others, tf.constant(mask))
    counts_places = layer_class is PatchAttention
    check_layer(layer_class, arguments, inputs=inputs, trainable=trainable, non_trainable=non_trainable, counts_places=counts_places)


# Their inputs are not features alone: they have tests of their own.
STYLE_LAYERS = {"LearnedConstant", "StyledConv2D", "StyleStatistics", "StyleToRgb"}


def test_every_public_layer_is_in_the_contract():
    assert {layer_class.__name__ for layer_class, *_ in CASES.values()} == set(tfi.layers.__all__) - STYLE_LAYERS


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_convolution_bias_and_activation_become_one_kernel(dtype):
    if dtype == "bfloat16" and not has_half_precision_kernels():
        pytest.skip("TensorFlow has no fused bfloat16 convolution on a CPU without AVX-512")
    layer = FusableConv2D(8, 3, padding="same", activation=tfi.ops.activation.elu, dtype=dtype)
    inputs = tf.cast(tf.random.stateless_normal([1, 16, 16, 8], [0, 0]), dtype)
    layer(inputs)
    operations = _executed_operations(layer, inputs)
    assert any("FusedConv2D" in operation for operation in operations), f"not fused: {sorted(operations)}"
    assert "Elu" not in operations and "BiasAdd" not in operations


@pytest.mark.parametrize("layer_class", [FusableConv2D, SpectralConv2D, PaddedConv2D, SameConv2DTranspose])
def test_the_gradient_of_a_bias_is_summed_over_many_pixels_in_half_precision(layer_class):
    """A bfloat16 sum of these 65536 ones stops growing at 256."""
    if not has_half_precision_kernels():
        pytest.skip("TensorFlow has no bfloat16 convolution on a CPU without AVX-512")
    layer = layer_class(2, 1, dtype="mixed_bfloat16")
    inputs = tf.ones([4, 128, 128, 1])
    arguments = {} if layer_class is SameConv2DTranspose else {"training": True}
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.cast(layer(inputs, **arguments), tf.float32))
    np.testing.assert_allclose(tape.gradient(loss, layer.bias), [65536.0, 65536.0], rtol=5e-3)


@pytest.mark.parametrize("kernel_size", [3, 4])
def test_a_transposed_convolution_has_the_numbers_of_keras(kernel_size):
    inputs = tf.random.stateless_normal([2, 5, 6, 3], [1, 2])
    theirs = keras.layers.Conv2DTranspose(4, kernel_size, strides=2, padding="same", activation="elu", bias_initializer="ones")
    expected = theirs(inputs)
    ours = SameConv2DTranspose(4, kernel_size, strides=2, activation="elu")
    ours.build(inputs.shape)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(inputs), expected, atol=1e-6)


@pytest.mark.parametrize("arguments", [{"padding": "valid"}, {"dilation_rate": 2}, {"data_format": "channels_first"}])
def test_a_transposed_convolution_of_another_kind_is_refused(arguments):
    with pytest.raises(ValueError, match="Use `keras.layers.Conv2DTranspose`"):
        SameConv2DTranspose(4, 3, **arguments)


def test_spectral_norm_converges_to_the_largest_singular_value():
    layer = SpectralConv2D(12, 3, use_bias=False)
    inputs = tf.zeros([1, 4, 4, 5])
    layer(inputs)
    for _ in range(200):
        layer(inputs, training=True)
    sigma = np.linalg.svd(np.reshape(layer.kernel, (-1, 12)), compute_uv=False)[0]
    np.testing.assert_allclose(layer._normalised_kernel(update=False), np.asarray(layer.kernel) / sigma, rtol=1e-4)


def test_spectral_norm_changes_its_state_only_in_training_and_never_its_kernel():
    layer = SpectralConv2D(6, 3)
    inputs = tf.random.stateless_normal([1, 8, 8, 4], [1, 2])
    layer(inputs)
    u, kernel = np.array(layer.u), np.array(layer.kernel)
    layer(inputs, training=False)
    np.testing.assert_array_equal(layer.u, u)
    layer(inputs, training=True)
    assert np.max(np.abs(np.asarray(layer.u) - u)) > 1e-3
    np.testing.assert_array_equal(layer.kernel, kernel)


def test_the_gradient_through_spectral_norm_agrees_with_finite_differences():
    layer = SpectralConv2D(3, 3, use_bias=False)
    inputs = tf.random.stateless_normal([1, 6, 6, 2], [3, 4])
    layer(inputs)
    generator = np.random.default_rng(0)
    # Fixed values: the comparison is only as good as the curvature at the point where it is made.
    kernel = generator.normal(size=layer.kernel.shape).astype(np.float32)
    direction = generator.normal(size=layer.kernel.shape).astype(np.float32)
    layer.kernel.assign(kernel)
    layer.u.assign(generator.normal(size=layer.u.shape))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(inputs) ** 3)
    gradient = np.asarray(tape.gradient(loss, layer.trainable_weights[0]))
    values = []
    for step in (1e-2, -1e-2):
        layer.kernel.assign(kernel + step * direction)
        values.append(float(tf.reduce_sum(layer(inputs) ** 3)))
    slope = (values[0] - values[1]) / 2e-2
    scale = float(np.linalg.norm(gradient) * np.linalg.norm(direction))
    assert np.sum(gradient * direction) == pytest.approx(slope, rel=1e-2)
    assert abs(slope) > 1e-2 * scale  # not a direction in which nothing changes


def test_self_attention_starts_as_the_identity():
    inputs = tf.random.stateless_normal([1, 4, 4, 8], [0, 1])
    np.testing.assert_array_equal(SelfAttention2D()(inputs), inputs)


def test_self_attention_permutes_with_its_pixels():
    layer = SelfAttention2D()
    inputs = tf.random.stateless_normal([1, 4, 6, 8], [0, 1])
    layer(inputs)
    randomise(layer)
    order = np.random.default_rng(0).permutation(24)
    shuffled = tf.reshape(tf.gather(tf.reshape(inputs, [1, 24, 8]), order, axis=1), [1, 4, 6, 8])
    expected = tf.gather(tf.reshape(layer(inputs), [1, 24, 8]), order, axis=1)
    np.testing.assert_allclose(tf.reshape(layer(shuffled), [1, 24, 8]), expected, rtol=1e-4, atol=1e-5)


def test_the_first_group_of_a_res2net_block_reaches_further_than_the_last():
    """y_1 sees 3 pixels, y_2 sees 5, y_3 sees 7; the last group only its own pixel."""
    block = Res2NetBlock(activation="linear")
    block.build((1, 15, 15, 16))
    randomise(block)
    impulse = np.zeros((1, 15, 15, 16), np.float32)
    impulse[0, 7, 7] = 1.0
    response = np.asarray(block(tf.constant(impulse)) - block(tf.zeros_like(impulse)))
    reached = np.argwhere(np.abs(response[0]).max(axis=-1) > 1e-6)
    assert reached.min() == 4 and reached.max() == 10


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SelfAttention2D(form="other"), "`form` must be one of"),
        (lambda: SelfAttention2D(method="other"), "`method` must be one of"),
        (lambda: SelfAttention2D(kv_pool=0), "`kv_pool` must be at least 1"),
        (lambda: SelfAttention2D()(tf.zeros([1, 4, 4, 4])), "at least 8 input channels"),
        (lambda: Res2NetBlock(scale=1), "`scale` must be at least 2"),
        (lambda: Res2NetBlock(norm="layer"), "`norm` must be one of"),
        (lambda: SpectralConv2D(3, 3, padding="full"), "`padding` must be"),
        (lambda: FusableConv2D(4, 3, groups=2), "groups=1"),
        (lambda: GatedConv2D(4, 3, gate="other"), "`gate` must be one of"),
        (lambda: GatedConv2D(4, 3, strides=2, dilation_rate=2), "cannot both be above 1"),
    ],
)
def test_a_wrong_argument_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def _executed_operations(layer, inputs):
    """The operations that TensorFlow really runs, after its graph optimizer."""
    concrete = tf.function(lambda x: layer(x)).get_concrete_function(tf.TensorSpec(inputs.shape, inputs.dtype))
    context.context().enable_run_metadata()
    try:
        concrete(inputs)
        metadata = context.context().export_run_metadata()
    finally:
        context.context().disable_run_metadata()
    # The last one is this function's. Those before it, if any, are of single operations outside functions: TensorFlow goes on collecting.
    return {node.op for graph in metadata.function_graphs[-1].partition_graphs for node in graph.node}


def test_a_gated_convolution_starts_with_a_gate_unlike_its_features():
    layer = GatedConv2D(6, 3)
    layer.build((None, None, None, 4))
    assert np.max(np.abs(np.asarray(layer.kernel) - np.asarray(layer.gate_kernel))) > 0.01


def test_an_equalised_dense_layer_starts_with_outputs_of_the_size_of_its_inputs_or_at_its_bias():
    inputs = tf.random.stateless_normal([64, 256], [0, 0])
    layer = EqualizedDense(256, learning_rate_multiplier=0.01)
    np.testing.assert_allclose(np.std(layer(inputs)), 1.0, atol=0.05)
    np.testing.assert_allclose(np.std(layer.kernel), 100.0, rtol=0.05)
    np.testing.assert_allclose(EqualizedDense(4, bias_initializer=1.0, kernel_deviation=0.0)(inputs), 1.0)
