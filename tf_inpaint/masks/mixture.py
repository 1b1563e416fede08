"""Masks of several kinds in one stream."""

from collections.abc import Sequence

import tensorflow as tf

from tf_inpaint.errors import ConfigError
from tf_inpaint.masks import random
from tf_inpaint.masks.generator import MaskGenerator


class Mixture(MaskGenerator):
    """Each mask comes from one of several generators, chosen by its seed with equal chance.

    Every generator makes a mask for every seed and one is kept: as many operations as all of them together, but no branch.

    Args:
        generators: the kinds of masks, at least one.

    Raises:
        ConfigError: if there is none.
    """

    def __init__(self, generators: Sequence[MaskGenerator]):
        if not generators:
            raise ConfigError("A mixture needs at least one generator of masks. Received: none.")
        self.generators = tuple(generators)

    def per_example(self, seeds: tf.Tensor, *, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
        # The members get seeds of their own: the number that chooses must tell nothing about the mask.
        numbers = random.bits(seeds, 3)
        own_seeds = numbers[:, 1:]
        choice = tf.math.floormod(numbers[:, :1], tf.constant(len(self.generators), tf.int64))[:, :, None, None]
        masks = self.generators[0].per_example(own_seeds, height=height, width=width)
        for position, generator in enumerate(self.generators[1:], start=1):
            masks = tf.where(choice == position, generator.per_example(own_seeds, height=height, width=width), masks)
        return masks
