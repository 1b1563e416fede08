"""What the training of an identity network is, beside the training itself."""

import dataclasses

from tf_inpaint.errors import ConfigError
from tf_inpaint.systems.latent_attention.ir_se import UNITS

PERSONS = ("auto", "folders", "pictures")


@dataclasses.dataclass(frozen=True)
class IdentityConfig:
    """Settings of the training of an identity network.

    Args:
        data: source of aligned faces, such as "folder:faces", see `data.open_source`.
        persons: who is in a picture. "folders": pictures in one folder show one person, those in another folder another. "pictures": each
            picture counts as a person of its own, who is seen in views that differ in colours, place and a blanked square, for faces
            without names. "auto": "folders" where the pictures lie in several, else "pictures".
        steps: of the training.
        batch_size: pictures in a step.
        image_size: side to which pictures are resized and cut, a size at which the network will be used.
        face_size: side of what is cut out of them for the network (`identity.crop_faces`), a multiple of 16.
        width_multiplier: factor on the network's channels, 1 for ArcFace's 64 to 512.
        units: number of units in each of its four groups.
        embedding_size: length of the embeddings.
        dropout: share of the last map that is dropped.
        learning_rate: Adam's at the start, from which it falls to 0 along a cosine.
        scale, margin: see `losses.arcface_loss`.
        held_out: pictures kept back, the last by name, to measure with; `None`: a tenth, 500 at most.
        seed: of everything random.

    Raises:
        ConfigError: if a value is out of its range, naming it.

    Source: Deng et al. 2019 (ArcFace), arXiv:1801.07698; without names, Wu et al. 2018, arXiv:1805.01978, section 1.
    """

    data: str
    persons: str = "auto"
    steps: int = 20000
    batch_size: int = 32
    image_size: int = 128
    face_size: int = 112
    width_multiplier: float = 0.5
    units: tuple[int, int, int, int] = UNITS
    embedding_size: int = 512
    dropout: float = 0.4
    learning_rate: float = 1e-3
    scale: float = 64.0
    margin: float = 0.5
    held_out: int | None = None
    seed: int = 0

    def __post_init__(self):
        if self.persons not in PERSONS:
            raise ConfigError(f"`persons` must be one of {', '.join(PERSONS)}. Received: {self.persons!r}.")
        for name in ("steps", "batch_size", "image_size", "embedding_size", "learning_rate", "scale"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"`{name}` must be positive. Received: {name}={getattr(self, name)}.")
        if self.face_size < 16 or self.face_size % 16:
            raise ConfigError(f"`face_size` must be a positive multiple of 16. Received: face_size={self.face_size}.")
        if self.base_filters < 1:
            raise ConfigError(f"`width_multiplier` must leave a channel of 64. Received: width_multiplier={self.width_multiplier}.")
        if len(self.units) != 4 or min(self.units) < 1:
            raise ConfigError(f"`units` must be four positive numbers. Received: units={self.units}.")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"`dropout` must be in [0, 1). Received: dropout={self.dropout}.")
        if not 0 <= self.margin < 3.14:
            raise ConfigError(f"`margin` must be at least 0 and less than 180 degrees, in radians. Received: margin={self.margin}.")
        if self.held_out is not None and self.held_out < 0:
            raise ConfigError(f"`held_out` must not be negative. Received: held_out={self.held_out}.")

    @property
    def base_filters(self) -> int:
        """Channels of the network's first group."""
        return round(64 * self.width_multiplier)
