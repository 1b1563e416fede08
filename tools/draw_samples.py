"""Draws the picture on the model card of weights of `latent_attention`: samples, stage 1 and the final result.

    python tools/draw_samples.py RUN samples.png

The photograph is scikit-image's astronaut (NASA, public domain): pictures of the training set may not be passed on.
"""

import argparse
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

COLUMNS = 8
TRUNCATIONS = (1.0, 0.7)
MASKS = ("fixed_squares", "ten_squares", "free_form")


def rows_of(system) -> list:
    """Returns rows of `COLUMNS` pictures in [-1, 1]: samples for each truncation; then, for each mask, masked, stage 1, final, truth."""
    import skimage.data
    import tensorflow as tf

    from tf_inpaint import masks, ops

    size = system.config.image_size
    rows = []
    for truncation in TRUNCATIONS:
        samples = tf.clip_by_value(system.sample(COLUMNS, (0, 1), truncation=truncation), -1, 1)
        rows.append(ops.image.resize(samples, (size, size), method="area" if samples.shape[1] > size else "nearest"))
    # Framed like the pictures that it was trained on.
    photo = ops.image.from_uint8(skimage.data.astronaut()[12:182, 140:310])
    photo = ops.image.resize(photo, (size, size), method="area")[tf.newaxis]
    cells = []
    for name in MASKS:
        mask = masks.parse(name)((0, 4), batch_size=1, height=size, width=size)
        structure = tf.clip_by_value(system.reconstruct(photo, mask), -1, 1)
        first = ops.image.composite(structure, photo, mask)
        final = ops.image.composite(system.refine(system.stitch(photo, mask), mask), photo, mask)
        cells += [ops.image.mask_image(photo, mask), first, final, photo]
    cells += [tf.ones_like(photo)] * (-len(cells) % COLUMNS)
    return [*rows, *(tf.concat(cells[start : start + COLUMNS], axis=0) for start in range(0, len(cells), COLUMNS))]


def main() -> None:
    import tensorflow as tf

    from tf_inpaint import ops, pictures
    from tf_inpaint.systems.loading import load

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", help="run folder or weights folder, or the name of weights of latent_attention")
    parser.add_argument("output", type=pathlib.Path, help="PNG file to write")
    arguments = parser.parse_args()
    rows = [tf.concat(tf.unstack(row), axis=1) for row in rows_of(load(arguments.weights))]
    pictures.write_picture(arguments.output, ops.image.to_uint8(tf.concat(rows, axis=0)).numpy())


if __name__ == "__main__":
    main()
