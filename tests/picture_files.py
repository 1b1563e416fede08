"""Picture files for tests: made, damaged, turned and huge."""

import struct
import zlib

import numpy as np
from PIL import Image

# EXIF orientation -> how to turn the stored pixels upright, in NumPy's words (EXIF 2.32, tag 274).
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


def random_rgb(height, width, seed=0):
    return np.random.RandomState(seed).randint(0, 256, (height, width, 3), np.uint8)


def save(path, array, **options):
    Image.fromarray(np.ascontiguousarray(array)).save(path, **options)
    return path


def stored_for(orientation, upright):
    """The pixels that a camera stores so that the picture, turned by its tag, is `upright`."""
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    return np.ascontiguousarray(UPRIGHT[inverse](upright))


def save_turned(path, upright, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return save(path, stored_for(orientation, upright), exif=exif.tobytes())


def png_bytes(width, height, *, bit_depth=1, colour_type=0, data=b""):
    """A PNG with any header; `data` are its rows, filter bytes included."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, bit_depth, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
