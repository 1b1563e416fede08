"""The training pipeline: from a bank of pictures to batches, each a pure function of (seed, position).

The position of an example is the number of examples before it since step 0. Which picture stands there, its crop, its flip and
its mask follow from the seed and the position alone, by stateless random operations: a run that is resumed at batch n asks for
`skip_batches=n` and gets the very bits that an undisturbed run would have had, and nothing that is skipped is ever read.
"""

from collections.abc import Callable

import tensorflow as tf

from tf_inpaint import masks as mask_generators
from tf_inpaint import pictures
from tf_inpaint.data.bank import MEMORY_LIMIT, PictureBank, prepare
from tf_inpaint.data.sources import Source
from tf_inpaint.errors import ConfigError
from tf_inpaint.ops import canny as canny_ops
from tf_inpaint.ops import colour as colour_ops
from tf_inpaint.ops import image as image_ops

# What a random number is drawn for; part of its seed, so that no two draws are related.
_ORDER, _CROP, _FLIP, _MASK, _COLOUR = range(5)


def dataset(
    source: str | Source | PictureBank,
    *,
    image_size: int,
    batch_size: int,
    masks: str = "free_form",
    seed: int = 0,
    repeat: bool = False,
    masks_on: str = "pipeline",
    shuffle: bool = True,
    flip: bool = True,
    crop: str = "random",
    colour_jitter: float = 0.0,
    edges: bool = False,
    numbers: bool = False,
    skip_batches: int = 0,
    select: slice | None = None,
    max_pixels: int = pictures.MAX_PIXELS,
    memory_limit: int = MEMORY_LIMIT,
    cache_dir: str | None = None,
    show_progress: bool | None = None,
) -> tf.data.Dataset:
    """Batches of pictures and masks for training or validation.

    For validation: `shuffle=False, flip=False, crop="center"`.

    Args:
        source: text such as "folder:photos", an opened source, or a bank that `prepare` made (several pipelines can share one).
        image_size: height and width of the examples in pixels: a square crop out of each picture, whose shorter side is resized to
            this number.
        batch_size: examples in a batch.
        masks: text for `tf_inpaint.masks.parse`, such as "free_form", "irregular:PATH" or "center_square".
        seed: 0 to 2**31 - 1.
        repeat: `False`: one finite pass, the last batch may be smaller, and every iteration over it gives the same bits. `True`:
            endless, each pass in a new order, all batches full (a batch may span two passes).
            Under a `tf.distribute` strategy take `True`, unless the last batch has an example for each replica: TensorFlow cannot
            convolve an empty batch.
        masks_on: "pipeline": batches hold the masks. "step": they hold the masks' seeds, and the training step makes the masks
            (and edges) on its device, with the same bits: `masks.parse(...).per_example(batch["mask_seed"], height=, width=)`.
        shuffle: `False` keeps the source's order.
        flip: whether half of the examples, drawn by seed, are mirrored left to right.
        crop: "random", or "center".
        colour_jitter: largest random change of brightness, contrast, saturation and hue of each example, 0 to 0.5; 0 for none. Papers
            that jitter take 0.05.
        edges: whether to add the edges of the whole picture (after the jitter); only with `masks_on="pipeline"`.
        numbers: whether to say which picture each example is of.
        skip_batches: number of batches to leave out at the start, at no cost.
        select: which of the source's readable pictures to use, in their order: `slice(500, None)` leaves the first 500 out.
        max_pixels: see `prepare`.
        memory_limit: see `prepare`.
        cache_dir: see `prepare`.
        show_progress: see `prepare`.

    Returns:
        A `tf.data.Dataset` of dicts, B the batch size (`None` in the spec of a finite pass), S the image size:
        "image": `[B, S, S, 3]` float32 in [-1, 1];
        "mask": `[B, S, S, 1]` float32 in {0, 1}, 1 = hole, or with `masks_on="step"` "mask_seed": `[B, 2]` int32;
        with `edges=True` also "edge_map": `[B, S, S, 1]` float32 in {0, 1}, Canny of the whole picture with sigma 2;
        with `numbers=True` also "number": `[B]` int64, the picture's place in the names of the bank.

    Raises:
        ConfigError: if an argument is out of its range, or the kind of source or of masks is unknown.
        DataError: if the source is missing or empty, more than half of it is broken, or `select` leaves nothing.
    """
    _check_arguments(batch_size=batch_size, seed=seed, masks_on=masks_on, crop=crop, edges=edges, skip_batches=skip_batches)
    check_colour_jitter(colour_jitter)
    generator = mask_generators.parse(masks)
    if not isinstance(source, PictureBank):
        source = prepare(
            source,
            image_size=image_size,
            max_pixels=max_pixels,
            memory_limit=memory_limit,
            cache_dir=cache_dir,
            show_progress=show_progress,
        )
    bank = source
    if bank.image_size != image_size:
        raise ConfigError(f"The bank holds pictures of {bank.image_size} px. Received: image_size={image_size}.")
    chosen = range(len(bank))[select or slice(None)]
    if not chosen:
        raise ConfigError(f"`select` leaves none of the {len(bank)} pictures of {bank.report.name}. Received: select={select}.")
    num_pictures = len(chosen)

    keys = [_key(seed, purpose) for purpose in (_ORDER, _CROP, _FLIP, _MASK, _COLOUR)]

    def seed_for(purpose: int, number: tf.Tensor) -> tf.Tensor:
        return tf.stack([keys[purpose], tf.cast(number, tf.int32)])

    def load(position: tf.Tensor) -> dict:
        epoch, index = position // num_pictures, position % num_pictures
        if shuffle:
            order_seed = seed_for(_ORDER, epoch)
            index = tf.random.experimental.index_shuffle(index, order_seed, tf.constant(num_pictures - 1, tf.int64))
        number = chosen.start + chosen.step * index
        picture = bank.read(number)
        picture = _crop(picture, image_size, seed_for(_CROP, position) if crop == "random" else None)
        if flip:
            coin = tf.random.stateless_uniform([], seed_for(_FLIP, position))
            picture = tf.where(coin < 0.5, picture[:, ::-1], picture)
        image = image_ops.from_uint8(picture)
        if colour_jitter:
            amounts = dict.fromkeys(("brightness", "contrast", "saturation", "hue"), colour_jitter)
            image = colour_ops.colour_jitter(image, seed_for(_COLOUR, position), **amounts)
        example = {"image": image, "mask_seed": seed_for(_MASK, position)}
        return {**example, "number": number} if numbers else example

    def add_mask(batch: dict) -> dict:
        others = {name: value for name, value in batch.items() if name != "mask_seed"}
        mask = generator.per_example(batch["mask_seed"], height=image_size, width=image_size)
        return {**others, "mask": tf.ensure_shape(mask, [None, image_size, image_size, 1])}

    def add_edges(batch: dict) -> dict:
        return {**batch, "edge_map": canny_ops.canny(image_ops.to_gray(batch["image"]), sigma=2.0)}

    first = skip_batches * batch_size
    positions = tf.data.Dataset.counter(first) if repeat else tf.data.Dataset.range(first, num_pictures)
    batches = _map(positions, load).batch(batch_size, drop_remainder=repeat)
    if masks_on == "pipeline":
        batches = _map(batches, add_mask)
    if edges:
        batches = _map(batches, add_edges)
    options = tf.data.Options()
    options.deterministic = True
    # Replicas share the examples of one stream: there are no files to share out.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


