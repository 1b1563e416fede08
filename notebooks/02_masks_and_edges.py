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
# # Masks and edges
#
# Two questions come before any network. Which holes does it learn from? And, for a system that is guided by edges, what does it know
# about the edges near a hole? This page draws the answers.

# %%
import os
import tempfile

import matplotlib.pyplot as plt
import numpy as np
import skimage.data
import tensorflow as tf

import tf_inpaint as tfi
from tf_inpaint import pictures, visualize

SMOKE = os.environ.get("TF_INPAINT_SMOKE") == "1"  # set by the tests: the same page with the least work
SIZE = 64 if SMOKE else 128
SHAPE = {"height": SIZE, "width": SIZE}


# %%
def share(masks):
    """Share of each picture that is hole."""
    return tf.reduce_mean(masks, axis=[1, 2, 3]).numpy()


# %% [markdown]
# ## Free-form strokes
#
# A brush of random width wanders for a few strokes, as a person would cross something out. A mask is a function of its seed, two whole
# numbers: no state, so the same seed draws the same bits in a notebook, in a data pipeline and inside a training step.

# %%
masks = tfi.masks.free_form((0, 7), batch_size=12, **SHAPE)
assert np.array_equal(masks[:3], tfi.masks.free_form((0, 7), batch_size=3, **SHAPE))

visualize.show_grid(masks, columns=6, titles=[f"{s:.0%}" for s in share(masks)], size=1.5)

# %% [markdown]
# ### By the size of the hole
#
# Papers report their numbers by hole share, in bins of ten points. With `ratio` every mask falls into its bin: strokes are added until
# the share is reached, in the middle of a stroke if need be. One row for each bin; the seed is the same in all, so each column is one
# drawing that goes on from bin to bin.

# %%
BINS = [(0.01, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5), (0.5, 0.6)]

by_bin = {ratio: tfi.masks.free_form((1, 2), batch_size=6, **SHAPE, ratio=ratio) for ratio in BINS}
assert all(low <= s < high for (low, high), masks in by_bin.items() for s in share(masks))
rows = tf.concat(list(by_bin.values()), axis=0)

visualize.show_grid(rows, columns=6, titles=[f"{s:.1%}" for s in share(rows)], size=1.5)

# %% [markdown]
# ### What the plain generator draws
#
# Without `ratio` most holes are small, and a few are large. A system trained on them sees little of the hard bins: mix in masks with a
# `ratio`, if those matter to you. Drawn with a `ratio` over all bins, shares are even between the limits.

# %%
COUNT = 64 if SMOKE else 1000

plain = share(tfi.masks.free_form((3, 4), batch_size=COUNT, **SHAPE))
even = share(tfi.masks.free_form((3, 4), batch_size=COUNT, **SHAPE, ratio=(0.01, 0.6)))

figure, axes = plt.subplots(figsize=(6, 2.5), layout="constrained")
axes.hist([plain, even], bins=np.arange(0, 0.65, 0.05), label=["plain", "ratio=(0.01, 0.6)"])
axes.set(xlabel="share of the picture that is hole", ylabel=f"masks of {COUNT}", xlim=(0, 0.65))
axes.legend()
print(f"mean of the plain generator: {plain.mean():.1%}; a quarter of its masks lie above {np.quantile(plain, 0.75):.1%}")

# %% [markdown]
# ## Masks from files
#
# Irregular masks are usually shared as a folder of pictures. Here we make such a folder: rings and blots, white where the hole is.


# %%
def draw(index, size=96):
    """A ring, or where the index is odd a blot."""
    y, x = np.mgrid[:size, :size] / size
    radius = np.hypot(x - 0.4, 0.7 * (y - 0.45))
    ring = np.abs(radius - 0.12 - 0.03 * index) < 0.03
    return np.where(radius < 0.08 + 0.03 * index if index % 2 else ring, 255, 0).astype(np.uint8)


# %% [markdown]
# `irregular:FOLDER` reads them at the size of the pictures; then each draw is mirrored, turned and shifted, so that a few files go a long
# way. The same texts work in `tfi.data.dataset(masks=...)` and behind `--masks` on the command line. Options follow a question mark, and
# generators are mixed with a plus.

