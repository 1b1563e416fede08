"""What systems that are guided by edges have in common: Canny's edges of their pictures, with the settings of their configs."""

import tensorflow as tf

from tf_inpaint import ops
from tf_inpaint.errors import ConfigError


def check_canny_settings(config) -> None:
    """Refuses settings that Canny's detector would refuse.

    Args:
        config: settings of a system, with canny_sigma, canny_low_threshold and canny_high_threshold.

    Raises:
        ConfigError: if one is out of its range.
    """
    if not (config.canny_sigma >= 0 and 0 <= config.canny_low_threshold <= config.canny_high_threshold):
        raise ConfigError(
            "Canny needs canny_sigma >= 0 and 0 <= canny_low_threshold <= canny_high_threshold. Received: "
            f"canny_sigma={config.canny_sigma}, canny_low_threshold={config.canny_low_threshold}, "
            f"canny_high_threshold={config.canny_high_threshold}."
        )


class CannyEdges:
    """Gives systems whose configs have canny_sigma, canny_low_threshold and canny_high_threshold the edges of pictures."""

    def find_edges(self, image: tf.Tensor, *, usable: tf.Tensor | None = None) -> tf.Tensor:
        """Finds the edges of pictures with the configured Canny detector, on the device.

        Args:
            image: `[B, H, W, 3]` float32 in [-1, 1].
            usable: `[B, H, W, 1]`, 1 where pixels may be looked at; `None` for all.

        Returns:
            `[B, H, W, 1]` float32 in {0, 1}, without gradient.
        """
        config = self.config
        edges = ops.canny.canny(
            ops.image.to_gray(tf.stop_gradient(image)),
            sigma=config.canny_sigma,
            low_threshold=config.canny_low_threshold,
            high_threshold=config.canny_high_threshold,
            mask=usable,
        )
        return tf.stop_gradient(edges)

    def _with_edges(self, batch):
        """The batch with the edges of its whole pictures, unless they are there already."""
        return batch if "edge_map" in batch else {**batch, "edge_map": self.find_edges(batch["image"])}
