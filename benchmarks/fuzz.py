"""Damaged input at random: pictures, masks, files for the exported graph, REST bodies, stored weights, TFRecord folders.

    python benchmarks/fuzz.py [--inputs 100000] [--targets picture,mask,graph,rest,weights,records] [--seed 0]
    python benchmarks/fuzz.py --targets rest --first 4711 --inputs 1          # one input once more

What is asked of each input: that it is understood or refused by an error of the library; no other exception, no end of the process, no
more than two seconds of CPU time. Input N of a target depends on the seed, the target and N alone. Each target runs in a process of its
own, so that one which ends it, or does not end, is named with its number; the process is then started again behind it.
"""

import argparse
import collections
import copy
import hashlib
import io
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

SLOW_SECONDS = 2.0
ENDLESS_SECONDS = 20.0
# Values that programs which read JSON tend to forget.
ODD_VALUES = (None, True, False, 0, -1, 1, 2**31, 2**63, 10**300, 1.5, 1e308, float("nan"), float("inf"), "", "x", "\ud800", [], {}, [[]])
ODD_BYTES = b'[]{}",:0129.e-+tfn\\ \x00\xff'


def damage(data: bytes, generator: np.random.Generator) -> bytes:
    """Changes bytes in one to three places: sets, cuts, repeats or leaves some out."""
    data = bytearray(data)
    is_text = data[:1] in (b"{", b"[")
    for _ in range(generator.integers(1, 4)):
        place, kind = int(generator.integers(len(data) + 1)), generator.integers(5)
        if kind == 0 and place < len(data):
            data[place] = ODD_BYTES[generator.integers(len(ODD_BYTES))] if is_text else generator.integers(256)
        elif kind == 1 and place < len(data):
            data[place] ^= 1 << int(generator.integers(8))
        elif kind == 2 and generator.integers(4) == 0:
            del data[place:]
        elif kind == 3:
            data[place:place] = data[place : place + int(generator.integers(1, 40))]
        else:
            del data[place : place + int(generator.integers(1, 6))]
    return bytes(data)


def damage_json(data: bytes, generator: np.random.Generator) -> bytes:
    """Puts odd values in one to three places of a JSON text, takes some out, or damages its bytes."""
    if generator.integers(3) == 0:
        return damage(data, generator)
    tree = json.loads(data)
    for _ in range(generator.integers(1, 4)):
        branch, key = None, None
        node = tree
        while isinstance(node, dict | list) and node and (branch is None or generator.integers(4)):
            branch, keys = node, list(node) if isinstance(node, dict) else range(len(node))
            key = keys[int(generator.integers(len(keys)))]
            node = node[key]
        if branch is None:
            continue
        if generator.integers(5) == 0:
            del branch[key]
        else:
            branch[key] = copy.deepcopy(ODD_VALUES[int(generator.integers(len(ODD_VALUES)))])
    return json.dumps(tree).encode("utf-8")


def repaired_png(data: bytes) -> bytes:
    """Computes the checksums of a PNG file's chunks anew: otherwise nearly all damage ends there."""
    begin, fixed = 8, bytearray(data)
    while begin + 12 <= len(fixed):
        (length,) = struct.unpack_from(">I", fixed, begin)
        if begin + 12 + length > len(fixed):
            break
        struct.pack_into(">I", fixed, begin + 8 + length, zlib.crc32(fixed[begin + 4 : begin + 8 + length]))
        begin += 12 + length
    return bytes(fixed)


def damage_picture(data: bytes, generator: np.random.Generator) -> bytes:
    """Damages a picture's file; every other PNG file gets fitting checksums afterwards."""
    damaged = damage(data, generator)
    return repaired_png(damaged) if damaged.startswith(b"\x89PNG") and generator.integers(2) else damaged


