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
# # Serving: a model behind a service
#
# Weights become a SavedModel, which any TensorFlow program loads without this library; a server answers requests with it, in the words of
# TensorFlow Serving. This page
#
# 1. exports a system and looks at what clients rely on: the signatures,
# 2. loads the folder with TensorFlow alone,
# 3. starts a server, sends it a picture as a client would, and looks at what it refuses,
# 4. measures how long answers take.

# %%
import base64
import io
import json
import os
import tempfile
import time
import urllib.error
import urllib.request

import keras
import matplotlib.pyplot as plt
import numpy as np
import skimage.data
import tensorflow as tf
from PIL import Image

import tf_inpaint as tfi
from tf_inpaint import visualize, weights
from tf_inpaint.serving import server

SMOKE = os.environ.get("TF_INPAINT_SMOKE") == "1"  # set by the tests: the same page with the least work
keras.utils.set_random_seed(0)

# %% [markdown]
# ## Export
#
# One folder holds the graph, the weights in float32, and requests with which a server warms up. The number at its end is the version:
# TensorFlow Serving takes the largest that it finds. The folder appears under its name only when it is whole.

# %%
WEIGHTS = "partial_conv.faces_128"
use_shipped = WEIGHTS in weights.available() and not SMOKE
system = tfi.load(WEIGHTS) if use_shipped else tfi.SYSTEMS["partial_conv"].tiny()

workspace = tempfile.TemporaryDirectory()
folder = tfi.serving.export(system, f"{workspace.name}/models/inpaint/1")

for path in sorted(path for path in folder.rglob("*") if path.is_file()):
    print(f"{path.stat().st_size / 1e6:8.2f} MB  {path.relative_to(folder)}")

# %% [markdown]
# Two signatures: `serving_default` takes files, each of its own size, which suits REST; `inpaint` takes pixels, which suits NumPy. Clients
# depend on these names, so they never change.

# %%
loaded = tf.saved_model.load(str(folder))
for name, signature in loaded.signatures.items():
    print(name, dict(signature.structured_input_signature[1]), "->", signature.structured_outputs, sep="\n    ")

# %% [markdown]
# ## Without a server
#
# A face again, Eileen Collins from scikit-image's collection (a NASA portrait, in the public domain), with a hole.

# %%
SIZE = 32 if SMOKE else 128
portrait = skimage.data.astronaut()[12:182, 140:310]
photo = np.asarray(Image.fromarray(portrait).resize((SIZE, SIZE), Image.Resampling.BOX))
mask = tfi.masks.free_form((8, 2022), batch_size=1, height=SIZE, width=SIZE, ratio=(0.1, 0.2))
hole = (mask[0].numpy() * 255).astype(np.uint8)

result = loaded.signatures["inpaint"](image=tf.constant(photo[None]), mask=tf.constant(hole[None]))["inpainted"][0].numpy()
expected = tfi.Inpainter(system, strategy="original")(photo, hole[..., 0])
print("pixels that differ from the library's:", np.any(result != expected, axis=-1).sum())

visualize.comparison([photo], [hole[..., 0] > 0], [result], size=3)

# %% [markdown]
# ## A server
#
# On the command line it is `tf-inpaint serve --model models/inpaint`. It answers as TensorFlow Serving does, so that clients need not know
# which of the two they talk to. Port 0 means: any that is free.

# %%
model = server.ServedModel(folder)
running = server.RestServer(model, port=0).start()

with urllib.request.urlopen(f"{running.url}/v1/models/inpaint") as answer:
    print(answer.read().decode())

# %% [markdown]
# A client needs no more than this: files go in and come out in base64.


# %%
def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return {"b64": base64.b64encode(file.getvalue()).decode()}


def ask(rows):
    body = json.dumps({"instances": rows}).encode()
    with urllib.request.urlopen(f"{running.url}/v1/models/inpaint:predict", body) as answer:
        return [Image.open(io.BytesIO(base64.b64decode(each["b64"]))) for each in json.load(answer)["predictions"]]


