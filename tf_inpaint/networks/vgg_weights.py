"""VGG16 and VGG19: their layers, and their weights in one form whatever file they come from.

Four kinds of files are read, recognised by the names of their arrays. What a network wants to see, and how large its features are,
differs between them; `VggWeights` holds both, so that features of all kinds mean the same to a loss:

| kind | names | image it wants | padding | feature scale |
|---|---|---|---|---|
| Keras | "block1_conv1/...", "conv1_1/kernel", "conv2d_1/vars/0" | BGR in 0 to 255 minus the mean | zeros | 1 / 57.6 |
| torchvision | "features.0.weight" or "0.weight", kernels OIHW | RGB in [0, 1], minus mean, by deviation | zeros | 1 |
| normalised | as Keras, and "conv0_preprocess/kernel" | RGB in [0, 1]; its own first layer makes BGR minus mean | mirrored | measured |
| distilled | "conv11/kernel" and "conv11_aux/kernel", "conv0/kernel" | the same | mirrored | measured |

The feature scale keeps the meaning of published loss weights, which were found with torchvision's features. Keras' weights are the
original ones, whose input is 255 times the mean deviation 0.226 of torchvision's larger, and since convolution, bias and ReLU are
homogeneous so are the features: the scale is 1 / 57.6.

"Normalised" (Gatys, Ecker, Bethge 2016) and "distilled" (Wang et al. 2020, arXiv:2003.08436: narrow layers, 1x1 heads that restore the
full width at relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1) have features of mean 1 in each layer: 0.91 to 1.08 on the 16 Kodak
pictures, cropped and shrunk to 256 px. The original network's differ by level, hence a scale per level, which is the quotient of two
numbers: by how much a change of the picture, mean absolute difference in grey levels, changes the features, there and here.

* There: Chen & Koltun 2017 (arXiv:1707.09405) and two follow-ups published such numbers of the original network with their code, as
  they divide by them. The geometric means of the three are 1.80, 2.71, 2.05, 3.25 and 0.091 for the second layer of level 1 to 5.
* Here: 0.036, 0.046, 0.049 (normalised, relu1_2, relu2_2, relu3_1), 0.038 and 0.049 (distilled, relu4_1, relu5_1) on the Kodak pictures,
  the geometric mean of three kinds of change: blurred with sigma 2, an irregular hole filled by Telea's method, and the next picture.

The quotients, divided by 57.6, are the scales. Between the kinds of change, and between the published trainings, the numbers vary by a
factor of 2, and so may the scales. Layers of the distilled network without a head have its own narrow features, brought to mean 1 first by
the means measured on the same pictures.
"""

import dataclasses
import re
from collections.abc import Mapping

import numpy as np

from tf_inpaint.errors import ConfigError, WeightsError

# Convolutions in each of the five blocks; a block ends with max-pooling.
BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}

KERAS_SCALE = 1.0 / 57.6
# See the module's docstring.
NORMALISED_SCALES = (0.88, 1.0, 0.73, 1.5, 0.032)
# Mean of the distilled network's own features on the Kodak pictures, by layer.
DISTILLED_MEANS = {
    "conv1_1": 3.7, "conv1_2": 7.1, "conv2_1": 8.7, "conv2_2": 3.8, "conv3_1": 4.9, "conv3_2": 2.3, "conv3_3": 1.7,
    "conv3_4": 1.8, "conv4_1": 2.0, "conv4_2": 1.2, "conv4_3": 1.2, "conv4_4": 0.80, "conv5_1": 4.6,
}  # fmt: skip

# Mean and deviation of ImageNet's RGB pixels in [0, 1], as torchvision uses them.
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
# Keras' (the original network's) mean in BGR.
KERAS_MEAN = np.array([103.939, 116.779, 123.68], np.float32)

_NAMED = re.compile(r"(?:^|/)(?:block(\d)_conv(\d)|conv(\d)_?(\d)(_aux)?|(conv0(?:_preprocess)?))(?=/|$)")
_COUNTED = re.compile(r"(?:^|/)conv2d(?:_(\d+))?/vars/\d$")
_NUMBERED = re.compile(r"(?:^|[./])(\d+)\.(?:weight|bias)$")


