# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Partial convolutions: from a mask to a picture
#
# A convolution has no word for "nothing here". Whatever stands in the hole, black or grey, is a colour to it, and the colour spreads.
# Liu et al. (2018, arXiv:1804.07723) give each pixel a second value, whether it is valid, and let a convolution look at the valid ones
# only. This page builds the idea up: a small array, a photograph, the levels of a network, a repaired picture.

# %%
import os

import keras
import matplotlib.pyplot as plt
import numpy as np
import skimage.data
import tensorflow as tf

import tf_inpaint as tfi
from tf_inpaint import visualize, weights
from tf_inpaint.layers import PartialConv2D

SMOKE = os.environ.get("TF_INPAINT_SMOKE") == "1"  # set by the tests: the same page with the least work
keras.utils.set_random_seed(0)

# %% [markdown]
# ## One window
#
# Take a flat picture, ones everywhere, and average it over 3 x 3 windows. There is a hole in it, 3 x 3 pixels whose content nobody
# knows; zeros stand there.

# %%
valid = np.ones((7, 7), np.float32)
valid[2:5, 3:6] = 0
print(valid.astype(int))


# %%
def mean_filter(size):
    """A partial convolution without bias whose kernel takes the mean."""
    mean = keras.initializers.Constant(1 / size**2)
    return PartialConv2D(1, size, use_bias=False, kernel_initializer=mean)


def batch_of(plane):
    """`[H, W]` to `[1, H, W, 1]`."""
    return tf.constant(plane, tf.float32)[None, :, :, None]


# %% [markdown]
# An ordinary convolution is one for which everything is valid. The zeros of the hole pull its neighbours down, although the picture is
# flat there. (Only the inner 5 x 5 pixels are shown; the border comes below.)

# %%
layer = mean_filter(3)
ordinary, _ = layer((batch_of(valid), tf.ones([1, 7, 7, 1])))

print(np.round(ordinary[0, 1:-1, 1:-1, 0], 2))

# %% [markdown]
# A partial convolution sums over the valid pixels of a window and multiplies by 9 / (number of them):
#
# $$x' = W^T (X \odot M) \cdot \frac{\mathrm{sum}(1)}{\mathrm{sum}(M)} + b$$
#
# Now the picture is flat wherever a window has anything to look at. One pixel, the middle of the hole, has not: it stays 0, and stays
# invalid. The second result is the validity for the next layer. The hole has shrunk by a pixel on each side.

# %%
partial, new_valid = layer((batch_of(valid), batch_of(valid)))

print(np.round(partial[0, 1:-1, 1:-1, 0], 2))
print(new_valid[0, 1:-1, 1:-1, 0].numpy().astype(int))
assert np.allclose(partial[new_valid == 1], 1) and np.all(partial[new_valid == 0] == 0)

# %% [markdown]
# What really stands in the hole has no influence. It may be anything, even not a number:

# %%
rubbish = np.where(valid == 1, 1, np.nan)
assert np.array_equal(layer((batch_of(rubbish), batch_of(valid)))[0], partial)

# %% [markdown]
# The zeros that pad a picture at its border count as missing, too. So there the window is scaled up as well, and a flat picture stays flat
# to the last pixel, where an ordinary convolution with zero padding fades out.

# %%
padded = tf.nn.conv2d(batch_of(np.ones((7, 7))), tf.fill([3, 3, 1, 1], 1 / 9), 1, "SAME")
renormalised, _ = layer((tf.ones([1, 7, 7, 1]), tf.ones([1, 7, 7, 1])))

print("zero padding: ", np.round(padded[0, 0, :, 0], 2))
print("partial:      ", np.round(renormalised[0, 0, :, 0], 2))

# %% [markdown]
# ## The same on a photograph
#
# Averaged over 9 x 9 pixels. Left of the results, the photograph with its hole; below each result, how much it is off beside the same
# filter on the undamaged photograph (four times as bright).

# %%
SIZE = 64 if SMOKE else 256

camera = tf.constant(skimage.data.camera()[None, 60:316, 110:366, None] / 255, tf.float32)
camera = tfi.ops.image.resize(camera, (SIZE, SIZE), method="area")
hole = tfi.masks.free_form((5, 8), batch_size=1, height=SIZE, width=SIZE, ratio=(0.15, 0.25))
known, everywhere = 1 - hole, tf.ones_like(hole)

blur = mean_filter(9)
true, _ = blur((camera, everywhere))
plain, _ = blur((camera * known, everywhere))
partial, new_valid = blur((camera * known, known))
errors = [tf.minimum(4 * abs(blurred - true), 1) * new_valid for blurred in (plain, partial)]

cells = [camera * known, plain, partial, new_valid, *errors]
titles = ["with a hole", "ordinary", "partial", "valid afterwards", "error, ordinary", "error, partial"]
visualize.show_grid([cell[0] for cell in cells], columns=3, titles=titles, size=2.8)

# %% [markdown]
# ## Level by level
#
# The network is a U-Net. Each layer of its encoder halves the picture, with windows of 7, 5, 5, 3, 3 ... pixels, and hands its validity to
# the next: a pixel is valid as soon as one pixel of its window was. Here is a large hole, in black, and what is left of it on each level.

# %%
LEVELS, SIZE = (3, 32) if SMOKE else (6, 128)

# Only the masks matter here: the network is an untrained one, and narrow.
network = tfi.SYSTEMS["partial_conv"].tiny(levels=LEVELS, image_size=SIZE, feature_network="none")
y, x = np.mgrid[:SIZE, :SIZE] / SIZE
validity = batch_of(np.hypot(x - 0.45, y - 0.5) > 0.4)

