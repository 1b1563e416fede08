"""Metrics of repaired pictures: functions of 8-bit pictures, and Keras metrics that average them."""

from tf_inpaint.metrics.edges import edge_scores
from tf_inpaint.metrics.feature_distances import frechet_distance, kernel_distance, lpips_distance
from tf_inpaint.metrics.keras_metrics import L1, PSNR, SSIM, EdgeF1, EdgePrecision, EdgeRecall, HoleL1, HolePSNR, HoleSSIM
from tf_inpaint.metrics.per_picture import MAXIMAL_PSNR, l1, mae, psnr
from tf_inpaint.metrics.structural_similarity import SSIM_WINDOW, ssim

__all__ = [
    "L1",
    "MAXIMAL_PSNR",
    "PSNR",
    "SSIM",
    "SSIM_WINDOW",
    "EdgeF1",
    "EdgePrecision",
    "EdgeRecall",
    "HoleL1",
    "HolePSNR",
    "HoleSSIM",
    "edge_scores",
    "frechet_distance",
    "kernel_distance",
    "l1",
    "lpips_distance",
    "mae",
    "psnr",
    "ssim",
]