@dataclasses.dataclass(frozen=True, eq=False)
class VggWeights:
    """A VGG's weights as far as they are there, ready to be used as they are: scales and layouts are applied.

    Attributes:
        variant: "vgg16" or "vgg19".
        convolutions: "conv1_1" -> kernel `[3, 3, C_in, C_out]` and bias `[C_out]`, in the order of the network, no gaps.
        heads: "conv1_1" -> kernel `[1, 1, C_in, C_out]` and bias of a 1x1 convolution with ReLU whose output stands for that layer's.
        color_kernel: `[3, 3]`; RGB in [0, 1] times this, plus `color_bias` `[3]`, is what the first convolution wants.
        color_bias: see `color_kernel`.
        mirrored: whether convolutions pad with the mirror image instead of zeros.
    """

    variant: str
    convolutions: dict[str, tuple[np.ndarray, np.ndarray]]
    heads: dict[str, tuple[np.ndarray, np.ndarray]]
    color_kernel: np.ndarray
    color_bias: np.ndarray
    mirrored: bool

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the feature maps it can give, "relu1_1", "pool1" and so on, in the order of the network."""
        available = []
        for layer in layer_names(self.variant):
            if layer.startswith("pool"):
                block = int(layer[4:])
                is_there = f"conv{block}_{BLOCKS[self.variant][block - 1]}" in self.convolutions
            else:
                is_there = layer.replace("relu", "conv") in self.convolutions
            if is_there:
                available.append(layer)
        return tuple(available)


def layer_names(variant: str = "vgg19") -> tuple[str, ...]:
    """Lists the feature maps of a VGG.

    Args:
        variant: "vgg16" or "vgg19".

    Returns:
        "relu1_1", "relu1_2", "pool1", "relu2_1" ... "pool5", in the order of the network.
    """
    names = []
    for block, length in enumerate(BLOCKS[variant], start=1):
        names += [f"relu{block}_{index}" for index in range(1, length + 1)] + [f"pool{block}"]
    return tuple(names)


def parse(arrays: Mapping[str, np.ndarray], *, origin: str, variant: str | None = None) -> VggWeights:
    """Recognises a VGG's weights and brings them into one form.

    Args:
        arrays: name -> array, as in one of the kinds of files of this module; other names are an error, but for the dense layers
            of a complete network ("classifier", "fc1", "fc2", "predictions"), which are left out.
        origin: where the arrays come from, for messages.
        variant: "vgg16" or "vgg19"; `None`: VGG19 if a block has a fourth convolution or none has a second after level 2, else VGG16.

    Returns:
        The weights.

    Raises:
        ConfigError: if there is no such variant.
        WeightsError: if the names are not those of a VGG, or an array is missing, has the wrong shape or values that are not finite.
    """
    if variant not in (None, *BLOCKS):
        raise ConfigError(f"`variant` must be one of {tuple(BLOCKS)} or None. Received: variant={variant!r}.")
    if any(_COUNTED.search(name) for name in arrays):
        arrays = _named_by_count(arrays, variant, origin)
    is_numbered = any(_NUMBERED.search(name) for name in arrays)
    parts = _collect_numbered(arrays, origin, variant) if is_numbered else _collect_named(arrays, origin)
    variant = variant or _guess_variant({name for kind, name in parts if kind == "conv"})
    convolutions = _read_convolutions(parts, variant, origin)
    heads = _read_heads(parts, convolutions, origin)
    levels = {layer: NORMALISED_SCALES[int(layer[4]) - 1] for layer in convolutions}
    has_color = ("conv", "0") in parts
    if has_color:
        kernel, color_bias = _checked(parts["conv", "0"], "conv0", 1, 3, origin)
        color_kernel = kernel[0, 0]
        scales = {layer: scale / DISTILLED_MEANS.get(layer, 1.0) for layer, scale in levels.items()} if heads else levels
    elif is_numbered:
        color_kernel, color_bias = np.diag(1.0 / IMAGENET_DEVIATION), -IMAGENET_MEAN / IMAGENET_DEVIATION
        scales = dict.fromkeys(convolutions, 1.0)
    else:
        color_kernel, color_bias = 255.0 * np.eye(3)[::-1], -KERAS_MEAN
        scales = dict.fromkeys(convolutions, KERAS_SCALE)
    return VggWeights(
        variant=variant,
        convolutions=_rescaled(convolutions, scales),
        heads={
            layer: (kernel * np.float32(levels[layer] / scales[layer]), bias * np.float32(levels[layer]))
            for layer, (kernel, bias) in heads.items()
        },
        color_kernel=np.asarray(color_kernel, np.float32),
        color_bias=np.asarray(color_bias, np.float32),
        mirrored=has_color,
    )


def _read_convolutions(parts, variant, origin):
    """Takes the convolutions from the first one on; none may be left over behind a gap."""
    convolutions, channels = {}, 3
    for layer in layer_names(variant):
        part = parts.get(("conv", layer.removeprefix("relu")))
        if part is not None:
            layer = layer.replace("relu", "conv")
            convolutions[layer] = _checked(part, layer, 3, channels, origin)
            channels = convolutions[layer][1].size
        elif layer.startswith("relu"):
            break
    left_over = sorted({f"conv{name}" for kind, name in parts if kind == "conv" and name != "0"} - set(convolutions))
    if left_over or not convolutions:
        raise WeightsError(
            f"{origin} is not a {variant} from its first layer on. Found: {', '.join(convolutions) or 'nothing'}"
            + (f", and behind a gap {', '.join(left_over)}." if left_over else ".")
        )
    return convolutions


def _read_heads(parts, convolutions, origin):
    heads = {}
    for kind, name in parts:
        if kind == "aux":
            layer = f"conv{name}"
            if layer not in convolutions or ("conv", "0") not in parts:
                raise WeightsError(f"{origin} has a 1x1 head {layer}_aux, but no {layer} or no colour layer conv0.")
            heads[layer] = _checked(parts[kind, name], f"{layer}_aux", 1, convolutions[layer][1].size, origin)
    return heads


def _rescaled(convolutions, scales):
    """Makes each layer's features `scales[layer]` times as large: ReLU and pooling let a positive factor through."""
    result, before = {}, 1.0
    for layer, (kernel, bias) in convolutions.items():
        result[layer] = (kernel * np.float32(scales[layer] / before), bias * np.float32(scales[layer]))
        before = scales[layer]
    return result


