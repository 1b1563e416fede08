"""`SOURCES` maps the word before the colon of a source's text to what opens it.

To add one, derive a class from `Source` and add one line; a data set that lies in folders of its own kind is a line in `recipes`.
"""

from pathlib import Path

from tf_inpaint import pictures
from tf_inpaint.data.recipes import RECIPES
from tf_inpaint.data.record_source import RecordSource
from tf_inpaint.data.sources import FolderSource, PhotosSource, Source, TfdsSource
from tf_inpaint.errors import ConfigError

SOURCES = {
    "folder": FolderSource,
    "tfds": TfdsSource,
    "tfrecord": RecordSource,
    "photos": PhotosSource,
    **{name: recipe.open for name, recipe in RECIPES.items()},
}
"""Kinds of sources by name; each takes what stands behind the colon."""


def open_source(source: str) -> Source:
    """Finds the pictures that a source's text names.

    Args:
        source: "folder:PATH", "tfds:NAME", "tfds:NAME@SPLIT", "tfrecord:PATH", "photos", or a recipe of a data set such as "dtd:PATH" or
            "dtd:PATH@test", see `recipes`.

    Returns:
        The source. No picture has been opened yet.

    Raises:
        ConfigError: if the kind of source is unknown.
        DataError: if there is nothing where it points to.
    """
    kind, _, argument = source.partition(":")
    if kind not in SOURCES:
        hint = f" Did you mean 'folder:{pictures.printable(source)}'?" if source and Path(source).is_dir() else ""
        known = f"folder:PATH, tfds:NAME, tfrecord:PATH, photos, {', '.join(f'{name}:PATH' for name in RECIPES)}"
        raise ConfigError(f"Unknown data source {pictures.printable(source)!r}. Available: {known}.{hint}")
    return SOURCES[kind](argument)
