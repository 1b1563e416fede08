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
# # Your own photos: scratches, objects, large pictures, whole folders
#
# The networks have learned at 128 x 128 pixels; a photo has millions, an orientation, a colour profile and a history. This page shows
# what stands between the two:
#
# 1. **strategies**, ways in which a large picture goes through small networks,
# 2. what one can ask of the **hole**,
# 3. **files** and what is in them beside the pixels,
# 4. **folders**.
#
# Whatever is done, pixels outside the hole keep their bits.

# %%
import os
import tempfile
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from PIL import Image

import tf_inpaint as tfi
from tf_inpaint import pictures, visualize, weights
from tf_inpaint.cli.main import main as tf_inpaint_command

SMOKE = os.environ.get("TF_INPAINT_SMOKE") == "1"  # set by the tests: the same page with the least work

WEIGHTS = "three_stage.faces_128"
use_shipped = WEIGHTS in weights.available() and not SMOKE
system = tfi.load(WEIGHTS) if use_shipped else tfi.SYSTEMS["three_stage"].tiny()

# %% [markdown]
# ## A scratch
#
# Eileen Collins again (NASA, public domain), all of the photograph this time, with two long scratches. In a mask white is what shall be
# filled.

# %%
photo = skimage.data.astronaut()
scratches = np.zeros(photo.shape[:2], np.uint8)
cv2.line(scratches, (20, 30), (480, 470), 255, 3)
cv2.line(scratches, (400, 0), (300, 511), 255, 2)

inpainter = tfi.Inpainter(system)  # strategy="crop"
repaired = inpainter(photo, scratches)

visualize.comparison([photo], [scratches], [repaired], size=3.4)

# %%
known = scratches == 0
print("known pixels are the same bits:", np.array_equal(repaired[known], photo[known]))

# %% [markdown]
# ## Four ways through a small network
#
# * `"crop"`, the default, cuts a window around each hole. A hole that is too large for one gets a larger window, made small for the
#   network; a hole that is thin, such as our scratches, goes in tiles at full resolution. The work grows with the holes, not with the
#   photograph.
# * `"tile"` puts overlapping tiles over all holes and blends them.
# * `"resize"` shows the network the whole picture made small. A scratch comes back as a blurred line.
# * `"original"` shows it the whole picture as it is, as an exported model does. It takes memory for each pixel.
#
# Here is the part around the zip, twice as large.

# %%
STRATEGIES = ("crop", "resize") if SMOKE else ("crop", "tile", "resize", "original")

part = np.s_[230:370, 220:360]
results = [tfi.Inpainter(system, strategy=strategy)(photo, scratches)[part] for strategy in STRATEGIES]
holed = np.where(scratches[..., None] > 0, np.uint8(255), photo)[part]

visualize.show_grid([holed, *results], columns=1 + len(results), titles=("hole", *STRATEGIES), size=2.4)

# %% [markdown]
# ## An object, and what networks know
#
# These weights have learned from faces and from nothing else. A scratch needs little knowledge: what is left and right of it goes on.
# For a hole of the size of a coffee bubble the network must invent, and it invents what it knows: look for the eyes in the cup. For
# other things than faces, train on pictures of such things (page 1 shows how); then `weights` is the folder of your run.

# %%
coffee = skimage.data.coffee()
blob = np.zeros(coffee.shape[:2], np.uint8)
cv2.ellipse(blob, (300, 120), (40, 30), 0, 0, 360, 255, -1)

visualize.comparison([coffee], [blob], [inpainter(coffee, blob)], size=3.4)

# %% [markdown]
# ## What one can ask of the hole
#
# A mask that is drawn by hand leaves a rim of what shall go: the network then sees it and goes on with it. `dilate` adds pixels around
# the hole (`erode` takes some away), `feather` blends the filling into what was there, along the inner side of the border, and
# `match_colour` gives each filling the tone of what is around it. `invert_mask` is for masks in which black is the hole.
#
# A white spot of 12 pixels, and a mask that covers 8 of them:

# %%
spotted, mask = photo.copy(), np.zeros(photo.shape[:2], np.uint8)
cv2.circle(spotted, (330, 70), 12, (255, 255, 255), -1)
cv2.circle(mask, (330, 70), 8, 255, -1)

OPTIONS = {"as it is": {}, "dilate=6": {"dilate": 6}, "dilate=8, feather=2": {"dilate": 8, "feather": 2}}
part = np.s_[20:120, 280:380]
results = [tfi.Inpainter(system, **options)(spotted, mask)[part] for options in OPTIONS.values()]

visualize.show_grid([spotted[part], mask[part], *results], columns=5, titles=("spot", "mask", *OPTIONS), size=2.2)

# %% [markdown]
# ## Files
#
# A camera stores a photograph as its sensor lay, and says in the file how to turn it. Results are upright, with the same format, quality
# and size, and with what the file said beside its pixels. A JPEG file changes every pixel a little when it is written; the command says
# so and offers PNG.

# %%
folder = Path(tempfile.mkdtemp())
(folder / "in").mkdir()

exif = Image.Exif()
exif[0x0112], exif[0x010E] = 6, "stored lying on its side"
Image.fromarray(np.rot90(photo, 1)).save(folder / "in/portrait.jpg", exif=exif, quality=90)
Image.fromarray(coffee).save(folder / "in/coffee.png")

for name in ("portrait.jpg", "coffee.png"):
    read = pictures.read_picture(folder / "in" / name)
    print(f"{name}: {read.rgb.shape[1]} x {read.rgb.shape[0]}, EXIF {len(read.metadata.exif or b'')} bytes")

# %% [markdown]
# Broken files, files that claim to have a billion pixels, and files that are no pictures are refused in one sentence, before anything of
# them is decoded:

# %%
(folder / "in/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no photograph")
try:
    inpainter(folder / "in/broken.jpg", scratches)
except ValueError as error:  # all of the library's errors are
    print(str(error).removeprefix(str(folder)))

# %% [markdown]
# ## Folders
#
# The command does a whole folder: with one mask for all, or a folder of masks with the pictures' names (`portrait.png` or
# `portrait_mask.png` for `portrait.jpg`). What fails is named, the rest is done, and the exit status is 1. Killed in the midst of it,
# the same command with `--resume` goes on; no half-written file is left. `--concat` writes sheets to look through.

# %%
(folder / "masks").mkdir()
pictures.write_picture(folder / "masks/portrait_mask.png", scratches)
pictures.write_picture(folder / "masks/coffee.png", blob)
weights.save(system, folder / "weights")

words = f"inpaint {folder}/in {folder}/masks -o {folder}/out --weights {folder}/weights --dilate 1 --concat {folder}/sheets"
status = tf_inpaint_command(words.split())
print("exit status", status, sorted(path.name for path in (folder / "out").iterdir()))

# %%
visualize.show_grid([pictures.read_rgb(folder / "sheets/portrait.jpg.png")], columns=1, size=9)
