"""Exports a system for model servers: a SavedModel that needs TensorFlow and nothing of this library."""

import os
import warnings
from collections.abc import Iterable
from pathlib import Path

import keras
import tensorflow as tf

from tf_inpaint import ops, systems
from tf_inpaint.errors import ConfigError
from tf_inpaint.files import atomic_directory
from tf_inpaint.serving import encoded_pictures
from tf_inpaint.serving.encoded_pictures import checked
from tf_inpaint.serving.hole_options import EMPTY_MASK, FULL_MASK
from tf_inpaint.serving.warmup import write_warmup

DEFAULT_MAX_PIXELS = 4096 * 4096
"""A server works for strangers: lower than what `Inpainter` accepts from its own user."""


def export(system: systems.InpaintingSystem, directory: str | os.PathLike, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Path:
    """Writes a SavedModel that repairs pictures of any size: padding, networks, cropping and compositing in one graph.

    Signatures, with the keys that clients send and get:

    * `serving_default`: `image_bytes`, `mask_bytes` (string `[N]`, PNG or JPEG files, each of its own size) -> `inpainted_bytes`
      (string `[N]`, PNG files). Pictures go through the networks one after another. For PNG files the pixels are those of
      `Inpainter(system, strategy="original")`. An EXIF orientation is not applied. Where the networks give NaN the hole is
      black; `Inpainter` raises an error there.
    * `inpaint`: `image` uint8 `[N, H, W, 3]`, `mask` uint8 `[N, H, W, 1]`, white = fill -> `inpainted` uint8 `[N, H, W, 3]`. The
      batch goes through the networks at once.

    Known pixels are bit-identical to the input. JPEG files are decoded by the accurate transform, as in Pillow: measured on photographs,
    also progressive, grey and CMYK ones with any subsampling, both give the same pixels (TensorFlow's default transform differs in two
    thirds of them, by up to 18 levels). A warm-up file with one request for each signature lies beside the graph.

    The graph holds core TensorFlow operations and float32 weights only, whatever
    precision the system was built in: any server can run it. A request that cannot be met ends with an `InvalidArgumentError` that
    says why in one sentence: no PNG or JPEG file, damaged, too large, mask empty, full or of another size.

    Args:
        system: its present weights are exported. `tfi.load(run_folder)` has a run's averaged weights; a system that was just
            trained holds the latest ones, beside their averages.
        directory: where to; must not exist yet, appears only when it is whole. For TensorFlow Serving its name is the version, an
            integer, as in "models/inpaint/1".
        max_pixels: requests with more are refused before they are decoded: of each picture in `serving_default`, of the whole
            batch in `inpaint`. The memory that the networks take grows with it. At least 2: a known pixel and one to fill.

    Returns:
        The directory.

    Raises:
        ConfigError: if the directory exists, `max_pixels` is below 2, or the system uses operations that are not TensorFlow's own.
        OSError: if it cannot be written; nothing is left then.
    """
    directory = Path(directory)
    if directory.exists():
        raise ConfigError(f"The output {os.fspath(directory)!r} exists. Remove it, or choose another name, such as the next version.")
    if max_pixels < 2:
        raise ConfigError(f"`max_pixels` must be at least 2. Received: max_pixels={max_pixels}.")
    signatures = _trace(float32_copy(system), max_pixels)
    if foreign := _foreign_operations(signatures.values()):
        raise ConfigError(f"The graph of {system.KEY} has operations that model servers do not know: {', '.join(foreign)}.")
    # Holding the variables alone, and not the Keras models, keeps Keras's own functions out of the file.
    module = tf.Module(name=system.KEY)
    module.network_variables = list(signatures["inpaint"].variables)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with atomic_directory(directory) as temporary:
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        tf.saved_model.save(module, os.fspath(temporary), signatures=signatures, options=options)
        write_warmup(temporary, image_size=system.config.image_size, max_pixels=max_pixels)
    return directory


def fill_hole(system: systems.InpaintingSystem, image: tf.Tensor, hole: tf.Tensor) -> tf.Tensor:
    """Repairs stored pictures; what each exported graph does between its checks.

    Args:
        system: whose networks are used.
        image: uint8 `[N, H, W, 3]`.
        hole: bool `[N, H, W, 1]`, true in the hole.

    Returns:
        uint8 `[N, H, W, 3]`, known pixels as they are in `image`.
    """
    composite = system.inpaint(ops.image.from_uint8(image), ops.image.binary_mask(hole))
    return tf.where(hole, ops.image.to_uint8(composite), image)


def float32_copy(system: systems.InpaintingSystem) -> systems.InpaintingSystem:
    """Builds a system anew to compute in float32: half precision is slow, or missing, on many a server's processor.

    Args:
        system: any.

    Returns:
        The same system with the same weights; a warning is given where the first computes otherwise.
    """
    policy = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy("float32")
    try:
        copy = type(system)(system.config)
    finally:
        keras.mixed_precision.set_global_policy(policy)
    for weight, original in zip(copy.generator_weights, system.generator_weights, strict=True):
        weight.assign(original.numpy())
    dtypes = {layer.compute_dtype for name in system.GENERATORS for layer in system.networks[name].layers}
    precisions = {dtype for dtype in dtypes - {"float32"} if tf.as_dtype(dtype).is_floating}  # an input of seeds has whole numbers
    if precisions:
        message = f"The networks compute in {', '.join(sorted(precisions))}; their export computes in float32."
        warnings.warn(message, stacklevel=3)  # the line that called for the export
    return copy


def _trace(system: systems.InpaintingSystem, max_pixels: int) -> dict[str, tf.types.experimental.ConcreteFunction]:
    files, pixels = tf.TensorSpec([None], tf.string), [tf.TensorSpec([None, None, None, c], tf.uint8) for c in (3, 1)]

    @tf.function(input_signature=pixels)
    def inpaint(image, mask):
        size, mask_size = tf.shape(image)[:3], tf.shape(mask)[:3]
        mask = checked(mask, tf.reduce_all(size == mask_size), "Image and mask differ in size:", size, mask_size)
        num_pixels = tf.reduce_prod(tf.cast(size, tf.int64))
        has_size = (num_pixels > 0) & (num_pixels <= max_pixels)
        mask = checked(mask, has_size, f"A batch must have 1 to {max_pixels} pixels. Received:", size)
        hole = encoded_pictures.hole_of(mask)
        has_hole = tf.reduce_all(tf.reduce_any(hole, axis=[1, 2, 3]))
        has_known = tf.reduce_all(tf.reduce_any(~hole, axis=[1, 2, 3]))
        hole = checked(checked(hole, has_hole, EMPTY_MASK), has_known, FULL_MASK)
        return {"inpainted": fill_hole(system, image, hole)}

    def repair_file(files):
        image = encoded_pictures.decode_image(files[0], max_pixels=max_pixels)
        mask = encoded_pictures.decode_mask(files[1], max_pixels=max_pixels)
        return tf.io.encode_png(inpaint(image[tf.newaxis], mask[tf.newaxis])["inpainted"][0])

    @tf.function(input_signature=[files, files])
    def serving_default(image_bytes, mask_bytes):
        count, mask_count = tf.size(image_bytes), tf.size(mask_bytes)
        mask_bytes = checked(mask_bytes, count == mask_count, "Images and masks differ in number:", count, mask_count)
        inpainted_bytes = tf.map_fn(
            repair_file,
            (image_bytes, mask_bytes),
            fn_output_signature=tf.TensorSpec([], tf.string),
            parallel_iterations=1,  # the memory of one picture, not of ten
        )
        return {"inpainted_bytes": inpainted_bytes}

    return {"serving_default": serving_default.get_concrete_function(), "inpaint": inpaint.get_concrete_function()}


def _foreign_operations(functions: Iterable[tf.types.experimental.ConcreteFunction]) -> list[str]:
    """Types of the operations, those inside called functions included, that are registered elsewhere or call Python."""
    types = set()
    for function in functions:
        graph = function.graph.as_graph_def()
        for nodes in (graph.node, *(called.node_def for called in graph.library.function)):
            types |= {node.op for node in nodes}
    return sorted(name for name in types if ">" in name or "PyFunc" in name or "NumpyFunction" in name)
