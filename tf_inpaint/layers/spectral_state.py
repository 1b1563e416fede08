"""The state of spectral normalisation in PyTorch's form, for the layers that have it as an option."""

import math

import keras
import tensorflow as tf

from tf_inpaint import compat, ops


def add_spectral_state(layer: keras.layers.Layer, *, output_axis: int) -> None:
    """Gives a layer that has its `kernel` the weights `u` and `v`, called in its `build`.

    u starts at random. v, which PyTorch also draws, starts from u: an untrained layer then divides by something of the right size
    in evaluation too. The first training call computes v from u in any case.

    Args:
        layer: a layer with `kernel`, gets `u` `[C_out]` and `v` `[n]`, float32, not trainable.
        output_axis: axis of the kernel's output channels.
    """
    kernel, filters = layer.kernel, layer.kernel.shape[output_axis]

    def initial_u(shape, dtype=None, **kwargs):
        return ops.spectral.unit_vector(keras.initializers.RandomNormal()(shape, dtype=dtype))

    def initial_v(shape, dtype=None, **kwargs):
        matrix = ops.spectral.kernel_matrix(tf.convert_to_tensor(kernel), output_axis=output_axis)
        return ops.spectral.power_iteration(matrix, tf.convert_to_tensor(layer.u))[1]

    state = {
        "trainable": False,
        # Every replica computes the same from the same kernel: taking the first one's keeps them in step.
        **compat.only_first_replica(),
        **compat.keep_float32(),
    }
    size = math.prod(kernel.shape) // filters
    layer.u = layer.add_weight(name="u", shape=(filters,), initializer=initial_u, **state)
    layer.v = layer.add_weight(name="v", shape=(size,), initializer=initial_v, **state)


def spectrally_normalised(layer: keras.layers.Layer, *, output_axis: int, update: bool) -> tf.Tensor:
    """Divides a layer's kernel by the estimate of its largest singular value, in float32.

    The gradient flows to the kernel directly and through the singular value; u and v are constants to it.

    Args:
        layer: a layer after `add_spectral_state`.
        output_axis: axis of the kernel's output channels.
        update: whether to make one power iteration first and keep its u and v (a training call). Otherwise the stored ones are used
            as they are.

    Returns:
        Tensor of the kernel's shape, float32.

    Source: Miyato et al. 2018, arXiv:1802.05957; what is kept and what is constant follows `torch.nn.utils.spectral_norm`.
    """
    kernel = tf.convert_to_tensor(layer.kernel)
    matrix = ops.spectral.kernel_matrix(kernel, output_axis=output_axis)
    u, v = tf.convert_to_tensor(layer.u), tf.convert_to_tensor(layer.v)
    if update:
        u, v = ops.spectral.power_iteration(matrix, u)
        layer.u.assign(u)
        layer.v.assign(v)
    return kernel / ops.spectral.largest_singular_value(matrix, u, v)
