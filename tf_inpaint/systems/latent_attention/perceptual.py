"""How unlike two pictures are to a network: the perceptual losses of both stages, by the name of the network."""

import os
import warnings
from collections.abc import Callable

import tensorflow as tf

from tf_inpaint import official_weights
from tf_inpaint.metrics.feature_distances import lpips_distance
from tf_inpaint.networks import open_feature_network
from tf_inpaint.networks.alexnet import build_lpips_alexnet
from tf_inpaint.systems.latent_attention import generator_stage

Distance = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
# Of the length of a feature vector that is divided by it.
_SMALLEST_SQUARE = 1e-10


def open_distance(source: str, system, *, layers: tuple[str, ...], purpose: str) -> Distance | None:
    """Opens the network that a configuration names.

    Args:
        source: "discriminator": the residual blocks of StyleGAN2's critic, on pictures of its size; each map's channels are divided by
            their length, the squared differences averaged over channels and pixels, the blocks averaged. "lpips:PATH": AlexNet and LPIPS'
            weights in one file or in two joined by "+", with torch installed or as `.npz`. "none". All others as for
            `networks.build_feature_network`: the squared differences averaged over each map, the maps summed.
        system: the `LatentAttention` whose critic it may be.
        layers: of the last kind, which maps.
        purpose: what is off without the network, for the warning.

    Returns:
        Function of two pictures `[B, H, W, 3]` in [-1, 1] -> scalar float32, the mean over the batch; `None` for "none" and where a file
        cannot be had: a warning says so then, and what helps.

    Raises:
        ConfigError: if the source or a layer is unknown.
        WeightsError: if a file is there and not in order.
    """
    kind, _, path = source.partition(":")
    if kind == "discriminator":
        return lambda a, b: _critic_distance(system, a, b)
    if kind == "lpips":
        return _open_lpips(path, purpose)
    network = open_feature_network(source, layers, purpose=purpose)
    if network is None:
        return None

    def distance(a, b):
        pairs = zip(network(a, training=False), network(b, training=False), strict=True)
        return tf.add_n([tf.reduce_mean(tf.math.squared_difference(x, y)) for x, y in pairs])

    return distance


def _open_lpips(path, purpose):
    paths = [os.path.expanduser(part) for part in path.split("+")]
    if missing := [part for part in paths if not os.path.isfile(part)]:
        reason = f"there is no file {missing[0]!r} for LPIPS" if path else "LPIPS is to be used, and no file is named"
        warnings.warn(
            f"Training goes on without {purpose}: {reason}. Give AlexNet and its heads as "
            "'lpips:PATH+PATH', or take 'vgg19', 'discriminator' or 'none'.",
            stacklevel=3,
        )
        return None
    network, weights = build_lpips_alexnet(official_weights.read(paths if len(paths) > 1 else paths[0]), origin=path)
    return lambda a, b: tf.reduce_mean(lpips_distance(network(a, training=False), network(b, training=False), weights))


def _critic_distance(system, a, b):
    maps = [system.critic_network(generator_stage.downsized(system, each), training=False)[:-1] for each in (a, b)]
    differences = [tf.reduce_mean(tf.math.squared_difference(_directions(x), _directions(y))) for x, y in zip(*maps, strict=True)]
    return tf.add_n(differences) / len(differences)


def _directions(features):
    return tf.math.l2_normalize(tf.cast(features, tf.float32), axis=-1, epsilon=_SMALLEST_SQUARE)