def _guess_variant(names):
    last = max(names, default="")
    return "vgg19" if last < "3_2" or any(name.endswith("_4") for name in names) else "vgg16"


def _named_by_count(arrays, variant, origin):
    """Names the arrays of Keras' `.weights.h5`, which has "conv2d", "conv2d_1" and so on in the order of the network."""
    found = {name: int(_COUNTED.search(name).group(1) or 0) for name in arrays if _COUNTED.search(name)}
    count = len(set(found.values()))
    if variant is None:
        variant = {13: "vgg16", 16: "vgg19"}.get(count)
        if variant is None and count > 7:  # the eighth is the fourth of level 3, or the first of level 4
            raise WeightsError(f"{origin} may be a VGG16 or a VGG19 that ends early: say which by 'vgg16:PATH' or 'vgg19:PATH'.")
    layers = [layer.replace("relu", "conv") for layer in layer_names(variant or "vgg16") if layer.startswith("relu")]
    if max(found.values()) >= len(layers):
        raise WeightsError(f"{origin} is not a {variant}: it has {count} convolutions, expected at most {len(layers)}.")
    return {f"{layers[found[name]]}/{name}" if name in found else name: array for name, array in arrays.items()}


def _collect_named(arrays, origin):
    """("conv" or "aux", "1_1") -> arrays of it; ("conv", "0") is the colour layer."""
    parts = {}
    for name, array in arrays.items():
        found = _NAMED.search(name)
        if not found:
            if re.search(r"(^|/)(fc\d|predictions|classifier|dense(_\d)?/vars)", name):
                continue
            raise WeightsError(f"{origin} is not a VGG: it has an array {name!r}. Expected names such as 'conv1_1/kernel'.")
        keras_block, keras_index, block, index, is_head, is_color = found.groups()
        layer = "0" if is_color else f"{keras_block or block}_{keras_index or index}"
        parts.setdefault(("aux" if is_head else "conv", layer), []).append(array)
    return parts


def _collect_numbered(arrays, origin, variant):
    """The same for torchvision's names: a number counts convolutions, ReLUs and poolings."""
    numbers = {int(_NUMBERED.search(name).group(1)) for name in arrays if _NUMBERED.search(name) and "classifier" not in name}
    if variant is None:  # the fourth convolution of level 3 is VGG19's number 16, where VGG16 pools
        variant = "vgg19" if 16 in numbers else "vgg16"
    layer_of, number = {}, 0
    for layer in layer_names(variant):
        layer_of[number] = layer
        number += 2 if layer.startswith("relu") else 1
    parts = {}
    for name, array in arrays.items():
        if "classifier" in name:
            continue
        found = _NUMBERED.search(name)
        layer = layer_of.get(int(found.group(1)), "pool") if found else "pool"
        if layer.startswith("pool"):
            raise WeightsError(f"{origin} is not a {variant}: it has an array {name!r}. Expected names such as 'features.0.weight'.")
        if array.ndim == 4:
            array = np.transpose(array, (2, 3, 1, 0))
        parts.setdefault(("conv", layer.removeprefix("relu")), []).append(array)
    return parts


def _checked(arrays, layer, size, channels, origin):
    """Returns kernel and bias as float32 after checking that they fit each other and what comes before."""
    kernels = [array for array in arrays if array.ndim == 4]
    biases = [array for array in arrays if array.ndim == 1]
    if len(kernels) != 1 or len(biases) != 1 or len(arrays) != 2:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise WeightsError(f"{origin}: {layer} needs one kernel and one bias. Found arrays of the shapes {shapes}.")
    kernel, bias = kernels[0].astype(np.float32), biases[0].astype(np.float32)
    if kernel.shape[:3] != (size, size, channels) or bias.shape != kernel.shape[3:]:
        raise WeightsError(
            f"{origin}: the kernel of {layer} must be [{size}, {size}, {channels}, C] and its bias [C]. "
            f"Found: {kernel.shape} and {bias.shape}."
        )
    if not (np.all(np.isfinite(kernel)) and np.all(np.isfinite(bias))):
        raise WeightsError(f"{origin}: {layer} has values that are not finite.")
    return kernel, bias