def check_colour_jitter(colour_jitter: float) -> None:
    """Refuses an amount of colour jitter that `dataset` would refuse.

    Args:
        colour_jitter: see `dataset`.

    Raises:
        ConfigError: if it is out of its range.
    """
    if not 0 <= colour_jitter <= colour_ops.MAX_HUE:
        raise ConfigError(f"`colour_jitter` must lie in 0 to {colour_ops.MAX_HUE}. Received: colour_jitter={colour_jitter}.")


def _check_arguments(*, batch_size: int, seed: int, masks_on: str, crop: str, edges: bool, skip_batches: int) -> None:
    if batch_size < 1:
        raise ConfigError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}.")
    if not 0 <= seed < 2**31:
        raise ConfigError(f"`seed` must lie in 0 to 2**31 - 1. Received: seed={seed}.")
    if masks_on not in ("pipeline", "step"):
        raise ConfigError(f"`masks_on` must be 'pipeline' or 'step'. Received: masks_on={masks_on!r}.")
    if crop not in ("random", "center"):
        raise ConfigError(f"`crop` must be 'random' or 'center'. Received: crop={crop!r}.")
    if edges and masks_on == "step":
        raise ConfigError("With masks_on='step' the training step makes the edges too. Received: edges=True. Leave it out.")
    if skip_batches < 0:
        raise ConfigError(f"`skip_batches` must not be negative. Received: skip_batches={skip_batches}.")


def _map(data: tf.data.Dataset, function: Callable) -> tf.data.Dataset:
    # No function here branches in Python on a tensor; without AutoGraph's rewriting they are traced in a third of the time.
    function = tf.autograph.experimental.do_not_convert(function)
    return data.map(function, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def _key(seed: int, purpose: int) -> int:
    """First half of all seeds drawn for one purpose; the second half is a position, so that no two seeds are the same."""
    with tf.device("CPU"):
        return int(tf.random.fold_in(tf.constant([seed, purpose], tf.int32), 0)[0])


def _crop(picture: tf.Tensor, image_size: int, seed: tf.Tensor | None) -> tf.Tensor:
    """Cuts a square out of `[H, W, 3]`: the middle one, or by seed."""
    room = tf.shape(picture)[:2] - image_size
    if seed is None:
        start = room // 2
    else:  # one of the two rooms is 0, since the shorter side already has the size, so one number is enough
        start = tf.random.stateless_uniform([], seed, minval=0, maxval=tf.reduce_max(room) + 1, dtype=tf.int32)
        start = tf.minimum(start, room)
    crop = tf.slice(picture, tf.concat([start, [0]], axis=0), [image_size, image_size, 3])
    return tf.ensure_shape(crop, [image_size, image_size, 3])
