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
# # EdgeConnect: lines first, colour next
#
# A painter sketches before filling in. EdgeConnect (patent CN 110689495 A; Nazeri et al. 2019, arXiv:1901.00212) does the same: one network
# continues the edges of the known part into the hole, a second one paints along them. The patent adds a step that the published code
# leaves out: a result is looked at, and discarded if it does not look real. This page shows the edges in between, what they are worth,
# and how results are accepted or rejected.

# %%
import os

import keras
import matplotlib.pyplot as plt
import numpy as np
import skimage.data
import tensorflow as tf

import tf_inpaint as tfi
from tf_inpaint import metrics, visualize, weights

SMOKE = os.environ.get("TF_INPAINT_SMOKE") == "1"  # set by the tests: the same page with the least work
WEIGHTS = "edge_connect.faces_128"
keras.utils.set_random_seed(0)

# %% [markdown]
# The weights that come with the library know faces of 128 x 128 pixels. Where they are not installed, an untrained small network takes
# their place: the page runs, but what it paints means nothing then.

# %%
use_shipped = WEIGHTS in weights.available() and not SMOKE
system = tfi.load(WEIGHTS) if use_shipped else tfi.SYSTEMS["edge_connect"].tiny()
SIZE = 128 if use_shipped else 32
print("weights:", WEIGHTS if use_shipped else "an untrained small network")

portrait = tfi.ops.image.from_uint8(skimage.data.astronaut()[12:182, 140:310])
image = tfi.ops.image.resize(portrait, (SIZE, SIZE), method="area")[None]
mask = tfi.masks.free_form((4, 2019), batch_size=1, height=SIZE, width=SIZE, ratio=(0.15, 0.25))

# %% [markdown]
# ## Edges
#
# Canny finds the edges of the known part. It is told which pixels it may look at, or else the border of the hole would become an edge
# itself. The edge generator sees grey picture, edges and mask, and says for each pixel how likely an edge is. What it says outside the hole
# is dropped: the edges there are known.

# %%
true_edges = system.find_edges(image)
known_edges = system.find_edges(image, usable=1 - mask)
outputs = system({"image": image, "mask": mask})

cells = [tfi.ops.image.mask_image(image, mask), known_edges, outputs["predicted_edges"], outputs["edge_map"], true_edges, image]
cells = [cell if cell.shape[-1] == 3 else tfi.ops.image.from_unit(cell) for cell in cells]
titles = ["with a hole", "edges of the known part", "predicted", "predicted in the hole only", "edges of the truth", "truth"]
visualize.show_grid([cell[0] for cell in cells], columns=3, titles=titles, size=2.8)

# %% [markdown]
# How good are they? An edge pixel counts as found only if it is found at its very place, which is strict: an edge that is a pixel off
# counts as one missed and one invented.

# %%
f1, precision, recall = (float(score[0]) for score in metrics.edge_scores(true_edges, outputs["predicted_edges"], mask))
print(f"in the hole: precision {precision:.2f}, recall {recall:.2f}, F1 {f1:.2f}")

# %% [markdown]
# ## The picture along the edges
#
# The completion network paints whatever edges it is given, so its input can be edited. Here it paints the same hole without any edges in
# it, with the predicted ones, and with the true ones, which nobody has in practice: how much better would perfect edges be?
# (A network that learned along predicted edges, few as they are, need not know what to do with perfect ones.)

# %%
no_edges = tfi.ops.image.mask_image(known_edges, mask)
edge_maps = {"no edges": no_edges, "predicted edges": outputs["edge_map"], "true edges": true_edges}
painted = {name: tfi.ops.image.composite(system.complete(image, mask, edges), image, mask) for name, edges in edge_maps.items()}

rows = [*(tfi.ops.image.from_unit(edges)[0] for edges in edge_maps.values()), *(result[0] for result in painted.values())]
visualize.show_grid(rows, columns=3, titles=[*painted, "", "", ""], size=2.8)

# %%
truth = tfi.ops.image.to_uint8(image)
for name, result in painted.items():
    psnr = metrics.psnr(truth, tfi.ops.image.to_uint8(result), mask=mask)[0]
    print(f"{name:>16}: PSNR in the hole {psnr:.1f} dB")

