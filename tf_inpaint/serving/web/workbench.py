"""What the page does, without the page: opens a photograph, turns strokes into a mask, repairs by the code of the command."""

import collections
import concurrent.futures
import dataclasses
import functools
import io
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tf_inpaint import pictures
from tf_inpaint.errors import ConfigError, MaskError, PictureError
from tf_inpaint.serving import batch
from tf_inpaint.serving.hole_options import HoleOptions
from tf_inpaint.serving.inpainter import Inpainter
from tf_inpaint.serving.web.repaired import Repaired

SHOWN_SIDE = 2048
"""Photographs are painted on at full size up to this many pixels a side; larger ones are shown smaller, the strokes enlarged."""
MAX_PIXELS = 50_000_000
MAX_WHOLE_PIXELS = 4_194_304
"""The strategy "original" sends a photograph whole through the networks, whose memory grows with it; larger ones are refused there."""
MAX_SECONDS = 300.0

_HOLE_COLOUR = (255, 45, 149)  # of an uploaded mask over the shown photograph; the brush has it, too
_KEPT_RESULTS = 8


class Workbench:
    """Repairs photographs for people who paint on them.

    Pictures go through the code of `tf-inpaint inpaint`, so its results are these, byte by byte, for the same photograph, mask,
    weights, strategy and options of the hole. One repair runs at a time. Used as a context it removes its files at the end:

        with Workbench() as bench:
            repaired = bench.repair("photo.jpg", [], "mask.png", weights="three_stage.faces_128", strategy="crop")

    Args:
        max_pixels: photographs and masks with more pixels are refused before they are decoded.
        max_seconds: a repair that is not done after this time is given up for the user; it still ends before the next one begins.

    Raises:
        ConfigError: if a limit is not above 0.
    """

    def __init__(self, *, max_pixels: int = MAX_PIXELS, max_seconds: float = MAX_SECONDS):
        if max_pixels < 1 or not max_seconds > 0:
            raise ConfigError(f"Limits must be above 0. Received: max_pixels={max_pixels}, max_seconds={max_seconds}.")
        self.max_pixels = max_pixels
        self.max_seconds = max_seconds
        self.folder = Path(tempfile.mkdtemp(prefix="tf_inpaint-web-"))
        self._worker = concurrent.futures.ThreadPoolExecutor(1)
        self._inpainters = {}
        self._results = collections.deque()

    def __enter__(self) -> "Workbench":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Waits for the repair that is running, if any, and removes all files."""
        self._worker.shutdown(cancel_futures=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def show(self, photo: str | Path, mask: str | Path | None = None, *, invert_mask: bool = False) -> Image.Image:
        """Makes the picture that the user paints on.

        Args:
            photo: file of the photograph.
            mask: file of a mask, or `None`; its hole is shown in the brush's colour.
            invert_mask: whether black marks the hole in it.

        Returns:
            RGB, upright, at most `SHOWN_SIDE` pixels a side.

        Raises:
            PictureError: if one of them cannot be read or is too large.
            MaskError: if the mask is of another shape than the photograph, empty or full.
        """
        rgb = self._read(photo).rgb
        if mask is not None:
            hole, _ = self._read_mask(mask, rgb.shape[:2], invert_mask)
            rgb = np.where(hole[..., np.newaxis], np.uint8(_HOLE_COLOUR), rgb)
        return _shown(rgb)

    def hole(
        self, size: tuple[int, int], strokes: Sequence[bytes], mask: str | Path | None = None, *, invert_mask: bool = False
    ) -> tuple[np.ndarray, list[str]]:
        """Joins what was painted and an uploaded mask.

        Args:
            size: height and width of the photograph.
            strokes: layers of the brush in PNG or WebP files, transparent where nothing was painted; as large as the photograph, or as
                the smaller picture that `show` made of it.
            mask: file of a mask, or `None`.
            invert_mask: whether black marks the hole in it. Strokes always do.

        Returns:
            bool `[H, W]`, true in the hole: where alpha is above 127 there is a stroke, whatever its colour. And what the user should know
            about the mask.

        Raises:
            PictureError: if a file cannot be read.
            MaskError: if something belongs to a photograph of another shape, the mask is empty or full, or nothing was painted.
        """
        hole, notes = (np.zeros(size, bool), []) if mask is None else self._read_mask(mask, size, invert_mask)
        for stroke in strokes:
            layer = pictures.read_picture(io.BytesIO(stroke), max_pixels=self.max_pixels, name="the painted layer").image
            if not isinstance(layer, Image.Image) or layer.mode not in ("RGBA", "LA"):
                continue  # a layer without transparency is a picture, not a stroke
            if layer.size not in ((size[1], size[0]), _shown_size(size)):
                raise MaskError("What was painted belongs to another photograph. Choose the photograph again and paint anew.")
            alpha = layer.getchannel("A").resize((size[1], size[0]), Image.Resampling.NEAREST)
            hole = hole | (np.asarray(alpha) > pictures.MASK_THRESHOLD)
        if not hole.any():
            raise MaskError("Nothing is painted yet. Paint over what shall be repaired, or upload a mask that is white there.")
        return hole, notes

    def repair(
        self,
        photo: str | Path,
        strokes: Sequence[bytes] = (),
        mask: str | Path | None = None,
        *,
        weights: str,
        strategy: str,
        hole_options: HoleOptions = HoleOptions(),  # noqa: B008  frozen
        to_png: bool = False,
    ) -> Repaired:
        """Repairs a photograph.

        Args:
            photo: its file.
            strokes: see `hole`.
            mask: see `hole`.
            weights: name of shipped weights, or path of a run folder.
            strategy: see `Inpainter`.
            hole_options: what is asked of the hole. Inverted is the uploaded mask alone; the rest is done to the whole hole.
            to_png: whether the result is a PNG file, whatever the photograph is.

        Returns:
            The result and its files, which stay until some more repairs were made.

        Raises:
            ConfigError: if weights or strategy do not exist.
            PictureError: if the photograph cannot be read, cannot be repaired, or took longer than `max_seconds`.
            MaskError: if there is no hole.
        """
        running = self._worker.submit(self._repair, Path(photo), list(strokes), mask, weights, strategy, hole_options, to_png)
        try:
            return running.result(timeout=self.max_seconds)
        except concurrent.futures.TimeoutError:
            running.cancel()
            raise PictureError(
                f"The repair took longer than {self.max_seconds:g} seconds and was given up. Choose the strategy crop, a smaller hole or a "
                "smaller photograph."
            ) from None

    def _repair(self, photo, strokes, mask, weights, strategy, hole_options, to_png):
        picture = self._read(photo)
        hole, mask_notes = self.hole(picture.rgb.shape[:2], strokes, mask, invert_mask=hole_options.invert_mask)
        if strategy == "original" and hole.size > MAX_WHOLE_PIXELS:
            raise PictureError(
                f"With the strategy original a photograph may have {MAX_WHOLE_PIXELS:,} pixels here. It has {hole.size:,}. Choose the "
                "strategy crop, which sees the photograph around the hole at full size."
            )
        inpainter = self._inpainter(weights, strategy)
        # Its graph has been traced, whatever is asked of the hole; one repair runs at a time. What was inverted is in `hole`.
        inpainter.hole_options = dataclasses.replace(hole_options, invert_mask=False)
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        mask_file = folder / f"{photo.stem}_mask.png"
        pictures.write_picture(mask_file, hole.astype(np.uint8) * 255)
        output = folder / f"{photo.stem}_repaired{'.png' if to_png else photo.suffix}"
        outcome = batch.repair_files(inpainter, [batch.Job(photo, mask_file, output)], show_progress=False)
        if outcome.failures:
            shutil.rmtree(folder)
            raise PictureError(outcome.failures[0][1])
        self._results.append(folder)
        if len(self._results) > _KEPT_RESULTS:
            shutil.rmtree(self._results.popleft())
        after = pictures.read_rgb(output, max_pixels=self.max_pixels)
        # The command's notes begin with the name of a file, here in a folder that says nothing to the user.
        names = [f"{pictures.printable(path)}: " for path in (photo, output)]
        notes = [functools.reduce(str.removeprefix, names, note) for note in outcome.notes]
        notes = tuple(dict.fromkeys([*mask_notes, *notes]))
        return Repaired(_shown(picture.rgb), _shown(after), output, mask_file, notes)

    def _inpainter(self, weights, strategy):
        if (weights, strategy) not in self._inpainters:
            loaded = [each.system for (name, _), each in self._inpainters.items() if name == weights]
            self._inpainters[weights, strategy] = Inpainter(*loaded[:1] or [weights], strategy=strategy, max_pixels=self.max_pixels)
        return self._inpainters[weights, strategy]

    def _read(self, photo):
        return pictures.read_picture(photo, max_pixels=self.max_pixels, name="The photograph")

    def _read_mask(self, mask, size, invert_mask):
        """The hole of an uploaded mask by the rules of the command, and its warnings."""
        levels = pictures.read_mask(mask, max_pixels=self.max_pixels, name="The mask")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", pictures.MaskWarning)
            hole = HoleOptions(invert_mask=invert_mask).hole(levels, height=size[0], width=size[1])
        return hole, [str(warning.message) for warning in caught]


def _shown_size(size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of the shown picture of a photograph of `size` (height, width)."""
    height, width = size
    scale = min(1.0, SHOWN_SIDE / max(size))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _shown(rgb: np.ndarray) -> Image.Image:
    image, size = Image.fromarray(rgb), _shown_size(rgb.shape[:2])
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)
