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
# # Quickstart: repair a photograph, then train a system of your own
#
# A photograph and a mask go in; the photograph comes out with the masked part invented anew. This page
#
# 1. repairs a real photograph with weights that come with the library,
# 2. draws a mask by hand,
# 3. trains a small system with `fit`, measures it with `evaluate`, and saves it.
#
# Everything runs on a laptop's processor.

# %%
import os
import tempfile

import keras
import numpy as np
import skimage.data
import tensorflow as tf

import tf_inpaint as tfi
from tf_inpaint import visualize, weights

SMOKE = os.environ.get("TF_INPAINT_SMOKE") == "1"  # set by the tests: the same page with the least work
keras.utils.set_random_seed(0)

# %% [markdown]
# ## A photograph with a hole
#
# The shipped weights have learned from faces of 128 x 128 pixels, so a face it shall be: Eileen Collins, from scikit-image's
# collection (a NASA portrait, in the public domain).
#
# Inside the library a picture is a float32 tensor in [-1, 1], and a mask is 1 in the hole. `tfi.ops.image` has the conversions, and
# one `resize` that averages where it shrinks.

# %%
SIZE = 32 if SMOKE else 128

astronaut = skimage.data.astronaut()
portrait = tfi.ops.image.from_uint8(astronaut[12:182, 140:310])
photo = tfi.ops.image.to_uint8(tfi.ops.image.resize(portrait, (SIZE, SIZE), method="area")).numpy()

# %% [markdown]
# Masks are functions of a seed: the same two numbers draw the same strokes, on every machine. `ratio` asks for a hole that covers
# between 20 and 30 % of the picture.

# %%
mask = tfi.masks.free_form((10, 2022), batch_size=1, height=SIZE, width=SIZE, ratio=(0.2, 0.3))
hole = mask[0, :, :, 0].numpy() == 1

print(f"{photo.shape[1]} x {photo.shape[0]} pixels, {hole.mean():.0%} of them to be filled")

# %% [markdown]
# ## Repair it
#
# `Inpainter` takes the name of shipped weights (or the folder of your own run, or a system) and then works on arrays, Pillow images
# and file names alike. Where no weights are installed, an untrained system takes their place here: all works the same, but what it
# paints is noise.

# %%
WEIGHTS = "three_stage.faces_128"

print("installed:", weights.available() or "no weights")
use_shipped = WEIGHTS in weights.available() and not SMOKE
inpainter = tfi.Inpainter(WEIGHTS if use_shipped else tfi.SYSTEMS["three_stage"].tiny())
result = inpainter(photo, hole)

visualize.comparison([photo], [hole], [result], size=3)

# %% [markdown]
# Only the hole is new: every pixel outside is the photograph's, bit by bit. How near is the hole to the truth? PSNR measures the
# squared error in decibels: more is better, and 6 dB are half the error. (For a picture with many plausible repairs, the truth is only
# one of them; no number replaces looking.)

# %%
assert np.array_equal(result[~hole], photo[~hole])

before = np.where(hole[..., None], np.uint8(127), photo)
for name, picture in {"filled with grey": before, "repaired": result}.items():
    psnr = tfi.metrics.psnr(photo[None], picture[None], mask=mask)[0]
    print(f"PSNR in the hole, {name}: {psnr:.1f} dB")

# %% [markdown]
# ## Draw your own mask
#
# A mask is any array of the picture's height and width: `True`, 1 or 255 is the hole. Two scratches across the whole portrait, then, and
# a stain. Pictures may have any size: this one is neither square nor a multiple of anything.

# %%
larger = astronaut[5:190, 110:330] if not SMOKE else astronaut[5:38, 110:155]
height, width = larger.shape[:2]
y, x = np.mgrid[:height, :width]

scratches = (np.abs(y - 0.35 * x - 0.2 * height) < 2) | (np.abs(y + 0.8 * x - 1.1 * height) < 2)
stain = (x - 0.7 * width) ** 2 + (y - 0.75 * height) ** 2 < (0.09 * height) ** 2
damage = scratches | stain

visualize.comparison([larger], [damage], [inpainter(larger, damage)], size=3)

# %% [markdown]
# ## Train
#
# A system is a `keras.Model`. `tiny()` is the three-stage system at an eighth of its width and for 32 x 32 pixels: the same stages, the
# same losses, in a few megabytes. Its data are the photographs that scikit-image brings along; `"folder:PATH"` takes yours.
#
# Batches are dictionaries of an `image` and a `mask`. Which picture, which crop and which mask stands where follows from the seed alone.

# %%
BATCH, STEPS, EPOCHS = (2, 2, 1) if SMOKE else (8, 100, 5)

system = tfi.SYSTEMS["three_stage"].tiny(learning_rate=1e-3)
source = {"source": "photos", "image_size": system.config.image_size, "batch_size": BATCH, "show_progress": False}
training = tfi.data.dataset(**source, repeat=True, seed=1)
validation = tfi.data.dataset(**source, shuffle=False, flip=False, crop="center", seed=2).take(2)

print({name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in training.element_spec.items()})

# %%
system.compile()
history = system.fit(training, steps_per_epoch=STEPS, epochs=EPOCHS, validation_data=validation, verbose=2)

# %% [markdown]
# `fit` shows each term of the loss. The coarse picture, its edges and the refined picture have one L1 term each; the fourth term is what
# the critic thinks of the result. `evaluate` gives the same terms for pictures at rest, and the PSNR of whole repaired pictures.

# %%
scores = system.evaluate(validation, return_dict=True, verbose=0)
print({name: round(float(score), 3) for name, score in scores.items()})

# %% [markdown]
# What has it learned in this short time? That a hole continues the colours around it. The rest takes hours, a wider system, and many more
# pictures; the model card of the shipped weights tells how many.

# %%
batch = next(iter(validation))
composite = system.inpaint(batch["image"], batch["mask"])

visualize.comparison(batch["image"][:4], batch["mask"][:4], composite[:4])

# %% [markdown]
# ## Keep it
#
# Weights are saved in half precision, with the settings that belong to them, and `tfi.load` builds the system anew. `compile` has kept
# averaged weights beside the latest ones; those are what is saved.

# %%
with tempfile.TemporaryDirectory() as folder:
    weights.save(system, f"{folder}/mine")
    restored = tfi.load(f"{folder}/mine")

print(f"{restored.KEY} for {restored.config.image_size} px, {sum(int(tf.size(w)) for w in restored.generator_weights):,} numbers")

# %% [markdown]
# ## From here
#
# * `tf-inpaint train` does the same for days: it resumes after a crash with the very bits it would have had, guards against values that
#   are not finite, and draws sample pictures. `tf-inpaint evaluate` compares methods by the size of the hole.
# * `tfi.serving.export(system, "models/inpaint/1")` writes a SavedModel for TensorFlow Serving.
# * [02_masks_and_edges](02_masks_and_edges.ipynb) shows where masks come from, and what the edge stage sees.
