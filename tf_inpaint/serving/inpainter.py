"""Repairs photographs: any picture and mask in, a picture of the same size and kind out, known pixels untouched."""

import os

import numpy as np
import tensorflow as tf
from PIL import Image

from tf_inpaint import ops, pictures, systems
from tf_inpaint.errors import ConfigError, MaskError, NonFiniteError, PictureError
from tf_inpaint.systems.loading import load

STRATEGIES = ("original",)
"""How a picture goes through the networks; "original": whole, at its own size."""


class Inpainter:
    """Fills the hole of a photograph by a trained system.

        inpainter = Inpainter("three_stage.faces_128")
        result = inpainter(photo, mask)

    One traced graph serves all sizes. With the strategy "original" the picture goes through the networks at its full size: what
    they learned at 128 px they then see at a larger scale, and memory grows with the number of pixels.

    Args:
        weights: name of shipped weights, path of a run folder, or a system.
        strategy: "original".
        max_pixels: pictures with more pixels are refused.

    Raises:
        ConfigError: if the strategy is unknown or `max_pixels` below 1.
        WeightsError: if the weights are unknown or damaged.
    """

    def __init__(
        self,
        weights: str | os.PathLike | systems.InpaintingSystem,
        *,
        strategy: str = "original",
        max_pixels: int = pictures.MAX_PIXELS,
    ):
        if strategy not in STRATEGIES:
            raise ConfigError(f"`strategy` must be one of {STRATEGIES}; there is no other yet. Received: strategy={strategy!r}.")
        if max_pixels < 1:
            raise ConfigError(f"`max_pixels` must be at least 1. Received: max_pixels={max_pixels}.")
        self.system = weights if isinstance(weights, systems.InpaintingSystem) else load(weights)
        self.strategy = strategy
        self.max_pixels = max_pixels
        # The batch size is part of the signature, the picture's size is not: one trace for all pictures.
        self._graph = tf.function(
            self._inpaint_pixels,
            input_signature=[tf.TensorSpec([1, None, None, 3], tf.uint8), tf.TensorSpec([1, None, None, 1], tf.uint8)],
        )

    def __call__(self, photo: pictures.PictureSource, mask: pictures.PictureSource) -> np.ndarray | Image.Image:
        """Repairs one photograph.

        Args:
            photo: path, Pillow image or array; see `pictures.read_picture`. Turned upright where its EXIF says so.
            mask: the same kinds, white / 255 / 1.0 / True = fill; see `pictures.read_mask`. As large as the upright photo.

        Returns:
            For an array an array of the same shape and dtype; for a Pillow image or a path a Pillow image of the same size and of
            the same mode, except that 1-bit becomes "L" and palettes, CMYK and YCbCr become "RGB" (or "RGBA"). Pixels outside the
            hole keep their bits.

        Raises:
            PictureError: if the photo or the mask cannot be read, or the photo has more than `max_pixels`.
            MaskError: if the mask is empty or of another size than the photo.
            NonFiniteError: if the networks give values that are not finite.
        """
        picture = pictures.read_picture(photo, max_pixels=self.max_pixels, name=_name(photo, "photo"))
        hole = pictures.read_mask(mask, max_pixels=self.max_pixels, name=_name(mask, "mask"))
        result = self.fill(picture, hole)
        # A copy: what `np.asarray` shows of a Pillow image cannot be written to.
        return np.array(result).reshape(photo.shape) if isinstance(photo, np.ndarray) else result

    def fill(self, picture: pictures.Picture, mask: np.ndarray) -> Image.Image:
        """Repairs a picture that has been read.

        Args:
            picture: from `pictures.read_picture`.
            mask: uint8 `[H, W]` from `pictures.read_mask`, 255 in the hole.

        Returns:
            A Pillow image of the mode and size of `picture.image`.

        Raises:
            MaskError: if the mask is empty or of another size than the picture.
            NonFiniteError: if the networks give values that are not finite.
            PictureError: if the memory does not suffice for a picture of this size.
        """
        if mask.shape != picture.rgb.shape[:2]:
            height, width = picture.rgb.shape[:2]
            raise MaskError(
                f"The mask must be as large as the picture, both upright. Received: a picture of {width} x {height} and a mask of "
                f"{mask.shape[1]} x {mask.shape[0]} pixels (width x height)."
            )
        if not mask.any():
            raise MaskError("The mask is empty: it has no pixel above 127, so there is nothing to fill. White marks the hole.")
        try:
            filled, is_finite = self._graph(picture.rgb[np.newaxis], mask[np.newaxis, ..., np.newaxis])
        except tf.errors.ResourceExhaustedError as error:
            height, width = mask.shape
            raise PictureError(
                f"There is not enough memory for the networks at {width} x {height} pixels. Make the picture smaller, or lower max_pixels."
            ) from error
        if not is_finite:
            raise NonFiniteError("The networks gave values that are not finite; the weights are unusable. No picture was made.")
        return picture.fill(filled[0].numpy(), mask > pictures.MASK_THRESHOLD)

    def _inpaint_pixels(self, image: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        composite = self.system.inpaint(ops.image.from_uint8(image), ops.image.binary_mask(mask))
        return ops.image.to_uint8(composite), tf.reduce_all(tf.math.is_finite(composite))


def _name(source: pictures.PictureSource, role: str) -> str | None:
    """Paths are called by their own name in messages."""
    return None if isinstance(source, str | os.PathLike) else role
