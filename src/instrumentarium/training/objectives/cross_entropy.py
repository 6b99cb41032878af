"""Binary cross-entropy; unobserved pairs take no part."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from instrumentarium.models.heads.base import HeadOutput
from instrumentarium.training.objectives.base import Objective, TrainingLabels, observed_mean


class MaskedBinaryCrossEntropy(Objective):
    """Binary cross-entropy averaged over the observed pairs.

    A batch without an observed pair has loss 0. Smoothing pulls targets towards 1/2: labels are noisy (of 297 IRMAS
    training clips relabelled by hand, 14 % lacked the labelled instrument).
    """

    pos_weight: Tensor | None

    def __init__(self, label_smoothing: float = 0.0, pos_weight: Sequence[float] | None = None) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        weights = None if pos_weight is None else torch.tensor(pos_weight, dtype=torch.float32)
        self.register_buffer("pos_weight", weights)  # (instruments,)

    def forward(self, output: HeadOutput, targets: Tensor, observed: Tensor) -> dict[str, Tensor]:
        """Return the mean loss as the only term."""
        smoothed = targets * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        losses = F.binary_cross_entropy_with_logits(
            output.logits.float(), smoothed.float(), reduction="none", pos_weight=self.pos_weight
        )
        return {"bce": observed_mean(losses, observed)}


def balanced_weights(labels: TrainingLabels) -> list[float]:
    """Return each instrument's ratio of absent to present among the training clips; 1 where either is missing."""
    return [
        absent / present if absent and present else 1.0
        for absent, present in zip(labels.negatives, labels.positives, strict=True)
    ]
