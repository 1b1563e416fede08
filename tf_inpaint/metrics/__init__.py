"""Metrics of repaired pictures: functions of 8-bit pictures, and Keras metrics that average them."""

from tf_inpaint.metrics.edges import edge_scores
from tf_inpaint.metrics.keras_metrics import L1, PSNR, SSIM
from tf_inpaint.metrics.per_picture import MAXIMAL_PSNR, SSIM_WINDOW, l1, psnr, ssim

__all__ = ["L1", "MAXIMAL_PSNR", "PSNR", "SSIM", "SSIM_WINDOW", "edge_scores", "l1", "psnr", "ssim"]
