"""Three-stage edge-guided inpainting (Rui & Guo 2024)."""

from tf_inpaint.systems.three_stage.config import ThreeStageConfig
from tf_inpaint.systems.three_stage.system import ThreeStage

__all__ = ["ThreeStage", "ThreeStageConfig"]
