"""Losses over (batch, instruments); pairs that nobody judged take no part."""

import torch.nn.functional as F
from torch import Tensor, nn


class MaskedBinaryCrossEntropy(nn.Module):
    """Binary cross-entropy averaged over the observed pairs.

    Args of the call: logits, targets in {0, 1} and observed in {0, 1}, all (batch, instruments). A batch without an
    observed pair has loss 0. Smoothing pulls targets towards 1/2: labels are noisy (of 297 IRMAS training clips
    relabelled by hand, 14 % lacked the labelled instrument).
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, targets: Tensor, observed: Tensor) -> Tensor:
        """Return the mean loss, a scalar."""
        smoothed = targets * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        losses = F.binary_cross_entropy_with_logits(logits.float(), smoothed.float(), reduction="none")
        weights = observed.float()
        return (losses * weights).sum() / weights.sum().clamp(min=1)
