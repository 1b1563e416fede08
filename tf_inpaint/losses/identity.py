"""Losses about who is in a picture: that a face stays the same, and with which a network learns to tell faces apart."""

import math

import tensorflow as tf


def identity_loss(true_embeddings: tf.Tensor, generated_embeddings: tf.Tensor) -> tf.Tensor:
    """Mean over the pictures of `1 - cosine` between the embeddings of the true and the generated face.

    Args:
        true_embeddings: `[B, D]` floating point of length 1; they get no gradient.
        generated_embeddings: same.

    Returns:
        Scalar float32 in [0, 2].

    Source: Richardson et al. 2021 (pSp), arXiv:2008.00951, equation (4).
    """
    true = tf.stop_gradient(tf.cast(true_embeddings, tf.float32))
    cosines = tf.reduce_sum(true * tf.cast(generated_embeddings, tf.float32), axis=-1)
    return 1.0 - tf.reduce_mean(cosines)


def arcface_loss(embeddings: tf.Tensor, centres: tf.Tensor, labels: tf.Tensor, *, scale: float = 64.0, margin: float = 0.5) -> tf.Tensor:
    """Cross-entropy of persons, where the angle to the right person's centre counts as larger by a margin.

    Args:
        embeddings: `[B, D]` floating point of length 1.
        centres: `[persons, D]` floating point, a vector for each person, of any length; learned beside the network.
        labels: `[B]` whole numbers, who is in each picture.
        scale: factor on the cosines.
        margin: radians. Where the angle and it together exceed 180 degrees, a straight line continues the cosine.

    Returns:
        Scalar float32, mean over the pictures.

    Source: Deng et al. 2019, arXiv:1801.07698, equation (3) and released code.
    """
    centres = tf.math.l2_normalize(tf.cast(centres, tf.float32), axis=-1)
    cosines = tf.matmul(tf.cast(embeddings, tf.float32), centres, transpose_b=True)
    right = tf.one_hot(labels, tf.shape(centres)[0], dtype=tf.float32)
    cosine = tf.reduce_sum(cosines * right, axis=-1)
    # The square root has no gradient at 0, where an embedding meets its centre.
    sine = tf.sqrt(tf.maximum(1.0 - tf.square(cosine), 1e-12))
    moved = cosine * math.cos(margin) - sine * math.sin(margin)
    moved = tf.where(cosine > math.cos(math.pi - margin), moved, cosine - margin * math.sin(math.pi - margin))
    logits = scale * (cosines + right * (moved - cosine)[:, None])
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=right, logits=logits))
