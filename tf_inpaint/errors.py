"""Errors that the library raises on purpose: each says what was expected, what came and what helps.

All derive from `TfInpaintError`, which is a `ValueError`: whoever catches `ValueError` catches them too. The command line prints
their message as one sentence, without a traceback, and leaves with their `exit_code`.
"""


class TfInpaintError(ValueError):
    """Base of every error that the library raises about what it was given.

    `exit_code` is the status with which a command of `tf-inpaint` ends on this error: 1, the work failed; 2, wrong usage.
    """

    exit_code = 1


class ConfigError(TfInpaintError):
    """A setting, a name or an argument that does not exist or is out of its range."""

    exit_code = 2


class PictureError(TfInpaintError):
    """A picture file that cannot be read, is too large, or has the wrong size or type."""


class PictureSizeError(PictureError):
    """A picture with more pixels than are allowed."""


class MaskError(TfInpaintError):
    """A mask that is empty, of another size than its picture, or cannot be made as asked."""


class DataError(TfInpaintError):
    """A data source that is missing, empty, or of which too much is broken."""


class CheckpointError(TfInpaintError):
    """A checkpoint or run folder that is missing, torn, or made by other settings."""


class NonFiniteError(TfInpaintError):
    """A loss, gradient or weight that became infinite or not a number; the message names the term."""


class WeightsError(TfInpaintError):
    """A weights file that is unknown, missing, damaged, or does not fit the networks."""


class MissingWeightsError(WeightsError):
    """Weights that are neither on this machine nor to be downloaded now."""
