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
# # Faces from a latent space
#
# Zhang & Liu (2023) repair faces with a network that can paint faces from nothing. A StyleGAN2 turns a few hundred numbers into a face; an
# encoder looks at the known part of a damaged face and says which numbers would paint it (stage 1); a second network refines the result
# with patches of the known part (stage 2). This page walks through the three: samples, what single groups of numbers mean, and a repair.

# %%
import os

import keras
import matplotlib.pyplot as plt
import numpy as np
import skimage.data
import tensorflow as tf

import tf_inpaint as tfi
from tf_inpaint import metrics, visualize, weights
from tf_inpaint.systems.latent_attention.encoder import group_indices
from tf_inpaint.training import make_step

SMOKE = os.environ.get("TF_INPAINT_SMOKE") == "1"  # set by the tests: the same page with the least work
WEIGHTS = "latent_attention.faces_128"
keras.utils.set_random_seed(0)

# %% [markdown]
# The weights that come with the library know faces of 128 x 128 pixels. Where they are not installed, a small system is trained here and
# now on crops of a single photograph, for a moment. The page runs, but what that one paints are blurs and not faces.

# %%
use_shipped = WEIGHTS in weights.available() and not SMOKE
SIZE = 128 if use_shipped else 32
portrait = tfi.ops.image.from_uint8(skimage.data.astronaut()[12:182, 140:310])
image = tfi.ops.image.resize(portrait, (SIZE, SIZE), method="area")[None]


def train(system, stage, steps):
    """Trains one stage on crops of the portrait."""
    system.compile(stage=stage, masks="ten_squares")
    step = make_step(system)
    for number in range(steps):
        crops = [tf.image.stateless_random_crop(image[0], [28, 28, 3], [number, index]) for index in range(4)]
        step({"image": tf.image.resize(crops, [SIZE, SIZE]), "mask_seed": tf.constant([[number, index] for index in range(4)])})


# %%
if use_shipped:
    system = tfi.load(WEIGHTS)
else:
    system = tfi.SYSTEMS["latent_attention"].tiny(generator_size=8 if SMOKE else 32)
    for stage in ("generator", "encoder", "texture"):
        train(system, stage, 2 if SMOKE else 200)
print("weights:", WEIGHTS if use_shipped else "a small system, trained on this page for a moment")

# %% [markdown]
# ## Samples
#
# Random latents go through the mapping network and become styles. Styles nearer to their mean give safer, more average faces: that is
# truncation. At 0 all of them are the mean face, from which the encoder starts, too.

# %%
rows = [system.sample(6, (0, 5), truncation=truncation) for truncation in (1.0, 0.6, 0.0)]
titles = [f"truncation {value}" if index == 0 else "" for value in (1.0, 0.6, 0.0) for index in range(6)]
visualize.show_grid([tf.clip_by_value(each, -1, 1) for each in tf.concat(rows, axis=0)], columns=6, titles=titles, size=1.6)

# %% [markdown]
# ## What the groups of styles mean
#
# A picture takes one style for each of its convolutions. The first three (coarse) decide on pose and shape, the next four (middle) on
# parts and hair, the rest (fine) on colours. In each column one group comes from another face.

# %%
groups = {name: indices for name, indices in group_indices(system.num_styles).items() if len(indices)}
latents = tf.random.stateless_normal([2, system.config.style_size], (0, 8))
first, second = (tf.repeat(style[None, None], system.num_styles, axis=1) for style in system.mapping_network(latents))


def exchange(indices):
    """The first face with the styles of one group taken from the second."""
    taken = tf.reshape([float(index in indices) for index in range(system.num_styles)], [1, -1, 1])
    return system.synthesise(taken * second + (1 - taken) * first)


faces = {"a face": system.synthesise(first), **{f"{name} of the other": exchange(indices) for name, indices in groups.items()}}
faces["another face"] = system.synthesise(second)
visualize.show_grid([tf.clip_by_value(face[0], -1, 1) for face in faces.values()], columns=len(faces), titles=list(faces), size=2.0)

# %% [markdown]
# ## Stage 1: the face that fits
#
# The encoder sees the picture with an empty hole and says how the styles differ from their mean. StyleGAN2 paints a whole face from
# that, of which only the part in the hole is used.

# %%
mask = tfi.masks.parse("ten_squares")((0, 3), batch_size=1, height=SIZE, width=SIZE)
structure = tf.clip_by_value(system.reconstruct(image, mask), -1, 1)
stitched = system.stitch(image, mask)

# %% [markdown]
# ## Stage 2: texture from the known part
#
# Three times attention compares patches of the hole with known ones on a deep map, and brings the known ones into a map with finer detail.

# %%
refined = tfi.ops.image.composite(system.refine(stitched, mask), image, mask)
cells = {
    "with a hole": tfi.ops.image.mask_image(image, mask),
    "stage 1: the whole face": structure,
    "stage 1 in the hole": tfi.ops.image.composite(structure, image, mask),
    "stage 2 in the hole": refined,
    "truth": image,
}
visualize.show_grid([cell[0] for cell in cells.values()], columns=len(cells), titles=list(cells), size=2.2)

# %%
truth = tfi.ops.image.to_uint8(image)
for name in ("stage 1 in the hole", "stage 2 in the hole"):
    psnr = metrics.psnr(truth, tfi.ops.image.to_uint8(cells[name]), mask=mask)[0]
    print(f"{name}: PSNR in the hole {psnr:.1f} dB")

# %% [markdown]
# How far are the styles from their mean? The larger the offset of a vector, the more the encoder wants to say with it.

# %%
offsets = (system.encode(image, mask) - system.mean_style)[0]
figure, axis = plt.subplots(figsize=(6, 2.4), layout="constrained")
axis.bar(np.arange(system.num_styles), np.linalg.norm(offsets, axis=-1))
axis.set(xlabel="style vector", ylabel="length of the offset", xticks=range(system.num_styles))
plt.show()
