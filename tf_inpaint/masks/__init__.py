"""Masks: a seed goes in, `[B, H, W, 1]` float32 in {0, 1} comes out, 1 = hole. Made where the training step runs."""

from tf_inpaint.masks.free_form import FreeForm, free_form
from tf_inpaint.masks.generator import MaskGenerator
from tf_inpaint.masks.irregular_files import IrregularFiles, MaskBank, irregular, load_mask_bank
from tf_inpaint.masks.mixture import Mixture
from tf_inpaint.masks.random import split
from tf_inpaint.masks.rectangles import (
    CenterSquare,
    FixedSquares,
    RandomSquare,
    TenSquares,
    center_square,
    fixed_squares,
    random_square,
    ten_squares,
)
from tf_inpaint.masks.registry import MASKS, parse

__all__ = [
    "MASKS",
    "CenterSquare",
    "FixedSquares",
    "FreeForm",
    "IrregularFiles",
    "MaskBank",
    "MaskGenerator",
    "Mixture",
    "RandomSquare",
    "TenSquares",
    "center_square",
    "fixed_squares",
    "free_form",
    "irregular",
    "load_mask_bank",
    "parse",
    "random_square",
    "split",
    "ten_squares",
]
