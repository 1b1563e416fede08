"""Imports point down only, and what must stay in one place stays there. Reads the source; shown to catch planted faults."""

import ast
from collections.abc import Iterator

import pytest

from tests.source import PACKAGE, package_sources

FLOORS = (
    {"compat", "errors", "files", "peak_memory"},
    {"ops", "pictures", "run_folders"},
    {"layers", "losses", "metrics", "masks", "weights", "official_weights", "visualize"},
    {"networks", "data"},
    {"systems"},
    {"training", "evaluation", "serving"},
    {"cli"},
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

# package that only these modules may import -> why
ONLY_IN = {
    "tensorflow_addons": {f"{PACKAGE}.compat"},
    "matplotlib": {f"{PACKAGE}.visualize"},
    "tf_keras": set(),
    "PIL.Image.open": {f"{PACKAGE}.pictures.opening"},
    "cv2.imread": set(),
    "cv2.imdecode": {f"{PACKAGE}.pictures.opening"},
    "skimage.io": set(),
    "pickle": set(),
    "tensorflow.keras": set(),
    "tensorflow.py_function": set(),
    "tensorflow.numpy_function": set(),
    "tensorflow.compat": set(),
}


def find_faults(sources: dict[str, str]) -> list[str]:
    """Says what in `sources` (module name -> text) breaks the rules; empty when all is well."""
    return [
        f"{module}:{line}: {fault}"
        for module, text in sources.items()
        for line, fault in _module_faults(module, ast.parse(text), set(sources))
    ]


def _module_faults(module: str, tree: ast.Module, modules: set[str]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "relative import"
    for line, name in _used_names(tree):
        for restricted, allowed in ONLY_IN.items():
            if (name == restricted or name.startswith(f"{restricted}.")) and module not in allowed:
                yield line, f"uses {restricted}"
        if name.split(".")[0] == PACKAGE:
            fault = _import_fault(module, name, modules)
            if fault:
                yield line, fault


def _used_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Each imported module or attribute of one, by its full dotted name: `tf.keras.Model` -> `tensorflow.keras.Model`."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                known[alias.asname or alias.name.split(".")[0]] = alias.name if alias.asname else alias.name.split(".")[0]
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield node.lineno, f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            parts = [node.attr]
            inner = node.value
            while isinstance(inner, ast.Attribute):
                parts.append(inner.attr)
                inner = inner.value
            if isinstance(inner, ast.Name) and inner.id in known and not known[inner.id].startswith(PACKAGE):
                yield node.lineno, ".".join([known[inner.id], *reversed(parts)])


def _import_fault(module: str, imported: str, modules: set[str]) -> str | None:
    importer, target = module.split("."), imported.split(".")
    if imported == f"{PACKAGE}.__version__":
        return None
    if len(target) == 1 or (len(target) == 2 and target[1] not in FLOOR_OF):
        return f"imports {imported}: the package's public names are for users" if len(importer) > 1 else None
    if len(importer) == 1:
        return None  # the package itself collects from all floors
    if target[1] != importer[1]:
        if FLOOR_OF[target[1]] >= FLOOR_OF[importer[1]]:
            return f"imports {imported}, which is not on a lower floor"
    elif importer[1] == "systems" and len(importer) > 2:
        systems = {name.split(".")[2] for name in modules if name.startswith(f"{PACKAGE}.systems.") and name.count(".") > 2}
        if len(target) > 2 and target[2] in systems - {importer[2]}:
            return f"imports {imported}: no system imports another"
    return None


def test_the_package_keeps_to_its_floors():
    assert find_faults(package_sources()) == []


def test_every_room_has_a_floor():
    rooms = {name.split(".")[1] for name in package_sources() if name.count(".")}
    assert rooms <= set(FLOOR_OF)


@pytest.mark.parametrize(
    ("module", "text", "fault"),
    [
        ("ops.image", "from tf_inpaint import layers", "lower floor"),
        ("ops.image", "from tf_inpaint.layers.gated import Gated", "lower floor"),
        ("losses.style", "import tf_inpaint.metrics", "lower floor"),
        ("data.pipeline", "def f():\n    from tf_inpaint.systems import SYSTEMS", "lower floor"),
        ("serving.inpainter", "from tf_inpaint.training import loop", "lower floor"),
        ("systems.one.system", "from tf_inpaint.systems.two import networks", "no system imports another"),
        ("systems.one.system", "from tf_inpaint.systems import two", "no system imports another"),
        ("cli.train", "import tf_inpaint as tfi", "public names"),
        ("cli.train", "from tf_inpaint import load", "public names"),
        ("ops.image", "from . import canny", "relative import"),
        ("masks.free_form", "import tensorflow_addons as tfa", "uses tensorflow_addons"),
        ("masks.free_form", "from tensorflow_addons.image import transform", "uses tensorflow_addons"),
        ("layers.gated", "import tensorflow as tf\nclass A(tf.keras.layers.Layer): pass", "uses tensorflow.keras"),
        ("layers.gated", "from tensorflow import keras", "uses tensorflow.keras"),
        ("data.sources", "from PIL import Image\nImage.open('a.png')", "uses PIL.Image.open"),
        ("data.sources", "import PIL.Image\nPIL.Image.open('a.png')", "uses PIL.Image.open"),
        ("pictures.reading", "import PIL.Image\nPIL.Image.open('a.png')", "uses PIL.Image.open"),
        ("serving.web", "import cv2\ncv2.imdecode(data, 1)", "uses cv2.imdecode"),
        ("ops.canny", "import tensorflow as tf\ntf.py_function(f, [], [])", "uses tensorflow.py_function"),
        ("data.sources", "import tensorflow as tf\ntf.numpy_function(f, [], [])", "uses tensorflow.numpy_function"),
        ("training.loop", "def f():\n    import matplotlib.pyplot as plt", "uses matplotlib"),
    ],
)
def test_a_planted_fault_is_found(module, text, fault):
    others = {f"{PACKAGE}.systems.{name}.system": "" for name in ("one", "two")}
    found = find_faults({**others, f"{PACKAGE}.{module}": text})
    assert found and all(fault in line for line in found)


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("layers.gated", "from tf_inpaint import ops\nops.image.to_unit"),
        ("ops.canny", "from tf_inpaint.ops import gaussian"),
        ("masks.irregular", "from tf_inpaint import compat"),
        ("systems.one.system", "from tf_inpaint.systems import base\nfrom tf_inpaint.systems.one import networks"),
        ("systems", "from tf_inpaint.systems.one.system import One"),
        ("cli.train", "from tf_inpaint import __version__"),
        ("compat", "import tensorflow_addons"),
        ("pictures.opening", "import PIL.Image\nPIL.Image.open('a.png')"),
    ],
)
def test_what_is_allowed_is_not_called_a_fault(module, text):
    others = {f"{PACKAGE}.systems.{name}.system": "" for name in ("one", "two")}
    assert find_faults({**others, f"{PACKAGE}.{module}": text}) == []