encoded = network.encoder_network([tf.zeros([1, SIZE, SIZE, 3]), validity])
validities = [validity, *encoded[LEVELS:]]

titles = [f"level {level}, {plane.shape[1]} px" for level, plane in enumerate(validities)]
visualize.show_grid([0.8 * plane[0] for plane in validities], columns=4, titles=titles, size=2)

# %% [markdown]
# The decoder goes back up. Each of its layers sees two sources, the level below, enlarged, and the encoder's features of its own level, and
# each source brings its own validity. Some levels down everything is valid, so everything is on the way up: at the end no pixel of the hole
# is left without a value.

# %%
features = [tf.zeros([1, SIZE, SIZE, 3]), *encoded[:LEVELS]]
_, last_validity = network.decoder_network([*features, *validities])

print(
    f"valid before: {np.mean(validity):.0%}, on the deepest level: {np.mean(validities[-1]):.0%}, at the end: {np.mean(last_validity):.0%}"
)

# %% [markdown]
# ## Does it help?
#
# Two small networks of 32 x 32 pixels learn from scikit-image's photographs, from the same start, on the same pictures and holes. One has
# partial convolutions. The other, `partial=False`, is the same network of ordinary ones, which sees a black hole and is not told that it
# is one. There are only fourteen photographs, so both are measured on those they learn from, at another crop and with other holes.

# %%
BATCH, STEPS, EPOCHS = (2, 2, 1) if SMOKE else (8, 100, 6)
SOURCE = {"source": "photos", "image_size": 32, "batch_size": BATCH, "show_progress": False}
MASKS = "free_form?ratio=0.1-0.4"

training = tfi.data.dataset(**SOURCE, masks=MASKS, repeat=True, seed=1)
validation = tfi.data.dataset(**{**SOURCE, "batch_size": 8}, masks=MASKS, shuffle=False, flip=False, crop="center", seed=2).take(2)


def learn(partial):
    """Trains from seed 0; returns the system and its validation PSNR after each epoch."""
    keras.utils.set_random_seed(0)
    system = tfi.SYSTEMS["partial_conv"].tiny(partial=partial, width_multiplier=0.25, learning_rate=2e-3, feature_network="none")
    system.compile()
    history = system.fit(training, steps_per_epoch=STEPS, epochs=EPOCHS, validation_data=validation, verbose=0)
    return system, history.history["val_psnr"]


# %%
systems, scores = zip(*(learn(partial) for partial in (True, False)), strict=True)

figure, axes = plt.subplots(figsize=(6, 2.8), layout="constrained")
for name, score in zip(("partial", "ordinary"), scores, strict=True):
    axes.plot(np.arange(1, EPOCHS + 1) * STEPS, score, marker="o", label=f"{name}, {score[-1]:.1f} dB at the end")
axes.set(xlabel="steps", ylabel="PSNR of repaired pictures, dB")
axes.legend()

# %%
batch = next(iter(validation))
results = [system.inpaint(batch["image"], batch["mask"]) for system in systems]
holes = tf.where(batch["mask"] > 0, 1.0, batch["image"])

rows = tf.concat([batch["image"][:6], holes[:6], *(result[:6] for result in results)], axis=0)
titles = [text for name in ("truth", "with a hole", "partial", "ordinary") for text in [name, *[""] * 5]]
visualize.show_grid(rows, columns=6, titles=titles, size=1.4)

# %% [markdown]
# A few hundred steps at 32 pixels are a sketch, no measurement: run it with another seed before you believe a tenth of a decibel.
#
# ## A prediction
#
# Weights that have learned for longer come with the library. They know faces of 128 x 128 pixels, so a face it shall be: Eileen Collins
# again, a NASA portrait in the public domain. Where the weights are not installed, the small network from above takes their place, at its
# own size.

# %%
WEIGHTS = "partial_conv.faces_128"

use_shipped = WEIGHTS in weights.available() and not SMOKE
inpainter = tfi.Inpainter(WEIGHTS if use_shipped else systems[0])
size = 128 if use_shipped else 32
print("weights:", WEIGHTS if use_shipped else "the small network from above")

portrait = tfi.ops.image.from_uint8(skimage.data.astronaut()[12:182, 140:310])
photo = tfi.ops.image.to_uint8(tfi.ops.image.resize(portrait, (size, size), method="area")).numpy()
masks = tfi.masks.free_form((10, 2022), batch_size=3, height=size, width=size, ratio=(0.15, 0.35))[..., 0].numpy() == 1
results = [inpainter(photo, mask) for mask in masks]

visualize.comparison([photo] * 3, masks, results, size=2.6)

# %% [markdown]
# Colours go on into the holes, and so do large shapes; fine texture is soft. The model card beside the weights says how long they were
# trained, on what, and what they reach.

# %%
for mask, result in zip(masks, results, strict=True):
    assert np.array_equal(result[~mask], photo[~mask])
    psnr = tfi.metrics.psnr(photo[None], result[None], mask=mask[None, ..., None].astype(np.float32))[0]
    print(f"hole of {mask.mean():.0%}: PSNR in the hole {psnr:.1f} dB")

# %% [markdown]
# ## From here
#
# * [The system's README](../tf_inpaint/systems/partial_conv/README.md) maps the paper's equations to functions, and lists where its
#   sources are silent and what we chose.
# * `tf-inpaint train --system partial_conv` trains it, in two stages: the second keeps the encoder's batch statistics still, because holes
#   disturb them.
