"""How pictures larger or smaller than the networks' own size go through them.

A strategy is a function of arrays

    strategy(image, mask, repair, *, size, margin) -> filled

* `image` uint8 `[H, W, 3]`; what lies in the hole has no influence on the result.
* `mask` bool `[H, W]`, true in the hole, with at least one such pixel.
* `repair(images, masks)`: uint8 `[N, h, w, 3]` and bool `[N, h, w]` -> uint8 `[N, h, w, 3]`; runs the networks.
* `size`: side of the pictures that the networks were trained on, in pixels.
* `margin`: known pixels around a hole that the networks shall see, in pixels; `None` for the strategy's own choice.
* `filled` is a new uint8 `[H, W, 3]` array that equals `image` outside the hole, bit by bit.
"""

from tf_inpaint.serving.strategies.crop import crop
from tf_inpaint.serving.strategies.original import original
from tf_inpaint.serving.strategies.resize import resize
from tf_inpaint.serving.strategies.tile import tile

STRATEGIES = {"crop": crop, "resize": resize, "tile": tile, "original": original}
"""Name -> function; the first is the default of `Inpainter`."""

__all__ = ["STRATEGIES", "crop", "original", "resize", "tile"]
