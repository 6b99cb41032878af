"""What an objective is: from a model's output, targets and observed to named terms, whose sum is minimised."""

from dataclasses import dataclass

from torch import Tensor, nn

from instrumentarium.models.heads.base import HeadOutput


@dataclass(frozen=True)
class TrainingLabels:
    """What objectives may know of the training clips' labels, each an entry an instrument.

    Attributes:
        families: of the instruments; "" where one has none.
        positives: how many training clips are known to have the instrument.
        negatives: how many are known not to have it.
    """

    families: tuple[str, ...]
    positives: tuple[int, ...]
    negatives: tuple[int, ...]


class Objective(nn.Module):
    """HeadOutput, targets and observed, both (batch, instruments) in {0, 1} → {term: weighted loss, a scalar}."""

    def forward(self, output: HeadOutput, targets: Tensor, observed: Tensor) -> dict[str, Tensor]:
        """Return the terms."""
        raise NotImplementedError


def observed_mean(losses: Tensor, observed: Tensor) -> Tensor:
    """Return the mean of (batch, columns) losses over the observed pairs; 0 where there is none."""
    weights = observed.float()
    return (losses * weights).sum() / weights.sum().clamp(min=1)
