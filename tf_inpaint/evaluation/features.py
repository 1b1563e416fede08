"""Metrics that need a trained network: LPIPS and likeness of faces, and FID and KID over sets of pictures.

None of these networks comes with the package: the user names the files. A number carries the name of its features: `fid` and `kid` are
those of the network of the published FIDs and nothing else.
"""

import dataclasses
import math
import os
import warnings
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from tf_inpaint import compat, official_weights, ops
from tf_inpaint.errors import ConfigError
from tf_inpaint.evaluation.protocol import Protocol
from tf_inpaint.files import sha256
from tf_inpaint.metrics import frechet_distance, kernel_distance, lpips_distance
from tf_inpaint.networks import alexnet, inception, mobilefacenet, squeezenet

MIN_FID_IMAGES = 2048
"""FID of fewer pictures is left out unless asked for: the covariance of 2,048 features has no full rank then, and the bias is large."""

KID_SUBSET_SIZE = 1000
KID_SUBSETS = 100

# Below it the last of AlexNet's maps would be empty.
_MIN_LPIPS_SIZE = 31
_SQUEEZENET_SIZE = 227
_KINDS = "squeezenet:PATH, inception:PATH, keras_inception or keras_inception:PATH"


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureNetwork:
    """A network whose features compare sets of pictures.

    Attributes:
        suffix: behind "fid" and "kid" in the names of the numbers.
        description: what the report says about it.
        size: pictures are resized to squares of this many pixels.
        model: `[B, size, size, 3]` float32 in [-1, 1] -> `[B, D]` float32.
    """

    suffix: str
    description: str
    size: int
    model: keras.Model


def open_network(text: str) -> FeatureNetwork:
    """Opens a network for FID and KID.

    Args:
        text: "squeezenet:PATH" (SqueezeNet 1.1, `.npz`, see `networks.squeezenet`): `fid_squeezenet`, `kid_squeezenet`;
            "inception:PATH" (pytorch-fid's `.pth`, or its arrays as `.npz`): `fid`, `kid`; "keras_inception" (Keras' ImageNet weights
            from its cache, or downloaded) or "keras_inception:PATH" (the same from a file): `fid_keras_inception`, `kid_keras_inception`.

    Returns:
        The network.

    Raises:
        ConfigError: if there is no such network.
        WeightsError: if the file is missing or does not fit.
    """
    kind, _, path = text.partition(":")
    path = os.path.expanduser(path)
    if kind == "keras_inception":
        if path and not os.path.isfile(path):
            raise ConfigError(f"There is no file {path} with Keras' Inception-v3.")
        model, origin = inception.build_keras_inception(path or None), f"SHA-256 {sha256(path)}" if path else "Keras' ImageNet weights"
        return FeatureNetwork("_keras_inception", f"Keras' Inception-v3, pooled, 2,048 features; {origin}", inception.SIZE, model)
    if kind not in ("squeezenet", "inception") or not path:
        raise ConfigError(f"A network for FID and KID is one of {_KINDS}. Received: {text!r}.")
    arrays, origin = official_weights.read(path), f"SHA-256 {sha256(path)}"
    if kind == "inception":
        model = inception.build_fid_inception(arrays, origin=path)
        return FeatureNetwork("", f"Inception-v3 of the published FIDs, pooled, 2,048 features; {origin}", inception.SIZE, model)
    model = squeezenet.build_squeezenet(arrays, origin=path)
    text = f"SqueezeNet 1.1, mean of fire9 over the pixels, {model.output_shape[-1]} features; {origin}"
    return FeatureNetwork("_squeezenet", text, _SQUEEZENET_SIZE, model)


