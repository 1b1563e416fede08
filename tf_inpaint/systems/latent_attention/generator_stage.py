"""Stage 0: StyleGAN2 learns to paint such pictures from nothing. Equation and section numbers are those of arXiv:1912.04958.

Two things differ from the released code. Both networks move by gradients of the same weights and pictures, as in the other systems; and
a regulariser's gradient is added to that of the loss in the steps in which it is due, so that Adam takes no extra steps and the learning
rates need no correction for them.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tf_inpaint import losses, ops
from tf_inpaint.ops.image import resize

LOGS = ("generator_loss", "path_length_penalty", "critic_loss", "r1_penalty")


def draw_styles(system, count: tf.Tensor, seed: tf.Tensor, *, training: bool = False) -> tf.Tensor:
    """Draws styles, some of which change within a picture (style mixing).

    Args:
        system: a `LatentAttention`.
        count: scalar int32.
        seed: `[2]` integers.
        training: whether the running mean of the styles is updated.

    Returns:
        `[count, N, S]` float32. A share `config.style_mixing` of them has one style up to a random index, and another from there.
    """
    number, size = system.num_styles, system.config.style_size
    seeds = tf.random.experimental.stateless_split(seed, 3)
    latents = tf.random.stateless_normal([2 * count, size], seeds[0])
    first, second = tf.split(system.mapping_network(latents, training=training)[:, None], 2, axis=0)
    crossover = tf.random.stateless_uniform([count, 1, 1], seeds[1], 1, number, tf.int32)
    is_mixed = tf.random.stateless_uniform([count, 1, 1], seeds[2]) < system.config.style_mixing
    crossover = tf.where(is_mixed, crossover, number)
    return tf.where(tf.range(number)[None, :, None] < crossover, first, second)


def downsized(system, image: tf.Tensor) -> tf.Tensor:
    """Averages pictures down to the size of the generator's; enlarges those that are smaller.

    Args:
        system: a `LatentAttention`.
        image: `[B, H, W, 3]` float32 in [-1, 1].

    Returns:
        `[B, generator_size, generator_size, 3]` float32.
    """
    size = system.config.generator_size
    height, width = image.shape[1:3]
    if (height, width) == (size, size):
        return image
    if height == width and height is not None and height % size == 0:
        return tf.nn.avg_pool2d(image, height // size, height // size, "VALID")
    return resize(image, (size, size), method="area" if height and width and min(height, width) > size else "bilinear")


def train(system, batch: dict, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """One step of generator and critic.

    Args:
        system: a compiled `LatentAttention`.
        batch: with the "image" `[B, H, W, 3]`.
        seed: `[2]` integers.

    Returns:
        Name of `LOGS` -> weighted term, scalar float32; a regulariser that was not due is 0.
    """
    config = system.config
    style_seed, noise_seed, real_seed, fake_seed, path_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 5))
    real = ops.augmentation.differentiable_augment(downsized(system, batch["image"]), real_seed, policies=config.augmentation)
    count = tf.shape(real)[0]

    def critic(image):
        return system.critic_network(image, training=True)[-1]

    with tf.GradientTape() as generator_tape:
        styles = draw_styles(system, count, style_seed, training=True)
        fake = system.synthesis_network([styles, _rows(noise_seed, count)], training=True)
        fake = ops.augmentation.differentiable_augment(fake, fake_seed, policies=config.augmentation)
        # Both tapes see this one pass: the critic's reaches its variables alone, the generator's goes on to the pictures.
        with tf.GradientTape() as critic_tape:
            fake_scores = critic(fake)
        generator_loss = losses.nsgan_generator_loss(fake_scores)
        penalty = _path_length_penalty(system, count, path_seed)
        generator_total = generator_loss + penalty
    with critic_tape:
        critic_loss = losses.nsgan_critic_loss(critic(real), fake_scores)
        r1 = tf.constant(0.0)
        if config.r1_weight:
            r1 = lazily(config.r1_interval, system.steps_taken, lambda: losses.r1_penalty(critic, real), otherwise=r1)
            r1 *= config.r1_interval * 0.5 * config.r1_weight
        critic_total = critic_loss + r1
    system.minimize("critic", critic_tape, critic_total, system.critic_network.trainable_variables)
    system.minimize("generator", generator_tape, generator_total, system.style_variables)
    return dict(zip(LOGS, (generator_loss, penalty, critic_loss, r1), strict=True))


def evaluate(system, batch: dict) -> dict[str, tf.Tensor]:
    """The losses without regularisers, of pictures with fixed noise.

    Args:
        system: a compiled `LatentAttention`.
        batch: as for `train`.

    Returns:
        Name of `LOGS` -> scalar float32.
    """
    real = downsized(system, batch["image"])
    fake = system.sample(tf.shape(real)[0], tf.constant([0, 0]))
    real_scores, fake_scores = (system.critic_network(image, training=False)[-1] for image in (real, fake))
    return {
        "generator_loss": losses.nsgan_generator_loss(fake_scores),
        "critic_loss": losses.nsgan_critic_loss(real_scores, fake_scores),
    }


def likeness(system, image: tf.Tensor) -> tf.Tensor:
    """How much samples are like pictures, as far as a narrow network of random weights can tell.

    The negative squared maximum mean discrepancy (unbiased, kernel (x y / D + 1)^3 as in KID) between as many samples as there are
    pictures. The value of a batch is coarse, the mean over many batches is what it estimates. It serves to keep a generator that got
    worse from counting as the best one, and for no comparison with others' numbers.

    Args:
        system: a `LatentAttention`.
        image: `[B, H, W, 3]` float32 in [-1, 1], true pictures.

    Returns:
        `[B]` float32, the same number B times, at most about 0.
    """
    real = downsized(system, image)
    count = tf.shape(real)[0]
    # Other samples for other pictures, the same at each validation.
    seed = tf.cast(tf.reduce_sum(real, axis=[0, 1, 2])[:2] * 1e3, tf.int32)
    fake = system.sample(count, seed)
    both = tf.concat([real, fake], axis=0)
    features = tf.concat([tf.reduce_mean(each, axis=[1, 2]) for each in system.sample_features(both)], axis=1)
    kernel = (tf.matmul(features, features, transpose_b=True) / features.shape[1] + 1.0) ** 3
    kernel = tf.linalg.set_diag(kernel, tf.zeros([2 * count]))
    size = tf.cast(count, tf.float32)
    pairs = tf.maximum(size * (size - 1.0), 1.0)
    alike = tf.reduce_sum(kernel[:count, :count]) + tf.reduce_sum(kernel[count:, count:])
    distance = alike / pairs - 2.0 * tf.reduce_mean(kernel[:count, count:])
    return tf.repeat(-distance, count)


def _path_length_penalty(system, count, seed):
    config, statistics = system.config, system.mapping_network.get_layer("statistics")
    penalty, mean = tf.constant(0.0), tf.convert_to_tensor(statistics.path_length)
    if not config.path_length_weight:
        return penalty
    penalty, mean = lazily(
        config.path_length_interval,
        system.steps_taken,
        lambda: losses.path_length_penalty(_path_lengths(system, count, seed), mean),
        otherwise=(penalty, mean),
    )
    # Out here: replicas agree on a variable's new value, which they cannot inside of a branch.
    statistics.path_length.assign(mean)
    return config.path_length_interval * config.path_length_weight * penalty


def _path_lengths(system, count, seed):
    style_seed, noise_seed, direction_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    half = tf.maximum(count // 2, 1)  # of the batch: it is the dearest part of all
    styles = draw_styles(system, half, style_seed)
    size = system.config.generator_size
    noise = tf.random.stateless_normal([half, size, size, 3], direction_seed)
    return losses.path_lengths(lambda styles: system.synthesis_network([styles, _rows(noise_seed, half)], training=True), styles, noise)


def lazily(interval: int, step: tf.Tensor, compute: Callable[[], Any], *, otherwise: Any) -> Any:
    """Computes something in each so many-th step, and leaves it out in the others, at no cost.

    Args:
        interval: number of steps from one to the next, at least 1.
        step: scalar int64, number of steps taken before.
        compute: returns a tensor, or several. It must not assign variables: replicas cannot agree on them inside of a branch.
        otherwise: tensors of the same shapes and dtypes, for the steps in which it is not due.

    Returns:
        What `compute` returns, or `otherwise`.
    """
    if interval == 1:
        return compute()
    return tf.cond(tf.equal(step % interval, 0), compute, lambda: otherwise)


def _rows(seed, count):
    return tf.tile(tf.cast(seed, tf.int32)[None], [count, 1])
