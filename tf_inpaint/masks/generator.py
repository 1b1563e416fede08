"""What every mask generator is: a seed goes in, masks come out."""

import tensorflow as tf

from tf_inpaint.masks import random


class MaskGenerator:
    """Base of the mask generators. A subclass writes `per_example`.

    Masks are `[B, H, W, 1]` float32 in {0, 1}, 1 = hole. The same seed gives the same bits in every process, eagerly, in a
    `tf.function` and in a `tf.data` pipeline. Sizes are Python integers or scalar integer tensors.
    """

    def __call__(self, seed: tf.Tensor, *, batch_size: int | tf.Tensor, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
        """Makes a batch of masks from one seed.

        Args:
            seed: `[2]` int32 or int64.
            batch_size: number of masks B. The first n masks do not depend on it.
            height: H.
            width: W.

        Returns:
            `[B, H, W, 1]` float32 in {0, 1}: `per_example` of `random.split(seed, batch_size)`.
        """
        return self.per_example(random.split(seed, batch_size), height=height, width=width)

    def per_example(self, seeds: tf.Tensor, *, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
        """Makes a mask for each seed.

        Args:
            seeds: `[B, 2]` int32 or int64.
            height: H.
            width: W.

        Returns:
            `[B, H, W, 1]` float32 in {0, 1}. Mask i depends on `seeds[i]` only.
        """
        raise NotImplementedError