# %%
with tempfile.TemporaryDirectory() as folder:
    for index in range(4):
        pictures.write_picture(f"{folder}/{index}.png", draw(index))
    as_they_are = tfi.masks.parse(f"irregular:{folder}?augment=false")((5, 6), batch_size=6, **SHAPE)
    augmented = tfi.masks.parse(f"irregular:{folder}")((5, 6), batch_size=6, **SHAPE)
    mixed = tfi.masks.parse(f"irregular:{folder}+center_square+ten_squares")((5, 6), batch_size=6, **SHAPE)

titles = ["from the files"] + [""] * 5 + ["augmented"] + [""] * 5 + ["mixed"]
visualize.show_grid(tf.concat([as_they_are, augmented, mixed], axis=0), columns=6, titles=titles, size=1.5)

# %% [markdown]
# ### On the device
#
# With `masks_on="step"` the pipeline hands out seeds, eight bytes for each mask, and the training step draws the masks where it runs. The
# bits are the same.

# %%
source = {"source": "photos", "image_size": 32, "batch_size": 4, "show_progress": False}
with_masks = next(iter(tfi.data.dataset(**source)))
with_seeds = next(iter(tfi.data.dataset(**source, masks_on="step")))

drawn = tfi.masks.parse("free_form").per_example(with_seeds["mask_seed"], height=32, width=32)
assert np.array_equal(drawn, with_masks["mask"])
print("seeds:", with_seeds["mask_seed"].numpy().tolist())

# %% [markdown]
# ## Edges
#
# Canny's detector smooths by a Gaussian, looks where the brightness rises steepest, thins that to lines, and keeps weak lines where they
# touch strong ones. Ours is made of TensorFlow operations: it runs on batches, inside a data pipeline, on a GPU and in an exported model.
#
# `sigma` is the width of the Gaussian in pixels. A small one sees every hair; a large one keeps outlines and moves them a little.

# %%
SIGMAS = (0.5, 1.0, 2.0, 3.0, 4.0)

gray = tf.constant(skimage.data.camera()[np.newaxis, 60:316, 110:366, np.newaxis] / 255.0, tf.float32)
edges = [tfi.ops.canny.canny(gray, sigma=sigma)[0] for sigma in SIGMAS]

visualize.show_grid([gray[0], *edges], columns=3, titles=["camera", *(f"sigma {sigma:g}" for sigma in SIGMAS)], size=2.6)

# %% [markdown]
# ### Edges beside a hole
#
# A blanked hole has a border, and Canny finds it: a network fed with these edges would learn the shape of the mask. Edges of the whole
# picture are no way out, as they tell what lies in the hole. So `canny` takes a `mask` of the pixels that may be looked at: what is in
# the hole has no influence at all, and its border is no edge.

# %%
hole = tfi.masks.free_form((8, 15), batch_size=1, height=256, width=256, ratio=(0.1, 0.2))
blanked = tf.where(hole > 0, 0.5, gray)

whole, naive = tfi.ops.canny.canny(gray), tfi.ops.canny.canny(blanked)
masked = tfi.ops.canny.canny(blanked, mask=1 - hole)

titles = ["the hole", "of the whole picture: they tell too much", "of the blanked picture: the mask's outline", "of the known pixels"]
visualize.show_grid([blanked[0], whole[0], naive[0], masked[0]], columns=2, titles=titles, size=3.2)

# %% [markdown]
# How much of what remains is true? Nearly all edges of the known pixels are edges of the whole picture too; of the blanked picture's
# edges, many are not.

# %%
known = 1 - hole
for name, found in {"blanked picture": naive, "known pixels": masked}.items():
    true = tf.reduce_sum(found * whole * known) / tf.reduce_sum(found * known)
    print(f"edges of the {name}, outside the hole: {true:.1%} are edges of the whole picture")

# %% [markdown]
# And the hole's content has no say, whatever it is:

# %%
noise = tf.random.stateless_uniform(gray.shape, (2, 3))
assert np.array_equal(masked, tfi.ops.canny.canny(tf.where(hole > 0, noise, gray), mask=1 - hole))
