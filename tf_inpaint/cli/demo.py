"""`tf-inpaint demo`: repairs a real photograph with shipped weights, and says how well and how fast."""

import argparse
from pathlib import Path

# The face in scikit-image's photograph of an astronaut, framed as the training pictures are: eyes at half the height.
FACE_TOP, FACE_LEFT, FACE_SIZE = 12, 140, 170
MASK_SEED = (10, 2022)
HOLE_SHARE = (0.2, 0.3)
TIMED_RUNS = 5


def add_parser(subparsers) -> None:
    """Adds the command and its options: where the pictures go, and which weights repair."""
    parser = subparsers.add_parser(
        "demo",
        help="repair a bundled photograph with shipped weights",
        description="Repairs a real photograph (scikit-image's astronaut) with shipped weights. Writes input.png (undamaged; "
        "the network sees it with the hole blanked), mask.png, result.png and comparison.png.",
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("demo"), metavar="DIR", help="folder to write to [%(default)s]")
    parser.add_argument("--weights", default="three_stage.faces_128", metavar="NAME|PATH", help="[%(default)s]")


def run(args: argparse.Namespace) -> int:
    """Repairs the bundled photograph, writes four pictures, prints quality and time, and returns 0."""
    import time

    from tf_inpaint import metrics, pictures
    from tf_inpaint.serving.inpainter import Inpainter

    inpainter = Inpainter(args.weights)
    size = inpainter.system.config.image_size
    photo, mask = demo_photo(size), demo_mask(size)

    result = inpainter(photo, mask)  # traces the graph: not timed
    begin = time.perf_counter()
    for _ in range(TIMED_RUNS):
        inpainter(photo, mask)
    seconds = (time.perf_counter() - begin) / TIMED_RUNS

    args.output.mkdir(parents=True, exist_ok=True)
    for name, picture in {
        "input": photo,
        "mask": mask,
        "result": result,
        "comparison": comparison(photo, mask, result),
    }.items():
        pictures.write_picture(args.output / f"{name}.png", picture)

    psnr = metrics.psnr(photo[None], result[None], mask=mask[None, :, :, None])[0]
    ssim = ssim_in_hole(photo, result, mask)
    print(f"{args.weights} repaired {(mask > 0).mean():.0%} of a photograph of {size} x {size} pixels.")
    print(f"In the hole: PSNR {psnr:.2f} dB, SSIM {ssim:.4f}. {seconds:.3f} seconds per image.")
    print(f"Pictures: {args.output}/comparison.png (input, damaged, result), input.png, mask.png, result.png")
    return 0


def demo_photo(size: int):
    """Cuts the face out of the bundled photograph.

    Args:
        size: height and width of the result.

    Returns:
        uint8 `[size, size, 3]`.
    """
    import skimage.data

    from tf_inpaint import ops

    photo = skimage.data.astronaut()
    face = photo[FACE_TOP : FACE_TOP + FACE_SIZE, FACE_LEFT : FACE_LEFT + FACE_SIZE]
    return ops.image.to_uint8(ops.image.resize(ops.image.from_uint8(face), (size, size), method="area")).numpy()


def demo_mask(size: int):
    """Draws the strokes that the demo repairs: always the same.

    Args:
        size: height and width of the result.

    Returns:
        uint8 `[size, size]`, 255 in the hole.
    """
    from tf_inpaint import masks

    mask = masks.free_form(MASK_SEED, batch_size=1, height=size, width=size, ratio=HOLE_SHARE)
    return (mask[0, :, :, 0].numpy() * 255).astype("uint8")


def ssim_in_hole(photo, result, mask) -> float:
    """Averages the structural similarity over the windows whose centre is in the hole.

    Args:
        photo: uint8 `[H, W, 3]`, the truth.
        result: uint8 `[H, W, 3]`.
        mask: uint8 `[H, W]`, 255 in the hole.

    Returns:
        At most 1. Holes within half a window of the picture's border do not count: no whole window is centred there.
    """
    import tensorflow as tf

    from tf_inpaint import metrics

    local = tf.image.ssim(photo[None], result[None], 255, filter_size=metrics.SSIM_WINDOW, return_index_map=True)[0]
    margin = metrics.SSIM_WINDOW // 2
    return float(local.numpy()[mask[margin:-margin, margin:-margin] > 0].mean())


def comparison(photo, mask, result):
    """Puts the photograph, the damaged photograph and the result side by side, at twice their size.

    Args:
        photo: uint8 `[H, W, 3]`.
        mask: uint8 `[H, W]`, 255 in the hole.
        result: uint8 `[H, W, 3]`.

    Returns:
        uint8 `[2 H, 6 W + 16, 3]`; the hole is white in the middle.
    """
    import numpy as np

    damaged = np.where(mask[:, :, None] > 0, np.uint8(255), photo)
    gap = np.full((2 * photo.shape[0], 8, 3), 255, np.uint8)
    large = [picture.repeat(2, axis=0).repeat(2, axis=1) for picture in (photo, damaged, result)]
    return np.concatenate([large[0], gap, large[1], gap, large[2]], axis=1)
