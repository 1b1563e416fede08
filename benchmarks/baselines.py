"""Seconds and quality of the methods without weights on the same pictures, beside Telea's.

    python benchmarks/baselines.py [--size 256] [--pictures 3]

Pictures: scikit-image's textures (brick, grass, gravel) and photographs, at one size. Holes: free-form strokes of 10 to 20 % and of 40
to 50 %, and the middle square of a quarter of the picture. PSNR is of the hole; "rough" is the mean difference between neighbouring pixels
of the hole divided by the truth's: 1 is as rough as the truth, near 0 is blurred. A high PSNR and a texture that is there are two things:
where nothing tells which pebble lay in the hole, the mean of all possible ones has the best PSNR.
"""

import argparse
import time

import numpy as np
import skimage
import skimage.data
import tensorflow as tf

from tf_inpaint import masks, metrics, ops
from tf_inpaint.evaluation import BASELINES

TEXTURES = ("brick", "grass", "gravel")
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee")


def picture(name: str, size: int) -> np.ndarray:
    """The middle of a picture, uint8 `[size, size, 3]`."""
    image = getattr(skimage.data, name)()
    image = np.dstack([image] * 3) if image.ndim == 2 else image[..., :3]
    scale = size / min(image.shape[:2])
    image = ops.image.resize(tf.constant(image), [round(side * scale) for side in image.shape[:2]])
    top, left = (image.shape[0] - size) // 2, (image.shape[1] - size) // 2
    return tf.cast(tf.round(image[top : top + size, left : left + size]), tf.uint8).numpy()


def roughness(image: np.ndarray, mask: np.ndarray) -> float:
    gray = image.astype(float).mean(axis=-1)
    steps = np.abs(np.diff(gray, axis=0))[:, :-1] + np.abs(np.diff(gray, axis=1))[:-1]
    return steps[mask[:-1, :-1] > 0].mean()


def holes(size: int) -> dict[str, np.ndarray]:
    """Name -> mask, uint8 `[size, size]`."""
    drawn = {
        f"strokes {low:.0%}": masks.free_form((0, 7), batch_size=1, height=size, width=size, ratio=(low, low + 0.1))[0, ..., 0]
        for low in (0.1, 0.4)
    }
    square = np.zeros([size, size], np.uint8)
    square[size // 4 : -(size // 4), size // 4 : -(size // 4)] = 255
    return {**{name: (mask.numpy() * 255).astype(np.uint8) for name, mask in drawn.items()}, "square 25%": square}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--pictures", type=int, default=3, help="of each kind, at most 3")
    parser.add_argument("--baselines", default=",".join(BASELINES))
    args = parser.parse_args()
    names = args.baselines.split(",")
    print(f"NumPy {np.__version__}, scikit-image {skimage.__version__}, {args.size} px; CPU seconds, PSNR of the hole in dB, rough")
    for hole_name, mask in holes(args.size).items():
        for kind, members in (("textures", TEXTURES), ("photographs", PHOTOGRAPHS)):
            images = [picture(name, args.size) for name in members[: args.pictures]]
            print(f"\n{hole_name}, {kind}: {np.mean(mask > 0):.1%} hole")
            for name in names:
                seconds, psnr, rough = [], [], []
                for image in images:
                    start = time.process_time()
                    filled = BASELINES[name](image, mask)
                    seconds.append(time.process_time() - start)
                    psnr.append(float(metrics.psnr(image[np.newaxis], filled[np.newaxis], mask=mask[np.newaxis, ..., np.newaxis])[0]))
                    rough.append(roughness(filled, mask) / roughness(image, mask))
                print(f"  {name:12s}{np.mean(seconds):8.2f} s  {np.mean(psnr):6.2f} dB  {np.mean(rough):5.2f}", flush=True)


if __name__ == "__main__":
    main()
