"""What an objective is: from a model's output, targets and observed to named terms, whose sum is minimised."""

from torch import Tensor, nn

from instrumentarium.models.heads.base import HeadOutput


class Objective(nn.Module):
    """HeadOutput, targets and observed, both (batch, instruments) in {0, 1} → {term: weighted loss, a scalar}."""

    def forward(self, output: HeadOutput, targets: Tensor, observed: Tensor) -> dict[str, Tensor]:
        """Return the terms."""
        raise NotImplementedError
