"""The weights that turn a style into scales of channels; shared by the modulated layers."""

import keras
import tensorflow as tf

from tf_inpaint import compat


def add_modulation(layer, *, channels: int, filters: int, kernel_size: int, style_size: int) -> None:
    """Adds the kernel of a modulated convolution and the affine map from styles to scales.

    Own weights instead of a layer inside the layer: their order is the same on both stacks.

    Args:
        layer: a Keras layer that is being built; it gets `kernel`, `modulation_kernel` and `modulation_bias`.
        channels: of its input.
        filters: of its output.
        kernel_size: in pixels.
        style_size: length of a style.
    """
    normal = keras.initializers.RandomNormal
    shape = (kernel_size, kernel_size, channels, filters)
    layer.kernel = layer.add_weight(name="kernel", shape=shape, initializer=normal(stddev=1.0), **compat.keep_float32())
    layer.modulation_kernel = layer.add_weight(
        name="modulation_kernel", shape=(style_size, channels), initializer=normal(stddev=1.0), **compat.keep_float32()
    )
    layer.modulation_bias = layer.add_weight(name="modulation_bias", shape=(channels,), initializer="ones", **compat.keep_float32())


def modulation_scales(layer, style: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes what `ops.modulation.modulated_conv2d` needs, with equalised learning rates.

    Args:
        layer: one that has the weights of `add_modulation`.
        style: `[B, S]` float32.

    Returns:
        The kernel divided by `sqrt(k^2 C)`, `[k, k, C, filters]`, and the scales `[B, C]`, both float32.
    """
    kernel, modulation_kernel = (tf.convert_to_tensor(each) for each in (layer.kernel, layer.modulation_kernel))
    size, _, channels, _ = kernel.shape
    scales = tf.matmul(tf.cast(style, tf.float32), modulation_kernel * modulation_kernel.shape[0] ** -0.5)
    return kernel * (channels * size**2) ** -0.5, scales + tf.convert_to_tensor(layer.modulation_bias)
