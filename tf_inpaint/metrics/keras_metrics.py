"""Keras metrics: the mean over pictures of a number per picture."""

import keras
import tensorflow as tf

from tf_inpaint import ops
from tf_inpaint.metrics import per_picture


class _MeanOverPictures(keras.metrics.Metric):
    """Mean of `measure(image, composite)`; a subclass names the function.

    Sums and result are float32 under every precision policy. Under a `tf.distribute` strategy each replica adds up its own
    pictures and the result is the mean over all of them.
    """

    measure = None

    def __init__(self, name: str, **kwargs):
        super().__init__(name=name, **{**kwargs, "dtype": "float32"})
        self.total = self.add_weight(name="total", shape=(), initializer="zeros")
        self.count = self.add_weight(name="count", shape=(), initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        values = self.measure(_to_uint8(y_true), _to_uint8(y_pred))
        is_defined = tf.math.is_finite(values)
        weights = tf.cast(is_defined, tf.float32)
        if sample_weight is not None:
            weights *= tf.reshape(tf.cast(sample_weight, tf.float32), tf.shape(weights))
        self.total.assign_add(tf.reduce_sum(tf.where(is_defined, values, 0.0) * weights))
        self.count.assign_add(tf.reduce_sum(weights))

    def result(self):
        return tf.convert_to_tensor(self.total) / tf.convert_to_tensor(self.count)


@keras.saving.register_keras_serializable(package="tf_inpaint")
class PSNR(_MeanOverPictures):
    """Mean peak signal-to-noise ratio of 8-bit pictures in dB; see `metrics.psnr`.

    `update_state(y_true, y_pred, sample_weight=None)` takes `[B, H, W, C]` pictures: floating point in [-1, 1], which are rounded
    to 8 bits first, or uint8; and `[B]` weights. The result is NaN as long as no picture has been seen.

        model.compile(metrics=[PSNR(), SSIM()])     # a Keras model whose output is the picture
        metric.update_state(image, composite)       # in a `test_step`

    Args:
        name: name of the metric.
        **kwargs: further arguments of `keras.metrics.Metric`; `dtype` has no effect, it is float32.
    """

    measure = staticmethod(per_picture.psnr)

    def __init__(self, name: str = "psnr", **kwargs):
        super().__init__(name, **kwargs)


@keras.saving.register_keras_serializable(package="tf_inpaint")
class SSIM(_MeanOverPictures):
    """Mean structural similarity of 8-bit pictures, Gaussian window of 11 x 11; see `metrics.ssim`.

    Takes what `PSNR` takes. Pictures smaller than the window do not count; the result is NaN as long as no picture has counted.

    Args:
        name: name of the metric.
        **kwargs: further arguments of `keras.metrics.Metric`; `dtype` has no effect, it is float32.
    """

    measure = staticmethod(per_picture.ssim)

    def __init__(self, name: str = "ssim", **kwargs):
        super().__init__(name, **kwargs)


@keras.saving.register_keras_serializable(package="tf_inpaint")
class L1(_MeanOverPictures):
    """Mean absolute difference of 8-bit pictures as a share of the data range, in [0, 1]; see `metrics.l1`.

    Takes what `PSNR` takes.

    Args:
        name: name of the metric.
        **kwargs: further arguments of `keras.metrics.Metric`; `dtype` has no effect, it is float32.
    """

    measure = staticmethod(per_picture.l1)

    def __init__(self, name: str = "l1", **kwargs):
        super().__init__(name, **kwargs)


def _to_uint8(picture: tf.Tensor) -> tf.Tensor:
    picture = tf.convert_to_tensor(picture)
    return picture if picture.dtype == tf.uint8 else ops.image.to_uint8(picture)
