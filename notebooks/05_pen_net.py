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
# # PEN-Net: where does a patch in the hole look?
#
# PEN-Net (Zeng et al. 2019, arXiv:1904.07475) fills feature maps, not pixels, and fills them from deep to shallow. On a small deep map
# everything is already guessed roughly, so one can compare the patch around a missing place with the patches around known ones. What looks
# alike there should look alike on the next larger map: patches are carried over. This page shows one such transfer on a photograph, then
# the maps and the pictures of a whole network.

# %%
import os

import keras
import matplotlib.pyplot as plt
import numpy as np
import skimage.data
import tensorflow as tf

import tf_inpaint as tfi
from tf_inpaint import visualize, weights
from tf_inpaint.layers import AttentionTransfer

SMOKE = os.environ.get("TF_INPAINT_SMOKE") == "1"  # set by the tests: the same page with the least work
keras.utils.set_random_seed(0)

# %% [markdown]
# ## One transfer
#
# A photograph of bricks is the larger map, `low`, here simply its pixels. The deeper map, `high`, is a smaller, blurred copy: nothing is
# missing in it, as if a network had guessed the hole well, but it is too coarse to be a picture.

# %%
SIZE = 32 if SMOKE else 96

bricks = tfi.ops.image.from_uint8(skimage.data.brick()[None, 40:296, 40:296, None])
image = tfi.ops.image.resize(bricks, (SIZE, SIZE), method="area")
mask = np.zeros([1, SIZE, SIZE, 1], np.float32)
mask[:, SIZE // 3 : 2 * SIZE // 3, SIZE // 3 : 2 * SIZE // 3] = 1
low = tf.where(mask > 0, 0.0, image)
high = tfi.ops.image.resize(image, (SIZE // 2, SIZE // 2), method="area")
# Contrast, as a convolution would bring it out: flat patches all look alike.
high = 8 * (high - tf.nn.avg_pool2d(high, 9, 1, "SAME"))

strict = {"mask_mode": "strict", "mask_resize": "max", "overlap": "count", "compose": "hole"}
layer = AttentionTransfer(**strict, normalize_query=True, softmax_scale=50.0)
filled = layer((low, high, mask))


def gray(plane):
    """A grey picture for `show_grid`, of values in [-1, 1]."""
    return tfi.ops.image.to_unit(tf.clip_by_value(plane, -1, 1))[0]


titles = ["larger map, with a hole", "deeper map", "filled", "truth"]
visualize.show_grid([gray(each) for each in (low, high, filled, image)], columns=4, titles=titles, size=2.5)

# %% [markdown]
# Where did a place take its patch from? `attention_map` gives all weights at once: for each place of the deeper map a map of the same size.
# A cross marks the place that asks, brightness the weights. They are 0 in the hole: a place is only allowed to look where a whole 3 x 3
# patch is known.

# %%
attention = layer.attention_map(high, mask)[0].numpy()


def show_attention(attention, background, places, title=""):
    """A row of pictures: for each place (row, column), where it looks."""
    figure, axes = plt.subplots(1, len(places), figsize=(2.6 * len(places), 2.8), layout="constrained", squeeze=False)
    for axis, (row, column) in zip(axes[0], places, strict=True):
        weight = attention[row, column].reshape(attention.shape[:2])
        axis.imshow(background, cmap="gray", alpha=0.4)
        axis.imshow(np.sqrt(weight / weight.max()), cmap="inferno", alpha=0.7)
        axis.plot(column, row, "c+", markersize=12)
        axis.set(xticks=[], yticks=[], title=f"{title}best: {weight.max():.1%}")


third = SIZE // 6  # of the deeper map
places = [(third + third // 4, third + third // 4), (SIZE // 4, SIZE // 4), (2 * third - 2, 2 * third - 3)]
show_attention(attention, high[0, :, :, 0], places)

# %% [markdown]
# A joint between two bricks looks at joints, a brick at bricks. With equation (2) alone, without a factor before the softmax, no place
# would stand out: cosines lie between -1 and 1, and the best of a thousand equals would get a fraction of a percent. The released code
# multiplies by 10, and does not normalise the patch that asks, which multiplies by its length, too.

# %%
for scale in (1, 10, 50):
    weight = AttentionTransfer(**strict, normalize_query=True, softmax_scale=float(scale)).attention_map(high, mask)
    print(f"scale {scale:2}: the best place has {np.mean(np.max(weight, axis=-1)):.1%} of the weight on average")

# %% [markdown]
# ## As published
#
# The released code has side effects. Overlapping patches are divided by four, although fewer meet at the border: a dark frame. Known places
# are rebuilt as well, from other known places. And the mask is picked at the size of the map, not averaged, so that a thin hole can vanish
# and count as known. Weights that were trained so need it so; each effect has a switch.

# %%
scratch = np.zeros_like(mask)
scratch[:, 5:6, 2:-2] = scratch[:, 2:-2, 5:6] = 1
forms = {
    "as published": {},
    'overlap="count"': {"overlap": "count"},
    'compose="hole"': {"overlap": "count", "compose": "hole"},
}
cells = [AttentionTransfer(**settings)((low, high, mask)) for settings in forms.values()]

for resize in ("bilinear_align_corners", "nearest", "max"):
    used = AttentionTransfer(mask_resize=resize, mask_mode="strict", weight_floor=0.0).attention_map(high, scratch)
    share = np.mean(np.max(used, axis=(0, 1, 2)) > 0)
    print(f"a scratch of one pixel, {resize:22}: {share:.0%} of the places count as known")

visualize.show_grid([gray(cell) for cell in cells], columns=3, titles=list(forms), size=2.5)

# %% [markdown]
# The maximum keeps thin holes, and takes too much: on a map of half the size a place with one missing pixel of four counts as missing, and
# `compose="hole"` replaces it, the three known pixels included. They lie at the rim of the hole, where the picture is to be continued. With
# `compose="inside"` patches still come from wholly known places alone, but only a place without a known pixel is replaced.

# %%
stroke = np.zeros_like(mask)
for offset in (-1, 0, 1, 2):  # an oblique stroke, four pixels thick
    rows = np.arange(4, SIZE - 4)
    stroke[:, rows, np.clip(rows + offset, 0, SIZE - 1)] = 1
half, quarter = (tfi.ops.image.resize(tf.where(stroke > 0, 0.0, image), (SIZE // n, SIZE // n), method="area") for n in (2, 4))
cells, titles = [half], ["half the size, with a stroke"]
print(f"missing {stroke.mean():.1%} of the pixels")
for compose in ("hole", "inside"):
    composed = AttentionTransfer(**{**strict, "compose": compose}, match_size=1)((half, quarter, stroke))
    cells.append(tf.cast(composed != half, tf.float32) * 2 - 1)
    titles.append(f'replaced by compose="{compose}"')
    print(f"replaced by {compose:6} {np.mean(cells[-1] > 0):.1%} of the places")
visualize.show_grid([gray(cell) for cell in cells], columns=3, titles=titles, size=2.5)

# %% [markdown]
# ## The network
#
# Now the whole network: an encoder of six levels, attention on five, a decoder that shows a picture at each. Weights that come with the
# library are taken if there are any; else a small network learns here for a moment, from scikit-image's photographs, and what it shows is a
# sketch.

# %%
shipped = [name for name in ("pen_net.facades_256", "pen_net.faces_128") if name in weights.available() and not SMOKE]
STEPS = 2 if SMOKE else 150


def learn():
    """Trains a narrow network on photographs of 64 x 64 pixels."""
    settings = {"mask_mode": "strict", "mask_resize": "max", "compose": "hole", "adversarial_weight": 0.0, "learning_rate": 2e-3}
    system = tfi.SYSTEMS["pen_net"].tiny(**settings)
    system.compile()
    data = tfi.data.dataset("photos", image_size=64, batch_size=4, masks="center_square", repeat=True, seed=1, show_progress=False)
    system.fit(data, steps_per_epoch=STEPS, epochs=1, verbose=0)
    return system


system = tfi.load(shipped[0]) if shipped else learn()
print("weights:", shipped[0] if shipped else f"a small network after {STEPS} steps")

# %%
SIZE = system.config.image_size

photo = skimage.data.astronaut()[12:182, 140:310] if "faces" in "".join(shipped[:1]) else skimage.data.brick()[:256, :256]
photo = np.repeat(photo[:, :, None], 3, axis=2) if photo.ndim == 2 else photo
image = tfi.ops.image.resize(tfi.ops.image.from_uint8(photo), (SIZE, SIZE), method="area")[None]
mask = np.zeros([1, SIZE, SIZE, 1], np.float32)
mask[:, SIZE // 4 : 3 * SIZE // 4, SIZE // 4 : 3 * SIZE // 4] = 1
outputs = system({"image": image, "mask": tf.constant(mask)})

# %% [markdown]
# The pyramid: each level of the decoder shows a picture of its size, and a loss compares it with the truth at that size. So each filled map
# must hold what is needed for a picture, and not only the last one.

# %%
cells = [*reversed(outputs["pyramid"]), outputs["raw"], outputs["composite"], image]
titles = [f"{cell.shape[1]} px" for cell in cells[:-2]] + ["composite", "truth"]
visualize.show_grid([cell[0] for cell in cells], columns=4, titles=titles, size=2.2)

# %% [markdown]
# And where does the middle of the hole look on each level? The maps come from the network: each attention layer is asked with the map below
# it. Networks with `rescale_levels=1` compare at half the size on the largest map: its pictures are as small as those before.

# %%
generator = system.networks["generator"]
layers = [layer for layer in generator.layers if isinstance(layer, AttentionTransfer)]
guides = keras.Model(generator.input, [layer.input[1] for layer in layers])
masked_image = tf.where(mask > 0, system.config.hole_value, image)
maps = guides([tf.concat([masked_image, mask], axis=-1), tf.constant(mask)])

for layer, guide in list(zip(layers, maps, strict=True))[1:]:
    attention = layer.attention_map(guide, tf.constant(mask))[0].numpy()
    size = len(attention)
    if size < 8:
        continue  # on maps this small there is nothing to see
    known = tfi.ops.image.resize(image, (size, size), method="area")[0, :, :, 0]
    places = [(size // 2, size // 2), (size // 2, 3 * size // 4 - 1), (3 * size // 4 - 1, size // 2)]
    show_attention(attention, known, places, f"{size} px, ")

# %% [markdown]
# A network that has learned little looks everywhere a little, since all patches of its deep maps are alike. The more it knows, the sharper
# the spots. `tf_inpaint/systems/pen_net/README.md` says which line of the paper is which line of code.