# %% [markdown]
# ## Accepted or rejected
#
# In training, two critics learned to tell true edges and pictures from made ones. They stay with the weights and look at each result: a
# score is the mean opinion on the patches that touch the hole, between 0 and 1. What is a good score? That of real pictures tells:
# the 5th percentile of theirs is the threshold. It was measured once, on pictures kept back from training, and is stored with the weights.
# (For the untrained network of this page's short form it is measured here, on scikit-image's photographs.)

# %%
verification = system.verification
if verification.thresholds is None:
    source = {"image_size": SIZE, "batch_size": 4, "shuffle": False, "flip": False, "crop": "center", "show_progress": False}
    verification.calibrate(tfi.data.dataset("photos", masks="free_form", seed=3, **source).take(2))
print("thresholds:", {name: round(value, 4) for name, value in verification.thresholds.values.items()})

# %% [markdown]
# Now holes of growing size. A result that falls below a threshold is rejected, and then, if we allow retries, other ways to make it are
# tried: other edge thresholds, another smoothing, the mirrored picture. The best one is returned with its verdict; nothing is dropped
# behind your back.

# %%
RATIOS = [(0.05, 0.1), (0.2, 0.25), (0.35, 0.4), (0.5, 0.55)][: 2 if SMOKE else 4]
inpainter = tfi.Inpainter(system)
photo = truth[0].numpy()


def draw_hole(ratio):
    """A boolean `[H, W]` mask whose hole share lies in `ratio`."""
    return tfi.masks.free_form((1, 7), batch_size=1, height=SIZE, width=SIZE, ratio=ratio)[0, ..., 0].numpy() == 1


# %%
holes = [draw_hole(ratio) for ratio in RATIOS]
results = [inpainter.inpaint_verified(photo, hole, retries=1 if SMOKE else 3) for hole in holes]

for hole, result in zip(holes, results, strict=True):
    assert np.array_equal(result.image[~hole], photo[~hole])
    print(f"hole of {hole.mean():.0%}: {result.verdict}, {result.describe()}")
visualize.comparison([photo] * len(holes), holes, [result.image for result in results], size=2.2)

# %% [markdown]
# ## Does the score know?
#
# If it is worth something, it falls where the result is worse. Here are many holes in this one portrait, each result's scores against its
# PSNR in the hole. (A measurement over many faces, with rank correlations, is `benchmarks/verification.py`; its result stands in the notes
# of the model card.)

# %%
NUM_HOLES = 3 if SMOKE else 24
shares = np.linspace(0.05, 0.5, NUM_HOLES)
many = [tfi.masks.free_form((i, 7), batch_size=1, height=SIZE, width=SIZE, ratio=(share, share + 0.05)) for i, share in enumerate(shares)]
many = tf.concat(many, axis=0)
images = tf.repeat(image, NUM_HOLES, axis=0)
composites, scores = verification.inpaint(images, many, candidate=verification.candidates[0])
psnr = metrics.psnr(tfi.ops.image.to_uint8(images), tfi.ops.image.to_uint8(composites), mask=many)

figure, axes = plt.subplots(1, len(scores), figsize=(8, 2.8), layout="constrained", sharey=True)
for panel, (name, values) in zip(axes, scores.items(), strict=True):
    dots = panel.scatter(values, psnr, c=tf.reduce_mean(many, axis=[1, 2, 3]), cmap="viridis")
    panel.set(xlabel=f'score "{name}"', ylabel="PSNR in the hole, dB")
figure.colorbar(dots, label="hole share")

# %% [markdown]
# ## From here
#
# * [The system's README](../tf_inpaint/systems/edge_connect/README.md) maps patent and paper to functions, and lists where they differ
#   and what we chose.
# * `tf-inpaint inpaint photo.png mask.png -o result.png --weights edge_connect.faces_128 --retries 3` does the same from the command line.
# * `tf-inpaint train --system edge_connect --stage edges ...` begins a training; the README has all the stages.