class NetworkMetrics:
    """LPIPS, likeness of faces, FID and KID of an evaluation.

    Args:
        lpips: path of an `.npz` or `.pth` file with AlexNet and the heads of LPIPS, see `networks.alexnet`; two files are joined by "+".
            `None` leaves LPIPS out.
        features: networks for FID and KID, each as for `open_network`.
        allow_small_fid: whether FID is taken of fewer than `MIN_FID_IMAGES` pictures.
        seed: chooses the subsets of KID.
        identity: path of an `.npz` or `.pth` file with MobileFaceNet, see `networks.mobilefacenet`: for aligned faces as in CelebA. `None`
            leaves the likeness of faces out.

    Attributes:
        definitions: name of a number -> what it is, as it stands in the report.
        set_definitions: those of them that belong to sets of pictures.

    Raises:
        ConfigError: if there is no such network, or one is named twice.
        WeightsError: if a file is missing or does not fit.
    """

    def __init__(self, *, lpips: str | os.PathLike | None, features: Sequence[str], allow_small_fid: bool, seed: int, identity=None):
        self._allow_small_fid = allow_small_fid
        self._seed = seed
        self._networks = [open_network(text) for text in features]
        if len({network.suffix for network in self._networks}) < len(self._networks):
            raise ConfigError(f"Each kind of network for FID and KID can be named once. Received: {', '.join(features)}.")
        self._extract = {network.suffix: _extractor(network) for network in self._networks}
        self.set_definitions = {}
        for network in self._networks:
            self.set_definitions |= self._define(network)
        self._lpips, self.definitions = None, dict(self.set_definitions)
        if lpips is not None:
            self._lpips, text = _open_lpips(os.fspath(lpips))
            self.definitions = {"lpips": text, **self.definitions}
        self._identity = None
        if identity is not None:
            self._identity, text = _open_identity(os.fspath(identity))
            self.definitions = {"identity": text, **self.definitions}

    def check_number(self, protocol: Protocol) -> None:
        """Warns where there are too few pictures for FID.

        Args:
            protocol: of the evaluation.
        """
        most = max((len(protocol.indices_in(limits)) for limits in (*protocol.bins, None)), default=0)
        if self._networks and not self._allow_small_fid and most < MIN_FID_IMAGES:
            warnings.warn(
                f"FID is left out: it takes {MIN_FID_IMAGES:,} pictures, here are at most {most:,} in a row. KID is made for small sets; "
                "`--allow-small-fid` (allow_small_fid=True) takes FID all the same.",
                stacklevel=3,
            )

    def of_picture(self, image: np.ndarray, composite: np.ndarray) -> dict[str, float]:
        """Compares one composite with the truth.

        Args:
            image: uint8 `[H, W, 3]`.
            composite: same.

        Returns:
            "lpips" and "identity" if they are asked for; NaN for pictures that are too small for LPIPS, or no squares, which are no aligned
            faces.
        """
        height, width = image.shape[:2]
        numbers = {}
        if self._lpips is not None:
            numbers["lpips"] = float(self._lpips(image, composite)) if min(height, width) >= _MIN_LPIPS_SIZE else math.nan
        if self._identity is not None:
            numbers["identity"] = float(self._identity(image, composite)) if height == width else math.nan
        return numbers

    def features_of(self, picture: np.ndarray) -> dict[str, np.ndarray]:
        """Computes the features of a picture.

        Args:
            picture: uint8 `[H, W, 3]`.

        Returns:
            Suffix of the network -> `[D]` float32.
        """
        return {suffix: extract(picture).numpy() for suffix, extract in self._extract.items()}

    def sets(
        self, protocol: Protocol, features: Mapping[str, Mapping[str, np.ndarray]]
    ) -> Callable[[str, Sequence[int]], dict[str, float | None]]:
        """Prepares the comparison of sets: computes the features of the true pictures.

        Args:
            protocol: of the evaluation.
            features: method -> suffix of the network -> `[num_items, D]`.

        Returns:
            Function of a method and positions of items: name -> number, `None` where it is undefined: in a row in which a picture
            occurs twice, whose members are not independent, and FID of too few pictures.
        """
        names = [item.image for item in protocol.items]
        first = {name: index for index, name in reversed(list(enumerate(names)))} if self._networks else {}
        truth = {
            name: self.features_of(protocol.load(index)[0])
            for name, index in compat.progress(first.items(), description="features of the truth", unit="picture")
        }

        def measure(method: str, indices: Sequence[int]) -> dict[str, float | None]:
            row, is_set = {}, len({names[index] for index in indices}) == len(indices) >= 2
            for network in self._networks:
                fid, kid = None, None
                if is_set:
                    true = np.stack([truth[names[index]][network.suffix] for index in indices])
                    filled = features[method][network.suffix][list(indices)]
                    kid = kernel_distance(true, filled, subset_size=KID_SUBSET_SIZE, num_subsets=KID_SUBSETS, seed=self._seed)
                    if self._allow_small_fid or len(indices) >= MIN_FID_IMAGES:
                        fid = frechet_distance(true, filled)
                row |= {f"fid{network.suffix}": fid, f"kid{network.suffix}": kid}
            return row

        return measure

    def _define(self, network: FeatureNetwork) -> dict[str, str]:
        of_what = (
            f"features of the 8-bit composites and of the true pictures, N = num_images, in rows where each picture occurs once: "
            f"{network.description}; pictures resized to {network.size} x {network.size} (TensorFlow, bilinear, antialiased)"
        )
        fewest = "any number of pictures, asked for" if self._allow_small_fid else f"at least {MIN_FID_IMAGES:,} pictures"
        return {
            f"fid{network.suffix}": f"Frechet distance of two normal distributions, {fewest}; {of_what}",
            f"kid{network.suffix}": (
                f"unbiased squared maximum mean discrepancy, kernel (x y / D + 1)^3; of more than {KID_SUBSET_SIZE:,} pictures the mean "
                f"over {KID_SUBSETS} random subsets of that size; {of_what}"
            ),
        }


def _extractor(network):
    def extract(picture):
        resized = ops.image.resize(ops.image.from_uint8(picture)[tf.newaxis], (network.size, network.size))
        return network.model(resized, training=False)[0]

    return tf.function(extract, input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)], autograph=False)


def _open_lpips(text):
    paths = text.split("+")
    arrays = official_weights.read(paths if len(paths) > 1 else paths[0])
    model, weights = alexnet.build_lpips_alexnet(arrays, origin=text)

    def measure(image, composite):
        pair = ops.image.from_uint8(tf.stack([image, composite]))
        maps = model(pair, training=False)
        return lpips_distance([each[:1] for each in maps], [each[1:] for each in maps], weights)[0]

    hashes = ", ".join(sha256(os.path.expanduser(path)) for path in paths)
    pictures = [tf.TensorSpec([None, None, 3], tf.uint8)] * 2
    definition = f"LPIPS with AlexNet, version 0.1, 8-bit RGB composite at its own size, per picture; SHA-256 {hashes}"
    return tf.function(measure, input_signature=pictures, autograph=False), definition


def _open_identity(path):
    model = mobilefacenet.build_mobilefacenet(official_weights.read(path), origin=path)

    def measure(image, composite):
        faces = mobilefacenet.crop_celeba_faces(ops.image.from_uint8(tf.stack([image, composite])))
        of_image, of_composite = tf.unstack(model(faces, training=False))
        return tf.reduce_sum(of_image * of_composite)

    definition = (
        "cosine of what MobileFaceNet sees in the true face and in the 8-bit RGB composite, cut as CelebA's aligned pictures, per picture; "
        f"SHA-256 {sha256(os.path.expanduser(path))}"
    )
    return tf.function(measure, input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)] * 2, autograph=False), definition
