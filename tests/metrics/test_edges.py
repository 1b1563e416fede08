"""Precision, recall and F1 of edges in the hole: by hand, empty sides, what does not count, the Keras metrics."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint import metrics

CLASSES = [metrics.EdgeF1, metrics.EdgePrecision, metrics.EdgeRecall]


@pytest.fixture
def maps():
    random = np.random.RandomState(0)
    edges = (random.uniform(size=(4, 12, 9, 1)) < 0.3).astype(np.float32)
    predicted = random.uniform(size=(4, 12, 9, 1)).astype(np.float32)
    mask = np.zeros([4, 12, 9, 1], np.float32)
    mask[:, 3:10, 2:8] = 1
    return edges, predicted, mask


def row(*values):
    return np.float32(values).reshape(1, 1, -1, 1)


def test_a_row_counted_by_hand():
    edges, predicted = row(1, 1, 1, 0, 0, 0), row(0.9, 0.6, 0.1, 0.8, 0.2, 0.0)  # 3 predicted, 2 of them among the 3 true ones
    f1, precision, recall = metrics.edge_scores(edges, predicted, np.ones_like(edges))
    np.testing.assert_allclose([f1, precision, recall], np.full([3, 1], 2 / 3), rtol=1e-6)
    f1, precision, recall = metrics.edge_scores(edges, predicted, np.ones_like(edges), threshold=0.7)
    np.testing.assert_allclose([f1, precision, recall], [[2 / 5], [1 / 2], [1 / 3]], rtol=1e-6)


def test_each_picture_has_its_own_scores_and_f1_is_their_harmonic_mean(maps):
    f1, precision, recall = metrics.edge_scores(*maps)
    edges, predicted, mask = (each > 0.5 for each in maps)
    for index in range(4):
        true, found = edges[index][mask[index]], predicted[index][mask[index]]
        np.testing.assert_allclose(precision[index], true[found].mean(), rtol=1e-6)
        np.testing.assert_allclose(recall[index], found[true].mean(), rtol=1e-6)
    np.testing.assert_allclose(f1, 2 * precision * recall / (precision + recall), rtol=1e-5)


def test_what_lies_outside_the_hole_does_not_count(maps):
    edges, predicted, mask = maps
    elsewhere = [np.where(mask > 0, each, 1 - each) for each in (edges, predicted)]
    np.testing.assert_array_equal(metrics.edge_scores(*elsewhere, mask), metrics.edge_scores(*maps))


@pytest.mark.parametrize(
    ("edges", "predicted", "expected"),
    [
        (row(0, 0), row(0, 0), (1, 1, 1)),  # nothing to find, nothing found
        (row(1, 0), row(0, 0), (0, 0, 0)),
        (row(0, 0), row(0, 1), (0, 0, 0)),
        (row(1, 0), row(0, 1), (0, 0, 0)),
        (row(1, 0), row(1, 0), (1, 1, 1)),
    ],
)
def test_sides_without_an_edge_have_a_score(edges, predicted, expected):
    np.testing.assert_allclose(np.ravel(metrics.edge_scores(edges, predicted, np.ones_like(edges))), expected, rtol=1e-6)


def test_a_hole_without_pixels_counts_as_right(maps):
    edges, predicted, mask = maps
    np.testing.assert_array_equal(metrics.edge_scores(edges, predicted, np.zeros_like(mask)), np.ones([3, 4]))


@pytest.mark.parametrize("metric_class", CLASSES)
@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_the_keras_metric_is_the_mean_over_pictures(maps, metric_class, threshold):
    metric = metric_class(threshold=threshold)
    for part in (slice(0, 3), slice(3, 4)):
        metric.update_state(*(each[part] for each in maps))
    expected = np.mean(metrics.edge_scores(*maps, threshold=threshold)[CLASSES.index(metric_class)])
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-6)


@pytest.mark.parametrize("metric_class", CLASSES)
def test_the_keras_metric_comes_back_from_its_configuration(metric_class):
    metric = keras.metrics.deserialize(keras.metrics.serialize(metric_class(name="edges", threshold=0.25)))
    assert (type(metric), metric.name, metric.threshold) == (metric_class, "edges", 0.25)


def test_evaluate_reports_them_with_the_mask_as_weight(maps):
    edges, predicted, mask = maps
    model = keras.Sequential([keras.Input([None, None, 1]), keras.layers.Activation("linear")])
    model.compile(loss="mae", weighted_metrics=[metric_class() for metric_class in CLASSES])
    data = tf.data.Dataset.from_tensor_slices((predicted, edges, mask[..., 0])).batch(3)
    logs = model.evaluate(data, verbose=0, return_dict=True)
    for name, values in zip(("edge_f1", "edge_precision", "edge_recall"), metrics.edge_scores(*maps), strict=True):
        np.testing.assert_allclose(logs[name], np.mean(values), rtol=1e-5)


def test_without_a_mask_the_keras_metric_says_what_it_needs(maps):
    with pytest.raises(ValueError, match="EdgeRecall needs the mask as `sample_weight`"):
        metrics.EdgeRecall().update_state(*maps[:2])
