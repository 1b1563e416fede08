"""All networks of the system, as its settings want them."""

import keras

from tf_inpaint.systems.latent_attention import encoder, style_networks, texture
from tf_inpaint.systems.latent_attention.config import LatentAttentionConfig

# The texture generator's levels that attention fills.
FILLED_LEVELS = (1, 2, 3)


def build_networks(config: LatentAttentionConfig) -> dict[str, keras.Model]:
    """Builds the networks in the order in which the stages need them.

    Args:
        config: the settings.

    Returns:
        "mapping", "synthesis", "critic" (StyleGAN2: `style_networks`), "encoder" (`encoder`), "texture", "texture_critic" (`texture`).
    """
    style = {"size": config.generator_size, "channels": config.generator_channels}
    return {
        "mapping": style_networks.build_mapping(style_size=config.style_size, num_layers=config.mapping_layers),
        "synthesis": style_networks.build_synthesis(**style, style_size=config.style_size),
        "critic": style_networks.build_critic(**style),
        "encoder": encoder.build_encoder(
            image_size=config.image_size,
            num_styles=style_networks.num_styles(config.generator_size),
            style_size=config.style_size,
            base_filters=config.base_filters,
            units=config.encoder_units,
            shared_trunk=config.shared_trunk,
            mask_channel=config.mask_channel,
        ),
        "texture": texture.build_texture_generator(
            image_size=config.image_size,
            level_sizes=config.levels,
            channels=tuple(round(width * config.width_multiplier) for width in texture.CHANNELS),
            attention_map=dict(zip(FILLED_LEVELS, config.score_levels, strict=True)),
            attention_mode=config.attention_mode,
            transfer=config.transfer,
        ),
        "texture_critic": texture.build_texture_critic(image_size=config.image_size, base_filters=config.base_filters),
    }
