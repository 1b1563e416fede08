"""Keras metrics: the mean over pictures of a number per picture."""

import keras
import tensorflow as tf

from tf_inpaint import ops
from tf_inpaint.metrics import edges, per_picture, structural_similarity


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
        self._add(values, 1.0 if sample_weight is None else tf.reshape(tf.cast(sample_weight, tf.float32), tf.shape(values)))

    def _add(self, values, weights):
        is_defined = tf.math.is_finite(values)
        weights *= tf.cast(is_defined, tf.float32)
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

    measure = staticmethod(structural_similarity.ssim)

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


class _MeanOverHoles(_MeanOverPictures):
    """The same in the hole only. The mask comes where Keras has weights of pixels."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        if sample_weight is None:
            raise ValueError(
                f"{type(self).__name__} needs the mask as `sample_weight`. Give data of (inputs, image, mask) and name the metric in "
                "`compile(weighted_metrics=[...])`, or call `update_state(image, composite, mask)`."
            )
        mask = tf.convert_to_tensor(sample_weight)
        # Keras takes away a last axis of length 1.
        mask = tf.reshape(mask, tf.concat([tf.shape(mask)[:3], [1]], axis=0))
        self._add(self._measure_hole(y_true, y_pred, mask), 1.0)

    def _measure_hole(self, y_true, y_pred, mask):
        return self.measure(_to_uint8(y_true), _to_uint8(y_pred), mask=mask)


@keras.saving.register_keras_serializable(package="tf_inpaint")
class HolePSNR(_MeanOverHoles):
    """Mean over pictures of the peak signal-to-noise ratio of the hole's pixels in dB; see `metrics.psnr`.

    `update_state(y_true, y_pred, sample_weight)` takes what `PSNR` takes, and as `sample_weight` the mask, `[B, H, W, 1]` or
    `[B, H, W]`, 1 = hole. Pictures without a hole do not count.

        model.compile(weighted_metrics=[HolePSNR()])   # evaluated on data of (inputs, image, mask)

    Args:
        name: name of the metric.
        **kwargs: further arguments of `keras.metrics.Metric`; `dtype` has no effect, it is float32.
    """

    measure = staticmethod(per_picture.psnr)

    def __init__(self, name: str = "psnr_hole", **kwargs):
        super().__init__(name, **kwargs)


@keras.saving.register_keras_serializable(package="tf_inpaint")
class HoleSSIM(_MeanOverHoles):
    """Mean over pictures of the structural similarity at the hole's pixels; see `metrics.ssim`. Takes what `HolePSNR` takes.

    Args:
        name: name of the metric.
        **kwargs: further arguments of `keras.metrics.Metric`; `dtype` has no effect, it is float32.
    """

    measure = staticmethod(structural_similarity.ssim)

    def __init__(self, name: str = "ssim_hole", **kwargs):
        super().__init__(name, **kwargs)


@keras.saving.register_keras_serializable(package="tf_inpaint")
class HoleL1(_MeanOverHoles):
    """Mean over pictures of the absolute difference of the hole's pixels, in [0, 1]; see `metrics.l1`. Takes what `HolePSNR` takes.

    Args:
        name: name of the metric.
        **kwargs: further arguments of `keras.metrics.Metric`; `dtype` has no effect, it is float32.
    """

    measure = staticmethod(per_picture.l1)

    def __init__(self, name: str = "l1_hole", **kwargs):
        super().__init__(name, **kwargs)


class _MeanEdgeScore(_MeanOverHoles):
    """One of the three scores of `edge_scores`; a subclass says which by `index`."""

    index = 0

    def __init__(self, name: str, *, threshold: float = 0.5, **kwargs):
        super().__init__(name, **kwargs)
        self.threshold = threshold

    def _measure_hole(self, y_true, y_pred, mask):
        return edges.edge_scores(y_true, y_pred, mask, threshold=self.threshold)[self.index]

    def get_config(self):
        return {**super().get_config(), "threshold": self.threshold}


@keras.saving.register_keras_serializable(package="tf_inpaint")
class EdgeF1(_MeanEdgeScore):
    """Mean over pictures of the harmonic mean of precision and recall of edges in the hole; see `metrics.edge_scores`.

    `update_state(y_true, y_pred, sample_weight)` takes true edges `[B, H, W, 1]` in {0, 1}, predicted ones in [0, 1], and as
    `sample_weight` the mask, `[B, H, W, 1]` or `[B, H, W]`, 1 = hole. A hole without an edge on either side counts as 1.

    Args:
        name: name of the metric.
        threshold: a predicted value above it is an edge.
        **kwargs: further arguments of `keras.metrics.Metric`; `dtype` has no effect, it is float32.
    """

    index = 0

    def __init__(self, name: str = "edge_f1", *, threshold: float = 0.5, **kwargs):
        super().__init__(name, threshold=threshold, **kwargs)


@keras.saving.register_keras_serializable(package="tf_inpaint")
class EdgePrecision(_MeanEdgeScore):
    """Mean over pictures of the share of predicted edge pixels in the hole that are true. Takes what `EdgeF1` takes.

    Args:
        name: name of the metric.
        threshold: a predicted value above it is an edge.
        **kwargs: further arguments of `keras.metrics.Metric`; `dtype` has no effect, it is float32.
    """

    index = 1

    def __init__(self, name: str = "edge_precision", *, threshold: float = 0.5, **kwargs):
        super().__init__(name, threshold=threshold, **kwargs)


@keras.saving.register_keras_serializable(package="tf_inpaint")
class EdgeRecall(_MeanEdgeScore):
    """Mean over pictures of the share of true edge pixels in the hole that are predicted. Takes what `EdgeF1` takes.

    Args:
        name: name of the metric.
        threshold: a predicted value above it is an edge.
        **kwargs: further arguments of `keras.metrics.Metric`; `dtype` has no effect, it is float32.
    """

    index = 2

    def __init__(self, name: str = "edge_recall", *, threshold: float = 0.5, **kwargs):
        super().__init__(name, threshold=threshold, **kwargs)


def _to_uint8(picture: tf.Tensor) -> tf.Tensor:
    picture = tf.convert_to_tensor(picture)
    return picture if picture.dtype == tf.uint8 else ops.image.to_uint8(picture)
