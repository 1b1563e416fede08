"""SN-PatchGAN: a spectrally normalised convolutional critic that scores many places and many features at once."""

import keras

from tf_inpaint.layers import SpectralConv2D

# Widths of the six layers as multiples of the first one's.
WIDTHS = (1, 2, 4, 4, 4, 4)


def build_sn_patch_critic(*, channels: int = 3, base_filters: int = 64, num_layers: int = 6, name: str = "critic") -> keras.Model:
    """Builds the critic: 5x5 convolutions with stride 2, spectral norm and LeakyReLU(0.2), also after the last one.

    Every element of its output is a score; the losses average over all of them. With 64 filters it has 5,945,216 trainable parameters
    for 3 channels and 5,946,816 for 4.

    Args:
        channels: of the input, 3 for pictures, 4 for pictures with their mask.
        base_filters: width of the first layer, at least 1; later layers have 2 and then 4 times as many.
        num_layers: 1 to 6.
        name: name of the model.

    Returns:
        Functional model `[B, H, W, channels]` -> `[B, H/64, W/64, 4 base_filters]` (sizes rounded up), float32 in and out.

    Raises:
        ValueError: if `num_layers` is not in 1 to 6.

    Source: Yu et al. 2019, arXiv:1806.03589, section 3.3; the activation of the last layer follows the released code.
    """
    if not 1 <= num_layers <= len(WIDTHS):
        raise ValueError(f"`num_layers` must be in 1 to {len(WIDTHS)}. Received: num_layers={num_layers}.")
    image = keras.Input((None, None, channels), name="image", dtype="float32")
    features = image
    for index, width in enumerate(WIDTHS[:num_layers], start=1):
        # The last layer in float32 under any policy: its scores are compared with +-1 in full precision. And on pictures of 32 px it
        # sees a single pixel, where TensorFlow's bfloat16 gradient of a strided convolution's kernel is garbage on a CPU
        # (Conv2DBackpropFilter by oneDNN, in 2.15 and 2.21). It costs next to nothing: it is the smallest.
        dtype = {"dtype": "float32"} if index == num_layers else {}
        features = SpectralConv2D(width * base_filters, 5, strides=2, name=f"conv_{index}", **dtype)(features)
        # Keras 2.15 calls the slope `alpha`, Keras 3 `negative_slope`; both take it as the first argument.
        features = keras.layers.LeakyReLU(0.2, name=f"leaky_relu_{index}", **dtype)(features)
    return keras.Model(image, features, name=name)
