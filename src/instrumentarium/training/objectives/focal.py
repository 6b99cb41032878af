"""Focal loss: pairs that are right already count less.

Lin, Goyal, Girshick, He, Dollár: Focal loss for dense object detection, ICCV 2017. The factor is (1 − p of the truth) ** γ,
also for an absent instrument: there it is p ** γ, so that one with a high score weighs in full.
"""

import torch.nn.functional as F
from torch import Tensor

from instrumentarium.models.heads.base import HeadOutput
from instrumentarium.training.objectives.base import Objective, observed_mean


class FocalLoss(Objective):
    """`torchvision.ops.sigmoid_focal_loss`, averaged over the observed pairs.

    Args:
        gamma: 0 gives binary cross-entropy.
        alpha: weight of present instruments; absent ones have 1 − alpha. None weighs all alike.
    """

    def __init__(self, gamma: float, alpha: float | None = None) -> None:
        super().__init__()
        self.gamma, self.alpha = gamma, alpha

    def forward(self, output: HeadOutput, targets: Tensor, observed: Tensor) -> dict[str, Tensor]:
        """Return the mean loss as the only term."""
        logits, truth = output.logits.float(), targets.float()
        losses = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
        wrong = truth + (1 - 2 * truth) * logits.sigmoid()  # 1 - p of the truth
        losses = losses * wrong**self.gamma
        if self.alpha is not None:
            losses = losses * (truth * self.alpha + (1 - truth) * (1 - self.alpha))
        return {"focal": observed_mean(losses, observed)}