def picture_files(formats: Sequence[str] = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")) -> list[bytes]:
    """Small whole files of many kinds."""
    import cv2
    from PIL import Image

    rgb = np.random.RandomState(0).randint(0, 256, (13, 17, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    image, gray = Image.fromarray(rgb), Image.fromarray(rgb[..., 0])
    deep = rgb.astype(np.uint16) * 257
    kinds = {
        "PNG": [
            (image, {"exif": exif.tobytes()}),
            (gray, {}),
            (Image.fromarray(np.dstack([rgb, rgb[..., 0]])), {}),
            (image.quantize(16), {"transparency": 3}),
            (gray.convert("1"), {}),
            (Image.fromarray(deep[..., 0]), {}),
        ],
        "JPEG": [(image, {"exif": exif.tobytes()}), (image, {"progressive": True}), (gray, {}), (image.convert("CMYK"), {})],
        "WEBP": [(image, {"lossless": True}), (image, {"exif": exif.tobytes()})],
        "BMP": [(image, {}), (image.quantize(16), {})],
        "TIFF": [(image, {"compression": "tiff_adobe_deflate"}), (image, {"exif": exif.tobytes()}), (Image.fromarray(deep[..., 0]), {})],
    }
    files = []
    for name in formats:
        for picture, options in kinds[name]:
            file = io.BytesIO()
            picture.save(file, name, **options)
            files.append(file.getvalue())
        if name in ("PNG", "TIFF"):
            files.append(cv2.imencode(".png" if name == "PNG" else ".tiff", deep)[1].tobytes())
    return files


# --- the targets: each makes, in a folder of its own, whole inputs, how to damage them, and what takes one


def picture_target(folder: Path) -> tuple[list[bytes], Callable, Callable]:
    from tf_inpaint import pictures

    return picture_files(), damage_picture, lambda data: pictures.read_picture(io.BytesIO(data), max_pixels=10**6)


def mask_target(folder: Path) -> tuple[list[bytes], Callable, Callable]:
    from tf_inpaint import pictures

    return picture_files(), damage_picture, lambda data: pictures.read_mask(io.BytesIO(data), max_pixels=10**6)


def graph_target(folder: Path) -> tuple[list[bytes], Callable, Callable]:
    """The part of the exported graph that sees a stranger's bytes."""
    import tensorflow as tf

    from tf_inpaint.serving import encoded_pictures
    from tf_inpaint.serving.server.request_error import from_tensorflow

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def decode(data):
        image = encoded_pictures.decode_image(data, max_pixels=10**6)
        mask = encoded_pictures.decode_mask(data, max_pixels=10**6)
        return image, encoded_pictures.hole_of(mask[tf.newaxis])

    def take(data):
        try:
            decode(tf.constant(data))
        except tf.errors.InvalidArgumentError as error:
            raise from_tensorflow(error) from error

    return picture_files(("PNG", "JPEG")), damage_picture, take


def rest_target(folder: Path) -> tuple[list[bytes], Callable, Callable]:
    import tensorflow as tf

    from tf_inpaint.serving.server import rest_json
    from tf_inpaint.serving.server.request_error import RequestError

    signatures = {
        "serving_default": {key: tf.TensorSpec([None], tf.string) for key in ("image_bytes", "mask_bytes")},
        "inpaint": {
            "image": tf.TensorSpec([None, None, None, 3], tf.uint8),
            "mask": tf.TensorSpec([None, None, None, 1], tf.uint8),
        },
    }

    def specs_of(name):
        if name not in signatures:
            raise RequestError("INVALID_ARGUMENT", "no such signature")
        return signatures[name]

    row = {"image_bytes": {"b64": "iVBORw0KGgo="}, "mask_bytes": {"b64": "iVBORw0KGgo="}}
    bodies = [
        {"instances": [row, row]},
        {"signature_name": "serving_default", "inputs": {key: [value] for key, value in row.items()}},
        {"signature_name": "inpaint", "instances": [{"image": [[[1, 2, 3]]], "mask": [[[255]]]}]},
        {"signature_name": "inpaint", "inputs": {"image": [[[[1, 2, 3]]]], "mask": [[[[255]]]]}},
    ]
    return [json.dumps(body).encode() for body in bodies], damage_json, lambda body: rest_json.parse(body, specs_of)


def weights_target(folder: Path) -> tuple[list[bytes], Callable, Callable]:
    """The description of stored weights, from which a system's settings are made."""
    from tf_inpaint import SYSTEMS, weights

    system_class = SYSTEMS["partial_conv"]
    path = weights.save(system_class.tiny(), folder / "weights") / weights.CONFIG_FILE

    def take(data):
        path.write_bytes(data)
        file = weights.read(folder / "weights")
        SYSTEMS.get(file.system, system_class).Config.from_dict(file.config)

    return [path.read_bytes()], damage_json, take


def records_target(folder: Path) -> tuple[list[bytes], Callable, Callable]:
    """Manifest, index or shard of a folder of TFRecords: the first byte of an input tells which, and whether all hashes fit it."""
    import tensorflow as tf

    from tf_inpaint import pictures
    from tf_inpaint.data.record_source import RecordSource
    from tf_inpaint.data.record_writer import write_records
    from tf_inpaint.errors import DataError

    (folder / "photos").mkdir()
    for number in range(3):
        rgb = np.random.RandomState(number).randint(0, 256, (9, 9, 3), np.uint8)
        pictures.write_picture(folder / f"photos/{number}.png", rgb)
    output = folder / "records"
    write_records(f"folder:{folder / 'photos'}", output, image_size=9, show_progress=False)
    paths = sorted(output.iterdir())
    whole = {path: path.read_bytes() for path in paths}
    manifest = output / "manifest.json"

    def damage_one(data, generator):
        content = data[1:]
        damaged = damage_json(content, generator) if content.startswith(b"{") else damage(content, generator)
        return bytes([data[0] | (128 if generator.integers(2) else 0)]) + damaged

    def take(data):
        for path, content in whole.items():
            path.write_bytes(content)
        path = paths[data[0] & 127]
        path.write_bytes(data[1:])
        if data[0] & 128 and path != manifest:
            _make_fit(manifest, path, whole[path])
        source = RecordSource(str(output))
        for _, file in source.items():
            pictures.read_picture(file, max_pixels=10**6)
        if source.image_size is not None:
            try:
                source.reader().read(tf.constant(0, tf.int64))
            except tf.errors.OpError as error:  # as `RecordReader.read` says
                raise DataError(str(error)) from error

    return [bytes([number]) + whole[path] for number, path in enumerate(paths)], damage_one, take


def _make_fit(manifest: Path, path: Path, before: bytes) -> None:
    """Puts the hash and the size of a changed file where they are named: a shard's in its index, both in the manifest."""
    after = path.read_bytes()
    for holder in ([path.with_suffix(".json")] if path.suffix == ".tfrecord" else []) + [manifest]:
        old = holder.read_bytes()
        text = old.decode().replace(hashlib.sha256(before).hexdigest(), hashlib.sha256(after).hexdigest())
        holder.write_text(text.replace(f'"num_bytes": {len(before)}', f'"num_bytes": {len(after)}'), encoding="utf-8")
        if holder != manifest:
            _make_fit(manifest, holder, old)


TARGETS = {
    "picture": picture_target,
    "mask": mask_target,
    "graph": graph_target,
    "rest": rest_target,
    "weights": weights_target,
    "records": records_target,
}


# --- running


def run_target(name: str, folder: Path, *, first: int, count: int, seed: int, note: Callable = lambda number: None) -> collections.Counter:
    """Gives a target its inputs.

    Args:
        name: a key of `TARGETS`.
        folder: an empty one.
        first: number of the first input.
        count: number of inputs.
        seed: of all.
        note: is told each input's number before it is tried.

    Returns:
        How many were "understood", "refused", "slow" and "faulty". The first five faulty ones are printed with their traceback.
    """
    from tf_inpaint.errors import TfInpaintError

    whole, damage_one, take = TARGETS[name](folder)
    for data in whole:  # these are understood, whatever else
        _take_in_silence(take, data)
    outcomes = collections.Counter()
    for number in range(first, first + count):
        generator = np.random.default_rng([seed, zlib.crc32(name.encode()), number])
        data = damage_one(whole[int(generator.integers(len(whole)))], generator)
        note(number)
        began = time.process_time()
        try:
            _take_in_silence(take, data)
            outcomes["understood"] += 1
        except TfInpaintError:
            outcomes["refused"] += 1
        except Exception:
            outcomes["faulty"] += 1
            if outcomes["faulty"] <= 5:
                print(f"{name} {number}:\n{traceback.format_exc(limit=-6)}", flush=True)
        if (seconds := time.process_time() - began) > SLOW_SECONDS:
            outcomes["slow"] += 1
            print(f"{name} {number}: {seconds:.1f} s", flush=True)
    return outcomes


def _take_in_silence(take: Callable, data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        take(data)


def _run_child(name: str, first: int, count: int, seed: int, place: str) -> None:
    """A process of its own: its number is in a file whenever it ends, and an endless input ends it by a signal."""
    place = os.open(place, os.O_WRONLY)

    def note(number):
        os.pwrite(place, struct.pack("<q", number), 0)
        signal.setitimer(signal.ITIMER_PROF, ENDLESS_SECONDS)

    with tempfile.TemporaryDirectory() as folder:
        outcomes = run_target(name, Path(folder), first=first, count=count, seed=seed, note=note)
    signal.setitimer(signal.ITIMER_PROF, 0)
    print(json.dumps(outcomes), flush=True)


def run_process(name: str, *, first: int, count: int, seed: int) -> collections.Counter:
    """`run_target` in processes of its own, as often as one is ended by an input, each of which counts as "fatal"."""
    outcomes, end = collections.Counter(), first + count
    while first < end:
        # What libjpeg and others have to say is shown only where the process could not do its work.
        with tempfile.NamedTemporaryFile() as place, tempfile.TemporaryFile() as errors:
            place.write(struct.pack("<q", first))
            place.flush()
            words = [sys.executable, __file__, "--child", place.name, "--targets", name, "--first", str(first)]
            words += ["--inputs", str(end - first), "--seed", str(seed)]
            ended = subprocess.run(words, stdout=subprocess.PIPE, stderr=errors, text=True, check=False)
            (number,) = struct.unpack("<q", Path(place.name).read_bytes())
            errors.seek(0)
            said = errors.read()[-2000:].decode(errors="replace")
        if ended.returncode > 0:
            raise SystemExit(f"{name}: {said}")
        *faults, last = [*ended.stdout.splitlines(), ""] if ended.returncode else ended.stdout.splitlines()
        print("".join(f"{line}\n" for line in faults), end="")
        if ended.returncode == 0:
            return outcomes + collections.Counter(json.loads(last))
        print(f"{name} {number}: ended by {signal.Signals(-ended.returncode).name}", flush=True)
        outcomes["fatal"] += 1
        first = number + 1
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000, metavar="N", help="of all targets together [%(default)s]")
    parser.add_argument("--targets", default=",".join(TARGETS), help="some of [%(default)s]")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of each target's first input [%(default)s]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    names = args.targets.split(",")
    if args.child:
        _run_child(names[0], args.first, args.inputs, args.seed, args.child)
        return 0
    total = collections.Counter()
    for name in names:
        began = time.perf_counter()
        outcomes = run_process(name, first=args.first, count=-(-args.inputs // len(names)), seed=args.seed)
        total += outcomes
        words = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items(), reverse=True))
        print(f"{name}: {words}; {time.perf_counter() - began:.0f} s", flush=True)
    return 1 if total["faulty"] + total["slow"] + total["fatal"] else 0


if __name__ == "__main__":
    sys.exit(main())
