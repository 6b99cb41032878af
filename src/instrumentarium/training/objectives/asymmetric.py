"""Asymmetric loss: easy absent instruments, of which there are many, count for little or nothing.

Ridnik, Ben-Baruch, Zamir, Noy, Friedman, Protter, Zelnik-Manor: Asymmetric loss for multi-label classification, ICCV 2021.
"""

from torch import Tensor

from instrumentarium.models.heads.base import HeadOutput
from instrumentarium.training.objectives.base import Objective, observed_mean

SMALLEST = 1e-8
"""Of a probability under a logarithm, as in the authors' code."""


class AsymmetricLoss(Objective):
    """−(1 − p)^γ₊ log p for present instruments, −q^γ₋ log(1 − q) with q = max(p − margin, 0) for absent ones.

    The authors sum over instruments; here it is the mean over the observed pairs, as of the other losses.
    """

    def __init__(self, gamma_positive: float, gamma_negative: float, margin: float) -> None:
        super().__init__()
        self.gamma_positive, self.gamma_negative, self.margin = gamma_positive, gamma_negative, margin

    def forward(self, output: HeadOutput, targets: Tensor, observed: Tensor) -> dict[str, Tensor]:
        """Return the mean loss as the only term."""
        logits, truth = output.logits.float(), targets.float()
        present, absent = logits.sigmoid(), ((-logits).sigmoid() + self.margin).clamp(max=1)  # p, 1 - q
        positive = (1 - present) ** self.gamma_positive * present.clamp(min=SMALLEST).log()
        negative = (1 - absent) ** self.gamma_negative * absent.clamp(min=SMALLEST).log()
        return {"asymmetric": observed_mean(-(truth * positive + (1 - truth) * negative), observed)}
