"""Repairs photographs: any picture and mask in, a picture of the same size and kind out, known pixels untouched."""

import dataclasses
import functools
import os
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from PIL import Image

from tf_inpaint import ops, pictures, systems
from tf_inpaint.errors import ConfigError, NonFiniteError, PictureError, PictureSizeError
from tf_inpaint.serving.hole_options import HoleOptions
from tf_inpaint.serving.strategies import STRATEGIES
from tf_inpaint.serving.verified_result import ACCEPTED, NOT_JUDGED, REJECTED, VerifiedResult
from tf_inpaint.systems.loading import load

MAX_WHOLE_PIXELS = 4096 * 4096
"""Pictures that go through the networks as a whole have no more pixels, unless the caller says else; as in exported models."""

# No size is part of the signature: one trace for all pictures.
_SIGNATURE = [tf.TensorSpec([None, None, None, 3], tf.uint8), tf.TensorSpec([None, None, None, 1], tf.bool)]


class Inpainter:
    """Fills the hole of a photograph by a trained system.

        inpainter = Inpainter("three_stage.faces_128")
        result = inpainter(photo, mask)

    Systems with a `verification` also say how good a result is, and try again where it is not good enough:

        result = Inpainter("runs/edge_connect").inpaint_verified(photo, mask, retries=3)
        result.verdict, result.scores, result.image

    One traced graph serves all sizes. How a picture goes through the networks, which have learned at one size, is the strategy's
    business; with every one of them known pixels keep their bits:

    * "crop": a window around each hole, made small for the networks where it must be. The work grows with the holes.
    * "tile": overlapping tiles at full resolution, blended inside the holes: for scratches, cables, text.
    * "resize": the whole picture made small; only the hole comes back, enlarged.
    * "original": the whole picture at its own size, as an exported model does it. What the networks learned at 128 px they then see
      at a larger scale, and memory grows with the number of pixels.

    Args:
        weights: name of shipped weights, path of a run folder, or a system.
        strategy: "crop", "resize", "tile" or "original".
        margin: known pixels that the networks see around a hole, for "crop" and "tile"; `None` for a quarter of the networks' size, and
            more for large holes.
        max_pixels: pictures with more pixels are refused before they are decoded. `None`: `pictures.MAX_PIXELS`, and with the strategy
            "original", which takes memory for each of them, `MAX_WHOLE_PIXELS`.
        invert_mask: whether black marks the hole.
        erode: pixels to take away from the hole along its border.
        dilate: pixels to add to the hole around it, after that. A hole that leaves a rim of what shall go is filled with more of it.
        feather: pixels over which the filling is blended into what was there before, inside the hole only.
        match_colour: whether each filling gets the mean colour and contrast of what is around it.

    Raises:
        ConfigError: if the strategy is unknown, `max_pixels` below 1, or a number of pixels negative.
        WeightsError: if the weights are unknown or damaged.
    """

    def __init__(
        self,
        weights: str | os.PathLike | systems.InpaintingSystem,
        *,
        strategy: str = "crop",
        margin: int | None = None,
        max_pixels: int | None = None,
        invert_mask: bool = False,
        erode: int = 0,
        dilate: int = 0,
        feather: int = 0,
        match_colour: bool = False,
    ):
        if strategy not in STRATEGIES:
            raise ConfigError(f"`strategy` must be one of {', '.join(STRATEGIES)}. Received: strategy={strategy!r}.")
        if margin is not None and margin < 0:
            raise ConfigError(f"`margin` must not be negative. Received: margin={margin}.")
        if max_pixels is None:
            max_pixels = MAX_WHOLE_PIXELS if strategy == "original" else pictures.MAX_PIXELS
        if max_pixels < 1:
            raise ConfigError(f"`max_pixels` must be at least 1. Received: max_pixels={max_pixels}.")
        self.hole_options = HoleOptions(invert_mask=invert_mask, erode=erode, dilate=dilate, feather=feather, match_colour=match_colour)
        self.system = weights if isinstance(weights, systems.InpaintingSystem) else load(weights)
        self.strategy = strategy
        self.margin = margin
        self.max_pixels = max_pixels
        self._graph = tf.function(self._inpaint_pixels, _SIGNATURE)
        self._candidate_graphs = {}

    @property
    def num_traces(self) -> int:
        """How many graphs have been traced so far: one for all sizes, and one for each candidate of a verification."""
        graphs = (self._graph, *self._candidate_graphs.values())
        return sum(graph.experimental_get_tracing_count() for graph in graphs)

    def __call__(self, photo: pictures.PictureSource, mask: pictures.PictureSource) -> np.ndarray | Image.Image:
        """Repairs one photograph.

        Args:
            photo: path, Pillow image or array; see `pictures.read_picture`. Turned upright where its EXIF says so.
            mask: the same kinds, white / 255 / 1.0 / True = fill; see `pictures.read_mask`. A mask of the upright photo's shape in
                another size is resized (nearest pixel), and a `pictures.MaskWarning` says so.

        Returns:
            For an array an array of the same shape and dtype; for a Pillow image or a path a Pillow image of the same size and of
            the same mode, except that 1-bit becomes "L" and palettes, CMYK and YCbCr become "RGB" (or "RGBA"). Pixels outside the
            hole keep their bits.

        Raises:
            PictureError: if the photo or the mask cannot be read, or the photo has more than `max_pixels`.
            MaskError: if the mask is of another shape than the photo, or the hole is empty or the whole photo.
            NonFiniteError: if the networks give values that are not finite.
        """
        picture, hole = self.read(photo, mask)
        return _as_given(photo, self.fill(picture, hole))

    def inpaint_verified(self, photo: pictures.PictureSource, mask: pictures.PictureSource, *, retries: int = 0) -> VerifiedResult:
        """Repairs one photograph, lets the system judge the result, and tries again if it is rejected.

        Args:
            photo: see `__call__`.
            mask: see `__call__`.
            retries: number of other candidates that may be tried, in the order of the system's `verification.candidates`, until one is
                accepted; a system may have fewer.

        Returns:
            The result that is accepted, or else the best: that whose least ratio of score and threshold is largest. Its verdict says
            which; without thresholds it is the plain one, not judged.

        Raises:
            ConfigError: if the system has no verification, or there is nothing by which retries could be judged.
            PictureError: also if the photo is smaller than what the system can score.
            MaskError: as `__call__`.
            NonFiniteError: as `__call__`.
        """
        picture, hole = self.read(photo, mask)
        result = self.fill_verified(picture, hole, retries=retries)
        return dataclasses.replace(result, image=_as_given(photo, result.image))

    def read(self, photo: pictures.PictureSource, mask: pictures.PictureSource) -> tuple[pictures.Picture, np.ndarray]:
        """Reads a photograph and its mask within `max_pixels`, for `fill`.

        Args:
            photo: see `__call__`.
            mask: see `__call__`.

        Returns:
            As `pictures.read_picture` and `pictures.read_mask` give them.

        Raises:
            PictureError: if one of them cannot be read or has more than `max_pixels`.
            MaskError: if an array holds values that are no mask.
        """
        try:
            picture = pictures.read_picture(photo, max_pixels=self.max_pixels, name=_name(photo, "photo"))
            return picture, pictures.read_mask(mask, max_pixels=self.max_pixels, name=_name(mask, "mask"))
        except PictureSizeError as error:
            if self.strategy != "original":
                raise
            raise PictureSizeError(
                f"{error} The strategy 'original' takes memory for each pixel; 'crop' takes it for the hole's surroundings only."
            ) from error

    def fill(self, picture: pictures.Picture, mask: np.ndarray) -> Image.Image | np.ndarray:
        """Repairs a picture that has been read.

        Args:
            picture: from `pictures.read_picture`.
            mask: uint8 `[H, W]` from `pictures.read_mask`, 255 in the hole.

        Returns:
            A Pillow image of the mode and size of `picture.image`; of 16-bit colours an array.

        Raises:
            MaskError: as `__call__`.
            NonFiniteError: if the networks give values that are not finite.
            PictureError: if the memory does not suffice for a picture of this size.
        """
        hole = self.hole_options.hole(mask, height=picture.rgb.shape[0], width=picture.rgb.shape[1])
        filled, _ = self._run(self._graph, picture, hole)
        return picture.fill(filled, hole)

    def fill_verified(self, picture: pictures.Picture, mask: np.ndarray, *, retries: int = 0) -> VerifiedResult:
        """Repairs a picture that has been read, as `inpaint_verified` does.

        Args:
            picture: from `pictures.read_picture`.
            mask: uint8 `[H, W]` from `pictures.read_mask`, 255 in the hole.
            retries: see `inpaint_verified`.

        Returns:
            The result; its image is a Pillow image of the mode and size of `picture.image`.

        Raises:
            ConfigError: as `inpaint_verified`.
            PictureError: as `inpaint_verified`.
            MaskError: as `fill`.
            NonFiniteError: as `fill`.
        """
        self.check_retries(retries)
        verification = self.system.verification
        hole = self.hole_options.hole(mask, height=picture.rgb.shape[0], width=picture.rgb.shape[1])
        thresholds = verification.thresholds
        tried = []
        for candidate in verification.candidates[: 1 + retries]:
            filled, scores = self._run(self._candidate_graph(candidate), picture, hole)
            margin = thresholds.margin(scores) if thresholds else 0.0
            tried.append((margin, filled, scores, candidate))
            if margin >= 1.0:
                break
        margin, filled, scores, candidate = max(tried, key=lambda attempt: attempt[0])  # the first of several
        verdict = (ACCEPTED if margin >= 1.0 else REJECTED) if thresholds else NOT_JUDGED
        return VerifiedResult(picture.fill(filled, hole), verdict, scores, candidate, num_tried=len(tried))

    def check_retries(self, retries: int) -> None:
        """Checks that results can be verified with so many retries, before any picture is read.

        Args:
            retries: see `inpaint_verified`.

        Raises:
            ConfigError: if not.
        """
        verification = self.system.verification
        if verification is None:
            raise ConfigError(f"{self.system.KEY} cannot verify its results: it has no scores for them. Leave `retries` out.")
        if retries < 0:
            raise ConfigError(f"`retries` must not be negative. Received: retries={retries}.")
        if retries and verification.thresholds is None:
            raise ConfigError(
                f"These weights of {self.system.KEY} have no thresholds, so no result is ever rejected and tried again. Measure them with "
                "`tf-inpaint calibrate`, or take retries=0 to see the scores."
            )

    def _run(self, graph: Callable, picture: pictures.Picture, hole: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
        """Repairs by the strategy: uint8 `[H, W, 3]`, and if the graph has scores, each one's lowest of all parts that it saw."""
        lowest = {}

        def repair(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
            filled, scores = self._run_networks(graph, images, masks)
            for name, values in scores.items():
                # Not `min`, for which NaN is not smaller than anything: a score that is no number must not vanish.
                lowest[name] = float(np.minimum(lowest.get(name, np.inf), values.min()))
            return filled

        strategy, size = STRATEGIES[self.strategy], self.system.config.image_size
        filled = strategy(picture.rgb, hole, repair, size=size, margin=self.margin)
        return self.hole_options.finish(filled, picture.rgb, hole), lowest

    def _run_networks(self, graph: Callable, images: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        height, width = masks.shape[1:]
        smallest = 1 if graph is self._graph else self.system.verification.SMALLEST_SIZE
        if min(height, width) < smallest:
            raise PictureError(
                f"Results of {self.system.KEY} can be scored from {smallest} x {smallest} pixels on. Received: a picture of {width} x "
                f"{height} pixels (width x height)."
            )
        try:
            filled, is_finite, scores = graph(images, masks[..., np.newaxis])
        except tf.errors.ResourceExhaustedError as error:
            raise PictureError(
                f"There is not enough memory for the networks at {width} x {height} pixels. Take another strategy, or a smaller picture."
            ) from error
        if not is_finite:
            raise NonFiniteError("The networks gave values that are not finite; the weights are unusable. No picture was made.")
        return filled.numpy(), {name: values.numpy() for name, values in scores.items()}

    def _candidate_graph(self, candidate: str) -> Callable:
        if candidate not in self._candidate_graphs:
            function = functools.partial(self._inpaint_pixels, candidate=candidate)
            self._candidate_graphs[candidate] = tf.function(function, _SIGNATURE)
        return self._candidate_graphs[candidate]

    def _inpaint_pixels(self, image: tf.Tensor, mask: tf.Tensor, candidate: str | None = None) -> tuple:
        image, mask, scores = ops.image.from_uint8(image), ops.image.binary_mask(mask), {}
        if candidate is None:
            composite = self.system.inpaint(image, mask)
        else:
            composite, scores = self.system.verification.inpaint(image, mask, candidate=candidate)
        return ops.image.to_uint8(composite), tf.reduce_all(tf.math.is_finite(composite)), scores


def _as_given(photo: pictures.PictureSource, result: Image.Image) -> np.ndarray | Image.Image:
    # A copy: what `np.asarray` shows of a Pillow image cannot be written to.
    return np.array(result).reshape(photo.shape) if isinstance(photo, np.ndarray) else result


def _name(source: pictures.PictureSource, role: str) -> str | None:
    """Paths are called by their own name in messages."""
    return None if isinstance(source, str | os.PathLike) else role
