"""Image inpainting for TensorFlow and Keras: published systems in one house, with one API.

    import tf_inpaint as tfi

    inpainter = tfi.Inpainter("three_stage.faces_128")
    result = inpainter("photo.jpg", "mask.png")

Nothing is imported before it is used, so that `tf-inpaint --help` does not wait for TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for editors and type checkers; the running program goes through __getattr__
    from tf_inpaint import data, evaluation, layers, losses, masks, metrics, networks, ops, serving, training
    from tf_inpaint.serving import Inpainter
    from tf_inpaint.systems import SYSTEMS, InpaintingSystem
    from tf_inpaint.systems.loading import load, load_official

__version__ = "0.1.0"

# name -> the module that holds it
_HOME = {
    "SYSTEMS": "tf_inpaint.systems",
    "Inpainter": "tf_inpaint.serving",
    "InpaintingSystem": "tf_inpaint.systems",
    "load": "tf_inpaint.systems.loading",
    "load_official": "tf_inpaint.systems.loading",
}
_SUBPACKAGES = ("data", "evaluation", "layers", "losses", "masks", "metrics", "networks", "ops", "serving", "training")

__all__ = [
    "SYSTEMS",
    "Inpainter",
    "InpaintingSystem",
    "__version__",
    "data",
    "evaluation",
    "layers",
    "load",
    "load_official",
    "losses",
    "masks",
    "metrics",
    "networks",
    "ops",
    "serving",
    "training",
]


def __getattr__(name: str):
    if name in _SUBPACKAGES:
        return importlib.import_module(f"tf_inpaint.{name}")
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'tf_inpaint' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