row = {"image_bytes": png(photo), "mask_bytes": png(hole[..., 0])}
(repaired,) = ask([row])
print("the same pixels:", np.array_equal(repaired, expected))

# %% [markdown]
# Several pictures may share a request, whatever their sizes.

# %%
wide = np.asarray(Image.fromarray(portrait).resize((SIZE + SIZE // 2, SIZE), Image.Resampling.BOX))
wide_hole = np.zeros(wide.shape[:2], np.uint8)
wide_hole[SIZE // 3 : SIZE // 2, SIZE // 2 : SIZE] = 255
both = ask([row, {"image_bytes": png(wide), "mask_bytes": png(wide_hole)}])

visualize.comparison([wide], [wide_hole > 0], [np.asarray(both[1])], size=3)

# %% [markdown]
# ## What it refuses
#
# A PNG file of fifty kilobytes may unfold to gigabytes. The graph reads the size in the file's header before it decodes anything, and the
# server counts the pixels of all pictures of a request together. Errors are one sentence.

# %%
bomb = Image.new("1", (20_000, 20_000))
small_mask = png(np.full((2, 2), 255, np.uint8))


def refusal(rows):
    began = time.perf_counter()
    try:
        ask(rows)
    except urllib.error.HTTPError as error:
        return f"{error.code} after {time.perf_counter() - began:.2f} s: {json.load(error)['error']}"


file = io.BytesIO()
bomb.save(file, "PNG")
print(f"a file of {len(file.getvalue()) / 1e3:.0f} kB:")
print(refusal([{"image_bytes": {"b64": base64.b64encode(file.getvalue()).decode()}, "mask_bytes": small_mask}]))
print(refusal([row | {"mask_bytes": png(np.zeros((SIZE, SIZE), np.uint8))}]))
print(refusal([row | {"image_bytes": {"b64": base64.b64encode(b"no picture").decode()}}]))

# %% [markdown]
# ## How long does it take?
#
# One client, one picture after the other, by size. `benchmarks/load_test.py` does it with 16 clients at once, and watches memory.

# %%
sides, rounds = ((16, 32), 1) if SMOKE else ((64, 128, 256, 384), 5)
seconds = []
for side in sides:
    picture = np.asarray(Image.fromarray(portrait).resize((side, side)))
    side_hole = np.zeros((side, side), np.uint8)
    side_hole[side // 4 : side // 2, side // 4 : side // 2] = 255
    rows = [{"image_bytes": png(picture), "mask_bytes": png(side_hole)}]
    ask(rows)  # the first of a size is slower
    began = time.perf_counter()
    for _ in range(rounds):
        ask(rows)
    seconds.append((time.perf_counter() - began) / rounds)

figure, axes = plt.subplots(figsize=(5, 3))
axes.plot(sides, seconds, marker="o")
axes.set(xlabel="side of the picture, pixels", ylabel="seconds", title="One request at a time", ylim=(0, None))
plt.show()

# %% [markdown]
# The server counts what it does; Prometheus can read it.

# %%
with urllib.request.urlopen(f"{running.url}/monitoring/prometheus/metrics") as answer:
    lines = answer.read().decode().splitlines()
print("\n".join(line for line in lines if "request_count" in line or ":tf_inpaint:" in line))

# %% [markdown]
# `stop` takes no new requests and answers those that came; on the command line a signal (Ctrl-C, SIGTERM) does it.

# %%
print("all answered:", running.stop())
model.close()
workspace.cleanup()

# %% [markdown]
# ## From here
#
# * [`examples/`](../examples/README.md) has clients for REST, gRPC and curl, and settings for TensorFlow Serving in a container.
# * `tf-inpaint serve --help` tells the limits: bytes, pixels, seconds, requests that wait, connections.
# * Beyond one machine put a proxy in front that knows passwords and encryption: neither server does.
