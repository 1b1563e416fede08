"""Pictures kept back from training, and what is measured on them to compare one training with another."""

import numpy as np
import tensorflow as tf

from tf_inpaint import data, masks, metrics
from tf_inpaint.errors import ConfigError
from tf_inpaint.ops import image as image_ops
from tf_inpaint.training.config import TrainConfig

MEASURES = {"psnr": metrics.psnr, "ssim": metrics.ssim, "l1": metrics.l1}
"""What is measured of the 8-bit composites of any system, beside its own `validation_metrics`."""


def open_pictures(
    train_config: TrainConfig, *, image_size: int, number: int, validation_data: str | None, mask_seed: int
) -> tf.data.Dataset:
    """Opens the pictures on which trainings are compared: the same ones, cut in the middle, with the same masks each time.

    Args:
        train_config: of the trainings: data, masks and batch size.
        image_size: height and width in pixels.
        number: of pictures.
        validation_data: source of these pictures, its first ones by name; `None`: the last ones of the training data, which the trainings
            have to keep back (`TrainConfig.held_out`).
        mask_seed: of the masks.

    Returns:
        One finite pass of `{"image", "mask"}` batches.

    Raises:
        ConfigError: if there are not so many pictures, or none would be left to train on; if the text of the masks is wrong.
        DataError: if the pictures are missing or mostly broken.
    """
    generator = masks.parse(train_config.masks)
    bank = data.prepare(validation_data or train_config.data, image_size=image_size)
    spare = len(bank) - number - (validation_data is None)
    if spare < 0:
        source, more = (validation_data, "") if validation_data else (train_config.data, " and others to train on")
        raise ConfigError(
            f"`validation_pictures` asks for {number} pictures{more}. Received: {source} has {len(bank)}. Ask for "
            "fewer, or name other pictures with --validation-data."
        )
    first = 0 if validation_data else len(bank) - number
    return data.dataset(
        bank,
        image_size=image_size,
        batch_size=train_config.batch_size,
        masks=generator,
        seed=mask_seed,
        shuffle=False,
        flip=False,
        crop="center",
        select=slice(first, first + number),
    )


def measure(system, pictures: tf.data.Dataset) -> dict[str, float]:
    """Measures composites.

    Args:
        system: an `InpaintingSystem`.
        pictures: one finite pass of `{"image", "mask"}` batches.

    Returns:
        name -> mean over the pictures: "psnr", "ssim" and "l1" of the 8-bit composites, and the system's other `validation_metrics`.
    """
    image = tf.TensorSpec([None, *pictures.element_spec["image"].shape[1:]], tf.float32)

    @tf.function(input_signature=[image, tf.TensorSpec([*image.shape[:3], 1], tf.float32)], autograph=False)
    def run(image, mask):
        batch = {"image": image, "mask": mask}
        outputs = system(batch, training=False)
        return outputs["composite"], system.validation_metrics(batch, outputs)

    values = {}
    for batch in pictures:
        composite, others = run(batch["image"], batch["mask"])
        truth, result = image_ops.to_uint8(batch["image"]), image_ops.to_uint8(composite)
        own = {name: function(truth, result) for name, function in MEASURES.items()}
        for name, value in {**own, **{name: value for name, value in others.items() if name not in own}}.items():
            values.setdefault(name, []).append(value.numpy())
    return {name: float(np.mean(np.concatenate(parts))) for name, parts in values.items()}
